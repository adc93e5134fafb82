"""Columns of a table in two versions: which differ in type, in which type the others compare, what a column is for."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import cast

import duckdb
from duckdb.sqltypes import DuckDBPyType

from reports.diff.model import ColumnChange, SchemaDiff
from reports.versions.conversations import is_messages, turn_text
from reports.versions.database import name_of

NUMBERS = {
    *("tinyint", "smallint", "integer", "bigint", "hugeint"),
    *("utinyint", "usmallint", "uinteger", "ubigint", "uhugeint", "float", "double", "decimal"),
}
REFERENCES = ("parents", "prompt_id", "candidates", "verdicts", "generation")
"""Columns that hold ids of other rows or keys of the store: they follow when those change."""
LABELS = (
    *(
        "domain",
        "strategy",
        "label_source",
        "license",
        "engine",
        "split",
        "source",
        "stage",
        "rule",
        "error",
        "verifier",
    ),
    *("outcome", "role", "response_strategy", "model", "task", "step", "part", "area", "kind"),
)
"""Columns of text that hold one of few values."""
NOT_PROSE = {"id", *LABELS, *REFERENCES}


@dataclass(frozen=True)
class Columns:
    """The columns of both sides, name -> DuckDB's type."""

    old: Mapping[str, str]
    new: Mapping[str, str]

    @cached_property
    def schema(self) -> SchemaDiff:
        names = dict.fromkeys([*self.new, *self.old])
        found = (ColumnChange(name, self.old.get(name), self.new.get(name)) for name in names)
        return SchemaDiff(tuple(change for change in found if change.old != change.new))

    @cached_property
    def compared(self) -> dict[str, str]:
        """Columns of both sides, in the new one's order -> the type in which their values are compared."""
        types = {name: common_type(self.old[name], kind) for name, kind in self.new.items() if name in self.old}
        return {name: kind for name, kind in types.items() if kind is not None and name != "id"}

    def has(self, name: str) -> bool:
        return name in self.old and name in self.new

    @cached_property
    def texts(self) -> list[str]:
        """Columns of both sides that hold prose or conversations."""
        return [name for name in self.compared if self.is_text(name)]

    @cached_property
    def prose(self) -> list[str]:
        """Of the texts those that are one text or conversation each."""
        return [
            name
            for name in self.texts
            if all(side[name] == "VARCHAR" or is_messages(side[name]) for side in (self.old, self.new))
        ]

    def is_text(self, name: str) -> bool:
        kinds = (self.old.get(name), self.new.get(name))
        return name not in NOT_PROSE and all(
            kind in ("VARCHAR", "VARCHAR[]") or is_messages(kind or "") for kind in kinds
        )


def common_type(old: str, new: str) -> str | None:
    """The type in which values of both types say the same where they mean the same; None where there is none."""
    if old == new:
        return new
    return shared(duckdb.type(old), duckdb.type(new))


def shared(old: DuckDBPyType, new: DuckDBPyType) -> str | None:
    if old == new:
        return str(new)
    if old.id in NUMBERS and new.id in NUMBERS:
        return "DOUBLE"
    if old.id == new.id == "list":
        inner = shared(fields_of(old)["child"], fields_of(new)["child"])
        return None if inner is None else f"{inner}[]"
    if old.id == new.id == "struct":
        before, after = fields_of(old), fields_of(new)
        pairs = {name: shared(before[name], kind) for name, kind in after.items() if name in before}
        fields = [f"{name_of(name)} {kind}" for name, kind in pairs.items() if kind is not None]
        return f"STRUCT({', '.join(fields)})" if fields else None
    if {"list", "struct", "map", "union", "array"} & {old.id, new.id}:
        return None
    return "VARCHAR"


def fields_of(kind: DuckDBPyType) -> dict[str, DuckDBPyType]:
    """The types inside a structure by name, of a list by "child"."""
    return cast(dict[str, DuckDBPyType], dict(kind.children))


def text_of(column: str, kind: str) -> str:
    """SQL: the whole text of a column of prose; null where there is none."""
    name = name_of(column)
    if is_messages(kind):
        return f"array_to_string(list_transform({name}, lambda turn: {turn_text('turn', kind)}), chr(10))"
    return f"array_to_string({name}, chr(10))" if kind.endswith("[]") else f"CAST({name} AS VARCHAR)"
