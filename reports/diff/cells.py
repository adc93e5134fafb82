"""Rows as a reader sees them: the differences of a changed row, cell by cell, and the samples of a table."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import duckdb
import polars as pl

from reports.diff.columns import LABELS, REFERENCES
from reports.diff.compare import select
from reports.diff.model import CellDiff, Piece, RowDiff, Samples
from reports.diff.rows import TableRows
from reports.diff.words import shortened, word_diff
from schemas.conversations import lean, speaker
from schemas.conversations import shown as shown_turn

CONTEXT_COLUMNS = (*LABELS, "tags", "quality", "margin")


def draw_samples(database: duckdb.DuckDBPyConnection, rows: TableRows, most: int) -> Samples:
    """At most so many rows of each kind: those of the least ids, which are hashes, so that every machine draws the same."""
    drawn = {
        kind: rows.ids.filter(pl.col("kind") == kind).sort(key, nulls_last=True).head(most)
        for kind, key in (("changed", "id_new"), ("added", "id_new"), ("removed", "id_old"))
    }
    ids = {
        "old": pl.concat([drawn["changed"]["id_old"], drawn["removed"]["id_old"]]),
        "new": pl.concat([drawn["changed"]["id_new"], drawn["added"]["id_new"]]),
    }
    whole = {side: whole_rows(database, rows, side, wanted) for side, wanted in ids.items()}
    return Samples(
        changed=tuple(
            row_diff(rows.files.table, whole["old"][one["id_old"]], whole["new"][one["id_new"]], one["columns"])
            for one in drawn["changed"].iter_rows(named=True)
        ),
        added=tuple(whole["new"][row_id] for row_id in drawn["added"]["id_new"]),
        removed=tuple(whole["old"][row_id] for row_id in drawn["removed"]["id_old"]),
    )


def whole_rows(
    database: duckdb.DuckDBPyConnection, rows: TableRows, side: str, ids: pl.Series
) -> dict[str, dict[str, Any]]:
    """Id -> the row with all its columns."""
    if not len(ids):
        return {}
    database.register("drawn", ids.unique().to_frame("id").to_arrow())
    try:
        found = select(
            database, f"SELECT t.* FROM {rows.compared.source[side]} t SEMI JOIN drawn d ON t.id = d.id ORDER BY t.id"
        )
    finally:
        database.unregister("drawn")
    return {row["id"]: row for row in found.iter_rows(named=True)}


def row_diff(table: str, old: Mapping[str, Any], new: Mapping[str, Any], columns: Sequence[str]) -> RowDiff:
    """What differs between two rows in these columns."""
    context = {name: shown(new[name]) for name in CONTEXT_COLUMNS if new.get(name) not in (None, "", [])}
    cells = tuple(cell for name in columns for cell in cell_diffs(name, old.get(name), new.get(name)))
    return RowDiff(table, old["id"], new["id"], tuple(columns), context, cells)


def cell_diffs(column: str, old: Any, new: Any) -> Iterator[CellDiff]:
    """The differences of one value: turn by turn of a conversation, name by name of scores."""
    turns = [value or [] for value in (old, new)]
    if is_listed(old, new, "content"):
        for place in range(max(map(len, turns))):
            before, after = (turn_at(side, place) for side in turns)
            told = [None if turn is None else lean(turn) for turn in (before, after)]
            if told[0] != told[1]:
                title = f"turn {place + 1}, {speaker(after or before or {})}"
                texts = [None if turn is None else shown_turn(turn) for turn in (before, after)]
                if texts[0] != texts[1]:
                    yield text_cell(column, title, *texts)
                else:  # a role, or the id of a call
                    yield plain_cell(column, title, *(None if turn is None else shown(turn) for turn in told))
    elif is_listed(old, new, "value"):
        named = [{one["name"]: one["value"] for one in side} for side in turns]
        for name in dict.fromkeys([*named[0], *named[1]]):
            if named[0].get(name) != named[1].get(name):
                yield plain_cell(
                    column, str(name), *(None if name not in side else shown(side[name]) for side in named)
                )
    elif (
        column not in REFERENCES and isinstance(old, list) and isinstance(new, list) and all(map(is_text, [*old, *new]))
    ):
        yield listed_cell(column, old, new)
    elif isinstance(old, str) and isinstance(new, str) and column not in REFERENCES:
        yield text_cell(column, "", old, new)
    else:
        yield plain_cell(column, "", *(None if value is None else shown(value) for value in (old, new)))


def is_listed(old: Any, new: Any, field: str) -> bool:
    """Whether both are lists (or null) of structures that have the field."""
    items = [one for side in (old, new) for one in (side if isinstance(side, list) else [])]
    is_list = all(side is None or isinstance(side, list) for side in (old, new))
    return is_list and bool(items) and all(isinstance(one, dict) and field in one for one in items)


def is_text(value: Any) -> bool:
    return isinstance(value, str)


def turn_at(turns: Sequence[Mapping[str, Any]], place: int) -> Mapping[str, Any] | None:
    return turns[place] if place < len(turns) else None


def text_cell(column: str, place: str, old: str | None, new: str | None) -> CellDiff:
    return CellDiff(column, place, old, new, shortened(word_diff(old or "", new or "")))


def plain_cell(column: str, place: str, old: str | None, new: str | None) -> CellDiff:
    """A value that is shown whole."""
    both: tuple[Piece | None, ...] = (Piece("old", old, 1) if old else None, Piece("new", new, 1) if new else None)
    return CellDiff(column, place, old, new, tuple(one for one in both if one is not None))


def listed_cell(column: str, old: Sequence[str], new: Sequence[str]) -> CellDiff:
    """A list of short texts: what stays, what is gone, what is new."""
    stays = [one for one in new if one in set(old)]
    kinds = [("same", stays), ("old", [one for one in old if one not in set(new)])]
    kinds.append(("new", [one for one in new if one not in set(old)]))
    pieces = tuple(Piece(kind, ", ".join(items), len(items)) for kind, items in kinds if items)  # type: ignore[arg-type]
    return CellDiff(column, "", ", ".join(old), ", ".join(new), pieces)


def shown(value: Any) -> str:
    """A value as a reader sees it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list) and all(map(is_text, value)):
        return ", ".join(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
