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
from reports.versions.objects import object_path
from reports.versions.version import Version
from schemas.errors import UserError
from schemas.writing import Drafts, naming

HEAD = 3
"""Numbers before the arrays: version of the layout, rows, edges."""
LAYOUT = 1
SUFFIX = ".npy"
PARENTS, VERDICTS = "parents", "verdicts"
"""Columns of ids: what a row was made from, and the verdicts that admitted it."""
Keys = np.ndarray
"""Ids as numbers (ids × 2, uint64): the two halves of their 16 bytes."""


def keys_of(ids: Iterable[str]) -> Keys:
    """Ids of 32 hex characters as numbers. Raises ValueError for another text."""
    joined = bytes.fromhex("".join(ids))
    return np.frombuffer(joined, dtype=">u8").astype(np.uint64).reshape(-1, 2)


def ids_of(keys: Keys) -> list[str]:
    """Numbers as ids of 32 hex characters."""
    text = keys.astype(">u8").tobytes().hex()
    return [text[start : start + 32] for start in range(0, len(text), 32)]


class TableIndex:
    """The ids and edges of one table. Rows are counted in the order of ids; `positions` are their places in the file."""

    def __init__(self, table: str, numbers: np.ndarray) -> None:
        _, rows, edges = (int(number) for number in numbers[:HEAD])
        self.table = table
        sizes = (rows, rows, rows, rows + 1, edges, edges, edges, edges, edges)
        ends = np.cumsum((HEAD, *sizes))
        parts = [numbers[start:end] for start, end in zip(ends, ends[1:], strict=False)]
        self.high, self.low, self.positions, self.offsets = parts[:4]
        self.parent_high, self.parent_low = parts[4:6]
        self.sorted_high, self.sorted_low, self.child = parts[6:]

    def __len__(self) -> int:
        return len(self.high)

    def keys(self, rows: np.ndarray) -> Keys:
        """The ids of rows."""
        return np.stack([self.high[rows], self.low[rows]], axis=1)

    def rows(self, keys: Keys) -> tuple[np.ndarray, np.ndarray]:
        """Which of the keys the table holds, and its rows of them: two arrays of equal length."""
        return matches(self.high, self.low, keys)

    def parents(self, rows: np.ndarray) -> tuple[np.ndarray, Keys]:
        """For each edge back from the rows: which of them it leaves, and the parent's key, in the rows' own order."""
        starts, counts = self.offsets[rows].astype(np.int64), np.diff(self.offsets)[rows].astype(np.int64)
        edges = spans(starts, counts)
        return np.repeat(np.arange(len(rows)), counts), np.stack(
            [self.parent_high[edges], self.parent_low[edges]], axis=1
        )

    def children(self, keys: Keys) -> tuple[np.ndarray, np.ndarray]:
        """For each edge on from the keys: which of them it leaves, and the row of the child."""
        which, edges = matches(self.sorted_high, self.sorted_low, keys)
        return which, self.child[edges].astype(np.int64)

    def beginning_with(self, prefix: str) -> list[str]:
        """Ids that begin with these hex characters."""
        least, most = (keys_of([prefix.ljust(32, filler)])[0] for filler in "0f")
        start = int(np.searchsorted(self.high, least[0], "left"))
        end = int(np.searchsorted(self.high, most[0], "right"))
        return [one for one in ids_of(self.keys(np.arange(start, min(end, start + 1000)))) if one.startswith(prefix)]


NONE = np.zeros(0, dtype=np.int64)


def matches(high: np.ndarray, low: np.ndarray, keys: Keys) -> tuple[np.ndarray, np.ndarray]:
    """Pairs (key, place) where a sorted list of keys, `high` and `low`, holds the key."""
    starts = np.searchsorted(high, keys[:, 0], "left")
    counts = np.searchsorted(high, keys[:, 0], "right") - starts
    if not counts.any():
        return NONE, NONE
    which, places = np.repeat(np.arange(len(keys)), counts), spans(starts, counts)
    is_equal = low[places] == keys[which, 1]
    return which[is_equal], places[is_equal]


def spans(starts: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """starts[i], starts[i] + 1, … (counts[i] of them), one after the other."""
    total = int(counts.sum())
    before = np.cumsum(counts) - counts
    return np.repeat(starts - before, counts) + np.arange(total)


def build(frame: pl.DataFrame, column: str = PARENTS) -> np.ndarray:
    """The index of a table's `id` and a list of other ids. Raises UserError where one is no id."""
    frame = frame.with_row_index("position").sort("id")
    parents = frame[column].list.drop_nulls() if column in frame.columns else None
    counts = parents.list.len().to_numpy() if parents is not None else np.zeros(frame.height, dtype=np.uint64)
    flat = parents.explode().drop_nulls() if parents is not None else pl.Series([], dtype=pl.String)
    ids, edges = numbers_of(frame["id"]), numbers_of(flat)
    child = np.repeat(np.arange(frame.height, dtype=np.uint64), counts.astype(np.int64))
    order = np.lexsort((child, edges[:, 1], edges[:, 0]))
    head = np.array([LAYOUT, frame.height, len(edges)], dtype=np.uint64)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.uint64)
    parts = [head, ids[:, 0], ids[:, 1], frame["position"].to_numpy().astype(np.uint64), offsets]
    parts += [edges[:, 0], edges[:, 1], edges[order, 0], edges[order, 1], child[order]]
    return np.concatenate(parts)


def numbers_of(ids: pl.Series) -> Keys:
    """A column of ids as numbers. Raises UserError."""
    if not ids.cast(pl.String).str.contains("^[0-9a-f]{32}$").all():
        raise UserError("a table holds an id that is not 32 hex characters; `dvc repro` makes it again")
    return keys_of(ids)


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


def size_of(numbers: np.ndarray) -> int:
    """How many numbers an index has by what its head says."""
    rows, edges = int(numbers[1]), int(numbers[2])
    return HEAD + 4 * rows + 1 + 5 * edges


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
