"""SQLite: the rows of one table, read-only; a damaged or hostile file ends in rows and a broken record."""

import sqlite3
from pathlib import Path

import pytest
from matrix_files import database, rows_of
from read_files import asks, read, take

from stages.curation.readers import databases
from stages.curation.readers.record import FormatError, Reading
from stages.curation.readers.records import read_records


def make(path: Path, script: str) -> None:
    connection = sqlite3.connect(path)
    connection.executescript(script)
    connection.close()


def test_values_keep_their_types_and_nulls_are_no_fields(tmp_path):
    make(tmp_path / "a.db", "CREATE TABLE t (a, b, c, d, e); INSERT INTO t VALUES ('x ü', 3, 0.5, NULL, X'FF')")
    (record,) = read_records(tmp_path / "a.db", reading := Reading())
    assert record.value == {"a": "x ü", "b": 3, "c": 0.5, "e": b"\xff"} and record.line == 1
    assert reading.columns == set("abcde")


def test_of_several_tables_one_is_named(tmp_path, monkeypatch):
    make(tmp_path / "a.db", "CREATE TABLE chats (prompt); CREATE TABLE users (name); INSERT INTO chats VALUES ('one')")
    assert asks(take(tmp_path, monkeypatch, path="a.db", table="chats")) == ["one"]
    with pytest.raises(FormatError, match="has the tables chats, users: name one as the source's `table`"):
        take(tmp_path, monkeypatch, path="a.db")
    with pytest.raises(FormatError, match=r"no table chat \(did you mean chats\?\); it has chats, users"):
        take(tmp_path, monkeypatch, path="a.db", table="chat")


def test_neither_views_nor_virtual_tables_are_read(tmp_path):
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x AS prompt FROM n"
    make(tmp_path / "a.db", f"CREATE VIEW v AS {endless}; CREATE VIRTUAL TABLE f USING fts5(prompt)")
    for table in (None, "v", "f", "f_data", "sqlite_schema"):
        with pytest.raises(FormatError, match="has no table"):
            list(read_records(tmp_path / "a.db", Reading(table=table)))


@pytest.mark.parametrize("name", ['a "b"', "select", "t; DROP TABLE x", "表"])
def test_names_of_any_characters(tmp_path, name):
    quoted = name.replace('"', '""')
    make(tmp_path / "a.db", f'CREATE TABLE "{quoted}" (prompt, "{quoted}"); INSERT INTO "{quoted}" VALUES (1, 2)')
    (record,) = read_records(tmp_path / "a.db")
    assert record.value == {"prompt": 1, name: 2}


def test_rows_come_in_their_order_whatever_indexes_there_are(tmp_path):
    rows = "INSERT INTO t VALUES ('b'), ('c'), ('a')"
    make(tmp_path / "a.db", f"CREATE TABLE t (prompt); CREATE INDEX i ON t (prompt); {rows}")
    assert [record.value["prompt"] for record in read_records(tmp_path / "a.db")] == ["b", "c", "a"]
    make(tmp_path / "b.db", f"CREATE TABLE t (prompt PRIMARY KEY) WITHOUT ROWID; {rows}")
    assert [record.value["prompt"] for record in read_records(tmp_path / "b.db")] == ["a", "b", "c"]


def test_the_file_and_its_folder_stay_as_they_are(tmp_path):
    make(tmp_path / "a.db", "PRAGMA journal_mode = wal; CREATE TABLE t (prompt); INSERT INTO t VALUES ('one')")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert len(list(read_records(tmp_path / "a.db"))) == 1
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_database_whose_changes_wait_in_a_log_is_refused(tmp_path):
    writer = sqlite3.connect(tmp_path / "a.db")
    writer.executescript("PRAGMA journal_mode = wal; CREATE TABLE t (prompt); INSERT INTO t VALUES ('one')")
    with pytest.raises(FormatError, match=r"changes wait in a\.db-wal: close what writes"):
        list(read_records(tmp_path / "a.db"))
    writer.close()
    assert len(list(read_records(tmp_path / "a.db"))) == 1


@pytest.mark.parametrize("content", [b"", b"no", b"SQLite format 3\0", b"SQLite format 3\0" + b"\1" * 5000])
def test_what_is_no_database_is_broken(tmp_path, content):
    values, errors = read(tmp_path / "a.sqlite3", content)
    assert not values and list(errors) == [1] and ("not SQLite" in errors[1] or "damaged" in errors[1])


def test_a_cut_database_keeps_the_rows_before_the_cut(tmp_path):
    whole = database(rows_of(2000))
    values, errors = read(tmp_path / "a.db", whole[: len(whole) // 2])
    assert len(errors) == 1 and list(errors) == [len(values) + 1]
    assert values == rows_of(len(values))


def test_any_wrong_byte_ends_in_records(tmp_path):
    whole = bytearray(database(rows_of(60)))
    for place in range(0, len(whole), 97):
        changed = bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        try:
            values, errors = read(tmp_path / "a.db", changed)
        except FormatError as error:  # its list of tables is what was hit
            assert "table" in str(error)
        else:
            assert len(values) <= 60 and len(errors) <= 1 + 60


def test_pages_that_stand_for_more_than_the_file_holds_are_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(databases, "LEAST_READ", 0)
    monkeypatch.setattr(databases, "MOST_TIMES", 1)
    make(
        tmp_path / "a.db", "CREATE TABLE t (n, prompt AS (hex(zeroblob(9000)))); INSERT INTO t (n) VALUES (1), (2), (3)"
    )
    values, errors = read(tmp_path / "a.db", (tmp_path / "a.db").read_bytes())
    assert not values and "hold more than the file" in errors[1]
