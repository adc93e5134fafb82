"""Adam's update and τ at a few positions, and which positions are the largest."""

from typing import Literal

import torch
import torch.distributed as dist

Semantics = Literal["released", "paper"]
Sparse = tuple[torch.Tensor | None, torch.Tensor]
"""Positions (None: all) and the values that stand there."""


class Update:
    """Adam's update, worked out only where it is asked for."""

    def __init__(self, first: torch.Tensor, second: torch.Tensor, scale: float, eps: float):
        self.first, self.second, self.scale, self.eps = first, second, scale, eps

    def at(self, positions: torch.Tensor | None) -> torch.Tensor:
        first = self.first if positions is None else self.first[positions]
        second = self.second if positions is None else self.second[positions]
        return first.div(second.sqrt().add_(self.eps)).mul_(self.scale)

    def magnitudes(self) -> torch.Tensor:
        """What orders the entries by size: the update's magnitude without its common factor."""
        return self.first.abs().div_(self.second.sqrt().add_(self.eps))


class Known(Update):
    """An update that is given (the sum of step-K)."""

    def __init__(self, values: torch.Tensor):
        self.values = values

    def at(self, positions: torch.Tensor | None) -> torch.Tensor:
        return self.values.clone() if positions is None else self.values[positions]

    def magnitudes(self) -> torch.Tensor:
        return self.values.abs()


def add(master: torch.Tensor, positions: torch.Tensor | None, values: torch.Tensor, scale: float) -> None:
    if positions is None:
        master.add_(values, alpha=scale)
    else:
        master.index_add_(0, positions, values, alpha=scale)


def spread(positions: torch.Tensor, values: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """Values at their positions, 0 elsewhere."""
    return torch.zeros_like(like).index_put_((positions.long(),), values)


def found_at(positions: torch.Tensor, values: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """The values at the wanted positions, 0 where `positions` (sorted) lacks them."""
    if not len(positions):
        return values.new_zeros(len(wanted))
    at = torch.searchsorted(positions, wanted.to(positions.dtype)).clamp_(max=len(positions) - 1)
    return torch.where(positions[at] == wanted, values[at], 0.0)


def small(positions: torch.Tensor, dense: torch.Tensor) -> torch.Tensor:
    """Positions in 32 bits where those reach."""
    return positions.to(torch.int32) if dense.numel() < 2**31 else positions


def largest(
    magnitudes: torch.Tensor, reserve: float, semantics: Semantics, group: dist.ProcessGroup | None = None
) -> torch.Tensor | None:
    """Sorted positions of the `reserve` share of the largest magnitudes; None for all.

    The share is int(p·n): in released semantics a tensor too small for one entry stays whole, in the paper's it keeps
    one. Of equal magnitudes the first positions are taken (Adam's first step makes nearly all equal). `group`: the
    processes that hold the tensor's shards in order; the share is then of the whole tensor.
    """
    size = magnitudes.numel()
    if group is not None:
        sizes = torch.tensor([size], device=magnitudes.device)
        dist.all_reduce(sizes, group=group)
        size = int(sizes)
    count = int(reserve * size)
    if reserve >= 1 or (count < 1 and semantics == "released"):
        return None
    count = max(count, 1)
    candidates = likely(magnitudes, min(count, magnitudes.numel()))
    found = magnitudes if candidates is None else magnitudes[candidates]
    if group is None:
        threshold = found.topk(count, sorted=False).values.min()
        chosen = first_of(found, threshold, count - int((found > threshold).sum()))
    else:
        chosen = of_shards(found, count, group)
    return chosen if candidates is None else candidates[chosen]


def likely(magnitudes: torch.Tensor, count: int) -> torch.Tensor | None:
    """Positions that hold the `count` largest for certain, found by a threshold from every n-th entry; None: look at all.

    It spares the sorting of the rest.
    """
    size = magnitudes.numel()
    stride = size // 16_384
    if stride <= 4:
        return None
    sampled = magnitudes[::stride]
    loose = min(sampled.numel(), int(1.3 * count / size * sampled.numel()) + 32)
    threshold = sampled.topk(loose, sorted=False).values.min()
    candidates = (magnitudes >= threshold).nonzero().view(-1)
    return candidates if count <= candidates.numel() < size // 2 else None


def first_of(magnitudes: torch.Tensor, threshold: torch.Tensor, ties: int) -> torch.Tensor:
    """Sorted positions above the threshold, and the first `ties` that equal it."""
    kept = magnitudes > threshold
    if ties > 0:
        kept[(magnitudes == threshold).nonzero().view(-1)[:ties]] = True
    return kept.nonzero().view(-1)


def of_shards(magnitudes: torch.Tensor, count: int, group: dist.ProcessGroup) -> torch.Tensor:
    """Positions in this shard of the `count` largest of all shards together.

    Every shard's own `count` largest are gathered; their `count`-th is the threshold of the whole tensor.
    """
    mine = magnitudes.topk(min(count, magnitudes.numel()), sorted=False).values
    padded = magnitudes.new_full((count,), -1.0)
    padded[: mine.numel()] = mine
    parts = [torch.empty_like(padded) for _ in range(dist.get_world_size(group))]
    dist.all_gather(parts, padded, group=group)
    everyone = torch.cat(parts)
    threshold = everyone.topk(count, sorted=False).values.min()
    ties = count - int((everyone > threshold).sum())
    equal = torch.zeros(len(parts), dtype=torch.long, device=magnitudes.device)
    equal[dist.get_rank(group)] = (magnitudes == threshold).sum()
    dist.all_reduce(equal, group=group)
    before = int(equal[: dist.get_rank(group)].sum())
    return first_of(magnitudes, threshold, ties - before)
