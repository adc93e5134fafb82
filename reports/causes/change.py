"""What can be the cause of a row's change, and what the rows were charged to: plain, frozen values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import polars as pl

Kind = Literal[
    "source row", "prompt", "parameter", "model", "module", "library", "human", "graph", "churn", "unexplained"
]
KINDS: tuple[Kind, ...] = (
    "source row",
    "human",
    "prompt",
    "model",
    "parameter",
    "module",
    "library",
    "graph",
    "churn",
    "unexplained",
)
"""Also the order in which changes that act at the same stage are named."""
Mark = Literal["displaced", "churn", "proved", "interaction", "also"]
MARKS: tuple[Mark, ...] = ("displaced", "churn", "proved", "interaction", "also")
"""displaced: another row, charged to this cause, took its place. churn: a method that looks at all rows at once (ontology,
scores, selection …) decided otherwise about it, following from this cause. proved: it changes where this cause is applied
alone. interaction: it changes only where this cause and those of `together` are applied at once. also: it would have
changed without this cause too, by another one alone."""


@dataclass(frozen=True)
class Lines:
    """Where a source row stands: its file, and its lines in either version (from 1; None where it is not there)."""

    path: str
    old: int | None
    new: int | None


@dataclass(frozen=True)
class Change:
    """One atomic change between two versions, known without looking at rows.

    `name` identifies it: a dotted key, a path, "path:line", a library. `text` says it in words. `stages` are those whose
    result it changes directly, in the graph's order. `unit` is the file or key that a replay applies as one.
    """

    kind: Kind
    name: str
    text: str
    stages: tuple[str, ...]
    unit: str
    lines: Lines | None = None


@dataclass(frozen=True)
class Counts:
    """Rows of one product by what happened to them."""

    added: int = 0
    changed: int = 0
    removed: int = 0

    @property
    def rows(self) -> int:
        return self.added + self.changed + self.removed


@dataclass(frozen=True)
class Cause:
    """A cause with the rows of D and P that are charged to it.

    `counts`: by product, "D" and "P". `marks`: rows by mark. `stages`: rows by the stage where their change began.
    `examples`: (table, id) of some rows, drawn by id. `replay` says how far it was proved, in words.
    """

    change: Change
    counts: dict[str, Counts]
    marks: dict[str, int]
    stages: dict[str, int]
    examples: tuple[tuple[str, str], ...]
    replay: str = ""

    @property
    def rows(self) -> int:
        return sum(counts.rows for counts in self.counts.values())

    @property
    def proved(self) -> int:
        return self.marks.get("proved", 0)


@dataclass(frozen=True)
class Why:
    """Every changed row of D and P with its cause.

    `rows` (a Polars frame): table, kind (added, removed, changed), id_old, id_new (null where there is none), cause (the
    name of a change), marks (list of str), via (the stage where the change began), together (names of the changes that
    only together make an interaction); a line for each changed row. `causes`: with their rows, those with most first.
    `idle`: changes that no row of D and P is charged to. `notes`: what could not be proved and why, in words.
    """

    rows: pl.DataFrame = field(repr=False, compare=False)
    causes: tuple[Cause, ...]
    idle: tuple[Change, ...]
    notes: tuple[str, ...] = ()

    def cause(self, name: str) -> Cause | None:
        return next((cause for cause in self.causes if cause.change.name == name), None)
