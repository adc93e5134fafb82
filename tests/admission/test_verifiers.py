"""Constrained queries: which responses are demonstrated, paired or neither (docs/methods.md, section 5.1)."""

from types import SimpleNamespace

import pytest

from cultivar.llm.answer import Generation
from schemas.rows import Constraint, Instruction
from stages.synthesis.constrained import combine
from stages.synthesis.params import ExecutionParams
from tests.admission.constrained import (
    BAD,
    COMPOSED,
    FIRST,
    GOOD,
    HALF,
    QUERY,
    SEED,
    UPPER,
    constrain,
    function,
    judged,
    origin,
)
from tests.admission.rows_synthesis import TEACHER, completions, errors, pairs_of, rules, table


@pytest.mark.parametrize(("score", "kept"), [(6, True), (5, False)])
def test_a_response_must_match_its_query_at_least_so_well(score, kept):
    found = constrain([GOOD, BAD], match=score, min_match=6)
    assert completions(found.execution_demonstrations) == [GOOD] * kept
    assert pairs_of(found.execution_preferences) == [(GOOD, BAD, 1.0)] * kept
    assert rules(found.dropped) == ({} if kept else {"came to no demonstration": 1})
    unmatched = constrain([GOOD, BAD], match=1, min_match=1)
    assert completions(unmatched.execution_demonstrations) == [GOOD], "what failed is not judged and has no match"


@pytest.mark.parametrize(("exceeded", "kept"), [(0.49, True), (0.5, False)])
def test_a_response_must_pass_more_than_a_share_of_the_functions(exceeded, kept):
    found = constrain([HALF], [UPPER, FIRST], pass_rate=exceeded)
    assert completions(found.execution_demonstrations) == [HALF] * kept
    assert completions(constrain([GOOD], [UPPER, FIRST], pass_rate=exceeded).execution_demonstrations) == [GOOD]


@pytest.mark.parametrize(
    ("codes", "kept"),
    [([UPPER, FIRST], False), ([UPPER, FIRST, FIRST], True), ([UPPER, UPPER, FIRST], False)],
)
def test_functions_have_a_vote_per_sample(codes, kept):
    """HALF passes FIRST and not UPPER."""
    found = constrain([HALF, BAD], codes)
    assert completions(found.execution_demonstrations) == [HALF] * kept


@pytest.mark.parametrize(("least", "kept"), [(2, True), (3, False)])
def test_a_share_is_over_so_many_functions_with_a_verdict(least, kept):
    """Of three functions one has no verdict on what is answered: too few for GOOD to pass and for BAD to fail."""

    def outcome(code, text, turn):
        if "lost" in code and text in (GOOD, BAD):
            return "unsupported"
        return judged(code.replace("lost", "upper"), text, turn)

    codes = [UPPER, FIRST, function("lost")]
    found = constrain([GOOD, BAD], codes, outcome=outcome, min_verdicts=least)
    assert completions(found.execution_demonstrations) == [GOOD] * kept
    assert pairs_of(found.execution_preferences) == [(GOOD, BAD, 1.0)] * kept
    assert {row.verifier for row in found.execution_verdicts} == {"entailment"} | ({"functions"} if kept else set())


def test_rows_say_how_many_responses_keep_the_constraint():
    found = constrain([GOOD, GOOD, "COAL.", HALF, BAD, Generation("BLA", "length", 1, 9)], [UPPER, FIRST])
    by_text = {row.completion[0].content: row for row in found.execution_demonstrations}
    assert {text: (row.samples, row.pass_rate, row.votes) for text, row in by_text.items()} == {
        GOOD: (5, 0.6, 2),
        "COAL.": (5, 0.6, 1),
    }
    assert {row.quality for row in by_text.values()} == {1.0}
    assert {(row.margin, row.samples, row.pass_rate) for row in found.execution_preferences} == {(1.0, 5, 0.6)}


def test_responses_that_differ_in_form_alone_are_a_pair():
    found = constrain([GOOD, GOOD.lower()])
    assert pairs_of(found.execution_preferences) == [(GOOD, GOOD.lower(), 1.0)]


def test_only_what_passes_is_put_to_the_judge_and_what_passes_some_functions_is_no_rejected_side():
    found = constrain([GOOD, BAD, HALF], [UPPER, FIRST], match={GOOD: 9}, pass_rate=0.6)
    assert pairs_of(found.execution_preferences) == [(GOOD, BAD, 1.0)]
    assert completions(found.execution_demonstrations) == [GOOD]


def test_rows_of_a_constrained_query_hold_their_origin_scores_and_verdicts():
    found = constrain([f" {GOOD}\n", BAD, HALF], [UPPER, FIRST], match={GOOD: 9, HALF: 8}, pass_rate=0.4)
    (top,) = (row for row in found.execution_demonstrations if row.completion[0].content == GOOD)
    verdicts = {row.id: row for row in found.execution_verdicts if row.verifier == "functions"}
    assert [(m.role, m.content) for m in top.prompt] == [("user", COMPOSED)]
    assert (top.domain, top.strategy, top.license) == ("constraint", "execution", "CC0-1.0")
    assert (top.engine, top.simulated) == (TEACHER, False)
    assert [(s.name, s.value) for s in top.scores] == [("pass_rate", 1.0), ("match", 9.0)]
    constraint, query = origin()
    assert top.parents[:2] == [constraint, query] and len(set(top.parents)) == 5, "two functions, one answer"
    half = next(row for row in found.execution_demonstrations if row.completion[0].content == HALF)
    assert [(verdicts[v].outcome, verdicts[v].score) for v in half.verdicts] == [("pass", 0.5)], "more than the share"
    assert [verdicts[v].outcome for v in top.verdicts] == ["pass"] and verdicts[top.verdicts[0]].score == 1.0
    assert verdicts[top.verdicts[0]].parents == [top.parents[-1], constraint]
    assert pairs_of(found.execution_preferences) == [(GOOD, BAD, 1.0), (HALF, BAD, 0.5)]
    pair = next(row for row in found.execution_preferences if row.chosen[0].content == GOOD)
    assert pair.parents[:-1] == top.parents and pair.parents[-1] not in top.parents
    assert [(verdicts[v].outcome, verdicts[v].score) for v in pair.verdicts] == [("pass", 1.0), ("fail", 0.0)]
    assert verdicts[pair.verdicts[1]].parents == [pair.parents[-1], constraint]
    assert {row.detail for row in verdicts.values()} == {SEED}


def test_the_best_responses_are_taken_by_pass_rate_then_match():
    texts = ["ONE.", "TWO.", "Tri"]
    for match, best in (({"ONE": 8, "TWO": 9, "Tri": 10}, "TWO."), ({"ONE": 9, "TWO": 8, "Tri": 10}, "ONE.")):
        found = constrain([*texts, BAD], [UPPER, FIRST], match=match, constraint_pairs=1)
        assert pairs_of(found.execution_preferences) == [(best, BAD, 1.0)]
        assert completions(found.execution_demonstrations) == [best]
    found = constrain(["ONE.", "TWO.", BAD, "no.", "none."], constraint_pairs=2)
    assert len(found.execution_preferences) == 4 and len(found.execution_demonstrations) == 2
    assert len(constrain(["ONE.", "TWO.", BAD, "no."], constraint_pairs=9).execution_preferences) == 4
    for most in (1, 3):
        found = constrain(["ONE.", BAD, "no.", "none."], constraint_pairs=most)
        assert len(found.execution_preferences) == most and len(found.execution_demonstrations) == 1


def test_a_response_that_no_function_could_judge_is_neither_demonstrated_nor_rejected():
    found = constrain([GOOD, HALF], [function("lost_on_half")])
    assert pairs_of(found.execution_preferences) == [] and completions(found.execution_demonstrations) == [GOOD]
    found = constrain([GOOD, HALF, BAD], [FIRST, function("lost_on_half")])
    assert completions(found.execution_demonstrations) == [GOOD, HALF], "of the function that did judge it, all pass"
    rates = sorted(row.score for row in found.execution_verdicts if row.verifier == "functions")
    assert rates == [0.0, 1.0, 1.0]


def test_a_match_that_cannot_be_read_admits_nothing():
    found = constrain([BAD, GOOD], match="no JSON")
    assert not len(found.execution_demonstrations) and not len(found.execution_preferences)
    (row,) = found.quarantine
    assert row.raw == "no JSON" and row.parents == [origin()[1]]


def test_the_judge_is_shown_query_constraint_and_response_in_their_places():
    seen = []
    constrain([GOOD], judged_by=seen, cpu_s=1.5)
    for tag, text in (("query", QUERY), ("constraint", SEED), ("response", GOOD)):
        assert f"<{tag}>\n{text}\n</{tag}>" in seen[0]


def test_equal_responses_count_once_and_an_unfinished_one_is_quarantined():
    found = constrain([BAD, f"{BAD} ", GOOD, Generation("BLA", "length", 1, 9)])
    assert pairs_of(found.execution_preferences) == [(GOOD, BAD, 1.0)] and errors(found.quarantine) == ["length"]
    (row,) = found.quarantine
    assert row.raw == "BLA" and row.parents == [origin()[1]]


# ---------------------------------------------------------------- queries


@pytest.mark.parametrize(("least", "most", "fits"), [(19, 21, True), (20, 21, False), (19, 20, False)])
def test_queries_are_longer_than_one_bound_and_shorter_than_the_other(least, most, fits):
    found = constrain([GOOD], min_query_chars=least, max_query_chars=most)
    assert len(QUERY) == 20 and len(found.execution_demonstrations) == fits


def test_an_instruction_with_a_conversation_before_it_is_no_query():
    before = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi"}]
    talk = [*before, {"role": "user", "content": QUERY}]
    rows = table(Instruction, {"prompt": QUERY}, {"prompt": talk}, {"prompt": QUERY, "tools": "[]"})
    alone = next(row for row in rows if len(row.prompt) == 1 and row.tools is None)
    work = combine([SimpleNamespace(id="c", text="Shout")], rows, ExecutionParams(queries=5))
    assert [each.query.id for each in work] == [alone.id]


def test_a_rewrite_that_is_a_seed_but_for_case_and_full_stop_is_no_new_constraint():
    for seed in (SEED, f"{SEED}."):
        found = constrain(seeds=[seed], rewritten=[f"{SEED.upper()}.", "Shout"])
        assert {row.prompt[0].content for row in found.execution_demonstrations} == {COMPOSED, f"{QUERY} Shout."}


@pytest.mark.parametrize("count", [2, 3])
def test_each_constraint_draws_so_many_queries_by_its_own_coin(count):
    texts = [f"What colour is coal? {n}" for n in range(8)]
    seeds = [SEED, "Shout"]
    ids = dict(zip(table(Instruction, *({"prompt": t, "license": "CC0-1.0"} for t in texts)).ids, texts, strict=False))
    drawn = {}
    for order in (texts, texts[::-1]):
        found = constrain(asked=order, seeds=seeds, queries=count)
        drawn[order[0]] = {(row.parents[0], row.prompt[0].content) for row in found.execution_demonstrations}
        assert len(found.execution_demonstrations) == 2 * count
    assert drawn[texts[0]] == drawn[texts[-1]], "not by position"
    by_seed = [
        {text for text in texts if any(s == seed and p.startswith(text) for s, p in drawn[texts[0]])}
        for seed in table(Constraint, *({"text": text} for text in seeds)).ids
    ]
    assert len(by_seed[0]) == count == len(by_seed[1]) and by_seed[0] != by_seed[1] and len(ids) == 8


@pytest.mark.parametrize(
    ("query", "constraint", "prompt"),
    [
        ("what is it", "answer in upper case.", "what is it. Answer in upper case."),
        (" What is it? ", "Shout", "What is it? Shout."),
        ("Tell me!", "shout.", "Tell me! Shout."),
        ("Tell me.", "shout", "Tell me. Shout."),
    ],
)
def test_the_constraint_follows_the_query_as_a_sentence(query, constraint, prompt):
    found = constrain(asked=[query], seeds=[constraint], min_query_chars=1)
    assert [row.prompt[0].content for row in found.execution_demonstrations] == [prompt]
