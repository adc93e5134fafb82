"""The diff of two versions as one HTML page without script or network."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from reports.diff.model import PRODUCTS, Diff, TableDiff
from reports.page.charts import Part
from reports.page.render import anchor, in_html, render
from reports.page.review import (
    band_words,
    composition_of,
    in_unit,
    lines_of,
    metric_change,
    parts_of,
    price_words,
    products,
    revision,
    sentences,
    short_name,
    stages_of,
)
from reports.page.samples import in_sample_order, small, texts
from reports.page.traits import Trait, find_traits
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
            "metrics": metrics_of(diff),
            "sampled": [table for table in in_sample_order(diff) if has_samples(table)],
            "claim": claim,
            "why_of": chips(diff.why, taken),
            "parts_of": parts_of,
            "composition_of": composition_of,
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


def metrics_of(diff: Diff) -> dict[str, Any]:
    """Metrics that moved, within noise or beyond it, those that did not, and how many are of earlier data."""
    lines = list(diff.metrics or ())
    unmoved = [line for line in lines if line.word == "unchanged"]
    earlier = sum(line.word == "not measured" for line in lines)
    moved = [line for line in lines if line.word not in ("unchanged", "not measured")]
    return {"moved": grouped(moved), "unmoved": grouped(unmoved), "unmoved_count": len(unmoved), "earlier": earlier}


def grouped(metrics: Iterable[Any]) -> list[tuple[str, list[Any], float]]:
    """Metrics by group, in their order, with the reach of the axis that all of a group's changes fit on."""
    groups: dict[str, list[Any]] = defaultdict(list)
    for line in metrics:
        groups[line.group].append(line)
    return [(name, lines, max(map(reach, lines), default=0.0)) for name, lines in groups.items()]


def reach(line: Any) -> float:
    """How far from 0 a metric's change and its band go."""
    ends = [value for value in (line.low, line.high) if value is not None]
    if line.old is not None and line.new is not None:
        ends.append(line.new - line.old)
    return max(map(abs, ends), default=0.0)


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
