"""Which files a path names, and what lies beside data."""

from pathlib import Path

import pytest
from reading import TWO, asks, read, take

from schemas.stage import Files, UndeclaredRead
from stages.curation.readers import csv_records as record_reader


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
