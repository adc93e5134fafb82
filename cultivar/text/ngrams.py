"""Tokens of many texts as hashes, and their n-grams, in numpy: what duplicates and decontamination both count."""

from hashlib import blake2b
from typing import NamedTuple

import numpy as np
import polars as pl

from cultivar.text.tokens import tokenize

MIX = np.uint64(0x9E3779B97F4A7C15)
PAD = np.uint64(0x5851F42D4C957F2D)


class Tokens(NamedTuple):
    """Hashed tokens of texts: text i has `hashes[offsets[i]:offsets[i + 1]]` (uint64)."""

    hashes: np.ndarray
    offsets: np.ndarray


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


def grams(of: Tokens, n: int, keep_short: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """(hash, text index) of every n-gram. With `keep_short`, a text of fewer than n tokens is one n-gram of its own."""
    lengths = np.diff(of.offsets)
    counts = np.maximum(lengths - n + 1, 0)
    if keep_short:
        counts = np.where((counts == 0) & (lengths > 0), 1, counts)
    rows = np.repeat(np.arange(len(lengths)), counts)
    starts = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + of.offsets[:-1][rows]
    ends = of.offsets[1:][rows]
    padded = np.concatenate([of.hashes, np.full(n, PAD, dtype=np.uint64)])
    hashed = np.zeros(len(starts), dtype=np.uint64)
    for step in range(n):
        place = starts + step
        hashed = hashed * MIX + np.where(place < ends, padded[place], PAD)
        hashed ^= hashed >> np.uint64(29)
    return hashed, rows
