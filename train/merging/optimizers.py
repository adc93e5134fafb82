r"""Online Merging Optimizers (Lu et al. 2024, arXiv 2405.17931): every Adam update is merged with τ = θ_SFT - θ_base.

    from train.merging.optimizers import Deltas, OnDARE
    optimizer = OnDARE(model.named_parameters(), lr=1e-6, deltas=Deltas("models/sft", "models/base"))

m, v are Adam's moments, a = `alpha`, p = `reserve`, F keeps a part of the entries.

semantics="paper" (section 4, equations 2-7, algorithm 1):
    D = -lr·m/(√v + eps)
    OnDARE   θ += (1-a)·F(D) + a·F(τ);  F keeps each entry with probability p, unscaled, anew at every step
    OnTIES   u = (1-a)·F(D), w = a·F(τ);  F keeps the p·n largest;  θ += u + w where the signs agree, else the larger
semantics="released" (what the authors' code computes, and most likely what their figures come from):
    D = -lr·√(1-b2^t)/(1-b1^t)·m/(√v + eps)
    OnDARE   F scales kept entries by 1/p; the mask of τ is drawn once, τ is then clamped to ±1
    OnTIES   int(p·n) largest entries (all, where that is none); s = sign(F(τ) + F(D)), 0 counting as +;
             θ += a·F(τ)·[sign τ = s] + (1-a)·F(D)·[sign D = s]
    a·F(τ) is added at every step whatever the learning rate is.

In both, weight decay is decoupled and comes last (θ *= 1 - lr·decay), and `step_k` K > 1 is algorithm 2: K-1 plain
Adam steps, then their sum with the K-th is rolled back and merged as one update. A learning rate of 0 changes no weight.

τ stays out of `optimizer.state` (it is no state, and sharding would lose it); in released semantics only its kept
entries are held. Weights of less than 32 bits get fp32 masters, because updates of this size vanish in bf16.
Under FSDP2 (rows sharded) neither OnDARE's masks nor OnTIES's choice depends on the number of shards: masks are drawn
by global position, and the largest entries are those of the whole tensor (one small all-gather a tensor). Of entries
whose magnitudes tie to within 2^-10, OnTIES keeps the first (train/sparse.py: largest), so that rounding, which differs
between processors, does not choose.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Any

import torch

from train.merging.deltas import Deltas
from train.merging.masks import kept
from train.merging.shards import clean, group_of, local, shard_offset, shard_rows
from train.merging.sparse import Known, Semantics, Sparse, Update, add, found_at, largest, small, spread

__all__ = ["Deltas", "OnDARE", "OnTIES"]


class Merging(torch.optim.Optimizer, ABC):
    """What OnDARE and OnTIES share: Adam's moments, τ, step-K, masters and decay."""

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-6,
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
        """Set τ's source; call it after sharding where the optimizer was made before."""
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
                    self.update(clean(name), parameter, group)
        return loss

    def update(self, name: str, parameter: torch.Tensor, group: dict[str, Any]) -> None:
        assert parameter.grad is not None
        weight, gradient = local(parameter), local(parameter.grad)
        state = self.state[parameter]
        if not state:
            self.start(state, weight, group)
        state["step"] += 1
        at = int(state["step"])
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
            scale *= (1 - beta2**at) ** 0.5 / (1 - beta1**at)
        master = state.get("master", weight).view(-1)
        moments = first.view(-1), second.view(-1)
        if group["step_k"] == 1:
            self.merge(name, parameter, at, master, Update(*moments, scale, group["eps"]), group)
        else:
            self.accumulate(name, parameter, at, master, Update(*moments, scale, group["eps"]), state, group)
        if group["weight_decay"]:
            master.mul_(1 - lr * group["weight_decay"])
        if "master" in state:
            weight.copy_(state["master"])

    def start(self, state: dict[str, Any], weight: torch.Tensor, group: dict[str, Any]) -> None:
        state["step"] = torch.zeros((), dtype=torch.float32)
        state["exp_avg"] = torch.zeros_like(weight, dtype=torch.float32)
        state["exp_avg_sq"] = torch.zeros_like(weight, dtype=torch.float32)
        if weight.dtype != torch.float32:
            state["master"] = weight.float()
        if group["step_k"] > 1:
            state["pending"] = torch.zeros_like(weight, dtype=torch.float32)

    def accumulate(
        self,
        name: str,
        parameter: torch.Tensor,
        at: int,
        master: torch.Tensor,
        update: Update,
        state: dict[str, Any],
        group: dict[str, Any],
    ) -> None:
        """Algorithm 2: Adam until the K-th step, which takes back the sum of K updates and merges it."""
        pending = state["pending"].view(-1)
        change = update.at(None)
        if at % group["step_k"]:
            pending.add_(change)
            master.add_(change)
            return
        master.sub_(pending)
        pending.add_(change)
        self.merge(name, parameter, at // group["step_k"], master, Known(pending), group)
        pending.zero_()

    @abstractmethod
    def merge(
        self,
        name: str,
        parameter: torch.Tensor,
        at: int,
        master: torch.Tensor,
        update: Update,
        group: dict[str, Any],
    ) -> None:
        """Change the weights of one parameter by its merged update."""

    def tau(self, name: str, parameter: torch.Tensor, group: dict[str, Any]) -> Sparse:
        """τ of a parameter (of its shard), thinned as the semantics say, read on first use."""
        if name not in self._tau:
            if self.deltas is None:
                raise RuntimeError(
                    "τ is not attached: pass deltas=Deltas(sft, base), or call attach(...) before step()"
                )
            rows = shard_rows(parameter)
            dense = self.deltas.read(name, *rows).to(local(parameter).device).reshape(-1)
            if dense.numel() != local(parameter).numel():
                raise ValueError(f"{name}: τ has {dense.numel()} entries, the parameter {local(parameter).numel()}")
            self._tau[name] = self.thin(name, parameter, dense, group)
        return self._tau[name]

    def thin(self, name: str, parameter: torch.Tensor, dense: torch.Tensor, group: dict[str, Any]) -> Sparse:
        return None, dense

    def extra_bytes(self) -> int:
        """Bytes that τ takes in memory beside Adam's own state."""
        return sum(
            value.numel() * value.element_size() + (0 if at is None else at.numel() * at.element_size())
            for at, value in self._tau.values()
        )


class OnDARE(Merging):
    """Online DARE: random entries of the update and of τ."""

    def thin(self, name: str, parameter: torch.Tensor, dense: torch.Tensor, group: dict[str, Any]) -> Sparse:
        if self.semantics == "paper":
            return None, dense
        chosen = self.drawn("tau", 0, name, parameter, group)
        if chosen is None:
            return None, dense.clamp_(-1, 1)
        return small(chosen, dense), (dense[chosen] / group["reserve"]).clamp_(-1, 1)

    def drawn(
        self, kind: str, at: int, name: str, parameter: torch.Tensor, group: dict[str, Any]
    ) -> torch.Tensor | None:
        weight = local(parameter)
        counter = at + self.first_step if at else 0
        chosen = kept(self.seed, counter, f"{kind}/{name}", group["reserve"], weight.numel(), shard_offset(parameter))
        return None if chosen is None else chosen.to(weight.device)

    def merge(self, name, parameter, at, master, update, group) -> None:
        alpha, released = group["alpha"], self.semantics == "released"
        if alpha:
            positions, values = self.tau(name, parameter, group)
            if not released:
                positions = self.drawn("tau", at, name, parameter, group)
                values = values if positions is None else values[positions]
            add(master, positions, values, alpha)
        chosen = self.drawn("update", at, name, parameter, group)
        scale = (1 - alpha) / (group["reserve"] if released else 1.0)
        add(master, chosen, update.at(chosen), scale)


class OnTIES(Merging):
    """Online TIES: the largest entries of the update and of τ, with a rule for conflicting signs."""

    def thin(self, name: str, parameter: torch.Tensor, dense: torch.Tensor, group: dict[str, Any]) -> Sparse:
        chosen = largest(dense.abs(), group["reserve"], self.semantics, group_of(parameter))
        return (None, dense) if chosen is None else (small(chosen, dense), dense[chosen])

    def merge(self, name, parameter, at, master, update, group) -> None:
        alpha = group["alpha"]
        positions, values = self.tau(name, parameter, group)
        chosen = largest(update.magnitudes(), group["reserve"], self.semantics, group_of(parameter))
        if chosen is None or positions is None:  # small tensors in released semantics, or everything is kept
            change = update.at(None) if chosen is None else spread(chosen, update.at(chosen), master)
            tau = values if positions is None else spread(positions, values, master)
            u, w = self.resolved(change, tau, alpha)
            master.add_(u).add_(w)
            return
        change = update.at(chosen)
        # entries of τ outside `chosen` meet no update, entries of the update outside τ meet no τ
        u, _ = self.resolved(change, found_at(positions, values, chosen), alpha)
        _, w = self.resolved(found_at(chosen, change, positions), values, alpha)
        add(master, chosen, u, 1.0)
        add(master, positions, w, 1.0)

    def resolved(self, change: torch.Tensor, tau: torch.Tensor, alpha: float) -> tuple[torch.Tensor, torch.Tensor]:
        """What of the update and of τ is added where both are given at the same entries (0: none there)."""
        u, w = change * (1 - alpha), tau * alpha
        if self.semantics == "released":
            positive = (tau + change) >= 0
            return torch.where((change >= 0) == positive, u, 0.0), torch.where((tau >= 0) == positive, w, 0.0)
        conflict = (u * w.sign()) < 0
        u_wins = u.abs() >= w.abs()
        return torch.where(conflict & ~u_wins, 0.0, u), torch.where(conflict & u_wins, 0.0, w)
