"""Causes as they are shown: what each is charged with, how sure it is, and what its rows have in common."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reports.diff.model import PRODUCTS, Diff
from reports.page.numbers import MINUS, count, plural, share
from reports.page.review import revision
from reports.page.traits import Trait

if TYPE_CHECKING:
    from reports.causes.change import Cause

MOST_ROWS = 60
"""Rows of a cause that are listed."""
FIRST_ROWS = 3
MARKS = {
    "proved": "proved by replay",
    "interaction": "only together with another change",
    "displaced": "displaced",
    "churn": "churn of the method that follows from it",
    "also": "would have changed without it, too",
}
EXPLAINED = {
    "proved": "these rows change where this cause is applied alone",
    "interaction": "these rows change only where this cause and another are applied at once",
    "displaced": "a row charged to this cause took their place",
    "churn": "a stage that looks at all rows at once decided otherwise about them",
    "also": "another change alone moves them as well",
}
COLOURS = 7
"""Colours of the stacked bar; the last is for all causes beyond."""


@dataclass(frozen=True)
class CauseView:
    """A cause with its rows: `rows` are (kind, table's letter, id, version's name, marks)."""

    cause: Cause
    colour: str
    products: tuple[tuple[str, str], ...]
    marks: tuple[tuple[str, str], ...]
    traits: tuple[Trait, ...]
    rows: tuple[tuple[str, str, str, str, str], ...]
    left_out: int


def cause_views(diff: Diff, traits: Iterable[Trait]) -> list[CauseView]:
    """Every cause of the diff, those with most rows first; [] where causes were not looked for."""
    if diff.why is None:
        return []
    traits = list(traits)
    found = []
    for place, cause in enumerate(diff.why.causes):
        rows = rows_of(diff, cause)
        found.append(
            CauseView(
                cause,
                f"c{min(place, COLOURS)}",
                tuple((letter, counts_words(counts)) for letter, counts in cause.counts.items() if counts.rows),
                tuple(
                    (f"{count(number)} {MARKS[mark]}", EXPLAINED[mark])
                    for mark, number in cause.marks.items()
                    if number
                ),
                tuple(trait for trait in traits if trait.group == cause.change.name),
                tuple(rows[:MOST_ROWS]),
                max(0, len(rows) - MOST_ROWS),
            )
        )
    return found


def counts_words(counts: Any) -> str:
    """+40 added, 2 changed, −1 removed: what is not nothing."""
    words = {
        f"+{count(counts.added)} added": counts.added,
        f"{count(counts.changed)} changed": counts.changed,
        f"{MINUS}{count(counts.removed)} removed": counts.removed,
    }
    return ", ".join(text for text, number in words.items() if number)


def rows_of(diff: Diff, cause: Cause) -> list[tuple[str, str, str, str, str]]:
    """The rows charged to a cause: of D before those of P, changed before added and removed, then by id."""
    order = ("changed", "added", "removed")
    found = []
    for table, kind, old, new, name, marks in diff.why.rows.select(
        "table", "kind", "id_old", "id_new", "cause", "marks"
    ).iter_rows():
        if name == cause.change.name:
            version = diff.old if kind == "removed" else diff.new
            found.append((kind, PRODUCTS.get(table, table), new or old, revision(version), ", ".join(marks)))
    return sorted(found, key=lambda row: (row[1], order.index(row[0]), row[2]))


def stage_words(stages: dict[str, int]) -> str:
    """Where the changes of a cause's rows began."""
    return ", ".join(f"{name} ({plural(rows, 'row')})" for name, rows in stages.items())


def trait_words(trait: Trait) -> str:
    """D: strategy = execution in 97 % of these rows, in 12 % of all (×8.1)."""
    shares = f"in {share(trait.share)} of these rows, in {share(trait.base)} of all (×{trait.lift:.1f})"
    return f"{PRODUCTS[trait.table]}: {trait.column} = {trait.value} {shares}"
