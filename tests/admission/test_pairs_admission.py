"""cultivar.grading.pairs: which two texts of a prompt become chosen and rejected, at each limit exactly."""

import math
import random

import pytest

from cultivar.grading.pairs import agreed_best, margin_of, pairs


@pytest.mark.parametrize(
    ("scores", "limits", "expected"),
    [
        ([2.0, 1.0], {}, [(0, 1)]),
        ([1.0, 2.0], {}, [(1, 0)]),
        ([1.0, 1.0], {}, []),
        ([1.0, 0.99], {}, [(0, 1)]),
        ([1.0], {}, []),
        ([], {}, []),
        ([2.0, 1.0], {"min_margin": 1.0}, [(0, 1)]),
        ([2.0, 1.0], {"min_margin": 1.1}, []),
        ([2.0, 1.0], {"tie": 0.9}, [(0, 1)]),
        ([2.0, 1.0], {"tie": 1.0}, []),
        ([2.0, 1.0], {"tie": -5.0}, [(0, 1)]),
        ([1.0, 1.0], {"tie": -5.0}, []),
        ([1.0, 3.0, 2.0], {}, [(1, 0)]),
        ([1.0, 3.0, 2.0], {"min_margin": 2.5}, []),
        ([1.0, 3.0, 3.0], {}, [(1, 0)]),
        ([3.0, 1.0, 1.0], {}, [(0, 2)]),
        ([4.0, 3.0, 1.0], {"mode": "all_pairs"}, [(0, 2), (1, 2), (0, 1)]),
        ([4.0, 3.0, 1.0], {"mode": "all_pairs", "limit": 2}, [(0, 2), (1, 2)]),
        ([4.0, 3.0, 1.0], {"mode": "all_pairs", "min_margin": 2.0}, [(0, 2), (1, 2)]),
        ([3.0, 2.0, 1.0], {"mode": "all_pairs"}, [(0, 2), (0, 1), (1, 2)]),
        ([2.0, 3.0, 3.0], {"mode": "all_pairs"}, [(1, 0), (2, 0)]),
        ([3.0, 2.0, 2.0], {"mode": "all_pairs"}, [(0, 1), (0, 2)]),
        ([], {"mode": "all_pairs"}, []),
        ([2.0, 1.0], {"mode": "best_vs_random_lower"}, [(0, 1)]),
        ([1.0, 1.0], {"mode": "best_vs_random_lower"}, []),
        ([3.0, 2.5, 1.0], {"mode": "best_vs_random_lower", "min_margin": 1.0}, [(0, 2)]),
    ],
)
def test_the_better_is_chosen_where_the_margin_allows(scores, limits, expected):
    assert pairs(["a", "b", "c"][: len(scores)], [scores], **limits) == expected


@pytest.mark.parametrize("mode", ["best_vs_worst", "best_vs_random_lower", "all_pairs"])
@pytest.mark.parametrize(
    ("texts", "ratio", "fits"),
    [
        (["aaaa", "bb"], 2.0, True),
        (["aaaaa", "bb"], 2.0, False),
        (["bb", "aaaaa"], 2.0, False),
        (["bb", "aaaa"], 2.0, True),
        (["aaaaa", "b"], None, True),
        (["aaaaa", ""], None, False),
        (["", "aaaaa"], None, False),
        (["same", "same"], None, False),
    ],
)
def test_texts_of_a_pair_differ_are_not_empty_and_of_like_length(mode, texts, ratio, fits):
    assert pairs(texts, [[2.0, 1.0]], mode, max_length_ratio=ratio) == ([(0, 1)] if fits else [])


def test_the_worst_that_fits_is_rejected():
    assert pairs(["best", "okay", "b" * 40], [[3.0, 2.0, 1.0]], max_length_ratio=2.0) == [(0, 1)]
    assert all(pairs(["a", "b", "c", "d"], [[4.0, 3.0, 2.0, 1.0]], seed=seed) == [(0, 3)] for seed in range(9))


def test_a_random_lower_one_is_drawn_from_all_that_fit_by_the_seed():
    texts, scores = list("abcde"), [5.0, 4.0, 3.0, 2.0, 5.0]
    found = {seed: pairs(texts, [scores], "best_vs_random_lower", min_margin=1.5, seed=seed) for seed in range(20)}
    assert found == {seed: [(0, random.Random(seed).choice([2, 3]))] for seed in range(20)}


def test_equal_scores_are_ordered_by_text_wherever_they_stand():
    assert pairs(["b", "a", "z", "y"], [[2.0, 2.0, 1.0, 1.0]]) == [(1, 2)]
    assert pairs(["z", "a", "y", "b"], [[1.0, 2.0, 1.0, 2.0]]) == [(1, 0)]
    assert pairs(["b", "a", "z"], [[2.0, 2.0, 1.0]], "all_pairs", limit=1) == [(1, 2)]
    assert pairs(["a", "z", "y"], [[2.0, 1.0, 1.0]], "all_pairs", limit=1) == [(0, 2)]
    assert pairs(["c", "b", "a"], [[3.0, 2.0, 1.0]], "all_pairs") == [(0, 2), (1, 2), (0, 1)]
    assert pairs(["a", "b", "z", "c"], [[5.0, 4.0, 3.0, 2.0]], "all_pairs", limit=3) == [(0, 3), (0, 2), (1, 3)]


def test_the_seed_is_0_where_none_is_given():
    scores = [9.0, *range(8)]
    drawn = pairs(list("abcdefghi"), [scores], "best_vs_random_lower")
    assert drawn == pairs(list("abcdefghi"), [scores], "best_vs_random_lower", seed=0)
    assert drawn != pairs(list("abcdefghi"), [scores], "best_vs_random_lower", seed=1)


@pytest.mark.parametrize(
    ("readings", "limits", "expected"),
    [
        ([[2, 1], [2, 1]], {}, [(0, 1)]),
        ([[5, 1], [1, 5]], {}, []),
        ([[5, 1], [2, 2]], {}, []),  # a tie in one reading
        ([[5, 1], [2.5, 2]], {"tie": 0.4}, [(0, 1)]),
        ([[5, 1], [2.5, 2]], {"tie": 0.5}, []),  # in every reading beyond the tie
        ([[5, 1], [2, 1]], {"min_margin": 2.5}, [(0, 1)]),  # the margin is the mean over the readings
        ([[5, 1], [2, 1]], {"min_margin": 2.6}, []),
        ([[5, 4.75], [5, 4.75], [5, 4]], {"min_margin": 0.5}, [(0, 1)]),  # 5 less 4.5, where 13.5 / 3 would round
        ([[3, 2.9], [3, 2.9], [3, 2.9]], {"min_margin": 0.2}, []),
        ([[5, 1, 1], [1, 1, 5]], {}, []),  # each reading prefers another one: the two bests are all that is compared
        ([[5, 4, 1], [4, 5, 1]], {}, [(0, 2)]),
        ([[5, 4, 1], [4, 5, 1]], {"mode": "all_pairs"}, [(0, 2), (1, 2)]),
        ([[5, 3, 1], [5, 1, 3]], {"mode": "best_vs_random_lower", "min_margin": 3}, [(0, 1)]),
        ([[5, math.nan], [5, 1]], {}, []),
        ([[math.nan, 1], [5, 1]], {"mode": "all_pairs"}, []),
        ([[math.inf, 1]], {}, []),
    ],
)
def test_every_reading_has_to_agree(readings, limits, expected):
    if limits.get("mode") == "best_vs_random_lower":
        assert pairs(["a", "b", "c"], readings, **limits)[0][0] == 0
    else:
        assert pairs(["a", "b", "c"][: len(readings[0])], readings, **limits) == expected


def test_the_margin_is_the_mean_of_differences_without_rounding():
    thirds = [[4.75, 4.25], [4.5, 4.0], [4.25, 3.75]]
    assert margin_of(thirds, (0, 1)) == 0.5 and pairs(["a", "b"], thirds, min_margin=0.5) == [(0, 1)]


@pytest.mark.parametrize(
    ("verdicts", "limits", "expected"),
    [
        ([True, False, None], {}, [(0, 1)]),
        ([False, True, None], {}, []),  # the scores say otherwise
        ([None, None, None], {}, []),
        ([True, None, False], {}, [(0, 2)]),
        ([True, False, False], {}, [(0, 1), (0, 2)]),  # in the order given
        ([True, True, False], {}, [(0, 2), (1, 2)]),
        ([True, False, False], {"limit": 1}, [(0, 1)]),
        ([True, False, False], {"min_margin": 2}, [(0, 2)]),
        ([True, True, True], {}, []),
        ([False, False, False], {}, []),
    ],
)
def test_a_verifier_accepts_the_chosen_and_refuses_the_rejected(verdicts, limits, expected):
    assert pairs(["a", "b", "c"], [[3.0, 2.0, 1.0]], "verifier", verdicts=verdicts, **limits) == expected


@pytest.mark.parametrize(
    ("first", "second", "fits"),
    [
        ("Sea salt", "sea  SALT\n", False),
        ("Sea\u200b", "sea", False),
        ("ＳＥＡ", "sea", False),
        ("\u200b", "sea", False),  # nothing that a reader sees
        ("sea", "see", True),
    ],
)
@pytest.mark.parametrize("mode", ["best_vs_worst", "best_vs_random_lower", "all_pairs", "verifier"])
def test_texts_that_read_alike_make_no_pair(mode, first, second, fits):
    verdicts = [True, False] if mode == "verifier" else []
    assert pairs([first, second], [[2.0, 1.0]], mode, verdicts=verdicts) == ([(0, 1)] if fits else [])


def test_the_keys_that_are_given_decide_what_is_equal():
    assert pairs(["a", "b"], [[2.0, 1.0]], keys=["k", "k"]) == []
    assert pairs(["a", "A"], [[2.0, 1.0]], keys=["1", "2"]) == [(0, 1)]


@pytest.mark.parametrize(
    ("readings", "best"),
    [
        ([], []),
        ([[]], []),
        ([[1, 2]], [1]),
        ([[2, 2]], [0, 1]),
        ([[5, 1], [1, 5]], []),
        ([[5, 5, 1], [4, 5, 1]], [1]),
        ([[5, 5, 1], [1, 5, 5], [5, 5, 5]], [1]),
        ([[3, 3], [3, 3]], [0, 1]),
    ],
)
def test_the_best_is_best_in_every_reading(readings, best):
    assert agreed_best(readings) == best
