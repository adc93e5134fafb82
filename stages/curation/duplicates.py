"""Near duplicates: MinHash bands propose pairs, the exact Jaccard coefficient decides, union-find makes clusters.

Broder 1997 for the sketch; shingles are word n-grams, so that prompts of a dozen words have enough of them.
"""

from collections.abc import Iterable

import numpy as np
import polars as pl

from cultivar.text.ngrams import grams, tokens

CHUNK = 20_000


def near_duplicates(
    texts: pl.Series, threshold: float, n: int, bands: int, rows_per_band: int
) -> list[tuple[int, int, float]]:
    """Pairs (i < j, Jaccard) of texts whose word n-gram sets have a Jaccard coefficient of at least `threshold`.

    Texts without a word have no pair. Texts of fewer than n words are one shingle.
    """
    hashed, rows = grams(tokens(texts), n, keep_short=True)
    with_shingles, signatures = sketch(hashed, rows, n, bands * rows_per_band)
    sets = Shingles(hashed, rows, len(texts))
    near = []
    for left, right in candidate_pairs(signatures, bands, rows_per_band):
        a, b = int(with_shingles[left]), int(with_shingles[right])
        score = jaccard(sets[a], sets[b])
        if score >= threshold:
            near.append((a, b, score))
    return near


class Shingles:
    """The set of shingles of each text, as sorted distinct hashes."""

    def __init__(self, hashed: np.ndarray, rows: np.ndarray, count: int):
        self.hashed = hashed
        self.offsets = np.searchsorted(rows, np.arange(count + 1))
        self.cached: dict[int, np.ndarray] = {}

    def __getitem__(self, text: int) -> np.ndarray:
        if text not in self.cached:
            self.cached[text] = np.unique(self.hashed[self.offsets[text] : self.offsets[text + 1]])
        return self.cached[text]


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


def candidate_pairs(signatures: np.ndarray, bands: int, rows_per_band: int) -> np.ndarray:
    """Distinct pairs of positions that agree in a band (one at least): neighbours in each bucket, and each with its first."""
    count, pairs_of_band = len(signatures), []
    for band in range(bands):
        part = signatures[:, band * rows_per_band : (band + 1) * rows_per_band]
        keys = np.zeros(count, dtype=np.uint64)
        for column in part.T:
            keys = (keys ^ column) * np.uint64(0xFF51AFD7ED558CCD)
            keys ^= keys >> np.uint64(32)
        order = np.argsort(keys, kind="stable")
        same = keys[order][1:] == keys[order][:-1]
        bucket = np.maximum.accumulate(np.where(np.append(False, same), 0, np.arange(count)))
        right = order[1:][same]
        pairs_of_band += [np.stack([order[:-1][same], right]), np.stack([order[bucket[1:][same]], right])]
    return np.unique(np.sort(np.concatenate(pairs_of_band, axis=1), axis=0), axis=1).T


def clusters(pairs: Iterable[tuple[int, int]]) -> dict[int, int]:
    """Member -> least member of its connected component, for the members of `pairs` (union-find)."""
    parent: dict[int, int] = {}

    def root(node: int) -> int:
        parent.setdefault(node, node)
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for left, right in pairs:
        low, high = sorted((root(left), root(right)))
        parent[high] = low
    return {node: root(node) for node in parent}
