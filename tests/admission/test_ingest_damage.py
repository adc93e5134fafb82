"""ingest: what cannot be read is one quarantined record or file, with its place and a remedy, and the others are taken."""

import json
import random

import polars as pl
import pytest

from schemas.conversations import last_turn
from stages.curation.readers.csv_records import Feed
from stages.curation.readers.record import FormatError
from stages.curation.readers.records import read_records

GOOD = [{"prompt": "a"}, {"prompt": "b"}]
FRAME = pl.DataFrame(
    {
        "prompt": [f"question {number % 9} " * 9 for number in range(200)],
        "turns": [[{"role": "user", "content": f"hé{number}"}] for number in range(200)],
        "number": [None, 1] * 100,
    }
)


def write(path, frame: pl.DataFrame) -> None:
    """A Parquet, Arrow stream or Feather file, by the name."""
    if path.suffix == ".parquet":
        frame.write_parquet(path, compression="uncompressed")
    elif path.suffix == ".arrow":
        frame.write_ipc_stream(path)
    else:
        frame.write_ipc(path, compression="uncompressed")


def quarantined(tables) -> list[tuple[str, str]]:
    return sorted((row.source, row.error) for row in tables.quarantine)


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("bad.parquet", b"PAR1" + b"\xff" * 400 + b"PAR1", "not Parquet, or damaged"),
        ("bad.parquet", b"", "not Parquet, or damaged"),
        ("bad.parquet", b"PAR1PAR1", "not Parquet, or damaged"),
        ("bad.arrow", b"\xff\xff\xff\xff" + b"\x99" * 200, "not Arrow, or cut short"),
        ("bad.feather", b"ARROW1" + b"\x00" * 20, "not Arrow, or cut short"),
    ],
)
def test_a_damaged_file_is_quarantined_and_the_other_sources_are_taken(take, tmp_path, name, content, error):
    (tmp_path / name).write_bytes(content)
    tables = take(
        ("a.jsonl", GOOD, {}), ("b.jsonl", [{"prompt": "c"}], {"path": name}), ("c.jsonl", [{"prompt": "d"}], {})
    )
    assert sorted(last_turn(row.prompt) for row in tables.instructions) == ["a", "b", "d"]
    ((place, reason),) = quarantined(tables)
    assert place == f"{name}:1" and reason.startswith(error) and "params.yaml" in reason


@pytest.mark.parametrize("suffix", [".parquet", ".arrow", ".feather"])
def test_flipped_bytes_of_a_table_never_end_the_process(tmp_path, suffix):
    path = tmp_path / f"table{suffix}"
    write(path, FRAME)
    sound, whole = list(read_records(path)), path.read_bytes()
    assert [record.value["prompt"] for record in sound] == FRAME["prompt"].to_list()
    broken = 0
    for seed in range(150):
        rng, content = random.Random(seed), bytearray(whole)
        for _ in range(rng.randrange(1, 6)):
            content[rng.randrange(len(content))] = rng.randrange(256)
        path.write_bytes(content if seed % 5 else content[: rng.randrange(len(content))])
        broken += any(record.value is None for record in read_records(path))
    assert broken > 20


DEEP = {"prompt": "deep", "more": 0}


@pytest.mark.parametrize(
    ("levels", "is_taken"), [(150, True), (400, False), (1010, False), (1200, False), (50_000, False)]
)
@pytest.mark.parametrize("name", ["a.jsonl", "a.json"])
def test_a_deep_record_is_quarantined_alone(take, name, levels, is_taken):
    deep = json.dumps(DEEP).replace("0", "[" * levels + "]" * levels)
    rows = [json.dumps(row) for row in GOOD] + [deep, json.dumps({"prompt": "c"})]
    text = "\n".join(rows) if name == "a.jsonl" else "[" + ",\n".join(rows) + "]"
    tables = take((name, text, {}))
    assert sorted(last_turn(row.prompt) for row in tables.instructions) == ["a", "b", "c"] + ["deep"] * is_taken
    found = quarantined(tables)
    assert len(found) == (not is_taken) and all("nested too deeply" in error for _, error in found)


BOMBS = {
    "+".join("1" * 3000): "it is nested too deeply",
    "-" * 8000 + "1": "it is nested too deeply",
    "(" * 5000: "too many nested parentheses",
    "9" * 5000: "Exceeds the limit (4300 digits)",
    "\x00": "source code string cannot contain null bytes",
}


@pytest.mark.parametrize("bomb", BOMBS)
@pytest.mark.parametrize("field", ["code", "test_list"])
def test_a_task_whose_code_cannot_be_read_is_quarantined_alone(take, bomb, field):
    task = {"text": "Add one.", "code": "def f(x):\n    return x + 1", "test_list": ["assert f(1) == 2"]}
    bad = task | {
        "text": "Bad.",
        field: f"def f(x):\n    return {bomb}" if field == "code" else [f"assert f(1) == {bomb}"],
    }
    tables = take(("a.jsonl", [task, bad, task | {"text": "Again."}], {"domain": "code"}))
    assert sorted(row.prompt for row in tables.code_tasks) == ["Add one.", "Again."]
    ((place, error),) = quarantined(tables)
    unreadable = "the tests or the code are not Python that can be read: "
    assert place == "a.jsonl:2" and error.startswith(f"not mbpp: {unreadable}{BOMBS[bomb]}")


@pytest.mark.parametrize("suffix", [".parquet", ".feather"])
@pytest.mark.parametrize("dtype", [pl.Date, pl.Datetime("us"), pl.List(pl.Date)])
def test_a_row_with_a_date_that_python_has_not_is_quarantined_alone(take, tmp_path, suffix, dtype):
    prompts = [f"Question {number}?" for number in range(1000)]
    days = pl.Series([0] * 600 + [2**31 - 1] + [0] * 399, dtype=pl.Int32)
    if dtype == pl.Datetime("us"):
        days = days.cast(pl.Int64) * 2**31
    if isinstance(dtype, pl.List):
        dates = days.cast(pl.Date).implode().explode().reshape((1000, 1)).arr.to_list()
    else:
        dates = days.cast(dtype)
    write(tmp_path / f"dated{suffix}", pl.DataFrame({"prompt": prompts, "asked": dates}))
    tables = take(("a.jsonl", GOOD, {"path": f"dated{suffix}"}))
    assert sorted(last_turn(row.prompt) for row in tables.instructions) == sorted(prompts[:600] + prompts[601:])
    ((place, reason),) = quarantined(tables)
    assert place == f"dated{suffix}:601" and reason.startswith("a value that cannot be read")


def test_a_csv_file_of_quotation_marks_is_not_read_once_for_each_of_them(tmp_path, monkeypatch):
    """Each line closes the quotation of the one before and opens another; nothing closes the last."""
    path = tmp_path / "a.csv"
    path.write_text("prompt,reference\n" + 'a","b\n' * 40 + 'good,"of\ntwo lines"\nlast,x\n' + 'a","b\n' * 400)
    read = []
    monkeypatch.setattr(Feed, "__next__", lambda self, one=Feed.__next__: read.append(one(self)) or read[-1])
    for reread, prompts in ((2**23, ["good", "last"]), (2000, ["last"])):
        monkeypatch.setattr("stages.curation.readers.csv_records.REREAD", reread)
        read.clear()
        found = list(read_records(path))
        assert [record.value["prompt"] for record in found if record.value] == prompts
        assert {record.line for record in found if record.value is None} >= set(range(2, 42))
        assert (len(read) < 2000) == (reread == 2000), len(read)


@pytest.mark.parametrize(
    "text", ["5", "null", "true", "NaN", '{"entities": 5}', '{"entities": null}', '{"entities": "a"}']
)
def test_json_that_holds_no_records_is_no_wikidata(take, text):
    with pytest.raises(FormatError, match=r"a\.json"):
        take(("a.json", text, {}))


@pytest.mark.parametrize("aliases", [5, "Ann", {"en": 5}, {"en": [5]}, {"en": {"value": "Ann"}}])
def test_a_character_whose_aliases_are_none_has_none(take, aliases):
    claim = {"mainsnak": {"snaktype": "value", "datavalue": {"value": {"entity-type": "item", "id": "Q5"}}}}
    entity = {"id": "Q1", "labels": {"en": {"value": "Ann"}}, "claims": {"P31": [claim]}, "aliases": aliases}
    tables = take(("a.json", json.dumps({"entities": {"Q1": entity}}), {"domain": "literature"}))
    assert [(row.name, row.aliases) for row in tables.characters] == [("Ann", [])]
