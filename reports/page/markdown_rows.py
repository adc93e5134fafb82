"""Samples of rows in a comment: changed rows as diffs, added and removed rows as texts, in blocks where nothing acts."""

from collections.abc import Iterator
from typing import Any

from reports.diff.model import PRODUCTS, Diff, TableDiff
from reports.page.detail import Detail
from reports.page.inert import fenced, for_comment
from reports.page.markdown import WIDTH, cell_lines, fold, row_id, signed_lines
from reports.page.numbers import count
from reports.page.review import revision, short_name
from reports.page.samples import in_sample_order, small, texts
from reports.page.values import is_conversation, plain, shortened
from schemas.conversations import shown, speaker

CELLS = 6
"""Changed values shown of a row."""


def changed(diff: Diff, detail: Detail) -> str:
    """Changed rows, what was and what is below each other."""
    parts: list[str] = []
    for table in sampled(diff, "changed", detail):
        lines = []
        for row in table.samples.changed[: detail.samples]:
            shown = row_id(row.id_new, revision(diff.new))
            was = f" was {row_id(row.id_old, revision(diff.old))}" if row.id_old != row.id_new else ""
            about = " · ".join(f"{name} {text}" for name, text in row.context.items())
            cells = [line for cell in row.cells[:CELLS] for line in cell_lines(cell, detail.text)]
            lines.append(f"{shown}{was} {for_comment(shortened(about, 200))}\n\n{fenced(chr(10).join(cells), 'diff')}")
        parts.append(
            fold(caption(table, "changed", len(lines), table.changed), "\n\n".join(lines), is_first(parts, table))
        )
    return "\n\n".join(parts)


def added(diff: Diff, detail: Detail) -> str:
    """Added rows."""
    return whole(diff, detail, "added")


def removed(diff: Diff, detail: Detail) -> str:
    """Removed rows."""
    return whole(diff, detail, "removed")


def whole(diff: Diff, detail: Detail, kind: str) -> str:
    """Rows of one kind with their texts."""
    version = revision(diff.old if kind == "removed" else diff.new)
    parts: list[str] = []
    for table in sampled(diff, kind, detail):
        lines = []
        for row in getattr(table.samples, kind)[: detail.samples]:
            about = " · ".join(f"{name} {text}" for name, text in small(row))
            block = fenced("\n".join(line for name, item in texts(row) for line in item_lines(name, item, detail.text)))
            lines.append(f"{row_id(row['id'], version)} {for_comment(shortened(about, 200))}\n\n{block}")
        parts.append(fold(caption(table, kind, len(lines), getattr(table, kind)), "\n\n".join(lines)))
    return "\n\n".join(parts)


def item_lines(name: str, item: Any, most: int) -> Iterator[str]:
    """A value under its name; turns of a conversation under their roles."""
    turns = (
        [(f"{name}, {speaker(turn)}", shown(turn)) for turn in item] if is_conversation(item) else [(name, plain(item))]
    )
    for title, text in turns:
        yield shortened(f"{title}:", WIDTH)
        yield from signed_lines(" ", str(text or ""), most)


def sampled(diff: Diff, kind: str, detail: Detail) -> list[TableDiff]:
    """Tables with samples of this kind, D and P at first."""
    return [table for table in in_sample_order(diff) if getattr(table.samples, kind)][: detail.tables]


def caption(table: TableDiff, kind: str, shown: int, total: int) -> str:
    letter = f"{PRODUCTS[table.table]}, " if table.table in PRODUCTS else ""
    return f"{letter}{short_name(table)}: {shown} of {count(total)} {kind} rows"


def is_first(parts: list[str], table: TableDiff) -> bool:
    """Whether these rows stand unfolded: those of the first product."""
    return not parts and table.table in PRODUCTS
