"""How alike two texts are, word by word, and which of many texts may be alike at all.

Likeness is 1 − (words inserted + words deleted) / (words of both), rapidfuzz's Indel similarity over words: 1 for equal texts,
0 for texts without a word in common. Each distinct word becomes one character, so that it runs on strings.
"""

from collections.abc import Iterable

import numpy as np
import polars as pl
from rapidfuzz import process
from rapidfuzz.distance import Indel

from cultivar.text.tokens import tokenize

LONGEST = 4_000
"""Characters at each end of a text that are compared; beyond, texts are compared by what they begin and end with."""
SKETCH = 24
"""Least hashes of three words in a row that stand for a text (Broder 1997, "On the resemblance and containment of documents")."""
COMMON = 64
"""A hash that more texts of one side share says nothing of likeness."""
LEAST_SHARED = 2
"""Hashes of two texts that are compared."""
NEAREST = 3
"""Texts of the other side, by shared hashes, with which a text is compared."""
EXHAUSTIVE = 100_000
"""Pairs that are all compared; of more, those that share hashes are."""
SURROGATES = 0xD800
ALPHABET = 0x10F000 - 0x900
PAIRS = pl.Schema({"old": pl.UInt32(), "new": pl.UInt32(), "likeness": pl.Float32()})


def shortened(texts: pl.Series) -> pl.Series:
    """The ends of each text; null as an empty text."""
    texts = texts.fill_null("")
    cut = texts.str.head(LONGEST) + "\n" + texts.str.tail(LONGEST)
    return pl.select(pl.when(texts.str.len_chars() > 2 * LONGEST).then(cut).otherwise(texts)).to_series()


class Words:
    """Texts of two sides as strings of one character a word: equal words, equal characters (of some million)."""

    def __init__(self, old: pl.Series, new: pl.Series) -> None:
        tokens = tokenize(pl.concat([shortened(old).alias("text"), shortened(new).alias("text")]))
        self.split, self.texts = len(old), len(tokens)
        lengths = tokens.list.len().to_numpy().astype(np.int64)
        self.row = np.repeat(np.arange(self.texts, dtype=np.uint32), lengths)
        self.hashes = tokens.explode(empty_as_null=False).hash(seed=1).to_numpy()
        codes = (self.hashes % np.uint64(ALPHABET)).astype(np.uint32) + 0x100
        codes[codes >= SURROGATES] += 0x800
        characters = codes.astype("<u4").tobytes().decode("utf-32-le")
        ends = np.cumsum(lengths)
        self.strings = [
            characters[end - length : end] for end, length in zip(ends.tolist(), lengths.tolist(), strict=True)
        ]

    @property
    def old(self) -> list[str]:
        return self.strings[: self.split]

    @property
    def new(self) -> list[str]:
        return self.strings[self.split :]

    def likeness(self, old: Iterable[int], new: Iterable[int]) -> np.ndarray:
        """Of the pairs (old[i], new[i]), places in their sides: float32 in [0, 1]."""
        left, right = self.old, self.new
        return process.cpdist(
            [left[place] for place in old],
            [right[place] for place in new],
            scorer=Indel.normalized_similarity,
            dtype=np.float32,
        )

    def likely_pairs(self, least: float) -> pl.DataFrame:
        """Pairs of places that are at least so alike: `old`, `new`, `likeness`. In linear time where there are many."""
        left, right = self.old, self.new
        if not left or not right:
            return pl.DataFrame(schema=PAIRS)
        if len(left) * len(right) <= EXHAUSTIVE:
            table = process.cdist(
                left, right, scorer=Indel.normalized_similarity, dtype=np.float32, score_cutoff=least, workers=1
            )
            old, new = np.nonzero(table >= least)
            likeness = table[old, new]
        else:
            near = self._near()
            old, new = near["old"].to_numpy(), near["new"].to_numpy()
            likeness = self.likeness(old, new)
            enough = likeness >= least
            old, new, likeness = old[enough], new[enough], likeness[enough]
        return pl.DataFrame({"old": old, "new": new, "likeness": likeness}).cast(PAIRS)

    def nearest(self, least: float) -> np.ndarray:
        """How alike each text of the old side is to the most alike of the new side; 0 below `least`. Compares all pairs."""
        table = process.cdist(
            self.old, self.new, scorer=Indel.normalized_similarity, dtype=np.float32, score_cutoff=least, workers=1
        )
        return np.asarray(table.max(axis=1))

    def _near(self) -> pl.DataFrame:
        """Pairs of places that share most of their least hashes: `old`, `new`."""
        sketch = self._sketches()
        sides = [sketch.filter(pl.col("row") < self.split), sketch.filter(pl.col("row") >= self.split)]
        rare = [side.filter(pl.len().over("hash") <= COMMON) for side in sides]
        shared = rare[0].join(rare[1], on="hash", suffix="_new").group_by(old="row", new="row_new").len("shared")
        shared = shared.filter(pl.col("shared") >= LEAST_SHARED)
        ordered = shared.sort(["shared", "old", "new"], descending=[True, False, False])
        nearest = ordered.group_by("old", maintain_order=True).head(NEAREST)
        return nearest.select("old", new=pl.col("new") - self.split).sort("old", "new")

    def _sketches(self) -> pl.DataFrame:
        """`row`, `hash`: the least hashes of three words in a row of every text."""
        one, two, three = self.hashes[:-2], self.hashes[1:-1], self.hashes[2:]
        mixed = (one * np.uint64(0x9E3779B97F4A7C15)) ^ (two * np.uint64(0xC2B2AE3D27D4EB4F) >> np.uint64(9)) ^ three
        is_of_one = self.row[:-2] == self.row[2:]
        hashed = pl.DataFrame(
            {"row": self.row[:-2][is_of_one], "hash": mixed[is_of_one] * np.uint64(0xBF58476D1CE4E5B9)}
        )
        least = hashed.group_by("row").agg(pl.col("hash").bottom_k(SKETCH))
        return least.explode("hash", empty_as_null=False).unique()


def best_pairs(candidates: pl.DataFrame) -> pl.DataFrame:
    """The most alike first, each side's member once; ties by old, then new. Columns `old`, `new`, `likeness` and others."""
    ordered = candidates.sort(["likeness", "old", "new"], descending=[True, False, False])
    chosen = []
    while ordered.height:
        first_of_old = ordered.unique("old", keep="first", maintain_order=True)
        first_of_new = ordered.unique("new", keep="first", maintain_order=True)
        best = first_of_old.join(first_of_new.select("old", "new"), on=["old", "new"], how="semi")
        chosen.append(best)
        ordered = ordered.join(best, on="old", how="anti", maintain_order="left").join(
            best, on="new", how="anti", maintain_order="left"
        )
    return pl.concat(chosen) if chosen else candidates.clear()
