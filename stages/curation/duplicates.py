"""Near duplicates: MinHash bands propose pairs, the exact Jaccard coefficient decides.

Broder 1997 for the sketch; shingles are word n-grams, so that prompts of a dozen words have enough of them. Two uses: a
text goes only where it is a near duplicate of a text that stays (`find_duplicates`, no chains), and texts that a chain of
near duplicates joins belong to one cluster (`find_clusters`, for splits).
"""

import math
from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import polars as pl

from cultivar.text.ngrams import grams, tokens

CHUNK = 20_000
LISTED = 64
"""Texts of one bucket with which a further one is compared."""
CHECKED = 32
"""Texts with which one is compared exactly, those with the most alike signatures first. Both bounds matter only where
thousands of texts share a template and yet are no near duplicates; they keep the cost in proportion to the texts."""
DEVIATIONS = 4
"""Standard deviations of the sketch's estimate below the threshold from which a pair is not looked at exactly."""


@dataclass(frozen=True)
class NearDuplicate:
    """From which Jaccard coefficient of their word n-grams two texts are near duplicates, and the bands that find them.

    A pair of coefficient J is proposed with probability 1 - (1 - J ** rows_per_band) ** bands.
    """

    threshold: float
    shingle_words: int = 3
    bands: int = 16
    rows_per_band: int = 5


class Sketches:
    """Shingles and MinHash signatures of texts. Texts without a word have none and are nobody's duplicate.

    Texts of fewer than n words are one shingle. `buckets` (texts × bands) numbers the buckets, -1 where a text is alone.
    """

    def __init__(self, texts: pl.Series, rule: NearDuplicate):
        self.rule = rule
        size = rule.bands * rule.rows_per_band
        self.hashed, rows = grams(tokens(texts), rule.shingle_words, keep_short=True)
        self.offsets = np.searchsorted(rows, np.arange(len(texts) + 1))
        sketched, signatures = sketch(self.hashed, rows, rule.shingle_words, size)
        self.signatures = signatures
        self.place = np.full(len(texts), -1)
        self.place[sketched] = np.arange(len(sketched))
        self.buckets = np.full((len(texts), rule.bands), -1)
        self.buckets[sketched] = find_buckets(signatures, rule.bands, rule.rows_per_band)
        # below this share of equal hashes the coefficient is as good as never at the threshold
        share = rule.threshold * (1 - rule.threshold)
        self.least = rule.threshold - DEVIATIONS * math.sqrt(max(share, 0.25 / size) / size)
        self.distinct: dict[int, np.ndarray] = {}

    def shingles(self, text: int) -> np.ndarray:
        """The distinct shingles of a text, sorted hashes."""
        if text not in self.distinct:
            self.distinct[text] = np.unique(self.hashed[self.offsets[text] : self.offsets[text + 1]])
        return self.distinct[text]

    def alike(self, first: np.ndarray, second: np.ndarray | int) -> np.ndarray:
        """Estimates of the coefficients of pairs of texts: the share of equal hashes in their signatures."""
        return (self.signatures[self.place[first]] == self.signatures[self.place[second]]).mean(axis=1)

    def nearest(self, text: int, others: np.ndarray) -> int | None:
        """The most alike of the other texts of which this one is a near duplicate; None where it is of none."""
        shares = self.alike(others, text)
        order = np.argsort(-shares, kind="stable")[:CHECKED]
        likely = others[order[shares[order] >= self.least]].tolist()
        return next((other for other in likely if self.is_near(text, other)), None)

    def is_near(self, first: int, second: int) -> bool:
        return jaccard(self.shingles(first), self.shingles(second)) >= self.rule.threshold


def find_duplicates(texts: pl.Series, rule: NearDuplicate) -> list[tuple[int, int]]:
    """(text that goes, text that stays), in the order of the texts, which are sorted by worth.

    A text goes if it is a near duplicate of a text before it that stays, so what a text that went resembles is no reason
    for another to go. Of several the most alike is named.
    """
    sketches = Sketches(texts, rule)
    staying: dict[int, list[int]] = defaultdict(list)
    gone = []
    for text in np.flatnonzero((sketches.buckets >= 0).any(axis=1)).tolist():
        own = [bucket for bucket in sketches.buckets[text].tolist() if bucket >= 0]
        others = sorted({other for bucket in own for other in staying[bucket]})
        stays = sketches.nearest(text, np.array(others)) if others else None
        if stays is not None:
            gone.append((text, stays))
            continue
        for bucket in own:
            if len(staying[bucket]) < LISTED:
                staying[bucket].append(text)
    return gone


def find_clusters(texts: pl.Series, rule: NearDuplicate) -> np.ndarray:
    """For each text the first text of its cluster: texts that a chain of near duplicates joins (union-find)."""
    sketches = Sketches(texts, rule)
    parent, checked = np.arange(len(texts)), np.zeros(len(texts), dtype=np.int64)
    columns = [sorted_bucket(column) for column in sketches.buckets.T]
    for lag in range(1, LISTED + 1):
        pairs = pairs_at(columns, lag)
        if not len(pairs):
            break
        apart = (parent[pairs[:, 0]] != parent[pairs[:, 1]]) & (checked[pairs[:, 1]] < CHECKED)
        pairs = np.unique(pairs[apart], axis=0)
        for first in range(0, len(pairs), CHUNK):
            part = pairs[first : first + CHUNK]
            for left, right in part[sketches.alike(part[:, 0], part[:, 1]) >= sketches.least].tolist():
                low, high = sorted((find_root(parent, left), find_root(parent, right)))
                if low != high and sketches.is_near(left, right):
                    parent[high] = low
                elif low != high:
                    checked[right] += 1
        while (parent[parent] != parent).any():
            parent = parent[parent]
    return parent


def find_root(parent: np.ndarray, text: int) -> int:
    while parent[text] != text:
        parent[text] = parent[parent[text]]
        text = int(parent[text])
    return text


def sorted_bucket(column: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The texts of one band that are not alone, bucket by bucket and in each in their order; and their buckets."""
    order = np.argsort(column, kind="stable")
    order = order[np.searchsorted(column[order], 0) :]
    return order, column[order]


def pairs_at(columns: list[tuple[np.ndarray, np.ndarray]], lag: int) -> np.ndarray:
    """(earlier, later) of all texts that stand `lag` places apart in a bucket, in any band."""
    found = []
    for order, buckets in columns:
        same = buckets[lag:] == buckets[:-lag]
        found.append(np.stack([order[:-lag][same], order[lag:][same]], axis=1))
    return np.concatenate(found)


def jaccard(left: np.ndarray, right: np.ndarray) -> float:
    """|left ∩ right| / |left ∪ right| of two sorted arrays of distinct values; 0 for two empty ones."""
    if not len(right):
        return 0.0
    places = np.searchsorted(right, left)
    both = int((right[np.minimum(places, len(right) - 1)] == left).sum())
    return both / (len(left) + len(right) - both)


def sketch(hashed: np.ndarray, rows: np.ndarray, n: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """MinHash of shingles `hashed` of the texts `rows` (sorted): indices of these texts, signatures (texts, size)."""
    texts, starts = np.unique(rows, return_index=True)
    rng = np.random.default_rng(n)  # the hash family is the same in every run
    factors = rng.integers(0, 2**63, size, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    shifts = rng.integers(0, 2**63, size, dtype=np.uint64)
    signatures = np.empty((len(texts), size), dtype=np.uint64)
    ends = np.append(starts, len(hashed))
    for first in range(0, len(texts), CHUNK):
        last = min(first + CHUNK, len(texts))
        part = hashed[ends[first] : ends[last]]
        begins = starts[first:last] - ends[first]
        for k in range(size):
            signatures[first:last, k] = np.minimum.reduceat(part * factors[k] + shifts[k], begins)
    return texts, signatures


def find_buckets(signatures: np.ndarray, bands: int, rows_per_band: int) -> np.ndarray:
    """The bucket of each signature in each band (signatures × bands), no number twice; -1 for a bucket of one."""
    count = len(signatures)
    buckets = np.full((count, bands), -1)
    for band in range(bands):
        keys = np.zeros(count, dtype=np.uint64)
        for column in signatures[:, band * rows_per_band : (band + 1) * rows_per_band].T:
            keys = (keys ^ column) * np.uint64(0xFF51AFD7ED558CCD)
            keys ^= keys >> np.uint64(32)
        _, number, sizes = np.unique(keys, return_inverse=True, return_counts=True)
        buckets[:, band] = np.where(sizes[number] > 1, number + band * count, -1)
    return buckets
