"""A table of a version, opened: narrow columns in memory, texts read from the file where they are shown or searched."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from threading import RLock
from typing import Any

import duckdb

from reports.browse.columns import SOURCE_FILE, Column, describe, word_condition
from reports.browse.patterns import words_of
from reports.browse.query import Query, condition_of
from reports.versions.database import parquet, quoted

PAGE = 50
FACET_VALUES = 12
FEW = 50
"""Rows to a value, from which on a column is one of few values."""


@dataclass(frozen=True)
class Page:
    """Rows of one page in order, with all their columns; whether there are rows before and after them."""

    rows: list[dict[str, Any]]
    has_before: bool
    has_after: bool


@dataclass(frozen=True)
class Facet:
    """The values of a column with their rows, most frequent first, and how many values are not listed."""

    column: Column
    values: list[tuple[Any, int]]
    more: int


class OpenTable:
    """One table. `name` is its name in the database; rows are known by their place in the files."""

    def __init__(self, database: duckdb.DuckDBPyConnection, files: Sequence[Path], name: str) -> None:
        self.files, self.name = list(files), name
        self.lock = RLock()  # of what is remembered: two pages may ask the same at once
        counts = [
            database.execute(f"SELECT num_rows FROM parquet_file_metadata({quoted(str(file))})").fetchall()[0][0]
            for file in self.files
        ]
        self.starts = list(accumulate([0, *counts]))
        found = describe(database, self.files)
        narrow = [column.sql for column in found if column.is_narrow]
        if any(column.name == "source" and column.kind == "label" for column in found):
            narrow.append(f"regexp_replace(source, ':[0-9]+$', '') AS \"{SOURCE_FILE}\"")
            found.append(Column(SOURCE_FILE, "label"))
        parts = " UNION ALL ".join(f"SELECT place, {', '.join(narrow)} FROM ({part})" for part in self.parts("*"))
        database.execute(f"CREATE TABLE {name} AS {parts}")
        counted = [column.sql if column.is_narrow else "NULL" for column in found]
        (distinct,) = database.execute(
            f"SELECT {', '.join(f'approx_count_distinct({sql})' for sql in counted)} FROM {name}"
        ).fetchall()
        self.columns = {
            column.name: replace(column, distinct=number) for column, number in zip(found, distinct, strict=True)
        }
        self.searches: dict[str, str] = {}
        self.kept: dict[Query, tuple[int, list[Facet]]] = {}

    @property
    def rows(self) -> int:
        return self.starts[-1]

    def parts(self, columns: str) -> Iterator[str]:
        """SQL for the rows of each file with their place in the table; a condition may follow."""
        for file, start in zip(self.files, self.starts, strict=False):
            yield f"SELECT file_row_number + {start} AS place, {columns} FROM {numbered(file)} WHERE true"

    # ---- what is asked

    def matches(self, database: duckdb.DuckDBPyConnection, words: str) -> str:
        """The name of the table of places whose rows hold every word. Remembered for the last few searches."""
        if words in self.searches:
            return self.searches[words]
        while len(self.searches) >= 8:
            database.execute(f"DROP TABLE IF EXISTS {self.searches.pop(next(iter(self.searches)))}")
        searched = [column for column in self.columns.values() if self.is_searched(column)]
        condition = " AND ".join(
            f"({' OR '.join(filter(None, [*(word_condition(one, word) for one in searched), id_condition(word)])) or 'false'})"
            for word in words_of(words)
        )
        name = f"{self.name}_matches_{abs(hash(words)):x}"
        parts = " UNION ALL ".join(f"{part} AND {condition}" for part in self.parts("0"))
        database.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT place FROM ({parts})")
        self.searches[words] = name
        return name

    def is_searched(self, column: Column) -> bool:
        """Whether words are looked for in a column: beside texts not in one of few values, which its facet lists."""
        has_texts = any(one.kind in ("text", "texts", "messages") for one in self.columns.values())
        is_few = column.kind == "label" and column.distinct * FEW <= self.rows
        return column.name != SOURCE_FILE and not (is_few and has_texts)

    def condition(
        self, database: duckdb.DuckDBPyConnection, query: Query, leave_out: str = ""
    ) -> tuple[str, list[Any]]:
        """The rows that a query is about."""
        sql, values = condition_of(query, self.columns, leave_out)
        if words_of(query.words):
            sql += f" AND place IN (SELECT place FROM {self.matches(database, query.words)})"
        return sql, values

    def counts(self, database: duckdb.DuckDBPyConnection, query: Query) -> tuple[int, list[Facet]]:
        """How many rows a query finds, and the facets of these; a column's own filter does not narrow its own values."""
        key = replace(query, after="", before="", sort="id", descending=False)
        with self.lock:
            if key not in self.kept:
                while len(self.kept) >= 64:
                    self.kept.pop(next(iter(self.kept)))
                sql, values = self.condition(database, query)
                ((total,),) = database.execute(f"SELECT count(*) FROM {self.name} WHERE {sql}", values).fetchall()
                facets = [self.facet(database, query, one) for one in self.columns.values() if one.is_facet]
                self.kept[key] = total, facets
            return self.kept[key]

    def facet(self, database: duckdb.DuckDBPyConnection, query: Query, column: Column) -> Facet:
        sql, values = self.condition(database, query, leave_out=column.name)
        value = f"unnest({column.sql})" if column.kind == "tags" else column.sql
        counted = database.execute(
            f"WITH counted AS (SELECT value, count(*) AS rows FROM (SELECT {value} AS value FROM {self.name} WHERE {sql}) "
            "GROUP BY value) SELECT value, rows, count(*) OVER () FROM counted "
            f"ORDER BY rows DESC, value LIMIT {FACET_VALUES}",
            values,
        ).fetchall()
        listed = [(value, rows) for value, rows, _ in counted]
        return Facet(column, listed, counted[0][2] - len(counted) if counted else 0)

    def page(self, database: duckdb.DuckDBPyConnection, query: Query) -> Page:
        """The rows of one page. Paging is by the key of a row, so rows that came or went meanwhile shift nothing."""
        with self.lock:  # the places of a search stand in a table that other searches drop
            places = self.places(database, query)
        anchor, is_back = query.after or query.before, bool(query.before)
        has_more, places = len(places) > PAGE, places[:PAGE]
        rows = self.whole(database, places[::-1] if is_back else places)
        has_anchor = bool(anchor)
        return Page(rows, has_more if is_back else has_anchor, has_anchor if is_back else has_more)

    def places(self, database: duckdb.DuckDBPyConnection, query: Query) -> list[int]:
        """The places of the rows of one page in the order of the query, and of one row beyond it."""
        sql, values = self.condition(database, query)
        column = self.columns[query.sort].sql
        is_back = bool(query.before)
        descending = query.descending != is_back
        if anchor := query.after or query.before:
            found = database.execute(f"SELECT {column} FROM {self.name} WHERE id = ?", [anchor]).fetchall()
            if found:
                beyond, given = beyond_condition(column, found[0][0], anchor, descending, is_back)
                sql, values = f"{sql} AND {beyond}", values + given
        nulls = "FIRST" if is_back else "LAST"
        direction = "DESC" if descending else "ASC"
        order = f"{column} {direction} NULLS {nulls}, id {'DESC' if is_back else 'ASC'}"
        if query.sort == "id":
            order = f"id {direction}"
        found = database.execute(
            f"SELECT place FROM {self.name} WHERE {sql} ORDER BY {order} LIMIT {PAGE + 1}", values
        ).fetchall()
        return [place for (place,) in found]

    def whole(self, database: duckdb.DuckDBPyConnection, places: Sequence[int]) -> list[dict[str, Any]]:
        """Rows with all columns of the file, in the order of `places`."""
        if not places:
            return []
        found: dict[int, dict[str, Any]] = {}
        for start, end, file in zip(self.starts, self.starts[1:], self.files, strict=False):
            inside = [place - start for place in places if start <= place < end]
            if not inside:
                continue
            listed = ", ".join(map(str, inside))
            result = database.execute(f"SELECT * FROM {numbered(file)} WHERE file_row_number IN ({listed})")
            names = [name for name, *_ in result.description]
            for values in result.fetchall():
                row = dict(zip(names, values, strict=True))
                found[row.pop("file_row_number") + start] = row
        return [found[place] for place in places]

    def close(self, database: duckdb.DuckDBPyConnection) -> None:
        for name in (self.name, *self.searches.values()):
            with suppress(duckdb.Error):
                database.execute(f"DROP TABLE IF EXISTS {name}")


def numbered(file: Path) -> str:
    """SQL for a file with the number of each row in it."""
    return parquet([file]).removesuffix(")") + ", file_row_number = true)"


def id_condition(word: str) -> str:
    """A row is also found by the beginning of its id; "" of what begins none."""
    is_beginning = 6 <= len(word) <= 32 and set(word.lower()) <= set("0123456789abcdef")
    return f"starts_with(id, {quoted(word.lower())})" if is_beginning else ""


def beyond_condition(column: str, value: Any, anchor: str, descending: bool, is_back: bool) -> tuple[str, list[Any]]:
    """Rows beyond the one that has `value` and the id `anchor`, where values that are missing come last."""
    if column == '"id"':
        return f"id {'<' if descending else '>'} ?", [anchor]
    next_id = f"id {'<' if is_back else '>'} ?"
    if value is None:
        return (f"({column} IS NOT NULL OR {next_id})" if is_back else f"({column} IS NULL AND {next_id})"), [anchor]
    further = f"{column} {'<' if descending else '>'} ? OR ({column} = ? AND {next_id})"
    return f"({further}{'' if is_back else f' OR {column} IS NULL'})", [value, value, anchor]
