"""Words of many texts as hashes, and their n-grams, in numpy: what duplicates and decontamination both count."""

from hashlib import blake2b
from typing import NamedTuple

import numpy as np
import polars as pl

MIX = np.uint64(0x9E3779B97F4A7C15)
PAD = np.uint64(0x5851F42D4C957F2D)


class Tokens(NamedTuple):
    """Hashed words of texts: text i has `hashes[offsets[i]:offsets[i + 1]]` (uint64)."""

    hashes: np.ndarray
    offsets: np.ndarray


def word_lists() -> pl.Expr:
    """Words of the column `text`: lower case, symbols and punctuation removed (Qwen2 report, section 5.2.6)."""
    return pl.col("text").str.to_lowercase().str.replace_all(r"[\p{P}\p{S}]+", "").str.extract_all(r"\S+")


def words(texts: pl.Series) -> pl.Series:
    """The words of each text (a list column)."""
    return texts.rename("text").to_frame().select(word_lists())["text"]


def tokens(texts: pl.Series) -> Tokens:
    """Words of each text as 64-bit hashes that are the same on every machine."""
    lists = words(texts)
    offsets = np.concatenate([[0], np.cumsum(lists.list.len().to_numpy())]).astype(np.int64)
    flat = lists.explode(empty_as_null=False).to_frame("word")
    vocabulary = flat["word"].unique().sort()
    codes = [int.from_bytes(blake2b(word.encode(), digest_size=8).digest()) for word in vocabulary]
    code_of = pl.DataFrame({"word": vocabulary, "code": pl.Series(codes, dtype=pl.UInt64)})
    coded = flat.join(code_of, on="word", how="left", maintain_order="left")
    return Tokens(coded["code"].to_numpy(), offsets)


def grams(of: Tokens, n: int, keep_short: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """(hash, text index) of every n-gram. With `keep_short`, a text of fewer than n words is one n-gram of its own."""
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
