"""Adam's update and τ at a few positions of a flat tensor."""

from typing import Literal

import torch

Semantics = Literal["released", "paper"]
Sparse = tuple[torch.Tensor | None, torch.Tensor]
"""Positions (None: all) and the values that stand there."""


class AdamUpdate:
    """scale·m/(√v + eps) of the moments m, v (flat, fp32), computed only where it is asked for."""

    def __init__(self, first: torch.Tensor, second: torch.Tensor, scale: float, eps: float):
        self.first, self.second, self.scale, self.eps = first, second, scale, eps

    def values_at(self, positions: torch.Tensor | None) -> torch.Tensor:
        """The update at some positions; None: everywhere. The tensor is the caller's to change."""
        first = self.first if positions is None else self.first[positions]
        second = self.second if positions is None else self.second[positions]
        return first.div(second.sqrt().add_(self.eps)).mul_(self.scale)

    def magnitudes(self) -> torch.Tensor:
        """What orders the entries by size: the update's magnitude without its common factor."""
        return self.first.abs().div_(self.second.sqrt().add_(self.eps))


class DenseUpdate(AdamUpdate):
    """An update that is given (the sum of step-K)."""

    def __init__(self, values: torch.Tensor):
        self.values = values

    def values_at(self, positions: torch.Tensor | None) -> torch.Tensor:
        return self.values.clone() if positions is None else self.values[positions]

    def magnitudes(self) -> torch.Tensor:
        return self.values.abs()


def add_at(master: torch.Tensor, positions: torch.Tensor | None, values: torch.Tensor, scale: float) -> None:
    """master[positions] += scale·values, in place; None: everywhere."""
    if positions is None:
        master.add_(values, alpha=scale)
    else:
        master.index_add_(0, positions, values, alpha=scale)


def to_dense(positions: torch.Tensor, values: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """Values at their positions, 0 elsewhere."""
    return torch.zeros_like(like).index_put_((positions.long(),), values)


def lookup(positions: torch.Tensor, values: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """The values at the wanted positions, 0 where `positions` (sorted) lacks them."""
    if not len(positions):
        return values.new_zeros(len(wanted))
    index = torch.searchsorted(positions, wanted.to(positions.dtype)).clamp_(max=len(positions) - 1)
    return torch.where(positions[index] == wanted, values[index], 0.0)


def narrow_positions(positions: torch.Tensor, dense: torch.Tensor) -> torch.Tensor:
    """Positions in `dense` as int32 where that reaches."""
    return positions.to(torch.int32) if dense.numel() < 2**31 else positions
