"""Zip archives: every member that can be read is a file of its own; nothing leaves the folder, nothing grows without end."""

import io
import zipfile
from pathlib import Path

import polars as pl
import pytest
from matrix_files import lines, rows_of, saved, zipped
from read_files import TWO, asks, take

from schemas.conversations import asked_text
from stages.curation.readers import archives
from stages.curation.readers import lines as line_reader
from stages.curation.readers.record import FormatError


def places(tables):
    return sorted(row.source for row in tables.instructions)


def quarantined(tables):
    return {row.source: row.error for row in tables.quarantine}


def test_rows_say_where_in_the_archive_they_stand(tmp_path, monkeypatch):
    sink = io.BytesIO()
    pl.DataFrame({"prompt": ["three"]}).write_parquet(sink)
    (tmp_path / "a.zip").write_bytes(zipped({"x/y/a.jsonl": TWO.encode(), "b.parquet": sink.getvalue()}))
    assert places(take(tmp_path, monkeypatch, path="a.zip")) == [
        "a.zip/b.parquet:1",
        "a.zip/x/y/a.jsonl:1",
        "a.zip/x/y/a.jsonl:2",
    ]
    (tmp_path / "c.jsonl").write_text('{"prompt": "four"}\n')
    tables = take(tmp_path, monkeypatch, path="*")
    assert asks(tables) == ["four", "one", "three", "two"]


def test_a_saved_data_set_in_an_archive(tmp_path, monkeypatch):
    (tmp_path / "a.zip").write_bytes(zipped(saved(rows_of(4), "set")))
    assert len(take(tmp_path, monkeypatch, path="a.zip").instructions) == 4


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("../../evil.jsonl", "evil.jsonl"),
        ("/etc/evil.jsonl", "etc/evil.jsonl"),
        ("a/./../b//evil.jsonl", "a/b/evil.jsonl"),
        ("..\\..\\evil.jsonl", "evil.jsonl"),
        ("C:\\evil.jsonl", "C:/evil.jsonl"),
        (f"{'é' * 300}.jsonl", f"{'é' * 50}.jsonl"),
    ],
)
def test_names_lead_nowhere_else(tmp_path, monkeypatch, name, place):
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.zip").write_bytes(zipped({name: TWO.encode()}))
    before = sorted(tmp_path.rglob("*"))
    assert places(take(tmp_path / "in", monkeypatch, path="a.zip")) == [f"a.zip/{place}:1", f"a.zip/{place}:2"]
    assert sorted(tmp_path.rglob("*")) == before


def test_what_cannot_be_unpacked_is_refused_by_name_and_the_rest_is_read(tmp_path, monkeypatch):
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for name in ("a.jsonl", "locked.jsonl", "twice.jsonl"):
            archive.writestr(name, TWO.replace('": "', f'": "{name} '))
        archive.getinfo("locked.jsonl").flag_bits |= 1
        link = zipfile.ZipInfo("link.jsonl")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("a.jsonl/b.jsonl", TWO)
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(sink, "a") as archive:
        archive.writestr("twice.jsonl", TWO)
    (tmp_path / "a.zip").write_bytes(sink.getvalue())
    tables = take(tmp_path, monkeypatch, path="a.zip")
    assert len(tables.instructions) == 4
    reasons = {place: error.partition(";")[0] for place, error in quarantined(tables).items()}
    assert reasons == {
        "a.zip/locked.jsonl:1": "it is encrypted",
        "a.zip/link.jsonl:1": "a link",
        "a.zip/twice.jsonl:1": "a second file of this name",
        "a.zip/a.jsonl/b.jsonl:1": "its folder has the name of a file",
    }


def test_an_archive_that_expands_without_end_is_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(line_reader, "LEAST_EXPANDED", 10_000)
    monkeypatch.setattr(line_reader, "MOST_FOLD", 20)
    bomb = b'{"prompt": "' + b"x" * 1_000_000 + b'"}\n'
    (tmp_path / "a.zip").write_bytes(
        zipped({"a.jsonl": TWO.encode(), "bomb.jsonl": bomb, "c.jsonl": lines(rows_of(1))})
    )
    tables = take(tmp_path, monkeypatch, path="a.zip")
    assert {"one", "two"} < set(asks(tables)) and len(tables.instructions) == 3
    ((place, error),) = quarantined(tables).items()
    assert place == "a.zip/bomb.jsonl:1" and "expands to more than 20 times its size" in error


def test_sizes_are_counted_over_all_members(tmp_path, monkeypatch):
    monkeypatch.setattr(line_reader, "LEAST_EXPANDED", 100_000)
    monkeypatch.setattr(line_reader, "MOST_FOLD", 1)
    members = {f"{n}.txt": b"word " * 10_000 for n in range(4)}  # two of them fit
    (tmp_path / "a.zip").write_bytes(zipped(members))
    assert len(take(tmp_path, monkeypatch, path="a.zip").quarantine) == 2


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"PK\3\4 no", "not a zip archive, or damaged"),
        (zipped({"a.jsonl": TWO.encode() * 50})[:-30], "not a zip archive, or damaged"),
    ],
)
def test_a_damaged_archive_is_one_quarantined_row(tmp_path, monkeypatch, content, reason):
    (tmp_path / "a.zip").write_bytes(content)
    (tmp_path / "b.jsonl").write_text(TWO)
    tables = take(tmp_path, monkeypatch, path=".")
    assert len(tables.instructions) == 2 and list(quarantined(tables)) == ["a.zip:1"]
    assert reason in quarantined(tables)["a.zip:1"]


def test_too_many_members_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MOST_MEMBERS", 2)
    (tmp_path / "a.zip").write_bytes(zipped(dict.fromkeys(("a.jsonl", "b.jsonl", "c.jsonl"), TWO.encode())))
    assert "more than 2 files" in quarantined(take(tmp_path, monkeypatch, path="a.zip"))["a.zip:1"]


def test_an_archive_without_data_and_one_in_another_are_named(tmp_path, monkeypatch):
    (tmp_path / "a.zip").write_bytes(zipped({"LICENSE": b"MIT", "b.zip": zipped({"a.jsonl": TWO.encode()})}))
    with pytest.raises(
        FormatError, match=r"a\.zip/LICENSE \(a document beside the data\), a\.zip/b\.zip \(an archive within"
    ):
        take(tmp_path, monkeypatch, path="a.zip")


def test_an_error_names_the_member_not_where_it_was_unpacked(tmp_path, monkeypatch):
    (tmp_path / "a.zip").write_bytes(zipped({"x/a.jsonl": b'{"nothing": 1}\n'}))
    with pytest.raises(FormatError, match=r"^a\.zip/x/a\.jsonl: the format cannot be told"):
        take(tmp_path, monkeypatch, path="a.zip")


def test_the_same_bytes_whenever_it_is_read(tmp_path, monkeypatch):
    (tmp_path / "a.zip").write_bytes(
        zipped({"b.jsonl": TWO.encode(), "a.jsonl": TWO.encode(), "bad.jsonl": b"7\n" + TWO.encode()})
    )
    first, again = (take(tmp_path, monkeypatch, path="a.zip") for _ in range(2))
    for one, other in zip(first, again, strict=True):
        assert one == other if isinstance(one, dict) else one.frame.equals(other.frame)
    assert {asked_text(row.prompt): Path(row.source).name for row in first.instructions} == {
        "one": "a.jsonl:1",
        "two": "a.jsonl:2",
    }
