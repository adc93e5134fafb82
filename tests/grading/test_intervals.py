"""Intervals of rates and of mean_change differences."""

import polars as pl
import pytest

from cultivar.grading.intervals import change, mean_share, newcombe, wilson
from stages.review.tax import mean_change


@pytest.mark.parametrize(
    ("right", "items", "wanted"),
    [(50, 100, (0.4038, 0.5962)), (0, 10, (0, 0.2775)), (81, 263, (0.2553, 0.3662)), (15, 148, (0.0624, 0.1605))],
)  # Newcombe 1998a, table I, and others
def test_wilson_s_interval_of_a_rate_and_of_its_items(right, items, wanted):
    assert wilson(right, items) == pytest.approx(wanted, abs=1e-4)
    assert mean_share([1.0] * right + [0.0] * (items - right)) == pytest.approx(wanted, abs=1e-4)
    assert wilson(0, 0) == mean_share([]) == (0.0, 1.0)


def test_of_many_shares_the_interval_is_student_s():
    shares = [0.25, 0.5, 0.75, 0.5] * 2_500
    half = 1.96 * (0.125 / 4) ** 0.5 / 100
    assert mean_share(shares) == pytest.approx((0.5 - half, 0.5 + half), rel=1e-3)
    assert change([0.5] * 10_000, shares) == pytest.approx((-half, half), rel=0.02)


@pytest.mark.parametrize("moved", [1e-9, 0.125])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.1 + 0.2, 0.5, 1.0])
def test_an_item_that_ceases_to_agree_narrows_nothing(share, moved):
    """Items that all agree say least of their spread: the interval may move by what the mean does, and widen."""
    other = share - moved if share == 1 else share + moved
    alike, odd = [share] * 99 + [share], [share] * 99 + [other]
    for before, now in ((mean_share(alike), mean_share(odd)), (change(alike, alike), change(alike, odd))):
        assert now == pytest.approx(before, abs=0.02 * moved) and now[1] - now[0] > 0.99 * (before[1] - before[0])


@pytest.mark.parametrize(
    ("both", "first", "second", "neither", "wanted"),
    [
        (1, 1, 7, 12, (-0.507, -0.026)),  # Bentur et al. 2009, in Fagerland, Lydersen and Laake 2014
        (36, 12, 2, 0, (0.0569, 0.3404)),  # Newcombe 1998b, table II
    ],
)
def test_newcombe_s_interval_of_published_tables(both, first, second, neither, wanted):
    one, two = [1] * (both + first) + [0] * (second + neither), [1] * both + [0] * first + [1] * second + [0] * neither
    assert newcombe(one, two) == pytest.approx(wanted, abs=6e-4)
    assert newcombe(two, one) == pytest.approx((-wanted[1], -wanted[0]), abs=6e-4)


@pytest.mark.parametrize("was", [0.0, 0.25, 1.0])
@pytest.mark.parametrize("now", [0.0, 0.25, 1.0])
def test_items_that_agree_leave_an_interval_of_some_width(was, now):
    for count in (2, 5, 50):
        low, high = change([was] * count, [now] * count)
        assert low <= now - was <= high and high - low > 0.02
        low, high = mean_share([was] * count)
        assert low <= was <= high and high - low > 0.02
    assert mean_share([was])[1] - mean_share([was])[0] > 0.5


def test_one_item_has_a_tax_but_no_interval_of_it():
    def items(was, now):
        return pl.DataFrame({"item": [str(index) for index in range(len(was))], "rate": was, "rate_now": now})

    assert mean_change(items([0.0], [1.0]), 0.95) == {"points": 100.0, "low": None, "high": None}
    assert mean_change(items([], []), 0.95) is None
    flips = mean_change(items([0.0] * 5, [0.0] * 5), 0.95)
    assert flips["points"] == 0 and flips["low"] < -40 and flips["high"] > 40
    shares = mean_change(items([0.25, 0.5, 0.5, 0.75], [0.5, 0.5, 0.75, 1.0]), 0.95)
    assert shares["points"] == 18.75 and -49 < shares["low"] < 0 < shares["high"] < 68, "four equal ones: 0 ± 49"
