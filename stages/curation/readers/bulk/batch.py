"""Consecutive records of a file: those that were read in columns, and the others, which are read one by one."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
import polars as pl

from stages.curation.readers.record import Record

T = TypeVar("T")
MOST_OTHERS = 1 / 16
"""Share of a batch's records up to which those read in columns are kept: beyond it, all are read one by one."""


class NotInBulk(Exception):
    """This file is read record by record."""


@dataclass(frozen=True, slots=True)
class Plain:
    """Instructions that stand behind one another in a file.

    `rows` has `line` (the record's line or number), `prompt` and `reference`; `left` counts what of their records is not
    taken, by name.
    """

    rows: pl.DataFrame
    left: Counter[str]


@dataclass(frozen=True, slots=True)
class Batch(Generic[T]):
    """Consecutive records: `is_plain` of each, the `rows` of those that are, and the `others` by their place, unread.

    `left`: names of what is not taken of the record at a place, where there is any.
    """

    is_plain: np.ndarray
    rows: pl.DataFrame
    left: Mapping[int, tuple[str, ...]]
    others: Mapping[int, T]
    read: Callable[[T], Record]

    @classmethod
    def of(
        cls,
        is_plain: np.ndarray,
        rows: pl.DataFrame,
        left: Mapping[int, tuple[str, ...]],
        unread: Callable[[int], T | None],
        read: Callable[[T], Record],
    ) -> "Batch[T]":
        """The batch with what it takes to read the other records later: `unread(place)`, None where there is no record."""
        if (~is_plain).sum() > MOST_OTHERS * len(is_plain):
            is_plain, rows, left = np.zeros_like(is_plain), rows.clear(), {}
        others = {place: item for place in np.flatnonzero(~is_plain).tolist() if (item := unread(place)) is not None}
        return cls(is_plain, rows, left, others, read)

    def pieces(self) -> Iterator[Plain | Record]:
        """All of the batch in the order of the file."""
        begin = taken = 0
        for place in [*np.flatnonzero(~self.is_plain).tolist(), len(self.is_plain)]:
            if size := place - begin:
                names = (self.left.get(plain, ()) for plain in range(begin, place)) if self.left else ()
                yield Plain(self.rows.slice(taken, size), Counter(name for found in names for name in found))
            if place in self.others:
                yield self.read(self.others[place])
            begin, taken = place + 1, taken + size


def pieces_of(batches: Iterable[Batch[Any]]) -> Iterator[Plain | Record]:
    """All of a file in its order."""
    for batch in batches:
        yield from batch.pieces()
