"""Near duplicates: the exact Jaccard coefficient decides, over the shingles and bands that were asked for."""

import numpy as np
import polars as pl
import pytest

from stages.curation import duplicates
from stages.curation.duplicates import clusters, jaccard, near_duplicates


def found(texts, threshold=0.0, n=1, bands=64, rows_per_band=1):
    return near_duplicates(pl.Series(texts, dtype=pl.String), threshold, n, bands, rows_per_band)


@pytest.mark.parametrize(
    ("left", "right", "n", "score"),
    [
        ("a b c d", "a b c d", 1, 1.0),
        ("a b c d", "A, b! c d?", 1, 1.0),
        ("a b c d", "a b c e", 1, 3 / 5),
        ("a b c d", "a b c e", 2, 2 / 4),
        ("a b c d", "a b c e", 3, 1 / 3),
        ("a b c d e f", "a b c d", 3, 2 / 4),
        ("a b c d", "a b c d e f", 3, 2 / 4),
        ("a a b b", "a b", 1, 1.0),
        ("a b", "a b", 3, 1.0),  # fewer words than a shingle: one shingle
        ("a b c d", "d c b a", 1, 1.0),
    ],
)
def test_a_pair_needs_the_jaccard_coefficient_of_its_shingles(left, right, n, score):
    assert found([left, right], score, n) == [(0, 1, score)]
    assert found([left, right], score + 1e-9, n) == []


@pytest.mark.parametrize(
    "texts", [["", ""], ["?!", "?!"], ["a", ""], ["", "a"], ["a b", "c d"], ["a b", "b a"], ["a"], []]
)
def test_texts_that_share_no_shingle_are_no_pair(texts):
    assert found(texts, 1e-9, n=3) == []


def test_positions_count_the_texts_without_a_word_and_come_in_order():
    texts = ["?!", "a b c", "", "x y z", "x y z", "a b c"]
    assert found(texts, 1.0) == [(1, 5, 1.0), (3, 4, 1.0)]


def test_many_alike_texts_form_one_cluster_and_texts_beyond_a_chunk_count(monkeypatch):
    monkeypatch.setattr(duplicates, "CHUNK", 2)
    pairs = found(["a b c d", "x y", "a b c d", "v w", "a b c d", "x y", "a b c d"], 1.0)
    assert clusters((left, right) for left, right, _ in pairs) == {0: 0, 2: 0, 4: 0, 6: 0, 1: 1, 5: 1}


@pytest.mark.parametrize(
    ("left", "right", "score"),
    [([], [], 0.0), ([1], [], 0.0), ([], [1], 0.0), ([1, 2], [2, 9], 1 / 3), ([9], [1], 0.0), ([1], [9], 0.0)],
)
def test_jaccard(left, right, score):
    assert jaccard(np.array(left, dtype=np.uint64), np.array(right, dtype=np.uint64)) == score


def half_alike(count):
    """Pairs of texts that share five words of fifteen."""
    words = [[f"{n}{letter}" for letter in "abcdefghij"] for n in range(count)]
    return [" ".join(text) for own in words for text in (own, [*own[:5], *(word + "x" for word in own[5:])])]


@pytest.mark.parametrize(
    ("n", "bands", "rows_per_band", "proposed"),
    [
        (1, 1, 1, [1, 2, 8, 9, 12, 18, 20, 21, 24, 25, 28, 33, 34]),
        (2, 2, 1, [1, 3, 9, 14, 16, 18, 19, 21, 22, 23, 26, 28, 31, 32, 34, 36, 38, 39]),
        (1, 4, 2, [1, 6, 10, 12, 16, 20, 25, 26, 30, 33, 34, 38, 39]),
    ],
)
def test_the_hash_family_is_the_same_in_every_run_and_version(n, bands, rows_per_band, proposed):
    assert [left // 2 for left, _, _ in found(half_alike(40), 0.1, n, bands, rows_per_band)] == proposed


def test_more_bands_find_more_and_more_rows_per_band_find_less():
    texts = half_alike(60)
    counts = {
        (bands, rows): len(found(texts, 0.3, 1, bands, rows))
        for bands, rows in ((1, 1), (1, 2), (8, 1), (1, 8), (8, 4))
    }
    # at a coefficient of 1/3 a band of r rows agrees with probability 3^-r
    assert 10 <= counts[1, 1] <= 30 and 1 <= counts[1, 2] <= 15 and 50 <= counts[8, 1] <= 60
    assert counts[1, 8] == 0 and counts[8, 4] <= 15


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([], {}),
        ([(0, 1)], {0: 0, 1: 0}),
        ([(1, 2), (0, 1)], {0: 0, 1: 0, 2: 0}),
        ([(3, 2), (5, 4)], {2: 2, 3: 2, 4: 4, 5: 4}),
        ([(2, 3), (0, 1), (1, 3)], {0: 0, 1: 0, 2: 0, 3: 0}),
        ([(5, 6), (4, 5), (3, 4), (6, 7), (0, 7)], {0: 0, 3: 0, 4: 0, 5: 0, 6: 0, 7: 0}),
    ],
)
def test_a_cluster_is_named_by_its_least_member(pairs, expected):
    assert clusters(pairs) == expected
