"""The ids and edges of one table as sorted numbers: which rows it holds, their parents, and the children of any id."""

from collections.abc import Iterable

import numpy as np
import polars as pl

from schemas.errors import UserError

HEAD = 3
"""Numbers before the arrays: version of the layout, rows, edges."""
LAYOUT = 1
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


def size_of(numbers: np.ndarray) -> int:
    """How many numbers an index has by what its head says."""
    rows, edges = int(numbers[1]), int(numbers[2])
    return HEAD + 4 * rows + 1 + 5 * edges
