"""The columns of a table as the page treats them: what is narrow stays in memory, what is text is read when it is shown."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import duckdb

from reports.browse.patterns import pattern_of
from reports.versions.conversations import is_messages, turn_text
from reports.versions.database import name_of, parquet, quoted

Kind = Literal["id", "label", "number", "flag", "tags", "text", "texts", "messages", "references", "structure"]
REFERENCES = {"parents", "verdicts", "candidates", "prompt_id", "generation"}
"""Columns that name other rows or answers of the store."""
NARROW_BYTES = 48
"""Of a value in the file (dictionaries and all): a column of more is read when it is shown."""
NARROW_CHARS = 64
"""A string column whose values are longer on average is text."""
SOURCE_FILE = "source file"
"""What `source` ("file:line") names, without the line."""


@dataclass(frozen=True)
class Column:
    """A column: its name, what it holds, how many distinct values (about, of a narrow one; tags by their lists), of numbers
    whether they are whole, and DuckDB's type."""

    name: str
    kind: Kind
    distinct: int = 0
    is_whole: bool = True
    type: str = ""

    @property
    def is_narrow(self) -> bool:
        """Whether its values are kept in memory, so that they filter, sort and count at once."""
        return self.kind in ("id", "label", "number", "flag", "tags")

    @property
    def is_facet(self) -> bool:
        """Whether its values are few enough to be listed with their counts."""
        most = {"label": 500, "number": 12, "flag": 2, "tags": 100_000}.get(self.kind, 0)
        return self.name not in REFERENCES and self.is_whole and 0 < self.distinct <= most

    @property
    def sql(self) -> str:
        return name_of(self.name)


def describe(database: duckdb.DuckDBPyConnection, files: Sequence[Path]) -> list[Column]:
    """The columns of Parquet files, in their order."""
    source = parquet(list(files))
    types = {name: kind for name, kind, *_ in database.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}
    listed = ", ".join(quoted(str(file)) for file in files)
    sizes = dict(
        database.execute(
            "SELECT split_part(path_in_schema, ', ', 1), sum(total_uncompressed_size) / greatest(sum(num_values), 1) "
            f"FROM parquet_metadata([{listed}]) GROUP BY 1"
        ).fetchall()
    )
    small = [name for name, kind in types.items() if kind == "VARCHAR" and sizes.get(name, 0) <= NARROW_BYTES]
    lengths: dict[str, float] = {}
    if small:
        means = ", ".join(f"avg(strlen({name_of(name)}))" for name in small)
        (values,) = database.execute(f"SELECT {means} FROM {source}").fetchall()
        lengths = {name: value or 0.0 for name, value in zip(small, values, strict=True)}
    return [
        Column(name, kind_of(name, kind, sizes.get(name, 0), lengths.get(name)), is_whole=kind != "DOUBLE", type=kind)
        for name, kind in types.items()
    ]


def kind_of(name: str, kind: str, size: float, length: float | None) -> Kind:
    """What a column of a DuckDB type holds: `size` in bytes of a value in the file, `length` of a small string."""
    if name == "id":
        return "id"
    if kind == "VARCHAR":
        return "label" if length is not None and length <= NARROW_CHARS else "text"
    if kind == "JSON":
        return "text"
    if kind == "BOOLEAN":
        return "flag"
    if kind == "VARCHAR[]":
        return "references" if name in REFERENCES else "tags" if size <= NARROW_BYTES else "texts"
    if is_messages(kind):
        return "messages"
    return "structure" if kind.endswith(("[]", ")", "]")) else "number"


def word_condition(column: Column, word: str) -> str | None:
    """SQL for whether a word stands in a column; None of a column without text."""
    match column.kind:
        case "text" | "label":
            return None if column.name in REFERENCES else matches(column.sql, word)
        case "texts" | "tags":
            return f"list_bool_or(list_transform({column.sql}, lambda x: {matches('x', word)}))"
        case "messages":
            return f"list_bool_or(list_transform({column.sql}, lambda x: {matches(turn_text('x', column.type), word)}))"
    return None


def matches(text: str, word: str) -> str:
    """SQL for whether a word stands in a text. Digits of other scripts, which no literal is, cost in texts beyond ASCII only."""
    pattern = pattern_of(word)
    if not word.isascii() or not any(map(str.isdecimal, word)):
        return f"regexp_matches({text}, {quoted(pattern)}, 'i')"
    is_caseless = word == word.upper() == word.lower() and " " not in word
    plain = r"\s+".join(map(re.escape, word.split(" ")))
    literal = f"contains({text}, {quoted(word)})" if is_caseless else f"regexp_matches({text}, {quoted(plain)}, 'i')"
    is_beyond = f"strlen({text}) <> length({text})"
    # CASE: within a list, both sides of AND are worked out
    return f"CASE WHEN {is_beyond} THEN regexp_matches({text}, {quoted(pattern)}, 'i') ELSE {literal} END"
