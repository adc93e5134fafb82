"""Rows of a table of an SQLite database, one by one. The file is opened read-only and as one that nobody changes.

Of the database nothing but one table is read: no view and no virtual table, which may run without end.
"""

import difflib
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from schemas.parsing import Unreadable, parsed
from stages.curation.readers.record import FormatError, Reading, Record
from stages.curation.readers.tables import as_text

DATABASES = (".sqlite", ".sqlite3", ".db")
MAGIC = b"SQLite format 3\0"
LONGEST_VALUE = 2**26
"""Bytes of a value of a database."""
LEAST_READ, MOST_TIMES = 2**24, 4
"""Bytes of the rows of a table that are read, or as many times the file's size: pages that stand for many are damage."""


def database_records(path: Path, reading: Reading) -> Iterator[Record]:
    """Rows of the table that the source names, or of the only one, without their nulls. Bytes that are UTF-8 are text.

    A file that is no database, or is damaged, gives the rows before the damage and a broken record. Raises FormatError for
    a table that is not there, for several of which none is named, and for a database with a log beside it.
    """
    reading.tried = "SQLite"
    with path.open("rb") as file:
        head = file.read(100)
    if not head.startswith(MAGIC):
        yield Record(1, None, "", "not SQLite, encrypted or damaged; write the file anew, or exclude it in params.yaml")
        return
    for log in (path.with_name(path.name + "-wal"), path.with_name(path.name + "-journal")):
        if log.is_file() and log.stat().st_size:
            raise FormatError(
                f"{path}: changes wait in {log.name}: close what writes the database, or call `PRAGMA wal_checkpoint(TRUNCATE)`"
            )
    number = 0
    with closing(sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro&immutable=1", uri=True)) as database:
        try:
            parsed(prepare, database)
            tables = parsed(tables_of, database)
        except Unreadable as error:
            yield Record(1, None, "", f"a damaged database: {error}; write the file anew, or exclude it in params.yaml")
            return
        table = chosen_table(path, tables, reading.table)
        reading.tried = f"SQLite, table {table}"
        try:
            for record in rows_of(database, table, path.stat().st_size, reading):
                number = record.line
                yield record
        except Unreadable as error:
            yield Record(
                number + 1, None, "", f"damaged here: {error}; write the file anew, or exclude it in params.yaml"
            )


def prepare(database: sqlite3.Connection) -> None:
    """No function of the schema runs that is not harmless; text comes as its bytes, whatever they are."""
    database.text_factory = bytes
    database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST_VALUE)
    for pragma in ("trusted_schema = off", "cell_size_check = on", "query_only = on"):
        database.execute(f"PRAGMA {pragma}")


def tables_of(database: sqlite3.Connection) -> list[str]:
    """The names of the tables that people made, sorted."""
    rows = database.execute("SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table'")
    names = (name.decode() for (name,) in rows)
    return sorted(name for name in names if not name.startswith("sqlite_"))


def chosen_table(path: Path, tables: list[str], asked: str | None) -> str:
    """Raises FormatError where it is unsure which table is to be read."""
    listed = ", ".join(tables)
    if asked in tables:
        return asked
    if asked is not None:
        close = difflib.get_close_matches(asked, tables, 1)
        hint = f" (did you mean {close[0]}?)" if close else ""
        raise FormatError(f"{path} has no table {asked}{hint}; it has {listed or 'none'}; views are not read")
    if len(tables) != 1:
        raise FormatError(
            f"{path} has the tables {listed}: name one as the source's `table` in params.yaml"
            if tables
            else f"{path} has no table; views are not read: make a table of one (CREATE TABLE … AS SELECT …)"
        )
    return tables[0]


def rows_of(database: sqlite3.Connection, table: str, size: int, reading: Reading) -> Iterator[Record]:
    """Raises Unreadable at the first row that cannot be read, and where rows are more than the file can hold."""
    name = table.replace('"', '""')
    cursor = parsed(database.execute, f'SELECT * FROM "{name}" NOT INDEXED')  # noqa: S608  (an identifier, quoted)
    columns = [column[0] for column in cursor.description]
    reading.columns.update(columns)
    number = held = 0
    while (row := parsed(cursor.fetchone)) is not None:
        number += 1
        held += 2 + sum(len(value) for value in row if isinstance(value, bytes))
        if held > max(LEAST_READ, MOST_TIMES * size):
            raise Unreadable("its rows hold more than the file")
        yield Record(
            number, {name: as_text(value) for name, value in zip(columns, row, strict=True) if value is not None}
        )
