"""Which rows are drawn: by ids alone, evenly, and as a sort of everything would have it."""

import hashlib

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.ids import content_id
from stages.synthesis.queries import draw, multiplier


def ids(count: int) -> pl.Series:
    return pl.Series([content_id("row", n) for n in range(count)], dtype=pl.String).sort()


def by_sorting(one: str, rows: list[str], count: int) -> list[str]:
    factor, summand = map(int, multiplier(one))
    return sorted(rows, key=lambda row: ((int(row[:16], 16) * factor + summand) % 2**64, row))[:count]


@given(st.integers(0, 80), st.integers(1, 30), st.integers(0, 99))
def test_the_least_by_hash_are_drawn(rows, count, number):
    pool, one = ids(rows), content_id("constraint", number)
    (found,) = draw([one], pool, count)
    assert [pool[position] for position in found] == by_sorting(one, pool.to_list(), count)


@pytest.mark.parametrize("count", [1, 16, 299, 300, 301])
def test_of_many_rows_the_least_by_hash_are_drawn(count):
    pool = ids(300)
    for one in (content_id("constraint", n) for n in range(20)):
        (found,) = draw([one], pool, count)
        assert [pool[position] for position in found] == by_sorting(one, pool.to_list(), count)


def test_rows_that_share_their_first_digits_are_drawn_by_id():
    pool = pl.Series([f"{'0' * 31}{n}" for n in range(5)])
    assert draw(["one", "two"], pool, 3) == [[0, 1, 2]] * 2


def test_a_new_row_takes_the_place_of_at_most_one():
    pool, more = ids(200), ids(201)
    (new,) = set(more) - set(pool)
    changed = 0
    for one in (content_id("constraint", n) for n in range(200)):
        before, after = ({rows[p] for p in draw([one], rows, 16)[0]} for rows in (pool, more))
        assert after - before <= {new} and len(before - after) == len(after - before)
        changed += before != after
    assert 0 < changed < 50, "16 of 201 draw it"


def test_rows_are_drawn_alike_often_and_draws_are_independent():
    pool = ids(100)
    drawn = draw([hashlib.sha256(b"%d" % n).hexdigest()[:32] for n in range(2000)], pool, 10)
    counts = [sum(position in found for found in drawn) for position in range(0, 100, 10)]
    assert all(120 < count < 280 for count in counts), "200 expected, standard deviation 13"
    together = sum({0, 1} <= set(found) for found in drawn)
    assert together < 60, "18 expected"
