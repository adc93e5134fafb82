"""A source's `columns`: the names that its fields go by from then on, before any shape sees a record."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from schemas.errors import UserError
from stages.curation.readers.fields import holds

MISSING = object()


class ColumnError(UserError, ValueError):
    """A mapping of columns does not fit the records; the message says how to correct it."""


class Columns:
    """A mapping from the name of a field to the column that holds it, maybe within objects: `data.question`, `turns.0.text`.

    What is renamed stands under its new name only. `found`: columns that a record had; `seen`: all fields of records, as
    far as there are MOST_SEEN.
    """

    MOST_SEEN = 1000

    def __init__(self, name: str, mapping: Mapping[str, str]) -> None:
        self.name, self.mapping = name, mapping
        self.found: set[str] = set()
        self.seen: set[str] = set()
        self.records = 0

    def renamed(self, record: dict[str, Any], place: str) -> dict[str, Any]:
        """The record with its fields under their new names.

        Raises ColumnError where a field of the new name is there already and is not renamed itself.
        """
        if not self.mapping:
            return record
        self.records += 1
        if len(self.seen) < self.MOST_SEEN:
            self.seen.update(record)
        taken: dict[str, Any] = {}
        rest = record
        for field, column in self.mapping.items():
            value = value_at(record, column)
            if value is not MISSING:
                self.found.add(column)
                rest = without(rest, column)
                taken[field] = value
        for field in taken:
            if holds(rest.get(field)):
                raise ColumnError(
                    f"{place}: the source {self.name} names its column `{self.mapping[field]}` `{field}`, and there is a "
                    f"field `{field}` already; give that one another name (columns: {{other_{field}: {field}}}), or take "
                    "the line out of `columns` in params.yaml"
                )
        return {**rest, **taken}

    def missing(self, known: Iterable[str] = ()) -> list[str]:
        """The columns that no record had, and no table among `known`."""
        return sorted(set(self.mapping.values()) - self.found - set(known))

    def check(self, known: Iterable[str] = ()) -> None:
        """Raise ColumnError for a column that no record of the source had. `known`: the columns of its tables."""
        if not self.records or not (missing := self.missing(known)):
            return
        fields = sorted(self.seen.union(known), key=str)
        hints = [
            f"`{name}`"
            + (f" (did you mean {close[0]}?)" if (close := difflib.get_close_matches(name, fields, 1)) else "")
            for name in missing
        ]
        raise ColumnError(
            f"source {self.name}: no record has the column {', '.join(hints)} that `columns` in params.yaml names; its "
            f"fields are {', '.join(fields[:20])}{', …' if len(fields) > 20 else ''}"
        )


def value_at(record: dict[str, Any], column: str) -> Any:
    """What a record holds in a column: a field of this very name, else a path of names and places in lists; or MISSING."""
    if column in record:
        return record[column]
    here: Any = record
    for part in column.split("."):
        if isinstance(here, dict):
            here = here.get(part, MISSING)
        elif isinstance(here, list) and part.isdecimal() and len(part) < 10 and int(part) < len(here):
            here = here[int(part)]
        else:
            return MISSING
    return here


def without(record: dict[str, Any], column: str) -> dict[str, Any]:
    """A copy of the record without a column; an object of which nothing is left goes too."""
    return dropped(record, [column] if column in record else column.split("."))


def dropped(value: Any, path: list[str]) -> Any:
    name, *rest = path
    if isinstance(value, list) and name.isdecimal() and int(name) < len(value):
        left = dropped(value[int(name)], rest) if rest else None
        return [left if place == int(name) else item for place, item in enumerate(value)]
    if not isinstance(value, dict) or name not in value:
        return value
    inner = dropped(value[name], rest) if rest else None
    items: Any = inner.values() if isinstance(inner, dict) else inner
    if not rest or (isinstance(inner, dict | list) and not any(map(holds, items))):
        return {key: item for key, item in value.items() if key != name}
    return {**value, name: inner}
