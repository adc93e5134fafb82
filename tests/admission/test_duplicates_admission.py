"""Near duplicates: the exact Jaccard coefficient decides, over the shingles and bands that were asked for."""

from itertools import combinations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.curation import duplicates
from stages.curation.duplicates import NearDuplicate, find_clusters, find_duplicates, jaccard

TEXTS = st.lists(st.lists(st.sampled_from("abc"), max_size=7).map(" ".join), min_size=2, max_size=12, unique=True)


def gone(texts, threshold=0.0, n=1, bands=64, rows_per_band=1):
    return find_duplicates(pl.Series(texts, dtype=pl.String), NearDuplicate(threshold, n, bands, rows_per_band))


def clusters(texts, threshold=0.0, n=1, bands=64, rows_per_band=1):
    found = find_clusters(pl.Series(texts, dtype=pl.String), NearDuplicate(threshold, n, bands, rows_per_band))
    return found.tolist()


def shingles(text, n):
    words = text.split()
    return {tuple(words[start : start + n]) for start in range(max(len(words) - n + 1, 1))} if words else set()


def coefficient(first, second, n):
    one, two = shingles(first, n), shingles(second, n)
    return len(one & two) / len(one | two) if one and two else 0.0


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
def test_near_duplicates_have_the_jaccard_coefficient_of_their_shingles(left, right, n, score):
    assert gone([left, right], score, n) == [(1, 0)] and clusters([left, right], score, n) == [0, 0]
    assert gone([left, right], score + 1e-9, n) == [] and clusters([left, right], score + 1e-9, n) == [0, 1]


@pytest.mark.parametrize(
    "texts", [["", ""], ["?!", "?!"], ["a", ""], ["", "a"], ["a b", "c d"], ["a b", "b a"], ["a"], []]
)
def test_texts_that_share_no_shingle_are_no_duplicates(texts):
    assert gone(texts, 1e-9, n=3) == [] and clusters(texts, 1e-9, n=3) == list(range(len(texts)))


def test_positions_count_the_texts_without_a_word():
    texts = ["?!", "a b c", "", "x y z", "x y z", "a b c"]
    assert gone(texts, 1.0) == [(4, 3), (5, 1)] and clusters(texts, 1.0) == [0, 1, 2, 3, 3, 1]


def test_texts_beyond_a_chunk_count(monkeypatch):
    monkeypatch.setattr(duplicates, "CHUNK", 2)
    texts = ["a b c d", "x y", "a b c d", "v w", "a b c d", "x y", "a b c d"]
    assert gone(texts, 1.0) == [(2, 0), (4, 0), (5, 1), (6, 0)] and clusters(texts, 1.0) == [0, 1, 0, 3, 0, 1, 0]


def test_a_chain_is_one_cluster_but_its_ends_are_no_duplicates():
    words = [f"w{n}" for n in range(40)]
    chain = [" ".join(words[n : n + 20]) for n in range(20)]  # neighbours share 19 words of 21
    assert clusters(chain, 19 / 21) == [0] * 20
    assert gone(chain, 19 / 21) == [(n, n - 1) for n in range(1, 20, 2)]


@given(TEXTS, st.sampled_from([0.3, 0.5, 0.8]))
def test_every_text_that_goes_resembles_one_before_it_that_stays_and_no_two_that_stay_are_alike(texts, threshold):
    removed = dict(gone(texts, threshold, n=2))
    for goes, stays in removed.items():
        assert stays < goes and stays not in removed and coefficient(texts[goes], texts[stays], 2) >= threshold
    left = [place for place in range(len(texts)) if place not in removed]
    if threshold >= 0.5:  # 64 bands of one row miss a pair of 1/2 once in 2 ** 64
        assert all(coefficient(texts[a], texts[b], 2) < threshold for a, b in combinations(left, 2))


@given(TEXTS)
def test_clusters_are_the_connected_components(texts):
    joined = clusters(texts, 0.5, n=2)
    root = list(range(len(texts)))
    for a, b in combinations(range(len(texts)), 2):
        if coefficient(texts[a], texts[b], 2) >= 0.5:
            low, high = sorted((root[a], root[b]))
            root = [low if each == high else each for each in root]
    assert joined == root


def test_a_full_bucket_bounds_the_comparisons(monkeypatch):
    monkeypatch.setattr(duplicates, "LISTED", 1)
    compared = []
    monkeypatch.setattr(duplicates, "jaccard", lambda left, right: compared.append(1) or jaccard(left, right))
    texts = [f"same {n} {n}x" for n in range(50)]
    assert gone(texts, 0.9, bands=1) == [] and len(compared) < 100


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
    assert [goes // 2 for goes, _ in gone(half_alike(40), 0.1, n, bands, rows_per_band)] == proposed


def test_more_bands_find_more_and_more_rows_per_band_find_less():
    texts = half_alike(60)
    counts = {
        (bands, rows): len(gone(texts, 0.3, 1, bands, rows)) for bands, rows in ((1, 1), (1, 2), (8, 1), (1, 8), (8, 4))
    }
    # at a coefficient of 1/3 a band of r rows agrees with probability 3^-r
    assert 10 <= counts[1, 1] <= 30 and 1 <= counts[1, 2] <= 15 and 50 <= counts[8, 1] <= 60
    assert counts[1, 8] == 0 and counts[8, 4] <= 15
