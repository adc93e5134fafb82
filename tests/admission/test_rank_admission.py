"""rank: whom the judge's ratings let into D and P, one exact case on each side of every line."""

import re

import pytest

from cultivar.grading.pairs import pairs
from cultivar.llm.answer import Generation
from schemas.ids import content_id, seed_of
from schemas.products import Admission, demonstration_row, preference_row
from schemas.rows import Candidate
from schemas.table import Table
from stages.annotation.params import RankParams
from stages.annotation.rank import rank
from tests.admission.rows import CUT, PROMPT, candidate, ident
from tests.engines import scripted

A, B, C = "Rivers carry salts.", "Rocks dissolve in it.", "It always has been."
PLAIN = RankParams(min_margin=0.5, max_length_ratio=50)


def rating(value):
    """Four aspects; one number stands for all."""
    aspects = [value] * 4 if isinstance(value, int) else value
    return dict(zip(("following", "truth", "honesty", "help"), aspects, strict=True))


def judge_of(*orders):
    """A judge that rates by text: its first order, then its second. A Generation or a list of ratings is sent as it is."""
    asked = {}

    def reply(request):
        texts = re.findall(r"<response>\n(.*?)\n</response>", request.messages[-1]["content"], re.S)
        key = "".join(sorted(request.messages[-1]["content"]))
        at = asked[key] = asked.get(key, -1) + 1
        order = orders[at]
        if isinstance(order, Generation):
            return order
        return {"ratings": [rating(v) for v in (order if isinstance(order, list) else map(order.get, texts))]}

    return reply


@pytest.fixture
def rank_by(people):
    """Rank candidates by a judge of two orders."""

    def run(first, second=None, params=PLAIN, rows=None, reply=None):
        rows = [candidate(text) for text in first] if rows is None else rows
        with scripted(reply or judge_of(first, first if second is None else second)) as judge:
            tables = rank(Table.of(Candidate, rows), params, judge, people())
            run.asked = judge.backend.asked
        for table in tables[:-1]:
            table.check()
        return tables

    return run


def best_texts(tables):
    return [row.completion[0].content for row in tables.annotation_demonstrations]


def pair_texts(tables):
    found = [(row.chosen[0].content, row.rejected[0].content, row.margin) for row in tables.annotation_preferences]
    return sorted(found, key=lambda pair: (-pair[2], pair))


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
        candidate(A)["id"]: 1, candidate(B)["id"]: 0, candidate(C)["id"]: 2
    }  # fmt: skip
    assert tables.metrics == {"ranked_by_people": 0, "ranked_by_judge": 1, "stale_items": 0}
    assert not len(tables.dropped) and not len(tables.quarantine)


def test_the_second_order_is_the_first_reversed(rank_by):
    rank_by({A: 3, B: 5, C: 1})
    first, second = (re.findall(r"<response>\n(.*?)\n</response>", prompt) for prompt in rank_by.asked)
    assert first == second[::-1] and sorted(first) == sorted([A, B, C]) and PROMPT in rank_by.asked[0]


@pytest.mark.parametrize(
    ("first", "second", "scores"),
    [
        ({A: 5, B: 4}, {A: 5, B: 4}, {A: 5, B: 4}),
        ({A: 5, B: 4}, {A: 2, B: 5}, {A: 4, B: 4}),  # the orders disagree on the best: a tie at the mean
        ({A: 5, B: 5}, {A: 4, B: 5}, {A: 4.5, B: 5}),  # both have B among the best
        ({A: 5, B: 4, C: 1}, {A: 3, B: 4, C: 2}, {A: 4, B: 4, C: 1.5}),  # the third keeps its own score
        ({A: 5, B: 1, C: 4}, {A: 1, B: 5, C: 4}, {A: 3, B: 3, C: 3}),  # and is never above the tied ones
    ],
)
def test_orders_that_disagree_on_the_best_tie_the_two_bests(rank_by, first, second, scores):
    tables = rank_by(first, second)
    assert scores_of(tables) == scores
    for chosen, rejected, margin in pair_texts(tables):
        assert scores[chosen] - scores[rejected] == margin > 0
    assert len(tables.annotation_preferences) == (len(set(scores.values())) > 1)


def test_of_tied_bests_the_one_with_the_least_id_is_demonstrated(rank_by):
    assert best_texts(rank_by({A: 5, B: 5, C: 1})) == [min((A, B), key=lambda text: candidate(text)["id"])]


@pytest.mark.parametrize(
    ("first", "second", "params", "admitted"),
    [
        ([4, 4, 4, 4], [4, 4, 4, 4], {"min_mean": 4.0}, True),
        ([4, 4, 4, 4], [4, 4, 4, 3], {"min_mean": 4.0}, False),
        ([4, 4, 4, 4], [4, 4, 4, 3], {"min_mean": 3.875}, True),
        ([5, 5, 5, 5], [5, 5, 5, 3], {"min_aspect": 3}, True),
        ([5, 5, 5, 5], [5, 5, 5, 2], {"min_aspect": 3}, False),
        ([2, 5, 5, 5], [5, 5, 5, 5], {"min_aspect": 3}, False),
        ([5, 5, 5, 5], [5, 5, 5, 2], {"min_aspect": 2}, True),
        ([3, 5, 5, 3], [5, 5, 5, 2], {"min_mean": 4.5, "min_aspect": 2}, False),
    ],
)
def test_the_best_is_no_demonstration_unless_it_meets_the_criteria(rank_by, first, second, params, admitted):
    tables = rank_by({A: first, B: 1}, {A: second, B: 1}, PLAIN.model_copy(update=params))
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
    ],
)
def test_a_pair_needs_the_margin_and_like_lengths(rank_by, scores, params, expected):
    assert pair_texts(rank_by(scores, params=PLAIN.model_copy(update=params))) == sorted(
        expected, key=lambda pair: (-pair[2], pair)
    )


def test_a_random_lower_one_is_drawn_by_the_prompt(rank_by):
    scores = {A: 5, B: 3, C: 2}
    texts = sorted(scores, key=lambda text: -scores[text])
    prompts = {f"Question {n}?": ident("prompt", f"Question {n}?") for n in range(12)}
    rows = [candidate(text, prompt) for prompt in prompts for text in scores]
    tables = rank_by(scores, params=PLAIN.model_copy(update={"mode": "best_vs_random_lower"}), rows=rows)
    drawn = {row.prompt[0].content: row.rejected[0].content for row in tables.annotation_preferences}
    assert drawn == {
        prompt: texts[pairs(texts, [5, 3, 2], "best_vs_random_lower", seed=seed_of(key, "pairs"))[0][1]]
        for prompt, key in prompts.items()
    }
    assert set(drawn.values()) == {B, C}


def test_prompts_are_ranked_apart_by_their_id_even_where_they_read_alike(rank_by):
    rows = [candidate(A), candidate(B), candidate(C, prompt_id=ident("another"))]
    tables = rank_by({A: 4, B: 2, C: 1}, rows=rows)
    assert sorted(len(ranking.candidates) for ranking in tables.rankings) == [1, 2]
    assert pair_texts(tables) == [(A, B, 2.0)]


@pytest.mark.parametrize(
    ("first", "second", "error"),
    [
        (CUT, {A: 5, B: 1}, "length"),
        ({A: 5, B: 1}, CUT, "length"),
        ([5], {A: 5, B: 1}, "1 ratings for 2 responses"),
        ({A: 5, B: 1}, [5, 1, 1], "3 ratings for 2 responses"),
        (CUT, [5], "length"),
        ([5], CUT, "1 ratings for 2 responses"),
        ([5], [5, 1, 1], "1 ratings for 2 responses"),
        (CUT, Generation("", "content_filter", 1, 1), "length"),
    ],
)
def test_a_prompt_that_the_judge_cannot_rate_is_quarantined_with_all_its_candidates(rank_by, first, second, error):
    fine = {A: 5, B: 1}
    rows = [candidate(A), candidate(B)]
    tables = rank_by(first, second, rows=rows)
    assert {(row.id, *row.parents, row.stage, row.error) for row in tables.quarantine} == {
        (row["id"], row["prompt_id"], "rank", error) for row in rows
    }
    assert not len(tables.rankings) and not len(tables.annotation_demonstrations)
    assert not len(tables.annotation_preferences) and tables.metrics["ranked_by_judge"] == 0
    assert len(rank_by(fine, rows=rows).rankings) == 1


def test_the_answers_that_could_not_be_used_are_kept_and_other_prompts_go_on(rank_by):
    rows = [candidate(text, prompt) for prompt in ("One?", "Two?") for text in (A, B)]

    rate = judge_of({A: 5, B: 1}, {A: 5, B: 1})
    reply = lambda request: CUT if "One?" in request.messages[-1]["content"] else rate(request)  # noqa: E731
    tables = rank_by(None, rows=rows, reply=reply)
    assert {row.raw for row in tables.quarantine} == {"cut o\ncut o"} and len(tables.quarantine) == 2
    assert pair_texts(tables) == [(A, B, 4.0)]
    assert [row.prompt[0].content for row in tables.annotation_demonstrations] == ["Two?"]


def test_what_the_rows_of_d_and_p_hold(rank_by):
    good = candidate(A, tags=["sea"], license="MIT", domain="math", engine="http/big@1", simulated=True)
    bad = candidate(B, tags=["salt"], license="CC0-1.0", engine="http/small@1", simulated=False)
    tables = rank_by({A: 5, B: [2, 2, 3, 3]}, rows=[good, bad])
    (ranking,), (row,), (pair,) = tables.rankings, tables.annotation_demonstrations, tables.annotation_preferences
    both = sorted([good, bad], key=lambda candidate: candidate["id"])
    assert ranking.parents == ranking.candidates == [candidate["id"] for candidate in both]
    assert ranking.prompt_id == good["prompt_id"] and ranking.source == "judge" and ranking.annotators == []
    assert ranking.id == content_id("ranking", [ranking.ranks, "judge"], ranking.parents) and ranking.simulated
    admission = Admission(
        prompt=good["prompt"],
        domain="math",
        strategy="annotation",
        license="MIT",
        engine="http/big@1",
        simulated=True,
        verdicts=[ranking.id],
        scores={"judge": 5},
        tags=["sea"],
    )
    parents = [good["prompt_id"], good["id"], good["generation"], ranking.id]
    assert row.model_dump() == demonstration_row(admission, A, parents)
    parents = [good["prompt_id"], good["id"], bad["id"], good["generation"], bad["generation"], ranking.id]
    assert pair.model_dump() == preference_row(admission, A, B, 2.5, parents)


def test_a_ranking_is_simulated_where_any_candidate_is(rank_by):
    for flags in ((True, False), (False, True), (False, False), (True, True)):
        rows = [candidate(text, simulated=flag) for text, flag in zip((A, B), flags, strict=True)]
        assert [ranking.simulated for ranking in rank_by({A: 5, B: 1}, rows=rows).rankings] == [any(flags)]
