"""People's rankings: which judgements count, how several fold to one order, and what that lets into D and P."""

import json

import pytest

from schemas.conversations import text_of
from schemas.rows import Candidate, Message
from schemas.table import Table
from stages.annotation.params import RankParams
from stages.annotation.rank import rank
from stages.annotation.ranked import Group, RankedGroup
from stages.annotation.rankings import (
    AnnotationError,
    candidate_hash,
    fold,
    item_hash,
    read_judgements,
)
from tests.admission.judges import judge_of
from tests.admission.rows import PROMPT, candidate, turn
from tests.engines import scripted

A, B, C = "Rivers carry salts.", "Rocks dissolve in it.", "It always has been."
SCALE = {"following": 5, "truth": 5, "honesty": 5, "help": 5}
NEVER = RankParams(orders=2, min_margin=50.0, max_length_ratio=50, min_mean=5.0, min_aspect=5)
"""Limits that hold judges off; people's rankings are not bound by them."""


def judgement(*order, texts=(A, B, C), prompt=PROMPT, **fields):
    """A line of human/annotations/*.jsonl: `order` holds texts, best first; a tuple of texts is a tie."""
    ties = [group if isinstance(group, tuple) else (group,) for group in order]
    line = {
        "uuid": "1",
        "annotator": "ana",
        "item": item_hash(prompt, texts),
        "meets_criteria": True,
        "guideline": "1",
        "time": "2026-01-01T00:00:00Z",
    }
    return line | {"order": [[candidate_hash(text) for text in tie] for tie in ties]} | fields


def rank_by_people(files, rows=None, params=NEVER, answers=()):
    rows = [candidate(text) for text in (A, B, C)] if rows is None else rows
    with scripted(answers) as judge:
        tables = rank(Table.of(Candidate, rows), params, judge, files)
    for table in tables[:-1]:
        table.check()
    return tables


def outcome(tables):
    """(best demonstrated, (chosen, rejected, margin) of every pair, widest first)."""
    best = [row.completion[0].content for row in tables.annotation_demonstrations]
    pairs = [(row.chosen[0].content, row.rejected[0].content, row.margin) for row in tables.annotation_preferences]
    return best, sorted(pairs, key=lambda pair: -pair[2])


def test_peoples_order_makes_d_and_p_without_asking_the_judge(people):
    tables = rank_by_people(people(judgement(B, A, C)))
    assert outcome(tables) == ([B], [(B, C, 2.0)])
    (ranking,), (row,), (pair,) = tables.rankings, tables.annotation_demonstrations, tables.annotation_preferences
    ranks = {candidate(text)["id"]: place for place, text in enumerate((B, A, C))}
    assert dict(zip(ranking.candidates, ranking.ranks, strict=True)) == ranks
    assert ranking.scores == [float(-rank) for rank in ranking.ranks]
    assert (ranking.source, ranking.annotators, ranking.meets_criteria) == ("human", ["ana"], True)
    assert tables.metrics == {"ranked_by_people": 1, "ranked_by_judge": 0, "stale_items": 0}
    for scores in (row.scores, pair.scores):
        assert [(score.name, score.value) for score in scores] == [("human", 0.0)]


def test_what_does_not_meet_the_criteria_is_no_demonstration_but_a_pair(people):
    assert outcome(rank_by_people(people(judgement(B, A, C, meets_criteria=False)))) == ([], [(B, C, 2.0)])


def test_the_margin_of_judges_does_not_bind_people_but_the_length_ratio_does(people):
    long = "a" * 100
    files = people(judgement(A, B, texts=(A, B)), judgement(A, long, texts=(A, long), prompt="Two?", uuid="2"))
    rows = [candidate(A), candidate(B), candidate(A, "Two?"), candidate(long, "Two?")]
    tables = rank_by_people(files, rows, NEVER.model_copy(update={"max_length_ratio": 4.0}))
    assert outcome(tables) == ([A, A], [(A, B, 1.0)])
    assert tables.metrics["ranked_by_people"] == 2


def test_people_half_a_rank_apart_on_average_make_a_pair(people):
    lines = [judgement(A, B, texts=(A, B)), judgement((A, B), texts=(A, B), uuid="2")]
    assert outcome(rank_by_people(people(*lines), [candidate(A), candidate(B)])) == ([A], [(A, B, 0.5)])


def test_a_tie_of_people_is_no_pair_and_who_is_not_named_comes_last(people):
    assert outcome(rank_by_people(people(judgement((A, B), texts=(A, B))), [candidate(A), candidate(B)]))[1] == []
    tables = rank_by_people(people(judgement(C, A)))
    assert outcome(tables) == ([C], [(C, B, 3.0)])  # rank 3 of three candidates: below every rank that can be given


@pytest.mark.parametrize(
    ("first", "second", "scores"),
    [
        ((A, B, C), (A, C, B), {A: 0.0, B: -1.5, C: -1.5}),
        ((A, B, C), (C, A, B), {A: -0.5, B: -1.5, C: -1.0}),
        ((A, (B, C)), (B, A, C), {A: -0.5, B: -0.5, C: -1.5}),
        ((A, B, C), (C,), {A: -1.5, B: -2.0, C: -1.0}),  # the second puts the two that it does not name below
    ],
)
def test_ranks_are_averaged_over_annotators(people, first, second, scores):
    lines = judgement(*first), judgement(*second, uuid="2", annotator="bo")
    (ranking,) = rank_by_people(people(*lines)).rankings
    assert dict(zip(ranking.candidates, ranking.scores, strict=True)) == {
        candidate(text)["id"]: score for text, score in scores.items()
    }
    assert ranking.annotators == ["ana", "bo"]


@pytest.mark.parametrize(
    ("order", "fault"),
    [
        (("Misspelt.", B, C), candidate_hash("Misspelt.")),
        ((A, B, A), candidate_hash(A)),
        (((B, B), A), candidate_hash(B)),
        ((), "orders nothing"),
    ],
)
def test_an_order_of_other_texts_of_one_twice_or_of_none_is_refused(people, order, fault):
    """A misspelt best would stand below all others, and of an order of none the first by id would be demonstrated."""
    with pytest.raises(AnnotationError, match=fault):
        rank_by_people(people(judgement(*order)))


@pytest.mark.parametrize(
    ("order", "quality", "pair"),
    [
        ((A, B, C), [1.0, 0.5, 0.0], 1.0),
        (((A, B), C), [0.75, 0.75, 0.0], 0.375),
        ((A, (B, C)), [1.0, 0.25, 0.25], 0.5),
        (((A, B, C),), [0.5, 0.5, 0.5], None),
        ((A,), [1.0, 0.25, 0.25], 1.0),  # those that nobody ranked are below all others, and tie
        ((A, B), [1.0, 0.5, 0.0], 1.0),
    ],
)
def test_quality_is_the_share_of_the_others_below_ties_half(people, order, quality, pair):
    """Of a pair it is the chosen one's, times the margin over the number of others."""
    tables = rank_by_people(people(judgement(*order)))
    (best,) = tables.annotation_demonstrations
    assert best.quality == max(quality) and best.label_source == "human"
    assert [row.quality for row in tables.annotation_preferences] == ([] if pair is None else [pair])
    rows = [candidate(text) for text in (A, B, C)]
    ranks = {
        candidate_hash(text): place
        for place, tie in enumerate(order)
        for text in (tie if isinstance(tie, tuple) else (tie,))
    }
    scores = [-float(ranks.get(candidate_hash(text_of(row["completion"])), 3)) for row in rows]
    ranked = RankedGroup(Group(rows, [A, B, C]), [scores], True, "human")
    assert [ranked.quality(place) for place in range(3)] == quality


def test_a_lone_candidate_that_people_find_fit_has_quality_1(people):
    (best,) = rank_by_people(people(judgement(A, texts=(A,))), [candidate(A)]).annotation_demonstrations
    assert best.quality == 1.0


@pytest.mark.parametrize(
    ("votes", "admitted"),
    [((1,), True), ((0,), False), ((1, 0), False), ((1, 1, 0), True), ((1, 0, 0), False), ((1, 1, 0, 0), False)],
)
def test_more_than_half_of_the_annotators_must_find_the_best_fit(people, votes, admitted):
    lines = [judgement(A, B, C, uuid=str(n), annotator=f"a{n}", meets_criteria=bool(v)) for n, v in enumerate(votes)]
    tables = rank_by_people(people(*lines))
    assert outcome(tables)[0] == ([A] if admitted else []) and outcome(tables)[1] == [(A, C, 2.0)]


def test_a_superseded_judgement_does_not_count_even_where_its_successor_stands_before_it(people):
    old, new = judgement(A, B, C), judgement(C, B, A, uuid="2", supersedes="1", meets_criteria=False)
    for lines in ((old, new), (new, old)):
        assert outcome(rank_by_people(people(*lines))) == ([], [(C, A, 2.0)])
    third = judgement(B, A, C, uuid="3", supersedes="2")
    assert outcome(rank_by_people(people(old, new, third))) == ([B], [(B, C, 2.0)])
    assert outcome(rank_by_people(people(old, new | {"supersedes": "0"})))[1] == []  # both count: all tie


def test_people_decide_on_exactly_these_texts_and_this_prompt_whatever_their_order(people):
    ratings = {"ratings": [SCALE] * 3}
    stale = [judgement(A, B, texts=(A, B)), judgement(A, B, C, prompt="Why is the sea blue?", uuid="2")]
    tables = rank_by_people(people(*stale), answers=[ratings, ratings])
    assert tables.metrics.items() >= {"ranked_by_people": 0, "ranked_by_judge": 1, "stale_items": 2}.items()
    assert [ranking.source for ranking in tables.rankings] == ["judge"]
    assert len(rank_by_people(people(judgement(A, B, C, texts=(C, A, B)))).annotation_demonstrations) == 1


@pytest.mark.parametrize("first", ["Hello", "Bye"])
def test_people_rank_the_answers_to_a_whole_conversation(people, first):
    def talk(opening):
        return turn("user", opening) + turn("assistant", "Hi") + turn("user", PROMPT)

    rows = [candidate(text, prompt=PROMPT) | {"prompt": talk(first)} for text in (A, B, C)]
    asked = text_of([Message(**message) for message in talk("Hello")])
    assert asked == f"user: Hello\n\nassistant: Hi\n\nuser: {PROMPT}"
    found = rank_by_people(people(judgement(B, A, C, prompt=asked)), rows, answers=[{"ratings": []}] * 2)
    assert outcome(found) == (([B], [(B, C, 2.0)]) if first == "Hello" else ([], []))


def test_records_come_from_every_jsonl_file_and_a_broken_line_is_named(people, tmp_path):
    files = people(judgement(A, B, C))
    (tmp_path / "human/annotations/bo.jsonl").write_text(json.dumps(judgement(A, B, C, uuid="2", annotator="bo")))
    judgements = read_judgements(files.find("human/annotations"))
    assert [(found.uuid, found.annotator) for found in judgements] == [("1", "ana"), ("2", "bo")]
    assert fold(judgements)[item_hash(PROMPT, (A, B, C))].annotators == ["ana", "bo"]


@pytest.mark.parametrize(
    ("line", "sound"),
    [
        ({}, True),
        ({"margin": 1}, True),
        ({"margin": 3}, True),
        ({"margin": 0}, False),
        ({"margin": 4}, False),
        ({"active_s": 0}, True),
        ({"active_s": -1}, False),
        ({"more": 1}, False),
        ({"order": "a"}, False),
        ("no json", False),
        ("[]", False),
    ],
)
def test_a_line_that_is_no_judgement_is_named(people, tmp_path, line, sound):
    files = people()
    text = line if isinstance(line, str) else json.dumps(judgement(A) | line)
    (tmp_path / "human/annotations/bo.jsonl").write_text(f"\n \n{text}\n")
    if sound:
        (found,) = read_judgements(files.find("human/annotations"))
        assert (found.margin, found.active_s, found.note) == (line.get("margin", 1), line.get("active_s", 0), "")
    else:
        with pytest.raises(AnnotationError, match=r"bo\.jsonl:3: "):
            read_judgements(files.find("human/annotations"))


def test_the_hashes_in_peoples_files_stay_as_they_are():
    assert candidate_hash("Ja, größer.") == "3b473790975ca6c7"
    assert item_hash("Why?", ["b", "a"]) == item_hash("Why?", ["a", "b"]) == "658b6896a61dcf9a85f39e9fce152978"


@pytest.mark.parametrize(
    ("rated", "counts"),
    [
        ([5, 3, 1], {"same": 3, "other": 0, "undecided": 0, "agreement": 1.0}),
        ([1, 3, 5], {"same": 0, "other": 3, "undecided": 0, "agreement": 0.0}),
        ([5, 1, 3], {"same": 2, "other": 1, "undecided": 0, "agreement": pytest.approx(2 / 3)}),
        ([3, 3, 3], {"same": 0, "other": 0, "undecided": 3}),
    ],
)
def test_the_judge_is_compared_with_people_and_changes_nothing(people, rated, counts):
    lines, rows = people(judgement(B, A, C)), [candidate(text) for text in (A, B, C)]
    ratings = dict(zip((B, A, C), rated, strict=True))
    with scripted(judge_of(ratings, ratings)) as judge:
        compared = rank(Table.of(Candidate, rows), RankParams(orders=2, compare=1), judge, lines)
    with scripted(judge_of()) as judge:
        alone = rank(Table.of(Candidate, rows), RankParams(orders=2, compare=0), judge, lines)
    assert compared.metrics["judge_and_people"] == {"prompts": 1} | counts and "judge_and_people" not in alone.metrics
    assert all(one.frame.equals(other.frame) for one, other in zip(compared[:-1], alone[:-1], strict=True))
