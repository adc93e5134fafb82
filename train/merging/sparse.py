"""Adam's update and τ at a few positions, and which positions are the largest."""

from typing import Literal

import torch
import torch.distributed as dist

Semantics = Literal["released", "paper"]
Sparse = tuple[torch.Tensor | None, torch.Tensor]
"""Positions (None: all) and the values that stand there."""
TIE = 2.0**-10
"""Relative difference up to which magnitudes tie: well above fp32's rounding (2**-24) and what sums make of it."""


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

    The share is k = int(p·n) entries; a tensor too small for one keeps all in released semantics, one in the paper's.
    `group`: the processes that hold the tensor's shards in order; n and k are then of the full tensor.

    Tie rule: let t be the k-th largest magnitude. Entries above t·(1 + TIE) are kept; the rest of the k are the entries
    within t·(1 ± TIE) that come first in the tensor. So an entry may stand for one that is larger by up to 2·TIE, but
    rounding does not decide: entries that are equal but for rounding (nearly all after Adam's first step, and all whose
    gradients came at the same steps) lie in the band together, and their positions decide, on every processor and for
    any number of shards. What remains: an entry whose magnitude is within rounding of an edge of the band itself may
    fall on either side of it on another processor, and then one kept entry is another.
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
    values = magnitudes if candidates is None else magnitudes[candidates]
    chosen = largest_of_one(values, count) if group is None else largest_of_shards(values, count, group)
    return chosen if candidates is None else candidates[chosen]


def likely(magnitudes: torch.Tensor, count: int) -> torch.Tensor | None:
    """Sorted positions that hold the `count` largest and all that tie with them; None: look at all.

    The bound comes from every n-th entry. It spares the sorting of the rest.
    """
    size = magnitudes.numel()
    stride = size // 16_384
    if stride <= 4:
        return None
    sample = magnitudes[::stride]
    loose = min(sample.numel(), int(1.3 * count / size * sample.numel()) + 32)
    bound = sample.topk(loose, sorted=False).values.min()
    candidates = (magnitudes >= bound * (1 - TIE)).nonzero().view(-1)
    if candidates.numel() >= size // 2 or int((magnitudes[candidates] >= bound).sum()) < count:
        return None
    return candidates


def largest_of_one(magnitudes: torch.Tensor, count: int) -> torch.Tensor:
    """Sorted positions of the `count` largest by the tie rule."""
    threshold = magnitudes.topk(count, sorted=False).values.min()
    return above_and_first_tied(magnitudes, threshold, count - int((magnitudes > threshold * (1 + TIE)).sum()))


def largest_of_shards(magnitudes: torch.Tensor, count: int, group: dist.ProcessGroup) -> torch.Tensor:
    """Sorted positions in this shard of the `count` largest of all shards together.

    Every shard's own `count` largest are gathered; their `count`-th is the threshold of the full tensor.
    """
    own = magnitudes.topk(min(count, magnitudes.numel()), sorted=False).values
    padded = magnitudes.new_full((count,), -1.0)
    padded[: own.numel()] = own
    parts = [torch.empty_like(padded) for _ in range(dist.get_world_size(group))]
    dist.all_gather(parts, padded, group=group)
    gathered = torch.cat(parts)
    threshold = gathered.topk(count, sorted=False).values.min()
    to_fill = count - int((gathered > threshold * (1 + TIE)).sum())
    tied = torch.zeros(len(parts), dtype=torch.long, device=magnitudes.device)
    tied[dist.get_rank(group)] = in_band(magnitudes, threshold).sum()
    dist.all_reduce(tied, group=group)
    return above_and_first_tied(magnitudes, threshold, to_fill - int(tied[: dist.get_rank(group)].sum()))


def above_and_first_tied(magnitudes: torch.Tensor, threshold: torch.Tensor, to_fill: int) -> torch.Tensor:
    """Sorted positions above the threshold's band, and the first `to_fill` within it."""
    kept = magnitudes > threshold * (1 + TIE)
    if to_fill > 0:
        kept[in_band(magnitudes, threshold).nonzero().view(-1)[:to_fill]] = True
    return kept.nonzero().view(-1)


def in_band(magnitudes: torch.Tensor, threshold: torch.Tensor) -> torch.Tensor:
    """Which magnitudes tie with the threshold."""
    return (magnitudes >= threshold * (1 - TIE)) & (magnitudes <= threshold * (1 + TIE))
