"""Files of every kind are read without loss: compression, encodings, line ends, JSON and CSV as people write them, Arrow."""

import bz2
import codecs
import gzip
import io
import json
import lzma
import time
from decimal import Decimal
from pathlib import Path
from random import Random

import polars as pl
import pyarrow as pa
import pytest

from schemas.stage import Files, UndeclaredRead
from stages.curation.ingest import ingest
from stages.curation.params import IngestParams
from stages.curation.readers import csv_records as record_reader
from stages.curation.readers import lines as line_reader
from stages.curation.readers.arrow import FolderError
from stages.curation.readers.json_text import parse_json
from stages.curation.readers.lines import lines_of
from stages.curation.readers.record import FormatError, Reading
from stages.curation.readers.records import read_records

TWO = '{"prompt": "one"}\n{"prompt": "two"}\n'


def zst(content: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return sink.getvalue().to_pybytes()


COMPRESS = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, ".zst": zst}


def read(path: Path, content: bytes | str, encoding: str | None = None):
    """(values, errors): values of the sound records, line -> reason of the broken ones."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    found = list(read_records(path, Reading(encoding)))
    values = [record.value for record in found if record.value is not None]
    return values, {record.line: record.error for record in found if record.value is None}


def prompts(path: Path, content: bytes | str, encoding: str | None = None) -> list[str]:
    values, errors = read(path, content, encoding)
    assert not errors
    return [value["prompt"] for value in values]


def take(folder: Path, monkeypatch, **source):
    monkeypatch.chdir(folder)
    section = {"name": "s", "domain": "general", "license": "MIT"} | source
    return ingest(Files("ingest", (Path(),)), IngestParams.model_validate({"sources": [section]}))


@pytest.mark.parametrize(
    ("content", "values"),
    [
        ('prompt;completion\na, b;"c;d"\n', [{"prompt": "a, b", "completion": "c;d"}]),
        ("prompt\tcompletion\na, b\tc;d\n", [{"prompt": "a, b", "completion": "c;d"}]),
        ("prompt,a;b\nc;d,e\n", [{"prompt": "c;d", "a;b": "e"}]),
        ("\ufeffprompt\na;b\n", [{"prompt": "a;b"}]),
    ],
)
def test_the_header_tells_what_parts_the_fields_of_csv(tmp_path, content, values):
    assert read(tmp_path / "a.csv", content) == (values, {})


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.parquet"])
def test_a_file_that_its_name_does_not_tell_is_called_by_its_kind(tmp_path, name):
    with pytest.raises(FormatError, match="a zip archive or an Excel workbook"):
        read(tmp_path / name, b"PK\3\4\0\0")
    with pytest.raises(FormatError, match="git lfs pull"):
        read(tmp_path / name, "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 2\n")


# ---- compression


@pytest.mark.parametrize("suffix", COMPRESS)
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.jsonl", TWO),
        ("a.ndjson", TWO),
        ("a.json", '[{"prompt": "one"}, {"prompt": "two"}]'),
        ("a.csv", "prompt,x\none,1\ntwo,2\n"),
        ("a.tsv", "prompt\tx\none\t1\ntwo\t2\n"),
        ("a.TXT", "one\ntwo\n"),
    ],
)
def test_every_text_is_read_compressed(tmp_path, monkeypatch, suffix, name, text):
    (tmp_path / f"{name}{suffix}").write_bytes(COMPRESS[suffix](text.encode()))
    tables = take(tmp_path, monkeypatch, path=f"{name}{suffix}")
    assert sorted(row.prompt for row in tables.instructions) == ["one", "two"] and not len(tables.quarantine)


@pytest.mark.parametrize("suffix", COMPRESS)
def test_a_file_cut_short_keeps_what_it_has_and_says_where_it_ends(tmp_path, suffix):
    random = Random(0)
    rows = [{"prompt": f"{n} {random.getrandbits(200)}"} for n in range(8_000)]
    whole = COMPRESS[suffix]("".join(json.dumps(row) + "\n" for row in rows).encode())
    values, errors = read(tmp_path / f"a.jsonl{suffix}", whole[: len(whole) * 2 // 3])
    assert values == rows[: len(values)]
    assert (len(values) > 1000) == (suffix != ".bz2")  # whose only block of 900 kB is the one that was cut
    assert len(errors) == 1 and len(values) < len(rows)
    ((line, error),) = errors.items()
    assert line == len(values) + 1 and "damaged or cut short" in error


def test_what_is_compressed_is_told_by_its_bytes_not_its_name(tmp_path):
    assert prompts(tmp_path / "a.jsonl", gzip.compress(TWO.encode())) == ["one", "two"]
    assert prompts(tmp_path / "b.jsonl.gz", TWO) == ["one", "two"]
    assert prompts(tmp_path / "c.jsonl.zst", zst(TWO.encode()) + zst(TWO.encode())) == ["one", "two"] * 2
    with pytest.raises(FormatError, match=r"no reader for \.zip"):
        read(tmp_path / "a.zip", "PK")
    with pytest.raises(FormatError, match=r"no reader for \.gz"):
        read(tmp_path / "a.parquet.gz", "PK")


def test_a_file_that_expands_without_end_is_stopped(tmp_path, monkeypatch):
    text = "".join(f'{{"prompt": "{n}"}}\n' for n in range(20_000))  # gzip: 7-fold
    monkeypatch.setattr(line_reader, "LEAST_EXPANDED", 300_000)
    values, errors = read(tmp_path / "a.jsonl.gz", gzip.compress(text.encode()))
    assert not errors and len(values) == 20_000
    monkeypatch.setattr(line_reader, "MOST_FOLD", 5)
    values, errors = read(tmp_path / "a.jsonl.gz", gzip.compress(text.encode()))
    assert 0 < len(values) < 20_000 and "expands to more than 5 times" in errors[len(values) + 1]
    values, errors = read(tmp_path / "a.jsonl", text)
    assert not errors and len(values) == 20_000


# ---- encodings


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [
        ("utf-8", None),
        ("utf-8-sig", None),
        ("utf-8-sig", "gb18030"),  # a byte order mark is certain
        ("utf-16", None),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("utf-32", None),
        ("gb18030", "gb18030"),
        ("shift_jis", "Shift_JIS"),
        ("euc_jp", "euc-jp"),
    ],
)
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_texts_are_read_in_their_encoding(tmp_path, encoding, declared, suffix):
    for name, text in (
        ("a.jsonl", '{"prompt": "日本語の文"}\n{"prompt": "漢字"}\n'),
        ("a.json", '[{"prompt": "日本語の文"}, {"prompt": "漢字"}]'),
        ("a.csv", 'prompt,x\n日本語の文,1\n"漢字",2\n'),
    ):
        content = text.encode(encoding)
        assert prompts(tmp_path / f"{name}{suffix}", content, declared) == ["日本語の文", "漢字"]


def test_utf_16_of_either_order_with_a_mark(tmp_path):
    for mark, encoding in ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")):
        assert prompts(tmp_path / "a.jsonl", mark + TWO.encode(encoding)) == ["one", "two"]


@pytest.mark.parametrize(
    ("encoding", "declared", "reason"),
    [
        ("latin-1", None, "not UTF-8"),
        ("latin-1", "shift_jis", "not SHIFT_JIS"),
        ("utf-32-le", None, "encoding: utf-16-le"),
    ],
)
def test_wrong_bytes_are_quarantined_line_by_line(tmp_path, encoding, declared, reason):
    text = "ok\nÿ!\nok\n" if encoding == "latin-1" else "ok\nno\n"
    values, errors = read(tmp_path / "a.txt", text.encode(encoding), declared)
    assert all(reason in error for error in errors.values())
    assert list(errors) == ([2] if encoding == "latin-1" else [1, 2, 3])
    if encoding == "latin-1":
        assert values == [{"text": "ok"}] * 2


def test_a_replacement_character_that_stands_in_a_sound_file_is_no_fault(tmp_path):
    assert prompts(tmp_path / "a.jsonl", '{"prompt": "a \ufffd b"}\n') == ["a \ufffd b"]
    assert prompts(tmp_path / "a.csv", "prompt\na \ufffd b\n") == ["a \ufffd b"]


def test_wrong_bytes_in_an_array_cost_one_record(tmp_path):
    content = '[{"prompt": "one"}, {"prompt": "é"}, {"prompt": "two"}]'.encode("latin-1")
    values, errors = read(tmp_path / "a.json", content)
    assert [value["prompt"] for value in values] == ["one", "two"] and list(errors) == [2] and "not UTF-8" in errors[2]


def test_the_encoding_of_a_source_is_checked_and_used(tmp_path, monkeypatch):
    (tmp_path / "a.txt").write_bytes("写一首诗。\n".encode("gb18030"))
    (row,) = take(tmp_path, monkeypatch, path="a.txt", encoding="gb18030").instructions
    assert row.prompt == "写一首诗。"
    for name in ("no-such", "rot13", "base64"):
        with pytest.raises(ValueError, match="is no encoding of text"):
            take(tmp_path, monkeypatch, path="a.txt", encoding=name)


# ---- lines

SEPARATORS = "\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_only_line_ends_end_a_line(tmp_path, end):
    text = "a" + "b".join(SEPARATORS) + "c"
    content = end.join(["first", text, "last"])
    values, _ = read(tmp_path / "a.txt", content)
    assert [value["text"] for value in values] == ["first", text, "last"]
    content = end.join(json.dumps({"prompt": part}, ensure_ascii=False) for part in ("first", text[1:], "last"))
    content = content.replace("\\u001", "").replace("\\f", "")
    assert len(prompts(tmp_path / "a.jsonl", content)) == 3
    content = end.join(["prompt,x", f"{text},1", f'"{text}",2'])
    assert prompts(tmp_path / "a.csv", content) == [text, text]


def test_line_numbers_count_blank_and_broken_lines(tmp_path):
    _, errors = read(tmp_path / "a.jsonl", '\n{"prompt": "a"}\n\n{"prompt": \n\n{"prompt": "b"}\nx\n')
    assert list(errors) == [4, 7]


def test_long_lines_are_read_and_endless_ones_cost_only_themselves(tmp_path, monkeypatch):
    long = "x" * 3_000_000
    assert prompts(tmp_path / "a.jsonl", f'{{"prompt": "{long}"}}\n{TWO}') == [long, "one", "two"]
    monkeypatch.setattr(line_reader, "LONGEST", 1000)
    values, errors = read(tmp_path / "a.jsonl", f'{TWO}{{"prompt": "{long}"}}\n{TWO}')
    assert len(values) == 4 and list(errors) == [3] and "a line of more than 1,000 characters" in errors[3]
    found = [line.number for line in lines_of(tmp_path / "a.jsonl")]
    assert found == [1, 2, 3, 4, 5]


def test_what_is_kept_of_a_broken_record_is_bounded(tmp_path):
    (tmp_path / "a.jsonl").write_text(TWO + "y" * 1_000_000)
    record = list(read_records(tmp_path / "a.jsonl"))[-1]
    assert record.value is None and len(record.raw) < 10_100 and record.raw.endswith("(990,000 more characters)")


def test_nul_characters_are_a_fault_of_their_line(tmp_path):
    for name, content, line in (
        ("a.csv", "prompt,x\none,1\nt\0o,2\ntwo,3\n", 3),
        ("a.jsonl", '{"prompt": "one"}\n{"prompt": "t\0o"}\n{"prompt": "two"}\n', 2),
    ):
        values, errors = read(tmp_path / name, content)
        assert [value["prompt"] for value in values] == ["one", "two"]
        assert list(errors) == [line] and "NUL" in errors[line]


# ---- JSON


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ("-123456789012345678901234567890", "-123456789012345678901234567890"),
        ("18446744073709551615", 18446744073709551615),
        ("18446744073709551616", "18446744073709551616"),
        ("-9223372036854775808", -9223372036854775808),
        ("-9223372036854775809", "-9223372036854775809"),
        ("9007199254740993", 9007199254740993),
        ("9007199254740993.0", "9007199254740993.0"),
        ("0.12345678", 0.12345678),
        ("0.1234567890123456789", "0.1234567890123456789"),
        ("0.30000000000000004", 0.30000000000000004),
        ("1e400", "1e400"),
        ("1e-400", "1e-400"),
        ("1e99999999999999999999", "1e99999999999999999999"),
        ("1" * 5000, "1" * 5000),
        ("1E5", 1e5),
        ('"a 1234567890123456789012"', "a 1234567890123456789012"),
        ("Infinity", float("inf")),
        ("[1, 2,]", [1, 2]),
        ('{"a": [1 , ] , }', {"a": [1]}),
        ('{"a": ",]", "b": "x,}\\"",}', {"a": ",]", "b": 'x,}"'}),
        ('{"a": 1, "a": 1}', {"a": 1}),
        ('{"a\\"": 1, "b": "c\\":"}', {'a"': 1, "b": 'c":'}),
        ('"\\ud83d\\ude00"', "😀"),
        ('{"a": "\\\\ud83d"}', {"a": "\\ud83d"}),
    ],
)
def test_json_keeps_its_value(text, value):
    found = parse_json(text)
    assert found == value and type(found) is type(value)


def test_nan_is_read_and_is_no_number():
    found = parse_json('{"prompt": "a", "score": NaN}')
    assert found["prompt"] == "a" and found["score"] != found["score"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"prompt": "a", "prompt": "b"}', "the key `prompt` stands twice"),
        ('{"x": [{"y": 1, "y": 2}]}', "the key `y` stands twice"),
        ('{"prompt": "a\\ud83d"}', r"a lone surrogate \ud83d"),
        ('{"prompt": "\\ude00\\ud83d"}', r"a lone surrogate \ude00"),
        ('{"\\udc00": 1}', r"a lone surrogate \udc00"),
        ("{'prompt': 'a'}", "not JSON"),
        ('{"prompt": "a"', "not JSON"),
        ('{"prompt": "a\tb"}', "not JSON"),
        ("[" * 100_000, "nested too deeply"),
        ("[,]", "not JSON"),
        ('{"a": 1,, }', "not JSON"),
    ],
)
@pytest.mark.parametrize("name", ["a.jsonl", "a.json"])
def test_json_that_cannot_be_read_without_loss_costs_one_record(tmp_path, name, text, reason):
    content = f"{TWO}{text}\n{TWO}" if name == "a.jsonl" else f'[{{"prompt": "one"}},\n{text},\n{{"prompt": "two"}}]'
    values, errors = read(tmp_path / name, content)
    assert {value["prompt"] for value in values} == {"one", "two"} and len(errors) == 1
    assert reason in next(iter(errors.values()))


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
@pytest.mark.parametrize(
    "text",
    [
        TWO,
        '[{"prompt": "one"}, {"prompt": "two"}]',
        '[\n{"prompt": "one"},\n{"prompt": "two"}\n]\n',
        '[\n  {\n    "prompt": "one"\n  },\n  {\n    "prompt": "two"\n  },\n]\n',
        '{\n  "prompt": "one"\n}\n{\n  "prompt": "two"\n}\n',
        '{"prompt": "one"} {"prompt": "two"}',
        '{\n"data": [{"prompt": "one"}, {"prompt": "two"}]\n}\n',
        '\ufeff{"prompt": "one"}\r\n\r\n{"prompt": "two"}',
    ],
)
def test_json_is_read_however_it_is_laid_out(tmp_path, name, text):
    assert prompts(tmp_path / name, text) == ["one", "two"]


def test_a_broken_line_of_an_array_costs_itself(tmp_path):
    content = '[{"prompt": "one"},\n{"prompt": oops},\n{"prompt": "two"}]\n'
    for name in ("a.json", "a.jsonl"):
        values, errors = read(tmp_path / name, content)
        assert [value["prompt"] for value in values] == ["one", "two"] and list(errors) == [2]


def test_a_file_that_is_no_json_at_all_is_one_broken_record(tmp_path):
    for content in ('{\n"prompt": "one"\n', "[\n1,\n2\n", "no\nno\n"):
        values, errors = read(tmp_path / "a.json", content)
        assert not values and list(errors) == [1]


def test_hostile_json_takes_linear_time():
    def seconds(text: str) -> float:
        start = time.process_time()
        with pytest.raises(ValueError, match="not JSON"):
            parse_json(text)
        return time.process_time() - start

    for unit in ('\\"', '"\\', ", ", ",", '{"a', '"a":', "1" * 15, "1.", "1e"):
        short, long = (min(seconds('{"' + unit * n) for _ in range(3)) for n in (5_000, 50_000))
        assert long < 40 * short + 0.05, unit


# ---- CSV


def test_fields_of_any_length(tmp_path):
    long = "word " * 60_000
    assert prompts(tmp_path / "a.csv", f'prompt,x\n"{long}",1\n{long},2\n') == [long, long]


def test_a_quotation_mark_that_nothing_closes_costs_its_own_line(tmp_path):
    content = 'prompt,x\none,1\n"no end,2\n"tw\n""o""",3\nthree,4\n'
    values, errors = read(tmp_path / "a.csv", content)
    assert [value["prompt"] for value in values] == ["one", 'tw\n"o"', "three"]
    assert list(errors) == [3] and "not CSV" in errors[3]
    values, errors = read(tmp_path / "b.csv", "prompt,x\n" + '"no end,2\n' + "more,1\n" * 1000)
    assert len(values) == 1000 and list(errors) == [2]


def test_two_columns_of_one_name_are_refused(tmp_path):
    with pytest.raises(FormatError, match="the header names prompt twice"):
        read(tmp_path / "a.csv", "prompt,answer, prompt\n1,2,3\n")
    assert prompts(tmp_path / "a.csv", "prompt,,\n1,,\n") == ["1"]  # columns that a spreadsheet adds


def test_rows_with_other_fields_are_broken_with_all_their_text(tmp_path):
    (tmp_path / "a.csv").write_text('prompt,x\n"a\nb",1,2\nc,3\n')
    first, second = read_records(tmp_path / "a.csv")
    assert (first.line, first.raw, first.error) == (2, '"a\nb",1,2', "3 fields, the header has 2")
    assert second.value == {"prompt": "c", "x": "3"}


# ---- Parquet, Arrow, save_to_disk


def test_typed_values_of_parquet_and_arrow(tmp_path):
    frame = pl.DataFrame(
        {
            "a": pl.Series([Decimal("1.50")], dtype=pl.Decimal(38, 2)),
            "b": pl.Series([0.1], dtype=pl.Float32),
            "c": pl.Series([b"x"], dtype=pl.Binary),
            "d": pl.Series([None], dtype=pl.String),
            "e": pl.Series([b"\xff"], dtype=pl.Binary),
        }
    )
    frame.write_parquet(tmp_path / "a.parquet")
    frame.write_ipc(tmp_path / "a.arrow", compression="zstd")
    frame.write_ipc_stream(tmp_path / "b.arrow")
    frame.write_ipc(tmp_path / "a.feather")
    for name in ("a.parquet", "a.arrow", "b.arrow", "a.feather"):
        (record,) = read_records(tmp_path / name)
        assert record.value == {"a": Decimal("1.50"), "b": 0.1, "c": "x", "e": b"\xff"} and record.line == 1


@pytest.mark.parametrize("name", ["a.parquet", "a.arrow", "a.feather"])
@pytest.mark.parametrize("content", [b"", b"no", b"PAR1", b"ARROW1\0\0", b"\xff\xff\xff\xff\x10\0\0\0"])
def test_what_is_no_table_is_broken(tmp_path, name, content):
    values, errors = read(tmp_path / name, content)
    assert not values and len(errors) <= 1 and all("not " in error for error in errors.values())


def test_an_arrow_stream_cut_short_keeps_its_batches(tmp_path):
    sink = io.BytesIO()
    table = pa.table({"prompt": [str(n) for n in range(100)]})
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=10)
    values, errors = read(tmp_path / "a.arrow", sink.getvalue()[: len(sink.getvalue()) // 2])
    assert values == [{"prompt": str(n)} for n in range(len(values))] and 0 < len(values) < 100
    assert list(errors) == [len(values) + 1] and "cut short" in errors[len(values) + 1]


def save(folder: Path, rows: list[str], shards: int = 1, **state) -> None:
    """A folder as `Dataset.save_to_disk` writes it, with a cache beside that is no data."""
    folder.mkdir(parents=True)
    table = pa.table({"prompt": rows})
    names = [f"data-{n:05d}-of-{shards:05d}.arrow" for n in range(shards)]
    for n, name in enumerate([*names, "cache-0123456789abcdef.arrow"]):
        with pa.ipc.new_stream(folder / name, table.schema) as writer:
            writer.write_table(table.slice(n * len(rows) // shards, len(rows) // shards))
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": name} for name in names]} | state))
    (folder / "dataset_info.json").write_text('{"features": {}}')


def test_a_saved_data_set_is_read_from_its_folder(tmp_path, monkeypatch):
    save(tmp_path / "set", ["a", "b", "c", "d"], shards=2)
    tables = take(tmp_path, monkeypatch, path="set")
    assert sorted((row.prompt, row.source) for row in tables.instructions) == [
        ("a", "set/data-00000-of-00002.arrow:1"),
        ("b", "set/data-00000-of-00002.arrow:2"),
        ("c", "set/data-00001-of-00002.arrow:1"),
        ("d", "set/data-00001-of-00002.arrow:2"),
    ]
    (tmp_path / "set/data-00001-of-00002.arrow").unlink()
    with pytest.raises(FolderError, match=r"data-00001-of-00002\.arrow is missing"):
        take(tmp_path, monkeypatch, path="set")


def test_of_a_saved_data_set_with_splits_the_named_one_is_read(tmp_path, monkeypatch):
    save(tmp_path / "sets/train", ["a", "b"])
    save(tmp_path / "sets/test", ["c", "d", "e"])
    (tmp_path / "sets/dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    for split, found, left in (("train", "ab", {"test": 3}), ("test", "cde", {"train": 2})):
        tables = take(tmp_path, monkeypatch, path="sets", split=split)
        assert "".join(sorted(row.prompt for row in tables.instructions)) == found
        assert {row.split for row in tables.instructions} == {split}
        assert tables.metrics["not_taken"] == {f"s: rows of split {name}": rows for name, rows in left.items()}
    with pytest.raises(FolderError, match="holds the splits train, test, not validation"):
        take(tmp_path, monkeypatch, path="sets", split="validation")
    assert len(take(tmp_path, monkeypatch, path="sets/test").instructions) == 3


def test_a_saved_data_set_that_chooses_rows_by_an_index_is_refused(tmp_path, monkeypatch):
    save(tmp_path / "set", ["a"], _indices_data_files=[{"filename": "indices.arrow"}])
    with pytest.raises(FolderError, match="flatten_indices"):
        take(tmp_path, monkeypatch, path="set")


def test_the_library_itself_saves_what_is_read(tmp_path, monkeypatch):
    datasets = pytest.importorskip("datasets")
    rows = datasets.Dataset.from_list([{"prompt": f"question {n}", "answer": n / 8} for n in range(5)])
    datasets.DatasetDict(train=rows, test=rows.select([1, 3])).save_to_disk(str(tmp_path / "sets"))
    tables = take(tmp_path, monkeypatch, path="sets", domain="math", split="test")
    assert sorted((row.prompt, row.answer) for row in tables.problems) == [
        ("question 1", "0.125"),
        ("question 3", "0.375"),
    ]


# ---- names


@pytest.mark.parametrize("name", ["data[1].jsonl", "a*b.jsonl", "what?.jsonl", "[x]/[y].jsonl", "d[1]/a.jsonl"])
def test_a_path_that_exists_is_itself_before_it_is_a_pattern(tmp_path, monkeypatch, name):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text('{"prompt": "one"}\n')
    for other in ("data1.jsonl", "a-b.jsonl", "whatx.jsonl", "d1/a.jsonl"):
        (tmp_path / other).parent.mkdir(exist_ok=True)
        (tmp_path / other).write_text('{"prompt": "other"}\n')
    assert [row.prompt for row in take(tmp_path, monkeypatch, path=name).instructions] == ["one"]
    absolute = take(tmp_path, monkeypatch, path=str(tmp_path / name))
    assert [row.source for row in absolute.instructions] == [f"{name}:1"]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("d[1]/*.jsonl", ["d[1]/a.jsonl", "d[1]/b[2].jsonl"]),
        ("d[12]/*.jsonl", ["d1/a.jsonl"]),
        ("d[1]", ["d[1]/a.jsonl", "d[1]/b[2].jsonl"]),
        ("d[1]/b[2].jsonl", ["d[1]/b[2].jsonl"]),
        ("d?/a.jsonl", ["d1/a.jsonl"]),
        ("**/a.jsonl", ["d1/a.jsonl", "d[1]/a.jsonl"]),
        ("d1/**", ["d1/a.jsonl"]),
        ("./d1/../d1/a.jsonl", ["d1/a.jsonl"]),
    ],
)
def test_patterns_find_each_file_once(tmp_path, monkeypatch, pattern, found):
    monkeypatch.chdir(tmp_path)
    for name in ("d[1]/a.jsonl", "d[1]/b[2].jsonl", "d1/a.jsonl"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [str(path) for path in Files("s", (Path("d[1]"), Path("d1"))).find(pattern)] == found


@pytest.mark.parametrize(
    ("pattern", "dep"),
    [
        ("raw/a.jsonl", "raw/a.jsonl"),
        ("raw/*.jsonl", "raw"),
        ("raw", "raw"),
        ("*/a.jsonl", "raw/a.jsonl"),
        ("data/*.jsonl", "data/b.jsonl"),
        ("data/seeds/../b.jsonl", "data/b.jsonl"),
    ],
)
def test_an_undeclared_read_names_the_dep_to_add(tmp_path, monkeypatch, pattern, dep):
    monkeypatch.chdir(tmp_path)
    for name in ("raw/a.jsonl", "data/b.jsonl", "data/seeds/c.jsonl"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    with pytest.raises(UndeclaredRead) as error:
        Files("s", (Path("data/seeds"),)).find(pattern)
    assert str(error.value).endswith(f"      - {dep}")


def test_what_dvc_writes_beside_data_is_no_data(tmp_path, monkeypatch):
    (tmp_path / "raw").mkdir()
    for name, text in (("a.jsonl", TWO), ("a.jsonl.dvc", "outs: []\n"), (".gitignore", "/a.jsonl\n")):
        (tmp_path / "raw" / name).write_text(text)
    assert len(take(tmp_path, monkeypatch, path="raw").instructions) == 2


def test_the_longest_field_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(record_reader, "LONGEST_FIELD", 1000)
    values, errors = read(tmp_path / "a.csv", f"prompt,x\n{'y' * 2000},1\ntwo,2\n")
    assert values == [{"prompt": "two", "x": "2"}] and list(errors) == [2]


# ---- odd input of every kind ends in a row, in quarantine or dropped


def test_a_broken_first_line_does_not_make_json_lines_something_else(tmp_path):
    for first in (b'{"prompt": "caf\xe9"}', b'{"prompt": oops}', b'{"prompt": "cut'):
        values, errors = read(tmp_path / "a.jsonl", first + b"\n" + TWO.encode())
        assert [value["prompt"] for value in values] == ["one", "two"] and list(errors) == [1]
    assert prompts(tmp_path / "a.jsonl", '[\n{"prompt": "one"}\n]\n') == ["one"]


def test_labels_of_any_data_set_are_no_wikidata(tmp_path, monkeypatch):
    rows = [{"text": "I am glad.", "labels": ["joy"], "id": 7}, {"text": "I am not.", "labels": {}, "id": "x7"}]
    (tmp_path / "a.json").write_text(json.dumps(rows))
    assert len(take(tmp_path, monkeypatch, path="a.json").instructions) == 2


ODD = [None, [], {}, "x", 3, [None], {"en": None}, {"en": {"value": None}}, {"en": []}, {"P31": [None]}, {"X": [{}]}]
DATES = ["+1952-99-00T", 3, None, "+1952-03-11T00:00:00Z"]


def test_odd_wikidata_entities_end_as_characters_or_dropped(tmp_path, monkeypatch):
    human = {
        "rank": "normal",
        "mainsnak": {"snaktype": "value", "datavalue": {"value": {"entity-type": "item", "id": "Q5"}}},
    }
    whole = {"id": "Q1", "labels": {"en": {"value": "Ada"}}, "claims": {"P31": [human]}}
    odd = [whole | {field: value} for field in ("labels", "descriptions", "aliases", "claims") for value in ODD]
    for value in [*ODD, *({"time": date, "precision": 11} for date in DATES), {"text": 3}, {"amount": None}]:
        for data in ({"value": value}, value):
            odd.append(
                whole | {"claims": {"P31": [human], "P569": [{"mainsnak": {"snaktype": "value", "datavalue": data}}]}}
            )
    odd = [entity | {"id": f"Q{n + 1}"} for n, entity in enumerate(odd)]
    (tmp_path / "a.json").write_text(json.dumps([*odd, None, 3, "x", []]))
    tables = take(tmp_path, monkeypatch, path="a.json", domain="character", format="wikidata")
    assert len(tables.characters) + len(tables.dropped) == len(odd) and len(tables.characters) > 3


def test_a_book_with_broken_bytes_in_its_header_and_heads_can_be_kept(tmp_path, monkeypatch):
    body = "\n\n".join(f"The boat went out {n} times, and each time it came back." for n in range(8))
    (tmp_path / "b.txt").write_bytes(f"Title: Na\xefve\n\nCHAPTER 1. Caf\xe9\n\n{body}\n".encode("latin-1"))
    tables = take(tmp_path, monkeypatch, path="b.txt", domain="literature")
    assert {(row.work, row.section) for row in tables.passages} == {("Na\ufffdve", "CHAPTER 1. Caf\ufffd")}
    (tmp_path / "c.txt.gz").write_bytes(gzip.compress(body.encode()))
    tables = take(tmp_path, monkeypatch, path="c.txt.gz", domain="literature")
    assert {row.work for row in tables.passages} == {"c"}


def test_ids_of_any_digits_are_no_error(tmp_path, monkeypatch):
    rows = [
        {"prompt": "a", "id": "\u00b2"},
        {"prompt": "b", "id": "9" * 5000},
        {"prompt": "c", "id": 7},
        {"prompt": "d", "id": 2**80},
    ]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert [row.prompt for row in take(tmp_path, monkeypatch, path="a.jsonl", ids="5-8").instructions] == ["c"]


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.csv", "a.tsv", "a.txt", "a.parquet", "a.arrow", "a.jsonl.gz"])
def test_random_bytes_end_as_records(tmp_path, name):
    draw = Random(0)
    alphabet = [
        b'"',
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b"\n",
        b"\r",
        b"\\",
        b"u",
        b"d83d",
        b"\xff",
        b"\0",
        b"1e",
        b"9" * 30,
    ]
    for _ in range(100):
        content = b"".join(draw.choices(alphabet, k=draw.randrange(40)))
        values, errors = read(
            tmp_path / name, gzip.compress(content)[: draw.randrange(60)] if name.endswith(".gz") else content
        )
        json.dumps([values, errors], ensure_ascii=False).encode()


def test_every_byte_of_a_csv_file_ends_in_a_record(tmp_path):
    """Whatever quotation marks do: each line is in a record, sound or broken."""
    draw = Random(1)
    for _ in range(100):
        lines = ["".join(draw.choices(['"', '""', ",", "a", "b "], k=draw.randrange(1, 8))) for _ in range(8)]
        marked = [f"{n}{line}" if draw.random() < 0.5 else f'"{n}{line}' for n, line in enumerate(lines)]
        (tmp_path / "a.csv").write_text("\n".join(["x,y", *marked]))
        kept = "".join(
            f"{record.raw}{''.join((record.value or {}).values())}" for record in read_records(tmp_path / "a.csv")
        )
        assert all(str(n) in kept for n in range(8)), marked
