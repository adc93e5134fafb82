"""One row and its surroundings: where it stands, what it was made from, what was made of it, what another version has."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from reports.browse.catalog import DATA, Catalog, NotFound, table_name
from reports.browse.columns import REFERENCES
from reports.browse.values import flat
from reports.versions.database import name_of, parquet, quoted
from reports.versions.version import Version

ROW_ID = re.compile(r"[0-9a-f]{32}")
SHORTEST = 6
"""Characters of a prefix that may stand for an id."""
MOST = 200
"""Relatives that a page lists."""
ENDS = ("dropped/", "quarantine/")
TELLING = ("chosen", "completion", "prompt", "text", "error", "rule", "outcome", "name", "raw", "tags")
"""Columns that say what a row is, the best first."""
HIDDEN = {"id", "readings", *REFERENCES}
HEX = frozenset("0123456789abcdef")


@dataclass(frozen=True)
class Relative:
    """Another row: its id, the tables that hold it (none for an answer of the store), its beginning, its distance."""

    id: str
    tables: tuple[str, ...]
    beginning: str = ""
    source: str = ""
    depth: int = 1


@dataclass(frozen=True)
class Ending:
    """How a row ended before D and P: `dropped` or `quarantined`, by which stage and why."""

    kind: str
    table: str
    stage: str
    reason: str
    detail: str


@dataclass(frozen=True)
class RowPage:
    """A row in one of its tables, and what surrounds it."""

    id: str
    table: str
    tables: tuple[str, ...]
    row: dict[str, Any]
    endings: tuple[Ending, ...] = ()
    parents: tuple[Relative, ...] = ()
    ancestors: tuple[Relative, ...] = ()
    children: tuple[Relative, ...] = ()
    more: int = 0
    origin: dict[str, Any] | None = None
    origin_table: str = ""
    same: dict[str, Any] | None = field(default=None)


class Rows:
    """The rows of a version."""

    def __init__(self, catalog: Catalog, version: Version) -> None:
        self.catalog, self.version = catalog, version
        self.database = catalog.database.cursor()
        self.files = catalog.readable(version)
        self.lineage = catalog.lineage(version, self.database)

    def find(self, given: str) -> str:
        """The id that begins so. Raises NotFound where none does, or several do."""
        prefix = given.lower()
        if not SHORTEST <= len(prefix) <= 64 or not set(prefix) <= HEX:
            raise NotFound(f"an id is 32 hexadecimal digits, or at least the first {SHORTEST} of them")
        parts = (f"SELECT id FROM {parquet(files)}" for files in self.files.values())
        condition = (
            f"id = {quoted(prefix)}" if len(prefix) >= 32 else f"id >= {quoted(prefix)} AND id < {quoted(prefix + 'g')}"
        )
        union = " UNION ALL ".join(f"{part} WHERE {condition}" for part in parts) or "SELECT '' AS id WHERE false"
        found = self.database.execute(f"SELECT DISTINCT id FROM ({union}) ORDER BY id LIMIT 6").fetchall()
        if not found:
            raise NotFound(
                f"{self.version.label} has no row {prefix}; it may stand in another version, or be an answer of the store"
            )
        if len(found) > 1:
            raise NotFound(f"{prefix} begins several ids: {', '.join(one for (one,) in found)}")
        return found[0][0]

    def read(self, row_id: str, path: str) -> dict[str, Any] | None:
        """A row of a table; None where it is not there."""
        result = self.database.execute(f"SELECT * FROM {parquet(self.files[path])} WHERE id = ?", [row_id])
        names = [name for name, *_ in result.description]
        listed = result.fetchall()
        return dict(zip(names, listed[0], strict=True)) if listed else None

    def page(self, row_id: str, wanted: str = "") -> RowPage:
        """A row with its surroundings, in the table of that name or the last of the graph that holds it."""
        places = self.lineage.places([row_id])["table"].to_list()
        if not places:
            raise NotFound(f"{self.version.label} has no row {row_id}")
        names = tuple(map(table_name, places))
        standing = [name for name in names if not name.startswith(ENDS)]
        chosen = wanted if wanted in names else (standing or names)[-1]
        row = self.read(row_id, f"{DATA}{chosen}.parquet") or {}
        endings = tuple(self.ending(row_id, name) for name in names if name.startswith(ENDS))
        children = self.lineage.children([row_id])
        listed = list(dict.fromkeys(children["id"].to_list()))
        origin = self.origin(row) if chosen.startswith(ENDS) else None
        ancestors = self.lineage.ancestors([row_id])
        depths: dict[str, int] = {}
        for parent, depth in ancestors.select("parent", "depth").iter_rows():
            depths.setdefault(parent, depth)
        parents = [one for one, depth in depths.items() if depth == 1]
        further = sorted((one for one in depths if depths[one] > 1), key=lambda one: (depths[one], one))
        known = self.relatives([*parents, *further[:MOST], *listed[:MOST]], depths)
        return RowPage(
            id=row_id,
            table=chosen,
            tables=names,
            row=row,
            endings=endings,
            parents=tuple(sorted((known[one] for one in parents), key=lambda one: not one.tables)),
            ancestors=tuple(known[one] for one in further[:MOST] if known[one].tables),
            children=tuple(known[one] for one in listed[:MOST]),
            more=max(0, len(listed) - MOST),
            origin=origin and origin[1],
            origin_table=origin[0] if origin else "",
        )

    def ending(self, row_id: str, name: str) -> Ending:
        row = self.read(row_id, f"{DATA}{name}.parquet") or {}
        kind, reason = ("dropped", "rule") if name.startswith("dropped/") else ("quarantined", "error")
        given = (str(row.get(column) or "") for column in ("stage", reason, "detail"))
        return Ending(kind, name, *given)

    def origin(self, ended: Mapping[str, Any]) -> tuple[str, dict[str, Any]] | None:
        """The row that was dropped or quarantined as a table before holds it: itself, or the first parent at hand."""
        for one in [ended["id"], *(ended.get("parents") or [])]:
            for path in reversed(self.lineage.places([one])["table"].to_list()):
                if not table_name(path).startswith(ENDS) and (row := self.read(one, path)):
                    return table_name(path), row
        return None

    def relatives(self, ids: Iterable[str], depths: Mapping[str, int], standing: bool = False) -> dict[str, Relative]:
        """Id -> what a page says of it; with `standing` by the tables of rows that have not ended."""
        listed = list(dict.fromkeys(ids))
        tables: dict[str, list[str]] = {}
        for one, path in self.lineage.places(listed).iter_rows():
            if not (standing and table_name(path).startswith(ENDS)):
                tables.setdefault(one, []).append(table_name(path))
        beginnings = self.beginnings({one: names[-1] for one, names in tables.items()})
        return {
            one: Relative(one, tuple(tables.get(one, ())), *beginnings.get(one, ("", "")), depth=depths.get(one, 1))
            for one in listed
        }

    def beginnings(self, tables: Mapping[str, str]) -> dict[str, tuple[str, str]]:
        """Id -> the text that says most of a row, and its source, for rows in tables by name."""
        found: dict[str, tuple[str, str]] = {}
        by_table: dict[str, list[str]] = {}
        for one, name in tables.items():
            by_table.setdefault(name, []).append(one)
        for name, ids in by_table.items():
            source = parquet(self.files[f"{DATA}{name}.parquet"])
            listed = ", ".join(map(quoted, ids))
            columns = self.telling(source)
            selected = ", ".join(map(name_of, columns))
            result = self.database.execute(f"SELECT {selected} FROM {source} WHERE id IN ({listed})")
            for values in result.fetchall():
                row = dict(zip(columns, values, strict=True))
                found[row["id"]] = (beginning_of(row), str(row.get("source") or ""))
        return found

    def telling(self, source: str) -> list[str]:
        """The columns of a table that say most of its rows; all where none of those is there."""
        columns = [name for name, *_ in self.database.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()]
        first = next((name for name in TELLING if name in columns), None)
        return columns if first is None else [name for name in columns if name in ("id", first, "detail", "source")]


def beginning_of(row: Mapping[str, Any]) -> str:
    """The value of a row that says most of it, as text."""
    for name in TELLING:
        if row.get(name):
            extra = row.get("detail") if name in ("rule", "outcome") else ""
            return flat(row[name]) + (f": {extra}" if extra else "")
    return ", ".join(f"{name} {flat(value)}" for name, value in row.items() if name not in HIDDEN and value)
