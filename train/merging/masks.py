"""DARE's random masks from a counter: which entries of a tensor stay depends on (seed, step, name, global offset) alone.

The flat tensor is cut into blocks of BLOCK entries; each block has a Philox stream of its own, and the gaps between
selected entries are geometric. Ranks of data parallelism agree whatever their global generators did, a shard selects
what the full tensor would have there, and a resumed run needs nothing saved.
"""

import hashlib

import numpy as np
import torch

BLOCK = 1 << 16


def random_positions(
    seed: int, step: int, name: str, reserve: float, numel: int, offset: int = 0
) -> torch.Tensor | None:
    """Sorted positions (int64, within the shard), each selected with probability `reserve`; None for all.

    The shard is the entries offset … offset + numel of the flattened tensor.
    """
    if reserve >= 1.0:
        return None
    digest = hashlib.sha256(f"{seed}/{step}/{name}".encode()).digest()
    key = int.from_bytes(digest[:8], "big")
    scale = 1.0 / np.log1p(-reserve)
    parts = []
    for block in range(offset // BLOCK, (offset + numel + BLOCK - 1) // BLOCK):
        positions = block_positions(key, block, scale, reserve) + (block * BLOCK - offset)
        if block * BLOCK < offset or (block + 1) * BLOCK > offset + numel:
            positions = positions[(positions >= 0) & (positions < numel)]
        parts.append(positions)
    return torch.from_numpy(np.concatenate(parts) if parts else np.empty(0, np.int64))


def block_positions(key: int, block: int, scale: float, reserve: float) -> np.ndarray:
    """Selected positions (int64) within one complete block."""
    stream = np.random.Generator(np.random.Philox(key=[key, block]))
    count = int(BLOCK * reserve + 6 * np.sqrt(BLOCK * reserve) + 16)
    ends = np.cumsum(geometric_gaps(stream, count, scale))
    while ends[-1] <= BLOCK:
        ends = np.concatenate([ends, ends[-1] + np.cumsum(geometric_gaps(stream, count, scale))])
    return ends[: np.searchsorted(ends, BLOCK, side="right")] - 1


def geometric_gaps(stream: np.random.Generator, count: int, scale: float) -> np.ndarray:
    """Geometric gaps (at least 1) by inversion."""
    return np.floor(np.log1p(-stream.random(count)) * scale).astype(np.int64) + 1
