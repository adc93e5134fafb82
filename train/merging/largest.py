"""Which entries of a tensor have the largest magnitudes, by a rule for ties that no processor's rounding decides."""

import torch
import torch.distributed as dist

from train.merging.sparse import Semantics

TIE = 2.0**-10
"""Relative difference up to which magnitudes tie: well above fp32's rounding (2**-24) and what sums make of it."""


def largest_positions(
    magnitudes: torch.Tensor, reserve: float, semantics: Semantics, group: dist.ProcessGroup | None = None
) -> torch.Tensor | None:
    """Sorted positions of the `reserve` share of the largest magnitudes; None for all.

    The share is k = int(p·n) entries; for a tensor too small for one it is all entries in released semantics, one in the paper's.
    `group`: the processes that hold the tensor's shards in order; n and k are then of the full tensor.

    Tie rule: let t be the k-th largest magnitude. Entries above t·(1 + TIE) are selected; the rest of the k are the
    entries within t·(1 ± TIE) that come first in the tensor. So an entry may stand for one that is larger by up to
    2·TIE, but rounding does not decide: entries that are equal but for rounding (nearly all after Adam's first step, and
    all whose gradients came at the same steps) lie in the band together, and their positions decide, on every processor
    and for any number of shards. What remains: an entry whose magnitude is within rounding of an edge of the band itself
    may fall on either side of it on another processor, and then another entry is selected in its place.
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
    candidates = candidate_positions(magnitudes, min(count, magnitudes.numel()))
    values = magnitudes if candidates is None else magnitudes[candidates]
    selected = largest_in_tensor(values, count) if group is None else largest_in_shards(values, count, group)
    return selected if candidates is None else candidates[selected]


def candidate_positions(magnitudes: torch.Tensor, count: int) -> torch.Tensor | None:
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


def largest_in_tensor(magnitudes: torch.Tensor, count: int) -> torch.Tensor:
    """Sorted positions of the `count` largest by the tie rule."""
    threshold = magnitudes.topk(count, sorted=False).values.min()
    return select_with_ties(magnitudes, threshold, count - int((magnitudes > threshold * (1 + TIE)).sum()))


def largest_in_shards(magnitudes: torch.Tensor, count: int, group: dist.ProcessGroup) -> torch.Tensor:
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
    tied[dist.get_rank(group)] = is_tied(magnitudes, threshold).sum()
    dist.all_reduce(tied, group=group)
    return select_with_ties(magnitudes, threshold, to_fill - int(tied[: dist.get_rank(group)].sum()))


def select_with_ties(magnitudes: torch.Tensor, threshold: torch.Tensor, to_fill: int) -> torch.Tensor:
    """Sorted positions above the threshold's band, and the first `to_fill` within it."""
    selected = magnitudes > threshold * (1 + TIE)
    if to_fill > 0:
        selected[is_tied(magnitudes, threshold).nonzero().view(-1)[:to_fill]] = True
    return selected.nonzero().view(-1)


def is_tied(magnitudes: torch.Tensor, threshold: torch.Tensor) -> torch.Tensor:
    """Which magnitudes tie with the threshold."""
    return (magnitudes >= threshold * (1 - TIE)) & (magnitudes <= threshold * (1 + TIE))
