"""Which rows each of many ids draws, at random by the ids alone.

A row's id is a hash, so its first 64 bits are a random number h. An id that draws has two numbers of its own, an odd `a`
and `b`, and takes the rows with the least (a·h + b) mod 2^64: multiplicative hashing (Dietzfelbinger et al. 1997). One
multiplication a row and no sorting: at most a few dozen rows fall below the bound that the wanted number of rows sets.
"""

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

WIDTH = 2.0**64


def draw(drawing: Sequence[str], ids: pl.Series, count: int) -> list[list[int]]:
    """Positions in `ids` of the `count` rows that each id of `drawing` draws, in the order of the draw.

    Whether a row is drawn depends on its id and on how many rows have less, never on positions: a new row takes the place
    of at most one. Fewer where there are fewer. `ids`: 32 hex digits, sorted, each once.
    """
    numbers = np.frombuffer(bytes.fromhex("".join(ids)), dtype=">u8")[::2].astype(np.uint64)
    return [least(numbers, *multiplier(one), count) for one in drawing]


def multiplier(one: str) -> tuple[np.uint64, np.uint64]:
    """An odd number and another one, by an id."""
    digest = hashlib.sha256(f"draw/{one}".encode()).digest()
    return np.uint64(int.from_bytes(digest[:8]) | 1), np.uint64(int.from_bytes(digest[8:16]))


def least(numbers: npt.NDArray[np.uint64], factor: np.uint64, summand: np.uint64, count: int) -> list[int]:
    """The positions of the `count` least of `factor * numbers + summand` (mod 2^64), ascending by that."""
    if not len(numbers):
        return []
    keys = numbers * factor + summand
    expected = min(count, len(keys))
    found = np.arange(len(keys))
    while expected < len(keys):
        expected = 2 * expected + 8  # so many rows are expected below the bound
        below = np.flatnonzero(keys < np.uint64(min(WIDTH * expected / len(keys), WIDTH / 2)))
        if len(below) >= min(count, len(keys)):
            found = below
            break
    return found[np.argsort(keys[found], kind="stable")][:count].tolist()
