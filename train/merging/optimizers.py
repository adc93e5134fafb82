r"""Online Merging Optimizers (Lu et al. 2024, arXiv 2405.17931): every Adam update is merged with τ = θ_SFT - θ_base.

    from train.merging import Deltas, OnDARE
    optimizer = OnDARE(model.named_parameters(), lr=1e-6, deltas=Deltas("models/sft", "models/base"))

m, v are Adam's moments, a = `alpha`, p = `reserve`, F selects a part of the entries.

semantics="paper" (section 4, equations 2-7, algorithm 1):
    D = -lr·m/(√v + eps)
    OnDARE   θ += (1-a)·F(D) + a·F(τ);  F selects each entry with probability p, unscaled, anew at every step
    OnTIES   u = (1-a)·F(D), w = a·F(τ);  F selects the p·n largest;  θ += u + w where the signs agree, else the larger
semantics="released" (what the authors' code computes, and most likely what their figures come from):
    D = -lr·√(1-b2^t)/(1-b1^t)·m/(√v + eps)
    OnDARE   F scales selected entries by 1/p; the mask of τ is drawn once, τ is then clamped to ±1
    OnTIES   int(p·n) largest entries (all, where that is none); s = sign(F(τ) + F(D)), 0 counting as +;
             θ += a·F(τ)·[sign τ = s] + (1-a)·F(D)·[sign D = s]
    a·F(τ) is added at every step whatever the learning rate is.

In both, weight decay is decoupled and comes last (θ *= 1 - lr·decay), and `step_k` K > 1 is algorithm 2: K-1 plain
Adam steps, then their sum with the K-th is rolled back and merged as one update. A learning rate of 0 changes no weight.

τ stays out of `optimizer.state` (it is no state, and sharding would lose it); in released semantics only its selected
entries are held. Weights of less than 32 bits get fp32 masters, because updates of this size vanish in bf16.
Under FSDP2 (rows sharded) neither OnDARE's masks nor OnTIES's choice depends on the number of shards: masks are drawn
by global position, and the largest entries are those of the full tensor (one small all-gather a tensor). Of entries
whose magnitudes tie to within 2^-10, OnTIES takes the first (train/merging/largest.py), so that rounding, which differs
between processors, does not choose.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import torch

from train.merging.deltas import Deltas
from train.merging.largest import largest_positions
from train.merging.masks import random_positions
from train.merging.shards import checkpoint_name, local_tensor, shard_group, shard_offset, shard_rows
from train.merging.sparse import AdamUpdate, DenseUpdate, Semantics, Sparse, add_at, lookup, narrow_positions, to_dense


@dataclass(frozen=True)
class ParameterUpdate:
    """One parameter at one step of its optimizer.

    `step` counts merged updates from 1 (with step-K every K-th Adam step makes one). `master`: the local shard's fp32
    weights, flattened; what is merged is added to it in place. `group`: its parameter group (lr, alpha, reserve …).
    """

    name: str
    parameter: torch.Tensor
    step: int
    master: torch.Tensor
    update: AdamUpdate
    group: dict[str, Any]


class Merging(torch.optim.Optimizer, ABC):
    """What OnDARE and OnTIES share: Adam's moments, τ, step-K, masters and decay."""

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-6,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        reserve: float = 0.01,
        alpha: float = 1e-7,
        semantics: Semantics = "released",
        step_k: int = 1,
        seed: int = 0,
        deltas: Deltas | None = None,
        first_step: int = 0,
    ):
        """`params`: named parameters (or groups of them). `first_step`: steps that earlier optimizers of the same run
        took; update masks go on from there. Raises ValueError for values out of range or no names.
        """
        if (
            not 0 < reserve <= 1
            or not 0 <= alpha <= 1
            or step_k < 1
            or lr < 0
            or semantics not in ("released", "paper")
        ):
            raise ValueError(f"reserve {reserve}, alpha {alpha}, step_k {step_k}, lr {lr}, semantics {semantics!r}")
        defaults = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        defaults |= {"reserve": reserve, "alpha": alpha, "step_k": step_k}
        super().__init__(params, defaults)
        if any("param_names" not in group for group in self.param_groups):
            raise ValueError("give named parameters (model.named_parameters()): τ and masks are found by name")
        self.semantics, self.seed, self.deltas, self.first_step = semantics, seed, deltas, first_step
        self._tau: dict[str, Sparse] = {}

    def attach(self, deltas: Deltas) -> None:
        """Set τ's source; call it after sharding where the optimizer was created before."""
        self.deltas = deltas
        self._tau.clear()

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One update of every parameter that has a gradient. Raises RuntimeError where τ is needed and not attached."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for name, parameter in zip(group["param_names"], group["params"], strict=True):
                if parameter.grad is not None:
                    self.update_parameter(checkpoint_name(name), parameter, group)
        return loss

    def update_parameter(self, name: str, parameter: torch.Tensor, group: dict[str, Any]) -> None:
        """Adam's moments from the gradient, the merged update, then decay; a learning rate of 0 moves the moments only."""
        assert parameter.grad is not None
        weight, gradient = local_tensor(parameter), local_tensor(parameter.grad)
        state = self.state[parameter]
        if not state:
            self.init_state(state, weight, group)
        state["step"] += 1
        step = int(state["step"])
        first, second = state["exp_avg"], state["exp_avg_sq"]
        beta1, beta2 = group["betas"]
        gradient = gradient.float()
        first.lerp_(gradient, 1 - beta1)
        second.mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
        lr = float(group["lr"])
        if lr == 0:
            return
        scale = -lr
        if self.semantics == "released":
            scale *= (1 - beta2**step) ** 0.5 / (1 - beta1**step)
        master = state.get("master", weight).view(-1)
        adam = AdamUpdate(first.view(-1), second.view(-1), scale, group["eps"])
        if group["step_k"] == 1:
            self.merge(ParameterUpdate(name, parameter, step, master, adam, group))
        else:
            self.accumulate(ParameterUpdate(name, parameter, step, master, adam, group), state["pending"].view(-1))
        if group["weight_decay"]:
            master.mul_(1 - lr * group["weight_decay"])
        if "master" in state:
            weight.copy_(state["master"])

    def init_state(self, state: dict[str, Any], weight: torch.Tensor, group: dict[str, Any]) -> None:
        state["step"] = torch.zeros((), dtype=torch.float32)
        state["exp_avg"] = torch.zeros_like(weight, dtype=torch.float32)
        state["exp_avg_sq"] = torch.zeros_like(weight, dtype=torch.float32)
        if weight.dtype != torch.float32:
            state["master"] = weight.float()
        if group["step_k"] > 1:
            state["pending"] = torch.zeros_like(weight, dtype=torch.float32)

    def accumulate(self, target: ParameterUpdate, pending: torch.Tensor) -> None:
        """Algorithm 2: Adam until the K-th step, which takes back the sum of K updates (`pending`) and merges it."""
        change, step_k = target.update.values_at(None), target.group["step_k"]
        if target.step % step_k:
            pending.add_(change)
            target.master.add_(change)
            return
        target.master.sub_(pending)
        pending.add_(change)
        self.merge(replace(target, step=target.step // step_k, update=DenseUpdate(pending)))
        pending.zero_()

    @abstractmethod
    def merge(self, target: ParameterUpdate) -> None:
        """Change the weights of one parameter by its merged update."""

    def tau(self, target: ParameterUpdate) -> Sparse:
        """τ of a parameter (of its shard), sparsified as the semantics say, read on first use."""
        name, parameter = target.name, target.parameter
        if name not in self._tau:
            if self.deltas is None:
                raise RuntimeError(
                    "τ is not attached: pass deltas=Deltas(sft, base), or call attach(...) before step()"
                )
            weight = local_tensor(parameter)
            dense = self.deltas.read(name, *shard_rows(parameter)).to(weight.device).reshape(-1)
            if dense.numel() != weight.numel():
                raise ValueError(f"{name}: τ has {dense.numel()} entries, the parameter {weight.numel()}")
            self._tau[name] = self.sparsify_tau(target, dense)
        return self._tau[name]

    @abstractmethod
    def sparsify_tau(self, target: ParameterUpdate, dense: torch.Tensor) -> Sparse:
        """What is held of τ (flat, of the local shard)."""

    def extra_bytes(self) -> int:
        """Bytes that τ takes in memory beside Adam's own state."""
        return sum(
            values.numel() * values.element_size()
            + (0 if positions is None else positions.numel() * positions.element_size())
            for positions, values in self._tau.values()
        )


class OnDARE(Merging):
    """Online DARE: random entries of the update and of τ."""

    def sparsify_tau(self, target: ParameterUpdate, dense: torch.Tensor) -> Sparse:
        if self.semantics == "paper":
            return None, dense
        selected = self.random_mask("tau", 0, target)
        if selected is None:
            return None, dense.clamp_(-1, 1)
        return narrow_positions(selected, dense), (dense[selected] / target.group["reserve"]).clamp_(-1, 1)

    def random_mask(self, kind: str, step: int, target: ParameterUpdate) -> torch.Tensor | None:
        """Positions that F selects in a step's `update`, or in `tau` (step 0: once for all steps); None for all."""
        weight = local_tensor(target.parameter)
        counter = step + self.first_step if step else 0
        name, offset = f"{kind}/{target.name}", shard_offset(target.parameter)
        selected = random_positions(self.seed, counter, name, target.group["reserve"], weight.numel(), offset)
        return None if selected is None else selected.to(weight.device)

    def merge(self, target: ParameterUpdate) -> None:
        alpha, released = target.group["alpha"], self.semantics == "released"
        if alpha:
            positions, values = self.tau(target)
            if not released:
                positions = self.random_mask("tau", target.step, target)
                values = values if positions is None else values[positions]
            add_at(target.master, positions, values, alpha)
        selected = self.random_mask("update", target.step, target)
        scale = (1 - alpha) / (target.group["reserve"] if released else 1.0)
        add_at(target.master, selected, target.update.values_at(selected), scale)


class OnTIES(Merging):
    """Online TIES: the largest entries of the update and of τ, with a rule for conflicting signs."""

    def sparsify_tau(self, target: ParameterUpdate, dense: torch.Tensor) -> Sparse:
        selected = self.largest(target, dense.abs())
        return (None, dense) if selected is None else (narrow_positions(selected, dense), dense[selected])

    def largest(self, target: ParameterUpdate, magnitudes: torch.Tensor) -> torch.Tensor | None:
        """Positions that F selects; None for all."""
        return largest_positions(magnitudes, target.group["reserve"], self.semantics, shard_group(target.parameter))

    def merge(self, target: ParameterUpdate) -> None:
        alpha, master, update = target.group["alpha"], target.master, target.update
        positions, values = self.tau(target)
        selected = self.largest(target, update.magnitudes())
        if selected is None or positions is None:  # small tensors in released semantics, or F selects everything
            change = (
                update.values_at(None) if selected is None else to_dense(selected, update.values_at(selected), master)
            )
            tau = values if positions is None else to_dense(positions, values, master)
            u, w = self.resolve_signs(change, tau, alpha)
            master.add_(u).add_(w)
            return
        change = update.values_at(selected)
        # entries of τ outside `selected` meet no update, entries of the update outside τ meet no τ
        u, _ = self.resolve_signs(change, lookup(positions, values, selected), alpha)
        _, w = self.resolve_signs(lookup(selected, change, positions), values, alpha)
        add_at(master, selected, u, 1.0)
        add_at(master, positions, w, 1.0)

    def resolve_signs(self, change: torch.Tensor, tau: torch.Tensor, alpha: float) -> tuple[torch.Tensor, torch.Tensor]:
        """What of the update and of τ is added where both are given at the same entries (0: none there)."""
        u, w = change * (1 - alpha), tau * alpha
        if self.semantics == "released":
            positive = (tau + change) >= 0
            return torch.where((change >= 0) == positive, u, 0.0), torch.where((tau >= 0) == positive, w, 0.0)
        conflict = (u * w.sign()) < 0
        u_wins = u.abs() >= w.abs()
        return torch.where(conflict & ~u_wins, 0.0, u), torch.where(conflict & u_wins, 0.0, w)
