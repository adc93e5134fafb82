"""The search over a noisy metric: how often a planted move is found, and how seldom anything else is named."""

import random
from collections.abc import Callable, Hashable

import pytest

from reports.bisect.search import Rule, Search, comparisons_of, interval_of_mean, looks_of, search


def planted(steps: int, at: int | None, size: float, noise: random.Random) -> Callable[[Hashable, int], float]:
    """A metric that falls by `size` with step `at`; its own noise has a deviation of 1, that of a seed of 2."""
    of_seed: dict[int, float] = {}
    known: dict[tuple[Hashable, int], float] = {}

    def measure(step: Hashable, seed: int) -> float:
        if (step, seed) not in known:
            shared = of_seed.setdefault(seed, noise.gauss(0, 2))
            moved = at is not None and isinstance(step, int) and step >= at
            known[step, seed] = shared + noise.gauss(0, 1) - size * moved
        return known[step, seed]

    return measure


def step_from(at: int, height: float = 1.0) -> Callable[[Hashable, int], float]:
    """A metric without noise that is `height` from step `at` on."""
    return lambda step, seed: height * (isinstance(step, int) and step >= at)


def outcomes(size: float | None, seeds: int, steps: int = 9, trials: int = 400) -> list[tuple[Search, int]]:
    noise, found = random.Random(13), []
    for _ in range(trials):
        at = noise.randrange(1, steps)
        measure = planted(steps, None if size is None else at, size or 0.0, noise)
        rule = Rule(0.95, looks_of(seeds), comparisons_of(steps))
        found.append((search(range(steps), measure, rule, lambda comparison: None), at))
    return found


def test_without_a_move_nothing_is_named_with_the_stated_confidence():
    named = sum(result.outcome != "not moved" for result, _ in outcomes(None, 5))
    assert named <= 0.05 * 400


@pytest.mark.parametrize(("size", "seeds", "least"), [(16.0, 5, 0.9), (8.0, 8, 0.75), (8.0, 5, 0.25)])
def test_a_planted_move_is_found_and_no_other_is(size, seeds, least):
    results = outcomes(size, seeds)
    right = sum(result.outcome == "found" and result.first_bad == at for result, at in results)
    wrong = sum(result.outcome == "found" and result.first_bad != at for result, at in results)
    assert right >= least * 400
    assert wrong <= 0.05 * 400


def test_a_search_that_stays_open_still_holds_the_step():
    """With the stated confidence, what is left contains the planted step."""
    left = [(result, at) for result, at in outcomes(5.0, 5) if result.outcome == "open"]
    assert len(left) > 40
    outside = sum(not (result.last_good or 0) < at <= (result.first_bad or 0) for result, at in left)
    assert outside <= 0.05 * 400


@pytest.mark.parametrize("steps", [2, 3, 4, 9, 17])
def test_no_more_comparisons_are_made_than_the_error_is_divided_by(steps):
    for at in range(1, steps):
        rule = Rule(0.95, (1,), comparisons_of(steps))
        result = search(range(steps), step_from(at), rule, lambda comparison: None)
        assert (result.outcome, result.last_good, result.first_bad) == ("found", at - 1, at)
        assert len(result.comparisons) <= rule.comparisons


def test_a_metric_that_rises_is_searched_alike():
    rule = Rule(0.95, (1,), comparisons_of(5))
    for sign in (1, -1):
        result = search(range(5), step_from(3, sign), rule, lambda comparison: None)
        assert result.first_bad == 3


def test_without_noise_what_is_equal_has_not_moved_and_what_stands_in_the_middle_stays_open():
    rule = Rule(0.95, (1,), comparisons_of(3))
    assert search(range(3), lambda step, seed: 0.5, rule, lambda comparison: None).outcome == "not moved"
    values: dict[Hashable, float] = {0: 0.0, 1: 0.5, 2: 1.0}
    middle = search(range(3), lambda step, seed: values[step], rule, lambda comparison: None)
    assert (middle.outcome, middle.last_good, middle.first_bad) == ("open", 0, 2)


def test_the_interval_is_students():
    assert interval_of_mean([1.0, 2.0, 3.0], 0.05) == pytest.approx((2 - 2.4841, 2 + 2.4841), abs=1e-4)
    assert interval_of_mean([0.4], 0.01) == (0.4, 0.4)


def test_more_seeds_are_tried_only_where_few_do_not_decide():
    asked: list[tuple[object, int]] = []

    def measure(step: object, seed: int) -> float:
        asked.append((step, seed))
        return float(step == 1) * 10 + 0.001 * seed * (step == 1)

    search(range(2), measure, Rule(0.95, looks_of(6), comparisons_of(2)), lambda comparison: None)
    assert {seed for _, seed in asked} == {0, 1, 2}
