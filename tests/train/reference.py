"""The merging optimizers in float64, written from the equations, and how near a trajectory comes to another choice."""

from typing import NamedTuple

import numpy as np

from train.merging import Deltas, OnDARE
from train.merging.largest import TIE
from train.merging.masks import random_positions

CLEAR = 1e-4
"""A relative gap that no processor's fp32 rounding crosses in a few dozen steps."""


class Trajectory(NamedTuple):
    """Weights (flat, float64) by name, and the smallest relative gap of any choice: which entries, whose sign."""

    weights: dict[str, np.ndarray]
    gap: float


def trajectory(
    kind, start, gradients, deltas: Deltas, *, lr, betas, eps, weight_decay, reserve, alpha, semantics, step_k, seed
) -> Trajectory:
    """Section 4's equations, and the released code's, one tensor after another.

    `start`: weights by name. `gradients`: the same for every step. Further arguments are the optimizers' own.
    """
    released, result, gaps = semantics == "released", {}, [np.inf]
    for name, weight in start.items():
        theta = weight.detach().double().numpy().ravel()
        tau = deltas.read(name).double().numpy().ravel()
        first, second, pending = (np.zeros_like(theta) for _ in range(3))
        for t, step in enumerate(gradients, 1):
            gradient = step[name].double().numpy().ravel()
            first = betas[0] * first + (1 - betas[0]) * gradient
            second = betas[1] * second + (1 - betas[1]) * gradient**2
            change = -lr * first / (np.sqrt(second) + eps)
            if released:
                change *= np.sqrt(1 - betas[1] ** t) / (1 - betas[0] ** t)
            if t % step_k:
                theta, pending = theta + change, pending + change
            else:
                theta, change, pending = theta - pending, change + pending, np.zeros_like(theta)
                if kind is OnDARE:
                    key = "tau/" + name, 0 if released else t // step_k
                    part = tau * mask(seed, *key, reserve, theta.size)
                    keep = mask(seed, f"update/{name}", t // step_k, reserve, theta.size)
                    scaled = 1 / reserve if released else 1.0
                    theta = theta + alpha * (np.clip(part * scaled, -1, 1) if released else part)
                    theta = theta + (1 - alpha) * scaled * keep * change
                else:
                    (d, gap), (w, gap_of_tau) = top(change, reserve, released), top(tau, reserve, released)
                    moved, gap_of_signs = signed(d, w, alpha, released)
                    gaps += [gap, gap_of_tau, gap_of_signs]
                    theta = theta + moved
            theta = theta * (1 - lr * weight_decay)
        result[name] = theta
    return Trajectory(result, min(gaps))


def mask(seed: int, name: str, step: int, reserve: float, size: int) -> np.ndarray:
    """Which entries F selects, as 0 and 1."""
    positions = random_positions(seed, step, name, reserve, size)
    if positions is None:
        return np.ones(size)
    selected = np.zeros(size)
    selected[positions.numpy()] = 1
    return selected


def top(values: np.ndarray, reserve: float, released: bool) -> tuple[np.ndarray, float]:
    """The largest values by the tie rule of train/merging/largest.py, 0 elsewhere, and the gap to the band's edges."""
    count = int(reserve * values.size)
    if reserve >= 1 or (count < 1 and released):
        return values, np.inf
    count, sizes = max(1, count), np.abs(values)
    threshold = np.sort(sizes)[-count]
    low, high = threshold * (1 - TIE), threshold * (1 + TIE)
    above, tied = np.flatnonzero(sizes > high), np.flatnonzero((sizes >= low) & (sizes <= high))
    chosen = np.concatenate([above, tied[: count - len(above)]])
    out = np.zeros_like(values)
    out[chosen] = values[chosen]
    return out, min(np.abs(sizes - low).min(), np.abs(sizes - high).min()) / threshold


def signed(d: np.ndarray, w: np.ndarray, alpha: float, released: bool) -> tuple[np.ndarray, float]:
    """What is added of the update and of τ, and how near they are to the same size where their signs differ."""
    u, v = (1 - alpha) * d, alpha * w
    if released:
        sign = np.where(w + d >= 0, 1, -1)
        moved = v * (np.where(w >= 0, 1, -1) == sign) + u * (np.where(d >= 0, 1, -1) == sign)
        one, other = np.abs(d), np.abs(w)
    else:
        moved = np.where(np.sign(u) * np.sign(v) < 0, np.where(np.abs(u) >= np.abs(v), u, v), u + v)
        one, other = np.abs(u), np.abs(v)
    conflict = np.sign(u) * np.sign(v) < 0 if not released else d * w < 0
    gaps = np.abs(one - other)[conflict] / np.maximum(one, other)[conflict]
    return moved, gaps.min(initial=np.inf)
