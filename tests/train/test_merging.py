"""The merging optimizers against a float64 reference written from the equations, and their promises on state."""

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from reference import CLEAR, Trajectory, trajectory
from safetensors.torch import save_file

from train.merging import Deltas, OnDARE, OnTIES
from train.merging.largest import TIE, largest_positions
from train.merging.masks import BLOCK, random_positions

pytestmark = pytest.mark.numeric
SHAPES = {"a": (7, 5), "b": (3,)}


def checkpoint(path: Path, tensors: dict[str, torch.Tensor]) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    save_file(tensors, path / "model.safetensors")
    return path


@pytest.fixture(scope="module")
def deltas(tmp_path_factory) -> Deltas:
    generator = torch.Generator().manual_seed(1)
    base = {name: torch.randn(shape, generator=generator) for name, shape in SHAPES.items()}
    sft = {name: value + 0.1 * torch.randn(value.shape, generator=generator) for name, value in base.items()}
    path = tmp_path_factory.mktemp("models")
    return Deltas(checkpoint(path / "sft", sft), checkpoint(path / "base", base))


def parameters(seed: int = 2) -> dict[str, torch.nn.Parameter]:
    generator = torch.Generator().manual_seed(seed)
    return {name: torch.nn.Parameter(torch.randn(shape, generator=generator)) for name, shape in SHAPES.items()}


def gradients(steps: int, seed: int = 3) -> list[dict[str, torch.Tensor]]:
    generator = torch.Generator().manual_seed(seed)
    return [{name: torch.randn(shape, generator=generator) for name, shape in SHAPES.items()} for _ in range(steps)]


def run(kind, steps: list[dict[str, torch.Tensor]], weights=None, optimizer=None, **arguments):
    weights = parameters() if weights is None else weights
    optimizer = kind(list(weights.items()), **arguments) if optimizer is None else optimizer
    for step in steps:
        for name, weight in weights.items():
            weight.grad = step[name].clone().to(weight.dtype)
        optimizer.step()
    return weights, optimizer


def assert_follows(weights: dict[str, torch.nn.Parameter], wanted: Trajectory) -> None:
    for name, weight in weights.items():
        np.testing.assert_allclose(weight.detach().double().numpy().ravel(), wanted.weights[name], rtol=2e-4, atol=1e-6)


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
    eps=st.sampled_from([1e-8, 0.1]),
)
def test_a_trajectory_is_what_the_equations_say(
    deltas, kind, semantics, lr, beta1, beta2, weight_decay, reserve, alpha, step_k, seed, eps
):
    setting = {"lr": lr, "betas": (beta1, beta2), "eps": eps, "weight_decay": weight_decay, "reserve": reserve}
    setting |= {"alpha": alpha, "semantics": semantics, "step_k": step_k, "seed": seed}
    wanted = trajectory(kind, parameters(), gradients(6, seed), deltas, **setting)
    assume(wanted.gap > CLEAR)
    assert_follows(run(kind, gradients(6, seed), deltas=deltas, **setting)[0], wanted)


@pytest.mark.parametrize("semantics", ["released", "paper"])
@pytest.mark.parametrize("kind", [OnDARE, OnTIES])
def test_twenty_steps_with_adam_s_own_settings(deltas, kind, semantics):
    """The first updates are all of one size but for rounding: the tie rule decides, as it does in float64."""
    setting = {"lr": 1e-2, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.1, "reserve": 0.3, "alpha": 1e-2}
    setting |= {"semantics": semantics, "step_k": 1, "seed": 0}
    wanted = trajectory(kind, parameters(), gradients(20, seed=16), deltas, **setting)
    assert wanted.gap > CLEAR, "choose other gradients: rounding could decide here"
    assert_follows(run(kind, gradients(20, seed=16), deltas=deltas, **setting)[0], wanted)


def test_conflicting_signs(tmp_path):
    """Update -lr everywhere (one step of a positive gradient) against τ = +0.5, -0.5, 0."""
    zero = torch.zeros(3)
    deltas = Deltas(
        checkpoint(tmp_path / "sft", {"w": torch.tensor([0.5, -0.5, 0.0])}), checkpoint(tmp_path / "base", {"w": zero})
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


def test_selected_updates_are_scaled_in_released_semantics_only(deltas):
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
    full, _ = run(kind, steps, **setting)
    half, optimizer = run(kind, steps[:4], **setting)
    saved = copy.deepcopy(optimizer.state_dict())
    torch.rand(100)  # the global generator plays no part
    resumed = kind(list(half.items()), **setting)
    resumed.load_state_dict(saved)
    again, _ = run(kind, steps[4:], weights=half, optimizer=resumed)
    assert all(torch.equal(full[name], again[name]) for name in full)
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


def test_masks_of_shards_are_those_of_the_full_tensor():
    size = 3 * BLOCK + 1234
    full = random_positions(5, 9, "w", 0.01, size)
    assert abs(len(full) / size - 0.01) < 0.001
    parts = []
    for first, last in ((0, 1000), (1000, BLOCK + 7), (BLOCK + 7, size)):
        parts.append(random_positions(5, 9, "w", 0.01, last - first, first) + first)
    assert torch.equal(torch.cat(parts), full)
    assert not torch.equal(random_positions(5, 10, "w", 0.01, size), full)


def by_the_rule(values: torch.Tensor, reserve: float) -> torch.Tensor:
    """The positions that `largest` should find, by looking at all of them."""
    count = max(1, int(reserve * len(values)))
    threshold = values.topk(count).values.min()
    above = values > threshold * (1 + TIE)
    tied = ((values >= threshold * (1 - TIE)) & ~above).nonzero().view(-1)
    return torch.cat([above.nonzero().view(-1), tied[: count - int(above.sum())]]).sort().values


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 10**6),
    st.sampled_from([0.001, 0.01, 0.1]),
    st.sampled_from([100, 70_000, 200_000]),
    st.sampled_from([None, 8]),
)
def test_the_largest_are_selected_and_of_equals_the_first(seed, reserve, size, steps):
    """`steps`: values are multiples of 1/8, so that many are equal."""
    values = torch.randn(size, generator=torch.Generator().manual_seed(seed)).abs()
    values = values if steps is None else (values * steps).round() / steps
    assert torch.equal(largest_positions(values, reserve, "paper"), by_the_rule(values, reserve))


def test_a_sample_that_misleads_loses_no_entry_that_ties():
    """The entries that bound the search are larger than all others, and too few."""
    values = torch.zeros(200_000)
    values[1:20_000] = 1 - 1.4 * TIE  # these tie with the next, and come first
    values[20_000:50_000] = 1 - 0.5 * TIE
    values[::12] = 1.0
    assert torch.equal(largest_positions(values, 0.1, "paper"), by_the_rule(values, 0.1))


@pytest.mark.parametrize(
    ("size", "reserve", "equal"), [(100, 0.1, 40), (200_000, 0.001, 500), (200_000, 0.001, 10_000)]
)
def test_rounding_does_not_choose(size, reserve, equal):
    """Magnitudes that are equal but for noise: the first are selected, whatever the noise."""
    generator = torch.Generator().manual_seed(0)
    values = 0.9 * torch.rand(size, generator=generator)
    positions = torch.randperm(size, generator=generator)[:equal].sort().values
    for _ in range(5):
        values[positions] = 1 + 1e-5 * torch.randn(equal, generator=generator)
        assert torch.equal(largest_positions(values, reserve, "paper"), positions[: int(reserve * size)])


def test_a_difference_wider_than_the_tie_decides():
    for factor, position in ((1 + 0.9 * TIE, 0), (1 + 1.1 * TIE, 1)):
        assert largest_positions(torch.tensor([1.0, factor]), 0.5, "paper").tolist() == [position]
