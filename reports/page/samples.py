"""Rows of samples: in which order, and which of their values are shown how."""

from collections.abc import Iterator
from typing import Any

from reports.diff.model import PRODUCTS, Diff, TableDiff
from reports.page.values import is_conversation, plain

TEXTS = ("prompt", "completion", "chosen", "rejected", "text", "solution", "answer", "reference")
"""Columns that are shown in full, in this order; whole conversations and long texts are, too."""
LONG = 60
"""Characters from which a text is shown in full rather than beside the row's id."""
HIDDEN = {"id", "parents", "verdicts", "candidates", "generation"}
"""Columns that say nothing to a reader of a sample: `cultivar browse` has them."""


def in_sample_order(diff: Diff) -> list[TableDiff]:
    """Tables as their rows are shown: D and P before the others."""
    return sorted(diff.tables, key=lambda table: table.table not in PRODUCTS)


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
