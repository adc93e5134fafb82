"""An index of the ids and parents of each table, on disk and mapped into memory: one family in milliseconds among millions.

Tables are sorted by id, but what was made *of* a row stands anywhere in the tables behind it. So for each table object a
file below .cache/lineage holds its ids, sorted, and its edges in both directions, as numbers: no text of any row. It is
built once, when a table is first looked into, and swept when its object has left DVC's cache.
"""

import contextlib
import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl

from cultivar.runlog.folders import cache_folder
from reports.lineage.table_index import (
    HEAD,
    LAYOUT,
    PARENTS,
    VERDICTS,
    Keys,
    TableIndex,
    build,
    ids_of,
    keys_of,
    size_of,
)
from reports.versions.objects import object_path
from reports.versions.version import Version
from schemas.writing import Drafts, naming

SUFFIX = ".npy"


def index_folder() -> Path:
    """Where indexes are kept."""
    return cache_folder() / "lineage"


def index_name(version: Version, table: str, files: list[Path], column: str) -> str:
    """The file of a table's index: by its object's md5; of a workspace's table by its place, size and time."""
    ending = SUFFIX if column == PARENTS else f".{column}{SUFFIX}"
    if version.commit is not None:
        return version.recorded()[table].md5 + ending
    state = [(str(file.resolve()), (about := file.stat()).st_size, about.st_mtime_ns) for file in files]
    return f"{workspace_prefix(table)}{hashlib.md5(repr(state).encode(), usedforsecurity=False).hexdigest()}{ending}"


def workspace_prefix(table: str) -> str:
    return hashlib.md5(str(Path(table).resolve()).encode(), usedforsecurity=False).hexdigest()[:12] + "-"


def open_index(version: Version, table: str, column: str = PARENTS) -> TableIndex:
    """The index of a table of a version, by a column of ids, built where it is not there yet.

    Two processes that build it at once write the same bytes. Raises MissingObject where the table is not to be had.
    """
    files = version.files(table)
    path = index_folder() / index_name(version, table, files, column)
    with contextlib.suppress(OSError, ValueError):  # not there, or cut short: built again
        numbers = np.load(path, mmap_mode="r")
        if len(numbers) >= HEAD and numbers[0] == LAYOUT and len(numbers) == size_of(numbers):
            return TableIndex(table, numbers.view(np.ndarray))  # still mapped; the class of maps is slow in small steps
    there = pl.scan_parquet(files).collect_schema().names()
    numbers = build(pl.scan_parquet(files).select([name for name in ("id", column) if name in there]).collect(), column)
    if version.commit is None:
        for old in index_folder().glob(f"{workspace_prefix(table)}*"):
            if old.name.split(".")[0] != path.name.split(".")[0]:
                old.unlink(missing_ok=True)
    with contextlib.suppress(OSError), Drafts() as drafts:  # a disk without room costs time, not the answer
        draft = drafts.add(path)
        with naming(path), draft.open("wb") as file:
            np.save(file, numbers)
        drafts.publish()
    return TableIndex(table, numbers)


def sweep() -> None:
    """Remove indexes whose object has left DVC's cache, and drafts of killed processes."""
    for path in index_folder().glob(f"*{SUFFIX}"):
        if "-" not in path.name and not object_path(path.name.split(".")[0]).is_file():
            path.unlink(missing_ok=True)


class LineageIndex:
    """The edges of all tables of a version. `tables` are in the graph's order."""

    def __init__(self, version: Version, tables: Iterable[str] | None = None) -> None:
        self.version = version
        wanted = list(version.tables() if tables is None else tables)
        self.tables: dict[str, TableIndex] = {table: open_index(version, table) for table in wanted}
        sweep()

    @cached_property
    def admitted(self) -> dict[str, TableIndex]:
        """The tables whose rows name the verdicts that admitted them, indexed by these."""
        names = {
            table: pl.read_parquet_schema(self.version.files(table)[0])
            for table in self.tables
            if len(self.tables[table])
        }
        return {
            table: open_index(self.version, table, VERDICTS) for table, schema in names.items() if VERDICTS in schema
        }

    def places(self, ids: Iterable[str]) -> dict[str, list[tuple[str, int]]]:
        """Id -> (table, position of its row in the table's files), in the graph's order; [] where none holds it."""
        ids = list(dict.fromkeys(ids))
        found: dict[str, list[tuple[str, int]]] = {one: [] for one in ids}
        keys = keys_of(ids)
        for table, index in self.tables.items():
            for which, row in zip(*index.rows(keys), strict=True):
                found[ids[which]].append((table, int(index.positions[row])))
        return found

    def parents(self, ids: Iterable[str]) -> dict[str, list[str]]:
        """Id -> what any table names as its parents, in the order in which they are named."""
        ids = list(dict.fromkeys(ids))
        found: dict[str, dict[str, None]] = {one: {} for one in ids}
        keys = keys_of(ids)
        for index in self.tables.values():
            which, rows = index.rows(keys)
            if not len(rows):
                continue
            edges, parents = index.parents(rows)
            for edge, parent in zip(edges, ids_of(parents), strict=True):
                found[ids[which[edge]]][parent] = None
        return {one: list(named) for one, named in found.items()}

    def verdicts(self, row_id: str) -> list[str]:
        """The verdicts that admitted a row, in the order in which it names them."""
        found: dict[str, None] = {}
        for index in self.admitted.values():
            rows = index.rows(keys_of([row_id]))[1]
            found |= dict.fromkeys(ids_of(index.parents(rows)[1])) if len(rows) else {}
        return list(found)

    def ancestors(self, ids: Iterable[str]) -> dict[str, list[str]]:
        """Every row that these were made from, themselves first, with its parents. Ends where ids form a circle."""
        found: dict[str, list[str]] = {}
        frontier = list(dict.fromkeys(ids))
        while frontier:
            found |= (step := self.parents(frontier))
            frontier = list(dict.fromkeys(parent for named in step.values() for parent in named if parent not in found))
        return found

    def descendants(self, ids: Iterable[str]) -> "Reach":
        """Every row that was made of these, by table; they themselves are left out unless one was made of another."""
        return self.descendants_of(keys_of(ids))

    def descendants_of(self, keys: Keys) -> "Reach":
        """`descendants` of ids as numbers, which need not stand in any table; rows that a verdict admitted are made of it."""
        reach = Reach({table: np.zeros(len(index), dtype=bool) for table, index in self.tables.items()}, self.tables)
        frontier = keys
        while len(frontier):
            fresh = [reach.add(table, index.children(frontier)[1]) for table, index in self.tables.items()]
            fresh += [reach.add(table, index.children(frontier)[1]) for table, index in self.admitted.items()]
            new = np.unique(np.concatenate(fresh), axis=0)
            for table, index in self.tables.items():  # where the same rows stand further on, or have ended
                reach.add(table, index.rows(new)[1])
            frontier = new
        return reach

    def beginning_with(self, prefix: str) -> list[str]:
        """Ids of rows that begin with these hex characters, sorted, a thousand of each table at most."""
        return sorted({one for index in self.tables.values() for one in index.beginning_with(prefix)})


class Reach:
    """Rows of tables, as masks over each table's rows in the order of ids."""

    def __init__(self, masks: Mapping[str, np.ndarray], tables: Mapping[str, TableIndex]) -> None:
        self.masks, self.tables = masks, tables

    def add(self, table: str, rows: np.ndarray) -> Keys:
        """Mark rows; the keys of those that were not marked."""
        rows = np.unique(rows) if len(rows) > 1 else rows
        rows = rows[~self.masks[table][rows]]
        self.masks[table][rows] = True
        return self.tables[table].keys(rows)

    @cached_property
    def counts(self) -> dict[str, int]:
        """Rows by table, tables without one left out."""
        return {table: count for table, mask in self.masks.items() if (count := int(mask.sum()))}

    def ids(self, table: str, limit: int | None = None) -> list[str]:
        """Ids of the marked rows of a table, sorted; the first `limit`."""
        return ids_of(self.tables[table].keys(np.flatnonzero(self.masks[table])[:limit]))

    def by_first_table(self, limit: int, without: Collection[str] = ()) -> Iterator[tuple[str, list[str], int]]:
        """Each row once, in the first table that holds it: table, the first `limit` ids by their order, how many others.

        Rows of `without`, a few ids, are left out.
        """
        seen = keys_of(without)[:, 0]  # half an id tells one row from another
        for table in self.counts:
            rows = np.flatnonzero(self.masks[table])
            high = self.tables[table].high[rows]
            rows = rows[~np.isin(high, seen)]
            seen = np.concatenate([seen, high])
            if len(rows):
                yield table, ids_of(self.tables[table].keys(rows[:limit])), max(0, len(rows) - limit)

    def positions(self, table: str) -> np.ndarray:
        """Where the marked rows stand in the table's files."""
        return self.tables[table].positions[self.masks[table]].astype(np.int64)

    def __iter__(self) -> Iterator[str]:
        """The distinct ids of the marked rows."""
        keys = [self.tables[table].keys(np.flatnonzero(mask)) for table, mask in self.masks.items() if mask.any()]
        return iter(ids_of(np.unique(np.concatenate(keys), axis=0)) if keys else [])
