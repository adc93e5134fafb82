"""Tokens of many texts as hashes, and their n-grams, in numpy: what duplicates and decontamination both count."""

from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b

import numpy as np
import polars as pl

from cultivar.text.tokens import tokenize

MIX = np.uint64(0x9E3779B97F4A7C15)
BASE = 0x5851F42D4C957F2D
INVERSE = pow(BASE, -1, 2**64)


@dataclass(frozen=True)
class Tokens:
    """Hashed tokens of texts: text i has `hashes[offsets[i]:offsets[i + 1]]` (uint64)."""

    hashes: np.ndarray
    offsets: np.ndarray

    @property
    def lengths(self) -> np.ndarray:
        return np.diff(self.offsets)

    @cached_property
    def runs(self) -> "Runs":
        """Hashes of runs of these tokens."""
        return Runs(self.hashes)


def hash_tokens(lists: pl.Series) -> Tokens:
    """The tokens of each text (a list column) as 64-bit hashes that are the same on every machine."""
    offsets = np.concatenate([[0], np.cumsum(lists.list.len().to_numpy())]).astype(np.int64)
    flat = lists.explode(empty_as_null=False).to_frame("token")
    vocabulary = flat["token"].unique().sort()
    codes = [int.from_bytes(blake2b(token.encode(), digest_size=8).digest()) for token in vocabulary]
    code_of = pl.DataFrame({"token": vocabulary, "code": pl.Series(codes, dtype=pl.UInt64)})
    coded = flat.join(code_of, on="token", how="left", maintain_order="left")
    return Tokens(coded["code"].to_numpy(), offsets)


def tokens(texts: pl.Series) -> Tokens:
    """Hashed tokens of each text."""
    return hash_tokens(tokenize(texts))


class Runs:
    """Hashes of runs of tokens of any length, each in constant time.

    The hash of the tokens t0 … tn-1 is that of their polynomial t0 + t1 B + … modulo 2^64: the difference of two
    sums over all tokens before, divided by a power of B.
    """

    def __init__(self, hashes: np.ndarray):
        size = len(hashes)
        self.sums = np.zeros(size + 1, dtype=np.uint64)
        np.cumsum(hashes * powers(BASE, size), out=self.sums[1:])
        self.divisors = powers(INVERSE, size + 1)

    def at(self, starts: np.ndarray, sizes: np.ndarray | int) -> np.ndarray:
        """Hashes (uint64) of the runs of `sizes` tokens that begin at the positions `starts`."""
        hashed = (self.sums[starts + sizes] - self.sums[starts]) * self.divisors[starts]
        hashed += np.asarray(sizes, dtype=np.uint64) * MIX  # of two lengths no run is another's
        hashed ^= hashed >> np.uint64(32)
        hashed *= MIX
        return hashed ^ hashed >> np.uint64(29)


def powers(base: int, size: int) -> np.ndarray:
    """1, base, base², … modulo 2^64, `size` of them."""
    factors = np.full(size, base, dtype=np.uint64)
    factors[:1] = 1
    return np.cumprod(factors)


def grams(of: Tokens, n: int | np.ndarray, keep_short: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """(hash, text index) of every n-gram; n may be a number a text.

    With `keep_short`, a text of fewer than n tokens is one n-gram of its own.
    """
    starts, sizes, rows = run_places(of, n, keep_short)
    return of.runs.at(starts, sizes), rows


def run_places(of: Tokens, n: int | np.ndarray, keep_short: bool = False) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(position, length, text index) of every n-gram."""
    lengths = of.lengths
    size = np.minimum(n, lengths) if keep_short else np.broadcast_to(n, lengths.shape)
    counts = np.where(size > 0, np.maximum(lengths - size + 1, 0), 0)
    rows = np.repeat(np.arange(len(lengths)), counts)
    starts = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + of.offsets[:-1][rows]
    return starts, size[rows], rows
