"""What a reader asks of a table, as the address of the page says it, and as SQL.

domain=math&domain=code   any of these values (of tags: a row has one of them)
quality.from=0.5          at least; quality.to=0.9 at most
source.has=gsm8k          contains, in any case
margin.is=empty           no value; margin.is=filled
q=words "and a phrase"    every word stands somewhere in the row
sort=-quality             by a column, largest first; then by id
after=ID                  rows that follow this one; before=ID those in front of it
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal
from urllib.parse import urlencode

from reports.browse.columns import Column

Condition = Literal["any", "from", "to", "has", "is"]
MOST_VALUES = 100
MOST_CHARS = 500


@dataclass(frozen=True)
class Filter:
    """A condition on a column; `values` are as the address has them."""

    column: str
    condition: Condition
    values: tuple[str, ...]

    @property
    def parameter(self) -> str:
        return self.column if self.condition == "any" else f"{self.column}.{self.condition}"

    @property
    def words(self) -> str:
        match self.condition:
            case "any":
                return f"{self.column} is {' or '.join(value or '(empty text)' for value in self.values)}"
            case "from":
                return f"{self.column} at least {self.values[0]}"
            case "to":
                return f"{self.column} at most {self.values[0]}"
            case "has":
                return f"{self.column} contains {self.values[0]}"
        return f"{self.column} is {self.values[0]}"


@dataclass(frozen=True)
class Query:
    """What is asked of one table; `fixed` are parameters that every link keeps (the version)."""

    filters: tuple[Filter, ...] = ()
    words: str = ""
    sort: str = "id"
    descending: bool = False
    after: str = ""
    before: str = ""
    fixed: tuple[tuple[str, str], ...] = ()

    def parameters(self) -> list[tuple[str, str]]:
        """Name and value of each, as the address has them."""
        listed = [*self.fixed, *((one.parameter, value) for one in self.filters for value in one.values)]
        order = ("-" if self.descending else "") + self.sort
        optional = {"q": self.words, "sort": "" if order == "id" else order, "after": self.after, "before": self.before}
        return listed + [(name, value) for name, value in optional.items() if value]

    def address(self, **changes: Any) -> str:
        """The query's part of an address; a change of anything but the place goes back to the first page."""
        place = {name: changes.get(name, "") for name in ("after", "before")}
        return "?" + urlencode(replace(self, **(changes | place)).parameters())

    def selected(self, column: str, condition: Condition = "any") -> tuple[str, ...]:
        """The values that a filter has now."""
        return next((one.values for one in self.filters if (one.column, one.condition) == (column, condition)), ())

    def with_values(self, column: str, condition: Condition, values: Iterable[str]) -> "Query":
        """The query with another filter in the place of that one; none where there are no values."""
        kept = [one for one in self.filters if (one.column, one.condition) != (column, condition)]
        if listed := tuple(values):
            kept.append(Filter(column, condition, listed))
        return replace(self, filters=tuple(kept), after="", before="")

    def toggled(self, column: str, value: str) -> "Query":
        """The query with a value of a facet added, or taken off."""
        now = self.selected(column)
        return self.with_values(column, "any", [one for one in now if one != value] if value in now else [*now, value])


def parse(pairs: Sequence[tuple[str, str]], columns: Mapping[str, Column], fixed: Iterable[str] = ("at",)) -> Query:
    """The query of an address; what names no column, has no value or does not fit it is left out."""
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value[:MOST_CHARS])
    filters = []
    for name, given in values.items():
        column, dot, condition = name.rpartition(".")
        one = Filter(name, "any", tuple(dict.fromkeys(given[:MOST_VALUES])))
        if dot and column in columns and condition in ("from", "to", "has", "is"):
            one = Filter(column, condition, (given[-1].strip(),))  # type: ignore[arg-type]
        if one.column in columns and is_possible(one, columns[one.column]):
            filters.append(one)
    first = {name: given[-1] for name, given in values.items()}
    sort = first.get("sort", "id")
    descending, sort = sort.startswith("-"), sort.removeprefix("-")
    is_sortable = sort in columns and columns[sort].is_narrow and columns[sort].kind != "tags"
    return Query(
        filters=tuple(filters),
        words=" ".join(first.get("q", "").split()),
        sort=sort if is_sortable else "id",
        descending=descending and is_sortable,
        after=first.get("after", ""),
        before="" if first.get("after") else first.get("before", ""),
        fixed=tuple((name, first[name]) for name in fixed if first.get(name)),
    )


def is_possible(one: Filter, column: Column) -> bool:
    """Whether a filter says something of a column of this kind."""
    if not column.is_narrow:
        return False
    match one.condition:
        case "any":
            return column.kind != "number" or all(number_of(value) is not None for value in one.values)
        case "from" | "to":
            return column.kind == "number" and number_of(one.values[0]) is not None
        case "has":
            return column.kind in ("label", "id", "tags") and bool(one.values[0])
    return one.values[0] in ("empty", "filled")


def number_of(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def condition_of(query: Query, columns: Mapping[str, Column], leave_out: str = "") -> tuple[str, list[Any]]:
    """The filters of a query as a condition of SQL with its values; those of one column may be left out."""
    parts, values = ["true"], []
    for one in query.filters:
        if one.column == leave_out:
            continue
        sql, given = filter_condition(one, columns[one.column])
        parts.append(sql)
        values += given
    return " AND ".join(parts), values


def filter_condition(one: Filter, column: Column) -> tuple[str, list[Any]]:
    name = column.sql
    match one.condition:
        case "any" if column.kind == "tags":
            return f"list_has_any({name}, ?)", [list(one.values)]
        case "any" if column.kind == "number":
            return f"{name} IN (SELECT unnest(?::DOUBLE[]))", [[number_of(value) for value in one.values]]
        case "any" if column.kind == "flag":
            return f"{name} IN (SELECT unnest(?::BOOLEAN[]))", [[value == "yes" for value in one.values]]
        case "any":
            return f"{name} IN (SELECT unnest(?::VARCHAR[]))", [list(one.values)]
        case "from":
            return f"{name} >= ?", [number_of(one.values[0])]
        case "to":
            return f"{name} <= ?", [number_of(one.values[0])]
        case "has" if column.kind == "tags":
            return f"contains(lower(array_to_string({name}, chr(10))), lower(?))", [one.values[0]]
        case "has":
            return f"contains(lower({name}), lower(?))", [one.values[0]]
    if column.kind == "tags":
        return f"coalesce(len({name}), 0) {'=' if one.values[0] == 'empty' else '>'} 0", []
    missing = f"({name} IS NULL" + (f" OR {name} = '')" if column.kind == "label" else ")")
    return missing if one.values[0] == "empty" else f"NOT {missing}", []
