"""The measure of growth itself, with a clock of its own: seconds that a call takes by the characters of its text."""

import growth
import pytest


@pytest.mark.parametrize(
    "seconds, is_slow",
    [
        (lambda chars: chars * 4.5e-5, False),
        (lambda chars: {200: 0.004}.get(chars, chars * 4.5e-5), False),  # a clock that ticks every 4 ms
        (lambda chars: 0.0005 if chars < 800 else chars * 4.5e-5, False),  # a slower path from 800 characters on
        (lambda chars: chars**2 * 1e-9, False),  # 0.6 ms for 800 characters: below the floor
        (lambda chars: chars**2 * 2e-9, True),
        (lambda chars: chars**2 * 1e-6, True),
        (lambda chars: float("inf"), True),
    ],
)
def test_growth_is_judged_by_comparing_lengths(monkeypatch, seconds, is_slow):
    monkeypatch.setattr(growth, "seconds_of", lambda call, text: call(len(text)))
    assert bool(growth.fault(seconds, lambda chars: "a" * chars, 800, floor=0.001)) == is_slow
