"""rank: what a biased judge lets into D and P. No bias by place alone, where every candidate stands at every place."""

import random
import re
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cultivar.grading.pairs import agreed_best, pairs
from schemas.ids import seed_of
from stages.annotation.orders import PLACES, RatedOrders, SwapConsistency, order_count, orders_of
from stages.annotation.params import RankParams
from tests.admission.judges import rating
from tests.admission.rows import candidate, ident

PROMPTS = 1000
WORDS = "the sea is salty since rivers carry what rocks lose and only water leaves again".split()


def texts_of(prompt):
    """Three to six responses of 20 to 500 characters, none better than another."""
    rng = random.Random(prompt)
    return [" ".join(rng.choices(WORDS, k=rng.randint(4, 100))) for _ in range(3 + prompt % 4)]


def by_place(bias):
    return lambda texts, seed: [bias(place, len(texts)) for place in range(len(texts))]


POSITION = {
    "first": by_place(lambda place, count: 5 if place == 0 else 1),
    "first, by two points": by_place(lambda place, count: 5 if place == 0 else 3),
    "last": by_place(lambda place, count: 5 if place == count - 1 else 1),
    "falling": by_place(lambda place, count: max(1, 5 - place)),
    "rising": by_place(lambda place, count: min(5, 1 + place)),
}
"""Biases that an order and its reverse cancel."""
INNER = {
    "middle": by_place(lambda place, count: 5 if place in (count // 2, (count - 1) // 2) else 1),
    "both ends": by_place(lambda place, count: 5 if place in (0, count - 1) else 1),
}
"""Biases that the reverse leaves where they are."""
OTHERS = {
    "length": lambda texts, seed: [1 + min(4, len(text) // 100) for text in texts],
    "self": lambda texts, seed: [5 if len(text) % 2 else 2 for text in texts],  # half of the texts are its own
    "constant": lambda texts, seed: [5] * len(texts),
    "random": lambda texts, seed: [random.Random(f"{seed} {place}").randint(1, 5) for place in range(len(texts))],
}


@cache
def rows():
    return [candidate(text, f"Question {n}?") for n in range(PROMPTS) for text in texts_of(n)]


def rank_biased(rank_by, bias, **params):
    """(prompts in D, prompts in P, tables) of 1,000 prompts."""

    def reply(request):
        texts = re.findall(r"<response>\n(.*?)\n</response>", request.messages[-1]["content"], re.S)
        return {"ratings": [rating(value) for value in bias(texts, request.seed)]}

    tables = rank_by(None, rows=rows(), reply=reply, params=RankParams(**{"max_length_ratio": 6.0} | params))
    assert len(tables.rankings) == PROMPTS
    demonstrated, paired = (
        {row.prompt[0].content for row in table}
        for table in (tables.annotation_demonstrations, tables.annotation_preferences)
    )
    return len(demonstrated), len(paired), tables


@pytest.mark.parametrize(("name", "orders"), [*((name, 2) for name in POSITION), ("first", None)])
def test_a_judge_that_looks_at_the_place_alone_admits_nothing(rank_by, name, orders):
    demonstrated, paired, tables = rank_biased(rank_by, POSITION[name], orders=orders, min_margin=0.0, mode="all_pairs")
    (judge,) = tables.metrics["judges"].values()
    assert (demonstrated, paired) == (0, 0)
    assert judge["swap_agreement"] == 0 and judge["without_agreed_best"] == judge["prompts"] == PROMPTS
    assert judge["position_bias"]["largest"] >= 1


@pytest.mark.parametrize("name", INNER)
def test_a_bias_to_inner_places_takes_as_many_orders_as_candidates(rank_by, name):
    assert rank_biased(rank_by, INNER[name], orders=2)[1] > 0
    assert rank_biased(rank_by, INNER[name], min_margin=0.0, mode="all_pairs")[1] == 0  # the default, three
    assert rank_biased(rank_by, INNER[name], orders=None, min_margin=0.0, mode="all_pairs")[:2] == (0, 0)


def test_what_swapping_places_does_nothing_against(rank_by):
    """Length and self-preference are alike in every order; a constant judge tells nothing apart."""
    found = {name: rank_biased(rank_by, bias)[:2] for name, bias in OTHERS.items()}
    assert found["constant"] == (PROMPTS, 0)
    assert found["length"][1] > 0.9 * PROMPTS and found["self"][1] > 0.5 * PROMPTS
    assert found["random"][1] < found["length"][1]
    close = rank_biased(rank_by, OTHERS["length"], max_length_ratio=1.5)[1]
    assert close < found["length"][1]


def readings_of(orders, bias):
    """Ratings (orders × candidates) of a judge that looks at the place alone."""
    return [[bias[order.index(position)] for position in range(len(order))] for order in orders]


COUNT = st.integers(2, 7)
PROMPT = st.integers(0, 10**6).map(lambda n: ident("prompt", n))


@given(PROMPT, st.data(), COUNT, st.sampled_from([None, 0, 1, 9]))
def test_no_bias_by_place_survives_as_many_orders_as_candidates(prompt, data, count, more):
    bias = data.draw(st.lists(st.floats(1, 5), min_size=count, max_size=count))
    readings = readings_of(orders_of(prompt, count, None if more is None else max(2, count + more)), bias)
    texts = [str(position) for position in range(count)]
    assert pairs(texts, readings, "all_pairs") == []
    assert agreed_best(readings) == ([] if len(set(bias)) > 1 else list(range(count)))


@given(PROMPT, st.data(), COUNT, st.integers(2, 14))
def test_no_bias_that_rises_or_falls_survives_two_orders_or_more(prompt, data, count, orders):
    bias = sorted(
        data.draw(st.lists(st.floats(1, 5), min_size=count, max_size=count)), reverse=data.draw(st.booleans())
    )
    readings = readings_of(orders_of(prompt, count, orders), bias)
    assert pairs([str(position) for position in range(count)], readings, "all_pairs") == []
    assert len(set(bias)) < count or not agreed_best(readings)  # places that are alike can be best in turn


@given(PROMPT, st.lists(st.floats(1, 5), min_size=2, max_size=5), st.booleans(), st.booleans(), st.integers(3, 12))
def test_no_bias_that_is_alike_on_both_sides_survives_three_orders(prompt, levels, falls, odd, orders):
    side = sorted(levels, reverse=falls)
    bias = side + side[::-1][odd:]
    readings = readings_of(orders_of(prompt, len(bias), orders), bias)
    assert pairs([str(position) for position in range(len(bias))], readings, "all_pairs") == []


@given(PROMPT, st.integers(1, 8), st.none() | st.integers(2, 20))
def test_orders_are_distinct_and_every_candidate_stands_at_every_place(prompt, count, orders):
    found = orders_of(prompt, count, orders)
    assert len(found) == order_count(count, orders)
    assert all(sorted(order) == list(range(count)) for order in found)
    assert count == 1 or len(set(map(tuple, found))) == len(found)
    first = list(range(count))
    random.Random(seed_of(prompt, "order", 0)).shuffle(first)
    assert found[0] == first
    if len(found) >= count:
        assert all(set(at_place) == set(range(count)) for at_place in zip(*found, strict=True))
    else:
        assert first[::-1] in found


@pytest.mark.parametrize(
    ("count", "orders", "asked"),
    [
        (1, 2, 2),
        (1, None, 2),
        (2, 2, 2),
        (2, None, 2),
        (2, 5, 2),
        (3, 2, 2),
        (3, None, 3),
        (3, 6, 6),
        (3, 7, 6),
        (6, 4, 4),
    ],
)
def test_as_many_orders_as_there_are(count, orders, asked):
    assert order_count(count, orders) == len(orders_of("p", count, orders)) == asked


def test_position_bias_and_swap_agreement_are_counted_by_hand():
    swaps = SwapConsistency()
    swaps.add(
        [
            RatedOrders([[5, 3], [3, 5]], [[0, 1], [1, 0]]),  # the first place is worth two points
            RatedOrders([[4, 2], [4, 2]], [[1, 0], [0, 1]]),  # the same candidate is better at either place
            RatedOrders([[4, 4], [4, 4]], [[1, 0], [0, 1]]),  # no order tells them apart
            RatedOrders([[1], [5]], [[0], [0]]),
            RatedOrders([[5, 4, 3], [5, 4, 4]], [[0, 1, 2], [2, 1, 0]]),  # 0 > 1 and 0 > 2 agreed, 1 and 2 not
        ]
    )
    assert swaps.metrics["prompts"] == 4 and swaps.metrics["without_agreed_best"] == 1
    assert swaps.metrics["swap_agreement"] == 3 / 5
    bias = swaps.metrics["position_bias"]
    # deviations by place: 1, -1 | 1, -1; -1, 1 | 1, -1; 0; then 1, 0, -1 | -1/3, -1/3, 2/3
    assert bias["place_1"] == pytest.approx((2 + 2 / 3) / 8) and bias["place_3"] == pytest.approx(-1 / 6)
    assert bias["place_2"] == pytest.approx((-2 - 1 / 3) / 8)
    assert bias["largest"] == pytest.approx(bias["place_1"] - bias["place_2"])


def test_the_metrics_are_the_same_whatever_the_batches():
    rng = random.Random(3)
    rated = []
    for n in range(60):
        orders = orders_of(ident(n), rng.randint(2, 12), 2)
        rated.append(RatedOrders([[rng.randint(4, 20) / 4 for _ in order] for order in orders], orders))
    whole, parts = SwapConsistency(), SwapConsistency()
    whole.add(rated)
    for start in (50, 0, 20):
        parts.add(rated[start : {50: 60, 0: 20, 20: 50}[start]])
    assert whole.metrics == parts.metrics and not SwapConsistency().metrics
    assert sorted(whole.metrics["position_bias"]) == sorted(["largest", *(f"place_{n + 1}" for n in range(PLACES))])
