"""People's rankings: which judgements count, how several fold to one order, and what that lets into D and P."""

import json

import pytest

from schemas.conversations import text_of
from schemas.rows import Candidate
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
    assert tables.metrics == {"ranked_by_people": 1, "ranked_by_judge": 0, "stale_items": 0, "edited_by_people": 0}
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


def test_people_decide_on_exactly_these_texts_and_this_prompt_whatever_their_order(people, caplog):
    ratings = {"ratings": [SCALE] * 3}
    stale = [judgement(A, B, texts=(A, B)), judgement(A, B, C, prompt="Why is the sea blue?", uuid="2")]
    tables = rank_by_people(people(*stale), answers=[ratings, ratings])
    assert tables.metrics.items() >= {"ranked_by_people": 0, "ranked_by_judge": 1, "stale_items": 2}.items()
    assert [ranking.source for ranking in tables.rankings] == ["judge"]
    (line,) = caplog.messages
    assert line.startswith("2 prompts that people ranked have other texts now, first human/annotations/ana.jsonl:1;")
    assert len(rank_by_people(people(judgement(A, B, C, texts=(C, A, B)))).annotation_demonstrations) == 1


@pytest.mark.parametrize("first", ["Hello", "Bye"])
def test_people_rank_the_answers_to_a_whole_conversation(people, first):
    def talk(opening):
        return turn("user", opening) + turn("assistant", "Hi") + turn("user", PROMPT)

    rows = [candidate(text, prompt=PROMPT) | {"prompt": talk(first)} for text in (A, B, C)]
    asked = text_of(talk("Hello"))
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


@pytest.mark.parametrize(
    ("margin", "pairs"),
    [(1, [(B, C, 2.0)]), (2, [(B, C, 3.0)]), (3, [(B, C, 4.0)])],
)
def test_the_best_leads_by_the_margin_that_people_give(people, margin, pairs):
    """Candidates below the best keep their distances; a tie at the top leads as one."""
    assert outcome(rank_by_people(people(judgement(B, A, C, margin=margin))))[1] == pairs
    (ranking,) = rank_by_people(people(judgement((A, B), C, margin=margin))).rankings
    assert sorted(ranking.scores, reverse=True) == [0.0, 0.0, -float(margin)]


def test_margins_are_averaged_and_who_is_not_named_stands_below_all(people):
    lines = judgement(B, A, C, margin=3), judgement(B, A, C, uuid="2", annotator="bo")
    assert outcome(rank_by_people(people(*lines)))[1] == [(B, C, 3.0)]
    assert outcome(rank_by_people(people(judgement(B, A, margin=3))))[1] == [(B, C, 5.0)]


D = "Rivers carry salts, and the sun takes the water."


def test_a_corrected_text_is_the_best_candidate_and_preferred_to_what_it_was(people):
    tables = rank_by_people(people(judgement(A, B, C, edited={candidate_hash(A): D})))
    assert outcome(tables) == ([D], [(D, C, 3.0), (D, A, 1.0)])
    (edited,), (ranking,) = tables.edited, tables.rankings
    original = candidate(A)
    assert edited.parents == [original["prompt_id"], original["id"]] and edited.id in ranking.candidates
    assert (edited.annotation, edited.annotators) == ("human/annotations/ana.jsonl:1", ["ana"])
    assert (edited.engine, edited.role, edited.simulated, edited.source) == ("source", "source", False, "seeds:1")
    assert [turn.content for turn in edited.completion] == [D]
    (row,) = tables.annotation_demonstrations
    assert (row.label_source, row.engine, row.quality) == ("human", "source", 1.0)
    assert set(row.parents) == {edited.id, original["id"], original["prompt_id"], ranking.id}
    for pair in tables.annotation_preferences:
        assert edited.id in pair.parents and pair.label_source == "human"
    assert tables.metrics.items() >= {"ranked_by_people": 1, "edited_by_people": 1, "stale_items": 0}.items()


@pytest.mark.parametrize(
    ("order", "best", "pairs"),
    [
        ((B, D, A, C), B, [(B, C, 3.0), (D, A, 1.0)]),  # where the person put it
        ((B, (D, A), C), B, [(B, C, 2.0)]),  # a tie with what it was: no pair of the two
        ((A, D, B, C), A, [(A, C, 3.0)]),  # worse than what it was
    ],
)
def test_a_corrected_text_stands_where_the_person_put_it(people, order, best, pairs):
    assert outcome(rank_by_people(people(judgement(*order, edited={candidate_hash(A): D})))) == ([best], pairs)


def test_who_did_not_see_a_corrected_text_says_of_it_what_they_say_of_what_it_was(people):
    lines = judgement(A, B, C, edited={candidate_hash(A): D}), judgement(C, B, A, uuid="2", annotator="bo")
    (ranking,) = rank_by_people(people(*lines)).rankings
    score = dict(zip(ranking.candidates, ranking.scores, strict=True))
    (edited,) = rank_by_people(people(*lines)).edited
    assert score[edited.id] == -1.0 and score[candidate(A)["id"]] == -1.5  # 0 and 2; 1 and 2


def test_a_text_that_another_candidate_has_is_no_new_one_and_one_of_two_people_is_one(people):
    tables = rank_by_people(people(judgement(A, B, C, edited={candidate_hash(A): B})))
    assert len(tables.edited) == 0 and outcome(tables)[0] == [A]
    lines = [judgement(A, B, C, edited={candidate_hash(A): D}, uuid=str(n), annotator=f"a{n}") for n in range(2)]
    (edited,) = rank_by_people(people(*lines)).edited
    assert edited.annotators == ["a0", "a1"]


@pytest.mark.parametrize(
    ("edited", "fault"),
    [
        ({"0" * 16: D}, r"ana\.jsonl:1: edited: 0{16}: unknown candidate"),
        ({candidate_hash(A): A}, r"ana\.jsonl:1: .* is as it was; remove the entry"),
        ({candidate_hash(A): "  "}, r"ana\.jsonl:1: .* is empty; remove the entry"),
        ({candidate_hash(A): 1}, r"ana\.jsonl:1: edited\..*: Input should be a valid string"),
    ],
)
def test_a_corrected_text_of_no_candidate_or_without_a_change_is_refused(people, edited, fault):
    with pytest.raises(AnnotationError, match=fault):
        rank_by_people(people(judgement(A, B, C, edited=edited)))


def test_of_several_messages_the_last_is_corrected(people):
    talk = [*turn("assistant", "Let me look."), {"role": "tool", "content": "salt"}, *turn("assistant", "Rivers.")]
    rows = [candidate(A), candidate(B) | {"completion": talk}]
    texts = [A, text_of(talk)]
    files = people(judgement(*texts, texts=texts, edited={candidate_hash(texts[1]): D}))
    (edited,) = rank_by_people(files, rows).edited
    assert [each.content for each in edited.completion] == ["Let me look.", "salt", D]


def test_what_is_wrong_with_any_judgement_ends_the_stage_before_the_judge_is_asked(people):
    faulty = judgement(A, "None of them.", texts=(A, B), prompt="Two?")
    rows = [candidate(text, prompt) for prompt in ("One?", "Two?") for text in (A, B)]
    with (
        scripted(judge_of({A: 5, B: 1}, {A: 5, B: 1})) as judge,
        pytest.raises(AnnotationError, match="unknown candidate"),
    ):
        rank(Table.of(Candidate, rows), RankParams(orders=2), judge, people(faulty))
    assert judge.usage.requests == 0
