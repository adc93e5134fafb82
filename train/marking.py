"""Whether a completion of a held-out item is right: by its answer, its tests, or its constraints."""

import warnings
from collections.abc import Sequence
from functools import lru_cache

from math_verify import LatexExtractionConfig, parse, verify
from math_verify.parser import ExprExtractionConfig

from cultivar.grading.answers import agrees, last_answer, parse_value
from cultivar.grading.code import find_program
from cultivar.grading.constraints import has_checks, satisfies_constraints
from cultivar.sandbox import UNDECIDED, Job, Sandbox, Verdict, job_from_asserts
from cultivar.sandbox.uncalled_tests import add_test_calls
from schemas.rows import EvaluationItem

MATH_TIMEOUT_S = 5
"""Seconds of math-verify for one answer (by SIGALRM: in the main thread only)."""


def can_mark(item: EvaluationItem) -> bool:
    """Whether there is a way to mark this item: tests that do not parse, or need a test runner's fixtures, are none."""
    if item.task == "math":
        return bool(item.answer)
    if item.task == "code":
        try:
            return bool([add_test_calls(test, item.entry_point) for test in item.tests])
        except (ValueError, SyntaxError):
            return False
    return has_checks(item.constraints, item.arguments)


def mark(answers: Sequence[tuple[EvaluationItem, str]], sandbox: Sandbox) -> list[bool | None]:
    """Whether each completion is right; None where that cannot be judged. Code runs in the sandbox only.

    Undecided are a program of which the sandbox cannot tell (it or its tests import what `sandbox.packages` lacks, or the
    sandbox refuses them) and a constraint that the completion's script does not decide; both are warned of. (Where the
    sandbox fails, the stage does; cultivar/runner/verdicts.py.)
    """
    right: list[bool | None] = [
        is_right_answer(text, item.answer or "")
        if item.task == "math"
        else item.task != "code" and satisfies_constraints(text, item.constraints, item.arguments)
        for item, text in answers
    ]
    jobs = [sandbox_job(item, text, index) for index, (item, text) in enumerate(answers) if item.task == "code"]
    verdicts = {int(verdict.id): verdict for verdict in sandbox.run(jobs)} if jobs else {}
    for index, verdict in verdicts.items():
        right[index] = None if is_undecided(verdict) else verdict.passed
    undecided = [index for index, is_right in enumerate(right) if is_right is None]
    if undecided:
        first = undecided[0]
        reason = verdicts[first].message if first in verdicts else "its script does not decide the constraints"
        warnings.warn(
            f"{len(undecided)} completions got no verdict and count as neither right nor wrong; the first is of evaluation "
            f"item {answers[first][0].id}: {reason}",
            RuntimeWarning,
            stacklevel=2,
        )
    return right


def is_undecided(verdict: Verdict) -> bool:
    """Whether the sandbox could not decide some of a program's tests, and no other test has failed."""
    outcomes = {verdict.outcome, *verdict.results}
    return bool(outcomes & set(UNDECIDED)) and outcomes <= {"pass", *UNDECIDED}


def sandbox_job(item: EvaluationItem, text: str, index: int) -> Job:
    """A completion's program (the text itself where it has none) with the item's tests; the verdict's id is its position."""
    program = find_program(text, item.entry_point, item.prompt, [item.setup, *item.tests])
    return job_from_asserts(str(index), text if program is None else program, item.tests, item.entry_point, item.setup)


@lru_cache(maxsize=65_536)
def is_right_answer(text: str, answer: str) -> bool:
    """Whether the final answer of a text (cultivar/grading/answers.py) is one value, equal to `answer`.

    A text without a final answer is wrong, whatever numbers it holds; so is one with several. An answer that is itself
    no single value has to be given word for word. Numbers are compared exactly, algebra by math-verify.
    """
    final = last_answer(text)
    if (right := agrees(final, answer)) is not None:
        return right
    given, gold = parse_value(final), parse_value(answer, unit=False)
    if given is None or gold is None or given.letters != gold.letters:  # math-verify takes the c of 5c for a unit
        return False
    settings = [ExprExtractionConfig(), LatexExtractionConfig()]
    sides = [
        parse(side.expression, extraction_config=settings, parsing_timeout=MATH_TIMEOUT_S) for side in (gold, given)
    ]
    return bool(verify(*sides, timeout_seconds=MATH_TIMEOUT_S))
