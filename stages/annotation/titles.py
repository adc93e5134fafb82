"""Titles that mean the same: DBSCAN with `min_samples` 2 and cosine distance, exactly, without a matrix of all distances.

With two samples to a core every title that has a neighbour is a core, so a cluster is a connected component of the graph
of neighbours (Ester et al. 1996). Neighbours of sparse rows are sought by prefixes (Bayardo, Ma and Srikant 2007, "Scaling up all
pairs similarity search"), of dense ones in blocks.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.sparse import coo_matrix, csr_matrix, issparse
from scipy.sparse.csgraph import connected_components
from sklearn.preprocessing import normalize

REST = 0.75
"""More leaves fewer products and more pairs to verify; this was fastest for titles of one to three words."""
VERIFIED = 50_000
"""Pairs that are verified at once."""
PRODUCTS = 10_000_000
"""Products of a block of a sparse product, and entries of a block of a dense one."""
EDGES = 2_000_000
"""Neighbours that are kept before they are joined."""
ROUNDING = 1e-9
"""By how much sums in another order may differ."""
SINGLE = 1e-5
"""By how much cosines in single precision may differ."""


def cluster(vectors: Any, distance: float) -> np.ndarray:
    """The cluster of each row (int), -1 for a row without another within the cosine `distance`, which is part of it.

    `vectors`: (rows, features), sparse or dense. Clusters are numbered by their first rows.
    """
    unit = normalize(vectors.tocsr().astype(np.float64) if issparse(vectors) else np.asarray(vectors, dtype=np.float64))
    near = near_sparse(unit, distance) if issparse(unit) else near_dense(unit, distance)
    labels = np.arange(unit.shape[0])
    held: list[np.ndarray] = []
    for edges in near:
        held.append(edges)
        if sum(map(len, held)) > EDGES:
            labels, held = merged(labels, np.concatenate(held)), []
    labels = merged(labels, np.concatenate([np.empty((0, 2), dtype=np.int64), *held]))
    _, first, number, size = np.unique(labels, return_index=True, return_inverse=True, return_counts=True)
    rank = np.full(len(first), -1)
    several = np.flatnonzero(size > 1)
    rank[several[np.argsort(first[several])]] = np.arange(len(several))
    return rank[number]


def merged(labels: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """The component of each row, with further edges (two rows each) between components `labels`."""
    size = len(labels)
    ends = labels[edges]
    graph = coo_matrix((np.ones(len(ends), dtype=bool), (ends[:, 0], ends[:, 1])), shape=(size, size))
    return connected_components(graph, directed=False)[1][labels]


def near_dense(unit: np.ndarray, distance: float) -> Iterator[np.ndarray]:
    """Pairs of rows (int64, pairs × 2) within the distance: found in single precision, decided in double."""
    single = unit.astype(np.float32)
    rows = max(1, PRODUCTS // max(1, len(unit)))
    for start in range(0, len(unit), rows):
        close = np.argwhere(single[start : start + rows] @ single[start:].T >= 1 - distance - SINGLE) + start
        close = close[close[:, 0] < close[:, 1]]
        for part in np.array_split(close, 1 + len(close) * unit.shape[1] // PRODUCTS):
            yield decided(part, np.einsum("ij,ij->i", unit[part[:, 0]], unit[part[:, 1]]), distance)


def near_sparse(unit: csr_matrix, distance: float) -> Iterator[np.ndarray]:
    """Pairs of rows (int64, pairs × 2) within the distance.

    Features are ordered from rare to frequent. The last ones of a row, as many as have a norm below `REST` of the cosine
    that is sought, add less than that to any cosine: so the first ones alone have the remainder. Few pairs do.
    """
    cosine = 1 - distance - ROUNDING
    if cosine <= 0:  # what has nothing in common is near enough
        yield np.stack([np.arange(unit.shape[0] - 1), np.arange(1, unit.shape[0])], axis=1)
        return
    ordered = unit[:, np.argsort(np.diff(unit.tocsc().indptr), kind="stable")]
    ordered.sort_indices()
    prefix = prefixes(ordered, REST * cosine)
    rest = ordered - prefix
    rest_norm = np.sqrt(np.asarray(rest.multiply(rest).sum(axis=1)).ravel())
    frequency = np.diff(ordered.tocsc().indptr).astype(np.int64)
    cost = np.cumsum(prefix.astype(bool).astype(np.int64) @ frequency)
    start = 0
    while start < unit.shape[0]:
        done = cost[start - 1] if start else 0
        end = max(start + 1, int(np.searchsorted(cost, done + PRODUCTS, side="right")))
        block = (prefix[start:end] @ ordered[start:].T).tocoo()
        possible = (block.data >= (cosine - rest_norm[start:end])[block.row]) & (block.row < block.col)
        first, second = block.row[possible].astype(np.int64), block.col[possible].astype(np.int64)
        pairs, known = np.stack([first, second], axis=1) + start, block.data[possible]
        for part in range(0, len(pairs), VERIFIED):
            of = slice(part, part + VERIFIED)
            remainder = rest[pairs[of, 0]].multiply(ordered[pairs[of, 1]]).sum(axis=1)
            yield decided(pairs[of], known[of] + np.asarray(remainder).ravel(), distance)
        start = end


def prefixes(ordered: csr_matrix, cosine: float) -> csr_matrix:
    """The first features of each row, all but as many of the last as have a norm below `cosine` together."""
    squares = np.concatenate([[0.0], np.cumsum(ordered.data**2)])
    row_end = np.repeat(squares[ordered.indptr[1:]], np.diff(ordered.indptr))
    kept = row_end - squares[:-1] >= cosine**2  # norm of this feature and all behind it
    return csr_matrix(
        (ordered.data[kept], ordered.indices[kept], np.concatenate([[0], np.cumsum(kept)])[ordered.indptr]),
        shape=ordered.shape,
    )


def decided(pairs: np.ndarray, cosines: np.ndarray, distance: float) -> np.ndarray:
    """The pairs whose distance is not above the limit."""
    return pairs[1 - cosines <= distance]
