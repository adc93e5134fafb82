"""cultivar.grading.pairs: which two texts of a prompt become chosen and rejected, at each limit exactly."""

import random

import pytest

from cultivar.grading.pairs import pairs


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
