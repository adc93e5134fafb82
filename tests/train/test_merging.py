"""The merging optimizers against a float64 reference written from the equations, and their promises on state."""

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from train.merging.deltas import Deltas
from train.merging.masks import BLOCK, kept
from train.merging.optimizers import OnDARE, OnTIES
from train.merging.sparse import largest

SHAPES = {"a": (7, 5), "b": (3,)}


def folder(path: Path, tensors: dict[str, torch.Tensor]) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    save_file(tensors, path / "model.safetensors")
    return path


@pytest.fixture(scope="module")
def deltas(tmp_path_factory) -> Deltas:
    generator = torch.Generator().manual_seed(1)
    base = {name: torch.randn(shape, generator=generator) for name, shape in SHAPES.items()}
    tuned = {name: value + 0.1 * torch.randn(value.shape, generator=generator) for name, value in base.items()}
    path = tmp_path_factory.mktemp("models")
    return Deltas(folder(path / "sft", tuned), folder(path / "base", base))


def parameters(seed: int = 2) -> dict[str, torch.nn.Parameter]:
    generator = torch.Generator().manual_seed(seed)
    return {name: torch.nn.Parameter(torch.randn(shape, generator=generator)) for name, shape in SHAPES.items()}


def gradients(steps: int, seed: int = 3) -> list[dict[str, torch.Tensor]]:
    generator = torch.Generator().manual_seed(seed)
    return [{name: torch.randn(shape, generator=generator) for name, shape in SHAPES.items()} for _ in range(steps)]


def run(kind, given_: list[dict[str, torch.Tensor]], weights=None, optimizer=None, **settings_):
    weights = parameters() if weights is None else weights
    optimizer = kind(list(weights.items()), **settings_) if optimizer is None else optimizer
    for step in given_:
        for name, weight in weights.items():
            weight.grad = step[name].clone().to(weight.dtype)
        optimizer.step()
    return weights, optimizer


def chosen(seed: int, at: int, name: str, reserve: float, size: int) -> np.ndarray:
    """Which entries a mask keeps, as 0 and 1."""
    positions = kept(seed, at, name, reserve, size)
    mask = np.ones(size) if positions is None else np.zeros(size)
    if positions is not None:
        mask[positions.numpy()] = 1
    return mask


def top(values: np.ndarray, reserve: float, released: bool) -> np.ndarray:
    count = int(reserve * values.size)
    if reserve >= 1 or (count < 1 and released):
        return values
    out = np.zeros_like(values)
    best = np.argsort(-np.abs(values), kind="stable")[: max(1, count)]
    out[best] = values[best]
    return out


def expected(kind, steps, deltas, lr, betas, eps, weight_decay, reserve, alpha, semantics, step_k, seed):
    """Section 4's equations, and the released code's, in float64, one tensor after another."""
    released, result = semantics == "released", {}
    for name, weight in parameters().items():
        theta = weight.detach().double().numpy().ravel()
        tau = deltas.read(name).double().numpy().ravel()
        first, second, pending = (np.zeros_like(theta) for _ in range(3))
        tau_key = chosen(seed, 0, f"tau/{name}", reserve, theta.size)
        for t, step in enumerate(steps, 1):
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
                at = t // step_k
                if kind is OnDARE:
                    keep = chosen(seed, at, f"update/{name}", reserve, theta.size)
                    if released:
                        scaled = 1 / reserve
                        part = np.clip(tau * tau_key * scaled, -1, 1)
                    else:
                        scaled = 1.0
                        part = tau * chosen(seed, at, f"tau/{name}", reserve, theta.size)
                    theta = theta + alpha * part + (1 - alpha) * scaled * keep * change
                else:
                    d, w = top(change, reserve, released), top(tau, reserve, released)
                    if released:
                        sign = np.where(w + d >= 0, 1, -1)
                        theta = theta + alpha * w * (np.where(w >= 0, 1, -1) == sign)
                        theta = theta + (1 - alpha) * d * (np.where(d >= 0, 1, -1) == sign)
                    else:
                        u, w = (1 - alpha) * d, alpha * w
                        conflict = np.sign(u) * np.sign(w) < 0
                        theta = theta + np.where(conflict, np.where(np.abs(u) >= np.abs(w), u, w), u + w)
            theta = theta * (1 - lr * weight_decay)
        result[name] = theta
    return result


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from([OnDARE, OnTIES]),
    semantics=st.sampled_from(["released", "paper"]),
    lr=st.floats(1e-6, 1e-2),
    beta1=st.floats(0, 0.95),
    beta2=st.floats(0.5, 0.999),
    weight_decay=st.sampled_from([0.0, 0.1]),
    reserve=st.sampled_from([0.1, 0.3, 0.9, 1.0]),
    alpha=st.sampled_from([0.0, 1e-3, 0.5]),
    step_k=st.sampled_from([1, 2, 3]),
    seed=st.integers(0, 1000),
)
def test_a_trajectory_is_what_the_equations_say(
    deltas, kind, semantics, lr, beta1, beta2, weight_decay, reserve, alpha, step_k, seed
):
    steps = gradients(6)  # eps is large: with none, all first updates are as large as lr, and which are kept is a toss
    setting = {"lr": lr, "betas": (beta1, beta2), "eps": 0.1, "weight_decay": weight_decay, "reserve": reserve}
    setting |= {"alpha": alpha, "semantics": semantics, "step_k": step_k, "seed": seed}
    weights, _ = run(kind, steps, deltas=deltas, **setting)
    wanted = expected(kind, steps, deltas, **setting)
    for name, weight in weights.items():
        np.testing.assert_allclose(weight.detach().double().numpy().ravel(), wanted[name], rtol=2e-4, atol=1e-6)


def test_conflicting_signs(tmp_path):
    """Update -lr everywhere (one step of a positive gradient) against τ = +0.5, -0.5, 0."""
    zero = torch.zeros(3)
    deltas = Deltas(
        folder(tmp_path / "sft", {"w": torch.tensor([0.5, -0.5, 0.0])}), folder(tmp_path / "base", {"w": zero})
    )
    moved = {}
    for semantics in ("released", "paper"):
        weight = torch.nn.Parameter(torch.zeros(3))
        setting = {"lr": 0.1, "betas": (0.0, 0.0), "eps": 0.0, "reserve": 1.0, "alpha": 0.1, "semantics": semantics}
        optimizer = OnTIES([("w", weight)], deltas=deltas, **setting)
        weight.grad = torch.ones(3)
        optimizer.step()
        moved[semantics] = weight.detach()
    # released: |τ| > |D|, so τ's sign wins and the update is lost; paper: 0.09 > 0.05, so the update wins
    torch.testing.assert_close(moved["released"], torch.tensor([0.05, -0.14, -0.09]))
    torch.testing.assert_close(moved["paper"], torch.tensor([-0.09, -0.14, -0.09]))


def test_kept_updates_are_scaled_in_released_semantics_only(deltas):
    for semantics, factor in (("released", 4.0), ("paper", 1.0)):
        before = parameters()
        setting = {"lr": 1e-3, "betas": (0.0, 0.0), "eps": 0.0, "reserve": 0.25, "alpha": 0.0, "semantics": semantics}
        after, _ = run(OnDARE, gradients(1), deltas=deltas, **setting)
        moved = torch.cat([(after[name] - before[name]).abs().flatten() for name in before])
        touched = moved[moved > 0]
        assert 0 < len(touched) < len(moved)
        torch.testing.assert_close(touched, torch.full_like(touched, factor * 1e-3), rtol=1e-2, atol=0)


@pytest.mark.parametrize("kind", [OnDARE, OnTIES])
@pytest.mark.parametrize("step_k", [1, 3])
def test_a_resumed_run_is_the_uninterrupted_one_bit_for_bit(deltas, kind, step_k):
    steps = gradients(7)
    setting = {"lr": 1e-3, "reserve": 0.3, "alpha": 0.01, "step_k": step_k, "deltas": deltas, "weight_decay": 0.1}
    whole, _ = run(kind, steps, **setting)
    half, optimizer = run(kind, steps[:4], **setting)
    saved = copy.deepcopy(optimizer.state_dict())
    torch.rand(100)  # the global generator plays no part
    resumed = kind(list(half.items()), **setting)
    resumed.load_state_dict(saved)
    again, _ = run(kind, steps[4:], weights=half, optimizer=resumed)
    assert all(torch.equal(whole[name], again[name]) for name in whole)
    assert not any("tau" in key for state in saved["state"].values() for key in state)


def test_a_learning_rate_of_zero_moves_nothing_and_needs_no_tau(deltas):
    weights, optimizer = run(OnDARE, gradients(1), lr=0.0, alpha=0.5)
    assert all(torch.equal(weights[name], before) for name, before in parameters().items())
    for group in optimizer.param_groups:
        group["lr"] = 1e-3
    with pytest.raises(RuntimeError, match="attach"):
        run(OnDARE, gradients(1), weights=weights, optimizer=optimizer)
    optimizer.attach(deltas)
    run(OnDARE, gradients(1), weights=weights, optimizer=optimizer)


def test_bf16_weights_have_fp32_masters(deltas):
    weights = {name: torch.nn.Parameter(value.detach().bfloat16()) for name, value in parameters().items()}
    before = {name: value.detach().clone() for name, value in weights.items()}
    _, optimizer = run(OnDARE, gradients(200), weights=weights, lr=1e-5, reserve=1.0, alpha=0.0, deltas=deltas)
    assert any(not torch.equal(weights[name], before[name]) for name in weights)
    for weight in weights.values():
        torch.testing.assert_close(optimizer.state[weight]["master"].bfloat16(), weight.detach())


def test_masks_of_shards_are_those_of_the_whole():
    size = 3 * BLOCK + 1234
    whole = kept(5, 9, "w", 0.01, size)
    assert abs(len(whole) / size - 0.01) < 0.001
    parts = []
    for first, last in ((0, 1000), (1000, BLOCK + 7), (BLOCK + 7, size)):
        parts.append(kept(5, 9, "w", 0.01, last - first, first) + first)
    assert torch.equal(torch.cat(parts), whole)
    assert not torch.equal(kept(5, 10, "w", 0.01, size), whole)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0.001, 0.01, 0.1]), st.sampled_from([100, 70_000, 200_000]))
def test_the_largest_are_the_largest(seed, reserve, size):
    values = torch.randn(size, generator=torch.Generator().manual_seed(seed))
    found = largest(values.abs(), reserve, "paper")
    wanted = values.abs().topk(max(1, int(reserve * size))).values
    assert torch.equal(values[found].abs().sort(descending=True).values, wanted)


GOLDEN = {  # two entries of "a", one of "b", the sum of "a"
    ("OnDARE", "released"): [-0.9939346, -0.1702234, 0.4469487, -16.9374],
    ("OnDARE", "paper"): [-1.009239, -0.08637204, 0.3372049, -16.703],
    ("OnTIES", "released"): [-1.056054, -0.2228056, 0.4286901, -16.99939],
    ("OnTIES", "paper"): [-1.098257, -0.001832123, 0.3522303, -16.90068],
}


@pytest.mark.parametrize("semantics", ["released", "paper"])
@pytest.mark.parametrize("kind", [OnDARE, OnTIES])
def test_golden_trajectories(deltas, kind, semantics):
    """Twenty steps of our own, as they were when the equations' tests first held: nothing drifts unseen."""
    setting = {"lr": 1e-2, "reserve": 0.3, "alpha": 1e-2, "weight_decay": 0.1, "semantics": semantics}
    weights, _ = run(kind, gradients(20), deltas=deltas, **setting)
    a, b = weights["a"].detach(), weights["b"].detach()
    found = [float(value) for value in (a[0, 0], a[3, 4], b[2], a.sum())]
    assert found == pytest.approx(GOLDEN[kind.__name__, semantics], rel=1e-5), found
