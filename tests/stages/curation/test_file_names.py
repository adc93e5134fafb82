"""Which files a path names, and what lies beside data."""

from pathlib import Path

import pytest
from read_files import TWO, asks, read, take

from schemas.stage import Files, UndeclaredRead
from stages.curation.readers import csv_records as record_reader
from stages.curation.readers.record import FormatError


@pytest.mark.parametrize("name", ["data[1].jsonl", "a*b.jsonl", "what?.jsonl", "[x]/[y].jsonl", "d[1]/a.jsonl"])
def test_a_path_that_exists_is_itself_before_it_is_a_pattern(tmp_path, monkeypatch, name):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text('{"prompt": "one"}\n')
    for other in ("data1.jsonl", "a-b.jsonl", "whatx.jsonl", "d1/a.jsonl"):
        (tmp_path / other).parent.mkdir(exist_ok=True)
        (tmp_path / other).write_text('{"prompt": "other"}\n')
    assert asks(take(tmp_path, monkeypatch, path=name)) == ["one"]
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


# ---- what lies beside data


def test_other_files_of_a_folder_are_skipped_and_named(tmp_path, monkeypatch):
    beside = {
        "LICENSE": "MIT",
        "README.txt": "Read me.",
        "notes.pdf": "%PDF",
        ".DS_Store": "\0",
        "empty.jsonl": "",
        "blank.csv": "a,b\n",
    }
    for name, text in (beside | {"a.jsonl": TWO, "dataset_infos.json": "{}"}).items():
        (tmp_path / name).write_text(text)
    tables = take(tmp_path, monkeypatch, path=".")
    assert asks(tables) == ["one", "two"]
    assert tables.metrics["skipped_files"] == [
        ".DS_Store: hidden",
        "LICENSE: a document beside the data",
        "README.txt: a document beside the data",
        "blank.csv: no record",
        "dataset_infos.json: a document beside the data",
        "empty.jsonl: empty",
        "notes.pdf: no reader",
    ]
    assert tables.metrics["not_taken"] == {
        "s: files skipped (a document beside the data)": 3,
        "s: files skipped (empty)": 1,
        "s: files skipped (hidden)": 1,
        "s: files skipped (no reader)": 1,
        "s: files skipped (no record)": 1,
    }


def test_the_names_of_skipped_files_are_bounded(tmp_path, monkeypatch):
    (tmp_path / "a.jsonl").write_text(TWO)
    for number in range(60):
        (tmp_path / f"{number:02}.png").write_text("x")
    metrics = take(tmp_path, monkeypatch, path=".").metrics
    assert len(metrics["skipped_files"]) == 51 and metrics["skipped_files"][-1] == "and 10 more"
    assert metrics["not_taken"] == {"s: files skipped (no reader)": 60}


def test_a_folder_in_which_nothing_can_be_read_names_what_was_skipped(tmp_path, monkeypatch):
    for name in ("a.png", "b.jsonl"):
        (tmp_path / name).write_text("\n" if name == "b.jsonl" else "x")
    with pytest.raises(
        FormatError,
        match=r"source s has no file that can be read; skipped were a\.png \(no reader\), b\.jsonl \(no record\)",
    ):
        take(tmp_path, monkeypatch, path=".")
    with pytest.raises(FormatError, match=r"skipped were a\.png \(no reader\)"):
        take(tmp_path, monkeypatch, path="*.png")


def test_a_file_that_is_named_by_itself_is_no_other_file(tmp_path, monkeypatch):
    (tmp_path / "README.txt").write_text("one\ntwo\n")
    assert asks(take(tmp_path, monkeypatch, path="README.txt")) == ["one", "two"]
    for name, reason in (
        ("empty.jsonl", "the file is empty; remove it from source s"),
        ("a.png", r"no reader for \.png; tried"),
    ):
        (tmp_path / name).touch()
        with pytest.raises(FormatError, match=reason):
            take(tmp_path, monkeypatch, path=name)
