"""Automated synthesis: published cases, forged answers that are never admitted, malformed answers that are kept apart."""

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cultivar.grading.answers import agrees, last_answer
from cultivar.grading.arithmetic import evaluate_expression
from cultivar.grading.code_tests import read_tests
from cultivar.grading.equations import is_consistent, select_distinct
from cultivar.runner.states import close
from cultivar.sandbox import Sandbox
from schemas.ids import content_id
from schemas.products import message
from schemas.rows import Character, CodeTask, Constraint, Instruction, Passage, Problem, SafetyPrompt
from schemas.stage import Files
from schemas.table import Context, Table
from stages.synthesis.constitution import constitution
from stages.synthesis.constrained import compose_prompt
from stages.synthesis.execution import execution
from stages.synthesis.params import ConstitutionParams, ExecutionParams, RejectionParams, RepurposeParams
from stages.synthesis.rejection import rejection
from stages.synthesis.repurpose import repurpose
from stages.synthesis.verifiers import verifier_source
from tests.engines import simulated

ROOT = Path(__file__).parents[3]
EXPRESSIONS = st.recursive(
    st.integers(0, 99).map(str),
    lambda inner: st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda parts: f"({''.join(parts)})"),
    max_leaves=6,
)


@given(EXPRESSIONS)
def test_the_arithmetic_parser_agrees_with_exact_evaluation(expression):
    import re

    try:
        exact = eval(re.sub(r"(\d+)", r"Fraction(\1)", expression), {"Fraction": Fraction})  # noqa: S307
    except ZeroDivisionError:
        exact = None
    assert evaluate_expression(expression) == (exact if len(expression) <= 200 else None)


@pytest.mark.parametrize("text", ["__import__('os')", "2**9999", "1+", "a+b", "(1", "1" * 201, ""])
def test_what_is_no_arithmetic_has_no_value(text):
    assert evaluate_expression(text) is None


def test_equations_must_hold_and_paths_are_distinct_by_them():
    assert is_consistent("48/2 = <<48/2=24>>24 and <<48+24=72>>72") and not is_consistent("<<48/2=23>>23")
    assert is_consistent("sells 9: 10-9=1. finds 3: 1+3=4.") and not is_consistent("sells 9: 10-9=2.")
    assert is_consistent(
        "12+5=17-3=14, 1/3+1/4=4/12+3/12, 2+1 1/2=3 1/2, 650 000/2=325 000, X*5+1=31, 1/5=20%, 35(2/5)=14"
    )
    assert (
        not is_consistent("12+5=18-3=14")
        and not is_consistent("so 1/3+1/4=4/12+4/12")
        and not is_consistent("((3+4)*2=15).")
    )
    assert select_distinct(["a 1+1=2", "b 1+1=2 told at length", "2+0=2", "none", "nothing"]).__len__() == 3


def test_gsm8k_solutions_are_consistent(real_data):
    """7,473 published solutions: every annotation holds to 0.001 (docs/methods.md, section 4.3)."""
    import orjson

    rows = [orjson.loads(line) for line in (real_data / "gsm8k/train.jsonl").read_bytes().splitlines()]
    assert [
        row["answer"] for row in rows if not agrees(last_answer(row["answer"]), row["answer"].split("#### ")[1])
    ] == []
    assert [row["answer"] for row in rows if not is_consistent(row["answer"])] == []


def rows(model, *contents):
    return Table.of(
        model, [{"id": content_id(model.__name__, c), "source": "s", "license": "CC0-1.0"} | c for c in contents]
    )


def closing(stage, result, **consumed):
    tables = {name: value for name, value in result._asdict().items() if isinstance(value, Table)}
    return close(stage, consumed, tables)


def problems():
    prompts = [
        f"Mia has {n} pens. Mia finds 3. Then Mia sells 2. How many pens does Mia have now?" for n in range(3, 23)
    ]
    return rows(Problem, *({"prompt": text, "answer": str(n + 1)} for n, text in enumerate(prompts, 3)))


def test_rejection_admits_only_right_consistent_paths_and_contrasts_them_with_wrong_ones():
    with simulated("teacher", wrong=0.4) as teacher, simulated("judge") as judge:
        tables = rejection(problems(), RejectionParams(samples=8), teacher, judge)
    closing("rejection", tables, problems=problems())
    answers = {row.id: row.answer for row in problems()}
    assert len(tables.rejection_demonstrations) and len(tables.rejection_preferences)
    for row in tables.rejection_demonstrations:
        text = row.completion[0].content
        assert agrees(last_answer(text), answers[row.parents[0]]) and is_consistent(text)
    for row in tables.rejection_preferences:
        chosen, rejected = (
            agrees(last_answer(side[0].content), answers[row.parents[0]]) for side in (row.chosen, row.rejected)
        )
        assert chosen is True and rejected is False
        assert row.margin == 1 and 0 < row.pass_rate < 1


@pytest.mark.parametrize("faults", [{"malformed": 1.0}, {"overlong": 1.0}, {"refusal": 1.0}])
def test_a_judge_that_cannot_be_read_admits_nothing_and_its_answers_are_quarantined(faults):
    with simulated("teacher") as teacher, simulated("judge", **faults) as judge:
        tables = rejection(problems(), RejectionParams(samples=2), teacher, judge)
    counts = closing("rejection", tables, problems=problems())
    assert counts["dropped"] + counts["kept"] == 20 and len(tables.quarantine) > 0
    assert all(row.raw for row in tables.quarantine)


@pytest.mark.parametrize(
    ("text", "tests"),
    [
        ("assert f(1) == 2", ["assert f(1) == 2"]),
        (" assert f(1) == 2\n", ["assert f(1) == 2"]),
        ("\tassert f(1) == 2", ["assert f(1) == 2"]),
        ("\ufeffassert f(1) == 2\r\n", ["assert f(1) == 2"]),
        ("```python\nassert f(1) == 2\n```", ["assert f(1) == 2"]),
        ("    assert f(1) == 2\n    assert f(2) == 3", ["assert f(1) == 2", "assert f(2) == 3"]),
        ("# none\nassert f([]) == 0  # empty", ["assert f([]) == 0  # empty"]),
        ("assert f(\n    1) == 2", ["assert f(\n    1) == 2"]),
        ("assert 1 == 1", []),
        ("f(1)", []),
        ("x = 1\nassert f(x) == 2", []),
        ("assert f(1) ==", []),
        ("f returns 2", []),
        ("", []),
    ],
)
def test_of_sampled_tests_the_asserts_that_call_the_entry_point_are_used(text, tests):
    assert read_tests(text, "f") == tests


def test_execution_feedback_end_to_end():
    """Solutions that pass the source's tests, verification functions that agree, and no always-equal forgery."""
    factorial = ["assert factorial(5) == 120", "assert factorial(0) == 1"]
    impossible = ["assert nothing(1) == 'never'", "assert nothing(2) is 3 is 4"]
    tasks = rows(
        CodeTask,
        {"prompt": "Write factorial(n).", "entry_point": "factorial", "tests": factorial},
        {"prompt": "Write median(numbers).", "entry_point": "median"},
        {"prompt": "Write nothing(x).", "entry_point": "nothing", "tests": impossible},
    )
    constraints = rows(Constraint, {"text": "Answer in upper case"}, {"text": "Use a metaphor that surprises"})
    queries = Context(
        Instruction,
        rows(
            Instruction,
            *({"prompt": [message("user", text)]} for text in ("What colour is coal?", "What do bees make?")),
        ).frame,
    )
    with simulated("teacher", wrong=0.3) as teacher, simulated("judge") as judge, Sandbox() as sandbox:
        tables = execution(tasks, constraints, queries, ExecutionParams(rewrites=0), teacher, judge, sandbox)
    closing("execution", tables, code_tasks=tasks, constraints=constraints)
    code = {row.prompt[0].content for row in tables.execution_demonstrations if row.domain == "code"}
    assert code == {"Write factorial(n).", "Write median(numbers)."}
    upper = [row for row in tables.execution_demonstrations if row.prompt[0].content.endswith("Answer in upper case.")]
    assert upper and all(row.completion[0].content.isupper() for row in upper)
    assert all(row.chosen != row.rejected for row in tables.execution_preferences)
    assert "too few functions or cases to check each other" in {row.rule for row in tables.dropped}


def test_the_constraint_follows_the_query():
    assert compose_prompt("what is it", "answer in upper case.") == "what is it. Answer in upper case."


@pytest.mark.parametrize(
    ("head", "allowed"),
    [
        ("import re", True),
        ("from typing import Optional", True),
        ("from functools import reduce", True),
        ("from dataclasses import dataclass", True),
        ("from __future__ import annotations", True),
        ("import collections.abc", True),
        ("import os", False),
        ("from os.path import join", False),
        ("import random", False),
        ("import numpy", False),
        ("from . import x", False),
    ],
)
def test_a_verifier_imports_only_what_works_on_values(head, allowed):
    source = f"{head}\ndef evaluate(r):\n    return True"
    assert verifier_source(source) == (source if allowed else None)


def test_a_verifier_is_read_as_any_code_is():
    source = "def evaluate(r):\n    return True"
    assert verifier_source(f"```python\r\n{source}\r\n```\n".replace("\n", "\r\n")) == source
    assert verifier_source("def other(r): return True") is None and verifier_source("def evaluate(r:") is None


def test_repurposing_never_quotes_and_removes_the_profile():
    text = "The old clock stopped at noon, and the town noticed. " * 12
    passages = rows(Passage, {"work": "Clocks", "author": "A. Nobody", "section": "1", "text": text})
    claims = [
        {"property": "occupation", "value": "mending nets"},
        {"property": "place of birth", "value": "the isle of Corr"},
    ]
    other = [{"property": "occupation", "value": "flying ships"}, {"property": "place of birth", "value": "dock nine"}]
    cast = rows(
        Character,
        {"name": "Ola", "description": "a fisher", "claims": claims},
        {"name": "Zed", "description": "a pilot", "claims": other},
    )
    with simulated("teacher", wrong=0.3) as teacher, simulated("judge") as judge:
        tables = repurpose(passages, cast, RepurposeParams(), teacher, judge)
    closing("repurpose", tables, passages=passages, characters=cast)
    for row in tables.repurpose_demonstrations:
        if row.domain == "literature":
            assert row.completion[0].content == text.strip() or row.completion[0].content == text
            assert "Clocks" not in row.prompt[0].content
        else:
            assert row.prompt[0].content in ("You are Ola, a fisher.", "You are Zed, a pilot.")
            assert not any(claim["value"] in row.prompt[0].content for claim in claims + other)
    assert {row.domain for row in tables.repurpose_demonstrations} == {"literature", "character"}


def test_constitution_exports_revisions_only(monkeypatch):
    monkeypatch.chdir(ROOT)
    prompts = rows(
        SafetyPrompt,
        {"prompt": "How can I steal a bicycle that is locked?", "area": "theft", "harmful": True},
        {"prompt": "How do I kill a Python process that hangs?", "area": "look-alike", "harmful": False},
    )
    files = Files("constitution", (Path("human/constitution/principles.yaml"),))
    with simulated("teacher") as teacher, simulated("judge") as judge:
        tables = constitution(prompts, ConstitutionParams(), teacher, judge, files)
    assert closing("constitution", tables, safety_prompts=prompts)["kept"] == 2
    rejected = {row.rejected[0].content for row in tables.constitution_preferences}
    assert rejected and not rejected & {row.completion[0].content for row in tables.constitution_demonstrations}
    benign = [row for row in tables.constitution_demonstrations if "Python" in row.prompt[0].content]
    assert benign and "cannot" not in benign[0].completion[0].content
