"""The diff of two versions as one HTML page without script or network."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from reports.diff.model import PRODUCTS, Diff, TableDiff
from reports.page.charts import Part
from reports.page.numbers import change, points
from reports.page.render import anchor, in_html, render
from reports.page.review import (
    band_words,
    by_column,
    in_unit,
    lines_of,
    parts_of,
    price_words,
    products,
    revision,
    sentences,
    short_name,
    stages_of,
)
from reports.page.traits import Trait, find_traits
from reports.page.values import is_conversation, plain
from reports.page.why import cause_views, stage_words, trait_words

if TYPE_CHECKING:
    from reports.causes.change import Why

SECTIONS = (
    ("counts", "Rows of D and P"),
    ("first", "Look at these first"),
    ("why", "Why"),
    ("changes", "What was edited"),
    ("gates", "Gates and metrics"),
    ("composition", "Composition"),
    ("tables", "All tables"),
    ("schema", "Schema"),
    ("rows", "Rows"),
)
STATUSES = ("fail", "unknown", "warn", "waived", "pass")
"""Of gates, in the order in which they are shown."""
TEXTS = ("context", "prompt", "completion", "chosen", "rejected", "text", "solution", "answer", "reference")
"""Columns that are shown in full, in this order; whole conversations and long texts are, too."""
LONG = 60
"""Characters from which a text is shown in full rather than beside the row's id."""
HIDDEN = {"id", "parents", "verdicts", "candidates", "generation"}
"""Columns that say nothing to a reader of a sample: `cultivar browse` has them."""


def diff_html(diff: Diff, traits: tuple[Trait, ...] | None = None) -> str:
    """The page. `traits`: what the touched rows have in common; looked for (`find_traits`) where it is None."""
    found = find_traits(diff) if traits is None else traits
    causes = cause_views(diff, found)
    charged = sum(view.cause.rows for view in causes)
    taken: set[str] = set()

    def claim(row: str) -> Markup:
        """The anchor of a row, at its first sample: the same id may stand in several tables."""
        if row in taken:
            return Markup("")
        taken.add(row)
        return Markup(f' id="{anchor("row", row)}"')

    return render(
        "page/diff.html.jinja",
        {
            "diff": diff,
            "sections": SECTIONS,
            "sentences": sentences(diff),
            "products": products(diff),
            "letters": PRODUCTS,
            "lines": lines_of(diff.changes),
            "stages": stages_of(diff.changes),
            "traits": [trait for trait in found if trait.group in KINDS],
            "causes": causes,
            "cause_parts": [Part(view.cause.change.name, view.cause.rows, view.colour) for view in causes],
            "share_of_rows": lambda cause: cause.rows / max(1, charged),
            "stage_words": stage_words,
            "trait_words": trait_words,
            "gates": sorted(diff.gates or (), key=lambda gate: STATUSES.index(gate.status)),
            "metrics": metric_groups(diff),
            "sampled": [table for table in in_reading_order(diff) if has_samples(table)],
            "claim": claim,
            "why_of": chips(diff.why, taken),
            "parts_of": parts_of,
            "by_column": by_column,
            "name_of": short_name,
            "at": revision,
            "in_unit": in_unit,
            "band_words": band_words,
            "price_words": price_words,
            "change": metric_change,
            "small": small,
            "texts": texts,
        },
    )


KINDS = ("added", "removed", "changed")


def metric_groups(diff: Diff) -> list[tuple[str, list[Any], float]]:
    """Metrics by group, in their order, with the reach of the axis that all of a group's changes fit on."""
    groups: dict[str, list[Any]] = defaultdict(list)
    for line in diff.metrics or ():
        groups[line.group].append(line)
    return [(name, lines, max(map(reach, lines), default=0.0)) for name, lines in groups.items()]


def reach(line: Any) -> float:
    """How far from 0 a metric's change and its band go."""
    ends = [value for value in (line.low, line.high) if value is not None]
    if line.old is not None and line.new is not None:
        ends.append(line.new - line.old)
    return max(map(abs, ends), default=0.0)


def metric_change(line: Any) -> str:
    """The change of a metric: in percentage points for a share."""
    if line.unit == "share" and line.old is not None and line.new is not None:
        return points((line.new - line.old) * 100) + " points"
    return change(line.old, line.new)


def in_reading_order(diff: Diff) -> list[TableDiff]:
    """Tables as their rows are shown: D and P before the others."""
    return sorted(diff.tables, key=lambda table: table.table not in PRODUCTS)


def has_samples(table: TableDiff) -> bool:
    return bool(table.samples.changed or table.samples.added or table.samples.removed)


def chips(why: Why | None, taken: set[str]) -> Callable[[str], Markup]:
    """A function that links a row's id to the cause that it is charged to."""
    charged: dict[str, tuple[str, list[str]]] = {}
    if why is not None:
        for row in why.rows.select("id_old", "id_new", "cause", "marks").iter_rows():
            charged |= {name: (row[2], row[3]) for name in row[:2] if name}

    def why_of(row: str) -> Markup:
        if row not in charged:
            return Markup("")
        cause, marks = charged[row]
        words = f" ({', '.join(marks)})" if marks else ""
        return Markup(f' · because of <a href="#{anchor("cause", cause)}">{in_html(cause)}</a>{in_html(words)}')

    return why_of


def small(row: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Short values of a sampled row, which stand beside its id."""
    for name, value in row.items():
        if name not in HIDDEN and not is_shown_in_full(name, value) and (text := plain(value)):
            yield name, text


def texts(row: dict[str, Any]) -> list[tuple[str, Any]]:
    """Values of a sampled row that are shown in full."""
    order = {name: place for place, name in enumerate(TEXTS)}
    found = [(name, value) for name, value in row.items() if is_shown_in_full(name, value)]
    return sorted(found, key=lambda item: order.get(item[0], len(order)))


def is_shown_in_full(name: str, value: Any) -> bool:
    if name in HIDDEN or value is None or value == []:
        return False
    return name in TEXTS or is_conversation(value) or (isinstance(value, str) and len(value) > LONG)
