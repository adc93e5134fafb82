"""What the page and the comment say alike: the sentences at the top, and the order and choice of what follows."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from reports.diff.model import (
    PRODUCTS,
    CodeChange,
    Diff,
    Distribution,
    FileChange,
    ParamChange,
    Shift,
    StageChange,
    TableDiff,
)
from reports.page.charts import Part, shares_of
from reports.page.numbers import change, count, figure, plural, points, share
from reports.versions.version import Version

LEVELS = {
    "neutral": "Neutral: no row of D and P differs.",
    "additive": "Additive: rows of D and P were added only.",
    "breaking": "Breaking: rows were rewritten or removed, or the schema or a licence changed.",
}
KINDS = ("unchanged", "moved", "changed", "added", "removed")
"""Of rows, in the order of the stacked bar."""
LEAST_POINTS = 0.1
"""Percentage points of a table's rows that must have moved for a column to be shown."""
FIRST_COLUMNS = (
    "tags",
    "domain",
    "strategy",
    "source",
    "language",
    "license",
    "label_source",
    "engine",
    "split",
    "rule",
)


class Line(NamedTuple):
    """A line of the list of what changed: what it is, its name, and what it was and is ("" where there is none)."""

    what: str
    name: str
    old: str
    new: str


def sentences(diff: Diff) -> list[str]:
    """What a reader must know first: the class, the gates, what explains the rows, the price."""
    found = [*(f"{note}." for note in diff.notes), f"{LEVELS[diff.level]}{class_words(diff)}"]
    if diff.why is not None and diff.why.causes:
        found.append(why_words(diff.why))
    if diff.gates:
        statuses = [gate.status for gate in diff.gates]
        words = [
            f"{statuses.count(one)} {word[statuses.count(one) > 1]}" for one, word in VERBS.items() if one in statuses
        ]
        found.append(f"Gates: {', '.join(words)}.")
    if diff.price is not None:
        found.append(price_words(diff.price))
    if diff.pending:
        found.append(
            f"{', '.join(diff.pending)} would run again before {diff.new.label} is what its sources say: `dvc repro` first."
        )
    return found


VERBS = {
    "fail": ("fails", "fail"),
    "unknown": ("cannot be told", "cannot be told"),
    "warn": ("warns", "warn"),
    "waived": ("is waived", "are waived"),
    "pass": ("passes", "pass"),
}
"""What a gate of a status does, one and several."""


def class_words(diff: Diff) -> str:
    """Rows of each class and product: " D: 11 rewritten or removed (0.2 %), 11 added (0.2 %)."; "" where none differs."""
    words = {"breaking": "rewritten or removed", "additive": "added"}
    products = []
    for path, letter in PRODUCTS.items():
        parts = [
            f"{count(one.rows)} {words[one.level]} ({share(one.share)})"
            for level in words
            for one in diff.classes
            if one.table == path and one.level == level and one.rows
        ]
        products += [f"{letter}: {', '.join(parts)}"] if parts else []
    return f" {'; '.join(products)}." if products else ""


def why_words(why: Any) -> str:
    """How many causes explain the rows, and how much of it is proved."""
    known = [cause for cause in why.causes if cause.change.kind != "unexplained"]
    rows, open_rows = (
        sum(cause.rows for cause in some) for some in (known, [cause for cause in why.causes if cause not in known])
    )
    verb = "explains" if len(known) == 1 else "explain"
    of = f"{count(rows)} of {count(rows + open_rows)}" if open_rows else f"all {count(rows)}"
    text = f"{plural(len(known), 'cause')} {verb} {of} changed rows of D and P"
    if proved := sum(cause.proved for cause in known):
        text += f", {'all' if proved == rows else count(proved)} of them proved by replay"
    return text + (f"; that {count(open_rows)} have none is a fault of this tool." if open_rows else ".")


def price_words(price: Any) -> str:
    """The price of the change in a sentence."""
    if not price.requests:
        return "The new version asked no model for anything new."
    tokens = price.prompt_tokens + price.completion_tokens
    cost = f", {figure(price.cost)} {price.currency}" if price.cost is not None else ""
    return f"The new version asked models {count(price.requests)} new requests: {count(tokens)} tokens{cost}."


def parts_of(table: TableDiff) -> list[Part]:
    """The rows of a table by what became of them, for a stacked bar."""
    return [Part(kind, getattr(table, kind), kind) for kind in KINDS if kind != "moved" or table.moved]


def products(diff: Diff) -> list[tuple[str, str, TableDiff | None]]:
    """Letter, path and difference of D and P; None where a product does not differ."""
    return [(letter, path, diff.table(path)) for path, letter in PRODUCTS.items()]


def by_column(shifts: Iterable[Shift]) -> list[tuple[str, list[Shift]]]:
    """Shifts of each column: columns as FIRST_COLUMNS has them, values by the points that they moved."""
    order = {name: place for place, name in enumerate(FIRST_COLUMNS)}
    found = sorted(
        shifts,
        key=lambda s: (order.get(s.column, len(order)), s.column, -round(abs(s.points), 6), -s.new_share, s.value),
    )
    return [(column, list(group)) for column, group in groupby(found, key=lambda s: s.column)]


class Composition(NamedTuple):
    """Columns whose values or numbers are distributed otherwise, and the names of the others."""

    shifts: list[tuple[str, list[Shift]]]
    distributions: list[Distribution]
    quiet: list[str]


def composition_of(table: TableDiff) -> Composition:
    """What moved in a table and what did not."""
    columns = by_column(table.shifts)
    moved = [(name, lines) for name, lines in columns if any(abs(line.points) >= LEAST_POINTS for line in lines)]
    numbers = [one for one in table.distributions if has_moved(one)]
    quiet = [name for name, _ in columns if name not in dict(moved)]
    return Composition(moved, numbers, quiet + [one.column for one in table.distributions if one not in numbers])


def has_moved(one: Distribution) -> bool:
    """Whether a column of numbers is distributed otherwise by more than the odd row."""
    before, after = shares_of(one.old_bins), shares_of(one.new_bins)
    return sum(abs(new - old) for old, new in zip(before, after, strict=True)) / 2 * 100 >= LEAST_POINTS


def lines_of(changes: Sequence[Any]) -> list[Line]:
    """Parameters, files, modules and libraries that changed; stages have `stages_of`."""
    found = []
    for one in changes:
        match one:
            case ParamChange():
                found.append(Line("parameter", one.key, value_text(one.old), value_text(one.new)))
            case FileChange():
                found.append(Line("file", one.path, "", one.kind))
            case CodeChange(kind="library"):
                found.append(Line("library", one.name, one.old or "", one.new or ""))
            case CodeChange():
                word = "added" if one.old is None else "removed" if one.new is None else "edited"
                found.append(Line("module", one.name, "", f"{word}; {', '.join(one.stages)}"))
    return found


def stages_of(changes: Sequence[Any]) -> list[StageChange]:
    """Stages that ran differently."""
    return [one for one in changes if isinstance(one, StageChange)]


def value_text(value: Any) -> str:
    """A parameter as params.yaml would have it; "not set" for none."""
    match value:
        case None:
            return "not set"
        case bool():
            return "true" if value else "false"
        case float():
            return repr(value)
    return str(value)


def short_name(table: TableDiff) -> str:
    """The table's name without its folder and ending: `demonstrations`, `dropped/filter`."""
    return table.table.removeprefix("data/").removesuffix(".parquet")


def band_words(line: Any) -> str:
    """The band of a metric's change in words; empty where nothing bounds it."""
    if line.low is None or line.high is None:
        return ""
    if line.unit == "share":
        ends = f"{points(line.low * 100)} … {points(line.high * 100)} points"
    else:
        ends = f"{figure(line.low)} … {figure(line.high)}"
    return f"{ends}, {line.band}" if line.band else ends


def in_unit(value: float | None, unit: str) -> str:
    """A value of a metric or a gate with its unit."""
    if unit == "share":
        return share(value)
    return figure(value) + (f" {unit}" if unit and value is not None else "")


def revision(version: Version) -> str:
    """The version as an address names it: its commit where it has one, so that the address goes on meaning the same."""
    return (version.commit or version.name)[:12]


def metric_change(line: Any) -> str:
    """The change of a metric: in percentage points for a share."""
    if line.unit == "share" and line.old is not None and line.new is not None:
        return points((line.new - line.old) * 100) + " points"
    return change(line.old, line.new)
