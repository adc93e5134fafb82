"""rank: whom the judge's ratings let into D and P, one exact case on each side of every line."""

import random
import re

import pytest

from cultivar.grading.pairs import pairs
from schemas.ids import seed_of
from stages.annotation.params import RankParams
from tests.admission.judges import best_texts, judge_of, pair_texts, rating
from tests.admission.rows import PROMPT, candidate, ident

A, B, C = "Rivers carry salts.", "Rocks dissolve in it.", "It always has been."
LOOSE = RankParams(orders=2, min_margin=0.5, max_length_ratio=50)


def scores_of(tables):
    (ranking,) = tables.rankings
    texts = {candidate(text)["id"]: text for text in (A, B, C)}
    return {texts[key]: score for key, score in zip(ranking.candidates, ranking.scores, strict=True)}


def test_the_best_is_demonstrated_and_chosen_over_the_worst(rank_by):
    tables = rank_by({A: 3, B: 5, C: 1}, {A: 4, B: 5, C: 2})
    assert best_texts(tables) == [B] and pair_texts(tables) == [(B, C, 3.5)]
    assert scores_of(tables) == {A: 3.5, B: 5.0, C: 1.5}
    (ranking,) = tables.rankings
    assert dict(zip(ranking.candidates, ranking.ranks, strict=True)) == {
        candidate(A)["id"]: 1,
        candidate(B)["id"]: 0,
        candidate(C)["id"]: 2,
    }
    assert tables.metrics.items() >= {"ranked_by_people": 0, "ranked_by_judge": 1, "stale_items": 0}.items()
    assert not len(tables.dropped) and not len(tables.quarantine)


@pytest.mark.parametrize("texts", [[A, B], [A, B, C]])
def test_the_first_order_is_drawn_by_the_prompt_and_the_second_is_its_reverse(rank_by, texts):
    asked, rate = [], judge_of(*[dict.fromkeys(texts, 3)] * 2)
    reply = lambda request: asked.append(request.messages[-1]["content"]) or rate(request)  # noqa: E731
    rank_by(None, rows=[candidate(text) for text in texts], reply=reply)
    first, second = (re.findall(r"<response>\n(.*?)\n</response>", prompt) for prompt in asked)
    assert first == second[::-1] and PROMPT in asked[0]
    texts = sorted(texts, key=lambda text: candidate(text)["id"])
    random.Random(seed_of(ident("prompt", PROMPT), "order", 0)).shuffle(texts)
    assert first == texts


def test_each_order_is_asked_with_a_seed_of_its_own_that_the_prompt_gives(rank_by):
    seeds, rate = [], judge_of({A: 5, B: 1}, {A: 5, B: 1})
    rank_by(None, rows=[candidate(A), candidate(B)], reply=lambda request: seeds.append(request.seed) or rate(request))
    assert seeds == [seed_of(ident("prompt", PROMPT), "judge", turn) for turn in (0, 1)]


@pytest.mark.parametrize(("value", "readable"), [(1, True), (5, True), (0, False), (6, False)])
def test_aspects_are_rated_from_1_to_5(rank_by, value, readable):
    answer = {"ratings": [rating(3), rating([3, 3, 3, value])]}
    tables = rank_by(None, rows=[candidate(A), candidate(B)], reply=lambda request: answer)
    assert (len(tables.rankings), len(tables.quarantine)) == ((1, 0) if readable else (0, 2))


@pytest.mark.parametrize(
    ("first", "second", "scores", "best", "pair"),
    [
        ({A: 5, B: 4}, {A: 5, B: 4}, {A: 5, B: 4}, [A], [(A, B, 1)]),
        ({A: 5, B: 4}, {A: 2, B: 5}, {A: 3.5, B: 4.5}, [], []),  # the orders disagree on this pair
        ({A: 5, B: 5}, {A: 4, B: 5}, {A: 4.5, B: 5}, [B], []),  # a tie in one order is no agreement on the pair
        ({A: 5, B: 4, C: 1}, {A: 4, B: 5, C: 2}, {A: 4.5, B: 4.5, C: 1.5}, [], [(A, C, 3)]),  # but on both above C
        ({A: 5, B: 1, C: 4}, {A: 1, B: 5, C: 4}, {A: 3, B: 3, C: 4}, [], []),  # the best mean is no order's best
        ({A: 5, B: 1, C: 1}, {A: 1, B: 1, C: 5}, {A: 3, B: 1, C: 3}, [], []),  # each order prefers its first
        (
            {A: 5, B: 4, C: 3},
            {A: 5, B: 3, C: 4},
            {A: 5, B: 3.5, C: 3.5},
            [A],
            [(A, B, 1.5)],
        ),  # of equal worst means the later text
        (
            {A: 5, B: 5, C: 5},
            {A: 4, B: 4, C: 4},
            {A: 4.5, B: 4.5, C: 4.5},
            [min(A, B, C, key=lambda t: candidate(t)["id"])],
            [],
        ),
    ],
)
def test_a_pair_and_a_demonstration_need_every_order(rank_by, first, second, scores, best, pair):
    tables = rank_by(first, second)
    assert scores_of(tables) == scores and best_texts(tables) == best and pair_texts(tables) == pair
    assert [row.meets_criteria for row in tables.rankings] == [bool(best)]


def test_a_ranking_holds_what_each_order_said(rank_by):
    (ranking,) = rank_by({A: 5, B: [4, 4, 4, 5]}, {A: 3, B: 2}).rankings
    readings = [dict(zip(ranking.candidates, reading, strict=True)) for reading in ranking.readings]
    assert readings == [{candidate(A)["id"]: a, candidate(B)["id"]: b} for a, b in ((5, 4.25), (3, 2))]


@pytest.mark.parametrize(("margin", "pair"), [(0.5, [(A, B, 0.5)]), (0.51, [])])
def test_the_margin_of_three_orders_is_exact(rank_by, margin, pair):
    orders = [{A: 5, B: 4, C: 5}, {A: [5, 5, 5, 4], B: [5, 5, 4, 4], C: 5}, {A: [4, 4, 4, 5], B: 4, C: 5}]
    params = LOOSE.model_copy(update={"min_margin": margin, "orders": 3, "mode": "all_pairs"})
    rows = [candidate(text) for text in (A, B, C)]
    found = pair_texts(rank_by(None, rows=rows, reply=judge_of(*orders), params=params))
    assert [each for each in found if each[0] == A] == pair


def test_of_tied_bests_the_one_with_the_least_id_is_demonstrated(rank_by):
    assert best_texts(rank_by({A: 5, B: 5, C: 1})) == [min((A, B), key=lambda text: candidate(text)["id"])]


@pytest.mark.parametrize(
    ("first", "second", "params", "admitted"),
    [
        ([4, 4, 4, 4], [4, 4, 4, 4], {"min_mean": 4.0}, True),
        ([4, 4, 4, 4], [4, 4, 4, 3], {"min_mean": 4.0}, False),
        ([4, 4, 4, 4], [4, 4, 4, 3], {"min_mean": 3.75}, True),
        ([4, 4, 4, 3], [5, 5, 5, 5], {"min_mean": 4.0}, False),  # the mean of both orders is above
        ([5, 5, 5, 5], [5, 5, 5, 3], {"min_aspect": 3}, True),
        ([5, 5, 5, 5], [5, 5, 5, 2], {"min_aspect": 3}, False),
        ([2, 5, 5, 5], [5, 5, 5, 5], {"min_aspect": 3}, False),
        ([5, 5, 5, 5], [5, 5, 5, 2], {"min_aspect": 2}, True),
        ([3, 5, 5, 3], [5, 5, 5, 2], {"min_mean": 4.5, "min_aspect": 2}, False),
    ],
)
def test_the_best_is_no_demonstration_unless_it_meets_the_criteria(rank_by, first, second, params, admitted):
    tables = rank_by({A: first, B: 1}, {A: second, B: 1}, LOOSE.model_copy(update=params))
    (ranking,) = tables.rankings
    assert (best_texts(tables) == [A]) == admitted == ranking.meets_criteria
    assert [pair[:2] for pair in pair_texts(tables)] == [(A, B)]  # a pair needs no criteria
    assert len(tables.annotation_demonstrations) == admitted


def test_the_criteria_are_asked_of_the_best_alone(rank_by):
    assert best_texts(rank_by({A: 5, B: [1, 1, 1, 2]})) == [A]


@pytest.mark.parametrize(
    ("scores", "params", "expected"),
    [
        ({A: 4, B: 3}, {"min_margin": 1.0}, [(A, B, 1.0)]),
        ({A: 4, B: 3}, {"min_margin": 1.25}, []),
        ({A: 4, B: [3, 3, 3, 4]}, {"min_margin": 1.0}, []),
        ({A: 4, B: 4}, {"min_margin": 0.0}, []),
        ({A: 5, B: 3, C: 1}, {"mode": "all_pairs", "max_pairs": 3}, [(A, C, 4.0), (A, B, 2.0), (B, C, 2.0)]),
        ({A: 5, B: 3, C: 2}, {"mode": "all_pairs", "max_pairs": 2}, [(A, C, 3.0), (A, B, 2.0)]),
        ({"a" * 40: 5, "b" * 10: 1}, {"max_length_ratio": 4.0}, [("a" * 40, "b" * 10, 4.0)]),
        ({"a" * 41: 5, "b" * 10: 1}, {"max_length_ratio": 4.0}, []),
        ({"a" * 30: 5, "b" * 10: 1}, {"max_length_ratio": 2.5}, []),
    ],
)
def test_a_pair_needs_the_margin_and_like_lengths(rank_by, scores, params, expected):
    assert pair_texts(rank_by(scores, params=LOOSE.model_copy(update=params))) == sorted(
        expected, key=lambda pair: (-pair[2], pair)
    )


def test_a_random_lower_one_is_drawn_by_the_prompt(rank_by):
    scores = {A: 5, B: 3, C: 2}
    texts = sorted(scores, key=lambda text: -scores[text])
    prompts = {f"Question {n}?": ident("prompt", f"Question {n}?") for n in range(12)}
    rows = [candidate(text, prompt) for prompt in prompts for text in scores]
    tables = rank_by(scores, params=LOOSE.model_copy(update={"mode": "best_vs_random_lower"}), rows=rows)
    drawn = {row.prompt[0].content: row.rejected[0].content for row in tables.annotation_preferences}
    assert drawn == {
        prompt: texts[pairs(texts, [[5, 3, 2]], "best_vs_random_lower", seed=seed_of(key, "pairs"))[0][1]]
        for prompt, key in prompts.items()
    }
    assert set(drawn.values()) == {B, C}


def test_prompts_are_ranked_apart_by_their_id_even_where_they_read_alike(rank_by):
    rows = [candidate(A), candidate(B), candidate(C, prompt_id=ident("another"))]
    tables = rank_by({A: 4, B: 2, C: 1}, rows=rows)
    assert sorted(len(ranking.candidates) for ranking in tables.rankings) == [1, 2]
    assert pair_texts(tables) == [(A, B, 2.0)]
