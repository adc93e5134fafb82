"""Constraints and the functions that judge them: which survive, and by which rule the others go (docs/methods.md, section 5.1)."""

import pytest

from tests.admission.constrained import (
    BAD,
    CASES,
    FIRST,
    GOOD,
    HALF,
    SEED,
    TURNED,
    UPPER,
    constrain,
    function,
    origin,
)
from tests.admission.rows_synthesis import completions, errors, pairs_of, rules

NONE = "no verification function survives cross-validation"
FEW = "too few functions or cases to check each other"
UNKNOWN = "the sandbox gave no verdict on cross-validation"
ALWAYS, NEVER, BROKEN, LOST = (function(name) for name in ("always", "never", "broken", "lost"))
PAIR = CASES[:2]


def survives(codes, cases=PAIR, **params) -> bool:
    """Whether the constraint keeps functions enough; if not, it is dropped by a rule for that."""
    found = constrain([GOOD], codes, cases=cases, **params)
    assert rules(found.dropped) in ({}, {NONE: 1}, {FEW: 1}) and len(found.execution_demonstrations) == (
        not len(found.dropped)
    )
    return not len(found.dropped)


# ---------------------------------------------------------------- cross-validation


@pytest.mark.parametrize(
    ("codes", "agreement", "kept"),
    [
        ([UPPER], 0.5, True),
        ([UPPER, FIRST], 0.5, True),
        ([UPPER, TURNED], 0.5, False),  # half agree with each case: not more than half
        ([UPPER, TURNED], 0.49, True),
        ([UPPER, FIRST, TURNED], 0.5, True),
        ([UPPER, FIRST, TURNED], 0.67, False),
        ([UPPER, FIRST], 1.0, False),
    ],
)
def test_a_case_stays_where_more_than_a_share_of_the_functions_agree(codes, agreement, kept):
    assert survives(codes, case_agreement=agreement) is kept


FIVE = [
    {"input": text, "output": output}
    for text, output in (("A", True), ("B", True), ("a", False), ("b", False), ("Aa", False))
]


@pytest.mark.parametrize(("accuracy", "rate"), [(0.8, 1 / 3), (0.81, 0.0)])
def test_a_function_stays_where_it_agrees_with_a_share_of_the_cases(accuracy, rate):
    """FIRST is wrong on one of five cases: with it, one of three functions passes HALF."""
    codes = [UPPER, FIRST, function("upper or again")]
    found = constrain([HALF, GOOD, "no."], codes, cases=FIVE, outcome=spaced, function_accuracy=accuracy)
    rejected = {HALF, "no."} if rate == 0 else {"no."}
    assert {pair[1] for pair in pairs_of(found.execution_preferences)} == rejected


def spaced(code: str, text: str, turn: int) -> str:
    """`upper or again` does as UPPER does."""
    name = code.split("return ")[1].split()[0]
    return str({"upper": text.isupper(), "first": text[0].isupper()}[name]).lower()


def test_functions_that_say_the_same_on_all_cases_count_once():
    found = constrain([GOOD], [UPPER, function("upper or again")], outcome=spaced)
    (row,) = found.execution_demonstrations
    assert len(row.parents) == 4, "seed, query, one function, the answer"


@pytest.mark.parametrize("codes", [[ALWAYS], [NEVER], [BROKEN], [ALWAYS] * 3, [TURNED]])
def test_functions_that_are_constant_broken_or_turned_around_do_not_survive(codes):
    assert not survives(codes)


@pytest.mark.parametrize("cases", [PAIR[:1], PAIR[1:], []])
def test_both_kinds_of_case_must_remain(cases):
    assert survives([UPPER]) and not survives([UPPER], cases)


def test_a_constant_function_goes_and_the_others_stay():
    """Of three functions two agree with each case; ALWAYS is right on half of them."""
    found = constrain([GOOD, BAD], [UPPER, FIRST, ALWAYS], function_accuracy=0.5, match={GOOD: 9})
    assert pairs_of(found.execution_preferences) == [(GOOD, BAD, 1.0)]


@pytest.mark.parametrize(("least", "kept"), [(2, True), (3, False)])
def test_so_many_functions_must_survive(least, kept):
    found = constrain([GOOD], [UPPER, FIRST], min_functions=least)
    assert rules(found.dropped) == ({} if kept else {NONE: 1})
    assert [row.id for row in found.dropped] == ([] if kept else [origin()[0]])
    assert [row.parents for row in found.dropped] == ([] if kept else [[]])


@pytest.mark.parametrize(
    "source",
    [
        "import os\ndef evaluate(r): return upper",
        "from os import path\ndef evaluate(r): return upper",
        "import re, socket\ndef evaluate(r): return upper",
        "def other(r): return upper",
        "def evaluate(r: return upper",
        "from . import re\ndef evaluate(r): return upper",
        "evaluate = 3; import os",
    ],
)
def test_what_imports_other_modules_or_defines_no_evaluate_is_never_run(source):
    ran = []
    found = constrain([GOOD], [source], outcome=lambda code, text, turn: ran.append(code) or "true")
    assert rules(found.dropped) == {FEW: 1} and not ran


@pytest.mark.parametrize(
    "source",
    [
        "import re, json\n",
        "from collections import Counter\n",
        "import unicodedata as u\n",
        "import re, string, math, collections, itertools, json, unicodedata, datetime, statistics\n",
    ],
)
def test_a_few_modules_may_be_imported(source):
    assert survives([source + UPPER])


def test_an_answer_that_the_sandbox_could_not_get_counts_neither_for_nor_against():
    assert survives([UPPER, LOST, LOST]), "one of one function with a verdict agrees"
    found = constrain([GOOD], [LOST])
    assert rules(found.dropped) == {UNKNOWN: 1}
    found = constrain([GOOD], [ALWAYS])
    assert rules(found.dropped) == {NONE: 1}


def test_a_function_that_cannot_be_read_is_quarantined_with_its_text():
    found = constrain([GOOD], [UPPER, "no JSON"])
    (row,) = found.quarantine
    assert row.raw == "no JSON" and row.parents == [origin()[0]] and len(found.execution_demonstrations) == 1


def test_cases_of_a_function_that_may_not_run_still_count():
    """The cases of all functions are one pool, in which equal ones count once."""
    ran = []

    def outcome(code, text, turn):
        ran.append((code, text))
        return str(text.isupper()).lower()

    constrain([GOOD], [UPPER, UPPER, f"import os\n{FIRST}"], cases=[*PAIR, *PAIR], outcome=outcome)
    assert ran[:2] == [(UPPER, "A"), (UPPER, "a")] and ran[2:] == [(UPPER, GOOD)]


# ---------------------------------------------------------------- back-translation


@pytest.mark.parametrize(("label", "kept"), [("entailment", True), ("neutral", True), ("contradiction", False)])
def test_a_constraint_goes_where_a_function_in_words_contradicts_it(label, kept):
    found = constrain([GOOD], label=label)
    assert rules(found.dropped) == ({} if kept else {"a function contradicts the constraint": 1})
    assert completions(found.execution_demonstrations) == [GOOD] * kept
    (verdict,) = (row for row in found.execution_verdicts if row.verifier == "entailment")
    assert (verdict.outcome, verdict.detail, verdict.parents[0], verdict.score) == (label, "upper", origin()[0], None)


def test_one_contradiction_among_several_functions_is_enough():
    def second(prompt):
        return "contradiction" if "<hypothesis>\nfirst" in prompt else "entailment"

    found = constrain([GOOD], [UPPER, FIRST], label=second)
    assert rules(found.dropped) == {"a function contradicts the constraint": 1}
    found = constrain([GOOD], [UPPER, FIRST], label=second, back_translations=1)
    assert completions(found.execution_demonstrations) == [GOOD], "only so many functions are put into words"


def test_the_constraint_is_the_premise_and_the_function_in_words_the_hypothesis():
    seen = []
    constrain([GOOD], label=lambda prompt: seen.append(prompt) or "neutral")
    assert f"<premise>\n{SEED}\n" in seen[0] and "<hypothesis>\nupper\n" in seen[0]


def test_what_the_judge_does_not_say_contradicts_nothing():
    found = constrain([GOOD], label="no JSON")
    assert completions(found.execution_demonstrations) == [GOOD]
    assert [(row.raw, row.parents) for row in found.quarantine] == [("no JSON", [origin()[0]])]
    unsaid = function("upper  # unsaid")
    found = constrain([GOOD], [unsaid], outcome=spaced, label="contradiction")
    assert completions(found.execution_demonstrations) == [GOOD], (
        "a function that has no words is compared with nothing"
    )


# ---------------------------------------------------------------- rewrites


def test_rewritten_constraints_are_constraints_of_their_own_and_every_text_counts_once():
    texts = [" Shout loudly. ", "shout LOUDLY", "answer in upper case.", " . "]
    found = constrain([GOOD], rewritten=texts)
    prompts = {row.prompt[0].content: row for row in found.execution_demonstrations}
    assert [prompt.split("? ")[1] for prompt in sorted(prompts)] == [f"{SEED}.", "Shout loudly."]
    row = next(row for prompt, row in prompts.items() if "Shout" in prompt)
    assert row.parents[0] == origin()[0] and row.parents[2] == origin()[1] and row.parents[1] not in origin()
    assert len(set(row.parents)) == 5


def test_at_most_so_many_rewrites_are_taken():
    found = constrain([GOOD], rewritten=["Shout", "Scream"], rewrites=1)
    assert len(found.execution_demonstrations) == 2
    seen = []
    constrain([GOOD], rewritten=["Shout"], rewrites=3, asked_for=seen)
    assert "a list of 3 strings" in seen[0] and f"<constraint>\n{SEED}\n" in seen[0]
    found = constrain([GOOD], rewritten=["Shout", "Scream"], rewrites=0)
    assert len(found.execution_demonstrations) == 1


def test_a_rewritten_constraint_that_is_dropped_names_its_seed():
    found = constrain([GOOD], rewritten=["Shout"], label=lambda p: "contradiction" if "Shout" in p else "neutral")
    (row,) = found.dropped
    assert row.rule == "a function contradicts the constraint" and row.parents == [origin()[0]] != [row.id]
    found = constrain([GOOD], rewritten=["Shout"], label=lambda p: "neutral" if "Shout" in p else "contradiction")
    assert not len(found.dropped), "the seed came to something through its rewrite"


def test_rewrites_that_cannot_be_read_are_quarantined_and_the_seed_stands():
    found = constrain([GOOD], rewritten="no JSON")
    assert errors(found.quarantine)[0].startswith("invalid") and completions(found.execution_demonstrations) == [GOOD]
    assert [row.parents for row in found.quarantine] == [[origin()[0]]]
