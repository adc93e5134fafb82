"""Final answers keep their value on the way in, from every format; what is no answer is quarantined with the reason."""

import csv
import datetime
import json
import math
import random
import struct
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from schemas.stage import Files
from stages.curation.ingest import ingest
from stages.curation.params import IngestParams
from stages.curation.readers.answers import NoAnswer, answer_text, without_thousands


def take(folder: Path, monkeypatch, path: str, **source):
    monkeypatch.chdir(folder)
    section = {"name": "s", "path": path, "domain": "math", "license": "MIT"} | source
    return ingest(Files("ingest", (Path(),)), IngestParams.model_validate({"sources": [section]}))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("4", "4"),
        (" 3,5 ", " 3,5 "),
        (42, "42"),
        (-7, "-7"),
        (2**100, str(2**100)),
        (1234567.0, "1234567"),
        (-1234567.0, "-1234567"),
        (0.12345678, "0.12345678"),
        (1e15, "1000000000000000"),
        (1e22, "10000000000000000000000"),
        (1e-7, "0.0000001"),
        (1e300, "1e+300"),
        (-1.5e-300, "-1.5e-300"),
        (0.0, "0"),
        (-0.0, "0"),
        (0.1 + 0.2, "0.30000000000000004"),
        (Decimal("12.50"), "12.5"),
        (Decimal("1234567.00"), "1234567"),
        (Decimal("0.000"), "0"),
        (Decimal("12345678901234567890123456789.01"), "12345678901234567890123456789.01"),
        (True, "True"),
        (False, "False"),
        (datetime.date(2024, 3, 5), "2024-03-05"),
        (datetime.datetime(2024, 3, 5), "2024-03-05"),
        (datetime.datetime(2024, 3, 5, 14, 30), "2024-03-05 14:30:00"),
        (datetime.datetime(2024, 3, 5, tzinfo=datetime.UTC), "2024-03-05 00:00:00+00:00"),
        (datetime.time(14, 30), "14:30:00"),
        (["Paris"], "Paris"),
        ([12.0], "12"),
        (["Paris", "Paris"], "Paris"),
    ],
)
def test_an_answer_is_exactly_its_value(value, text):
    assert answer_text(value) == text


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "missing or null"),
        ("", "empty"),
        (" \n", "empty"),
        ("nan", "NaN"),
        ("NaN", "NaN"),
        (math.nan, "NaN"),
        (math.inf, "infinite"),
        (-math.inf, "infinite"),
        (Decimal("NaN"), "NaN"),
        ([], "an empty list"),
        (["Paris", "Lutetia"], "a list of 2 answers, not one"),
        ([None], "missing or null"),
        ({"value": 3}, "dict, not a text or a number"),
        (b"\xff", "bytes"),
        (datetime.timedelta(1), "timedelta"),
    ],
)
def test_what_is_no_answer_says_why(value, reason):
    with pytest.raises(NoAnswer, match=reason):
        answer_text(value)


def test_every_float_is_written_so_that_it_reads_the_same():
    draw = random.Random(0)
    values = [struct.unpack("d", draw.randbytes(8))[0] for _ in range(2000)]
    values += [draw.uniform(-1e6, 1e6) for _ in range(2000)] + [5e-324, 1.7976931348623157e308]
    for value in filter(math.isfinite, values):
        assert float(answer_text(value)) == value


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1,234", "1234"),
        ("12,345,678", "12345678"),
        ("-1,234.50", "-1234.50"),
        ("$1,234", "$1234"),
        ("1,234 apples", "1234 apples"),
        ("3,5", "3,5"),
        ("(2,3)", "(2,3)"),
        ("(1,234)", "(1,234)"),
        ("[1,000,2,000]", "[1,000,2,000]"),
        ("{1,200}", "{1,200}"),
        ("1,2,3", "1,2,3"),
        ("2,3,400", "2,3,400"),
        ("1,23", "1,23"),
        ("1,2345", "1,2345"),
        ("1234,567", "1234,567"),
        ("0.123,456", "0.123,456"),
        ("1,00,000", "1,00,000"),
        ("1, 234", "1, 234"),
        ("42", "42"),
        ("x,y", "x,y"),
    ],
)
def test_only_thousands_separators_go(text, found):
    assert without_thousands(text) == found


@pytest.mark.parametrize(
    ("final", "answer"),
    [("18", "18"), ("1,200", "1200"), ("(2,3)", "(2,3)"), ("3,5", "3,5"), ("$ 5", "$ 5"), ("2024-03-05", "2024-03-05")],
)
def test_final_answers_behind_the_mark(tmp_path, monkeypatch, final, answer):
    row = {"question": "How many?", "answer": f"We count.\n#### {final}"}
    (tmp_path / "a.jsonl").write_text(json.dumps(row))
    (problem,) = take(tmp_path, monkeypatch, "a.jsonl").problems
    assert (problem.answer, problem.solution) == (answer, "We count.")


@pytest.mark.parametrize(
    ("written", "answer"),
    [
        ("1234567.0", "1234567"),
        ("0.12345678", "0.12345678"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ("-123456789012345678901234567890", "-123456789012345678901234567890"),
        ("3.14159265358979323846264338327950288", "3.14159265358979323846264338327950288"),
        ("1e3", "1000"),
        ("true", "True"),
        ('"yes"', "yes"),
        ('["4"]', "4"),
    ],
)
def test_answers_of_json_lines(tmp_path, monkeypatch, written, answer):
    (tmp_path / "a.jsonl").write_text(f'{{"prompt": "How many?", "answer": {written}}}\n')
    (problem,) = take(tmp_path, monkeypatch, "a.jsonl").problems
    assert problem.answer == answer


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("NaN", "NaN"),
        ("null", "missing or null"),
        ("Infinity", "infinite"),
        ("[4, 5]", "list of 2"),
        ("{}", "dict"),
        ('""', "is empty"),
    ],
)
def test_what_is_no_answer_is_quarantined(tmp_path, monkeypatch, written, reason):
    rows = [f'{{"prompt": "How many {n}?", "answer": {n}}}' for n in range(3)]
    (tmp_path / "a.jsonl").write_text("\n".join([*rows, f'{{"prompt": "What?", "answer": {written}}}']))
    tables = take(tmp_path, monkeypatch, "a.jsonl")
    (broken,) = tables.quarantine
    assert broken.source == "a.jsonl:4" and reason in broken.error and len(tables.problems) == 3


@pytest.mark.parametrize(
    ("values", "dtype", "answers"),
    [
        ([1234567.0, 0.12345678, math.nan], pl.Float64, ["1234567", "0.12345678"]),
        ([1234567.0, 0.1], pl.Float32, ["1234567", "0.1"]),
        ([Decimal("12345678901234567890.12"), Decimal("2.50")], pl.Decimal(38, 2), ["12345678901234567890.12", "2.5"]),
        ([2**100, -(2**90)], pl.Int128, [str(2**100), str(-(2**90))]),
        ([2**64 - 1], pl.UInt64, [str(2**64 - 1)]),
        ([True, False, None], pl.Boolean, ["True", "False"]),
        ([datetime.date(2024, 3, 5)], pl.Date, ["2024-03-05"]),
        ([datetime.datetime(2024, 3, 5)], pl.Datetime("ns"), ["2024-03-05"]),
        ([["a"], ["a", "b"]], pl.List(pl.String), ["a"]),
        ([b"four", b"four!"], pl.Binary, ["four", "four!"]),
        (["a", "b"], pl.Categorical, ["a", "b"]),
    ],
)
@pytest.mark.parametrize("name", ["a.parquet", "a.arrow"])
def test_answers_of_typed_columns(tmp_path, monkeypatch, name, values, dtype, answers):
    prompts = [f"How many {n}?" for n in range(len(values))]
    frame = pl.DataFrame({"prompt": prompts, "answer": pl.Series(values, dtype=dtype)})
    if name == "a.parquet":
        frame.write_parquet(tmp_path / name)
    else:
        frame.write_ipc_stream(tmp_path / name)
    tables = take(tmp_path, monkeypatch, name, format="prompt_answer")
    found = {row.prompt: row.answer for row in tables.problems}
    if dtype == pl.Int128 and name == "a.arrow":  # no type of Arrow
        assert not found and len(tables.quarantine)
        return
    assert found == dict(zip(prompts, answers, strict=False))
    assert len(tables.quarantine) == len(values) - len(answers)


def test_the_same_answers_as_csv_and_parquet_are_the_same(tmp_path, monkeypatch):
    rows = [{"prompt": "a?", "answer": "3,5"}, {"prompt": "b?", "answer": "True"}, {"prompt": "c?", "answer": "(2,3)"}]
    pl.DataFrame(rows).write_parquet(tmp_path / "a.parquet")
    with (tmp_path / "a.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["prompt", "answer"])
        writer.writeheader()
        writer.writerows(rows)
    found = [take(tmp_path, monkeypatch, name).problems for name in ("a.csv", "a.parquet")]
    assert found[0].ids.to_list() == found[1].ids.to_list() and len(found[0]) == 3


def test_a_long_integer_in_a_record_that_fits_no_shape_can_still_be_kept(tmp_path, monkeypatch):
    rows = ['{"prompt": "a?", "answer": 1}'] * 2 + ['{"query": "b?", "n": 123456789012345678901234567890}']
    (tmp_path / "a.jsonl").write_text("\n".join(rows))
    pl.DataFrame({"prompt": ["a", "b", None], "n": pl.Series([1, 2, 2**100], dtype=pl.Int128)}).write_parquet(
        tmp_path / "a.parquet"
    )
    for name, number in (("a.jsonl", 123456789012345678901234567890), ("a.parquet", 2**100)):
        (broken,) = take(tmp_path, monkeypatch, name).quarantine
        assert str(number) in broken.raw
