"""A row against another version: the same row there, or the one that was made from the same rows."""

from dataclasses import dataclass
from typing import Any

from reports.browse.catalog import DATA
from reports.browse.rows import RowPage, Rows
from reports.diff.cells import cell_diffs
from reports.diff.model import CellDiff
from reports.versions.database import parquet


@dataclass(frozen=True)
class Comparison:
    """The row of another version and the cells that differ, from there to here; `row_id` is empty where there is none."""

    name: str
    label: str
    row_id: str = ""
    cells: tuple[CellDiff, ...] = ()
    error: str = ""


def compare_row(other: Rows, name: str, found: RowPage) -> Comparison:
    """What differs between a row and its counterpart in the same table of another version."""
    label, path = other.version.label, f"{DATA}{found.table}.parquet"
    if path not in other.files:
        return Comparison(name, label, error=f"{label} has no table {found.table} at hand.")
    counterpart = other.read(found.id, path) or made_of_same(other, path, found.row)
    if counterpart is None:
        return Comparison(name, label)
    columns = [column for column in dict.fromkeys([*counterpart, *found.row]) if column != "id"]
    cells = (
        cell
        for column in columns
        if counterpart.get(column) != found.row.get(column)
        for cell in cell_diffs(column, counterpart.get(column), found.row.get(column))
    )
    return Comparison(name, label, counterpart["id"], tuple(cells))


def made_of_same(other: Rows, path: str, row: dict[str, Any]) -> dict[str, Any] | None:
    """The only row of a table that shares a source line, a prompt, or else a parent with this one; None where several do."""
    for column, condition in (
        ("source", "source = ? AND source <> ''"),
        ("prompt", "prompt = ?"),
        ("parents", "list_has_any(parents, ?) AND len(parents) > 0"),
    ):
        if not row.get(column):
            continue
        described = other.database.execute(f"DESCRIBE SELECT * FROM {parquet(other.files[path])}").fetchall()
        if column not in {name for name, *_ in described}:
            continue
        ids = other.database.execute(
            f"SELECT id FROM {parquet(other.files[path])} WHERE {condition} ORDER BY id LIMIT 2", [row[column]]
        ).fetchall()
        if len(ids) == 1:
            return other.read(ids[0][0], path)
    return None
