"""Whether a completion of a held-out item is right: by its answer, its tests, or its constraints."""

import warnings
from collections.abc import Sequence

from cultivar.grading.answers import judge_answers
from cultivar.grading.code import find_program
from cultivar.grading.constraints import has_checks, satisfies_constraints
from cultivar.grading.cues import find_answer
from cultivar.sandbox import UNDECIDED, Job, Sandbox, Verdict, job_from_asserts
from cultivar.sandbox.uncalled_tests import add_test_calls
from schemas.rows import EvaluationItem

MARK_OF = {"right": True, "wrong": False, "none": False, "undecided": None}


def can_mark(item: EvaluationItem) -> bool:
    """Whether there is a way to mark this item: tests that do not parse, or need a test runner's fixtures, are none."""
    if item.task == "math":
        return bool(item.answer)
    if item.task == "code":
        try:
            return bool([add_test_calls(test, item.entry_point) for test in item.tests])
        except ValueError:  # Unreadable is one
            return False
    return has_checks(item.constraints, item.arguments)


def mark(answers: Sequence[tuple[EvaluationItem, str]], sandbox: Sandbox) -> list[bool | None]:
    """Whether each completion is right; None where that cannot be judged. Code runs in the sandbox only.

    Undecided, and warned of, are an answer that cannot be compared with the right one (cultivar/grading/answers.py), a
    program of which the sandbox cannot tell (it or its tests import what `sandbox.packages` lacks, or the sandbox refuses
    them) and a constraint that the completion's script does not decide. (Where the sandbox fails, the stage does;
    cultivar/runner/verdicts.py.)
    """
    right = mark_answers(answers)
    for index, (item, text) in enumerate(answers):
        if item.task not in ("math", "code"):
            right[index] = satisfies_constraints(text, item.constraints, item.arguments)
    jobs = [sandbox_job(item, text, index) for index, (item, text) in enumerate(answers) if item.task == "code"]
    verdicts = {int(verdict.id): verdict for verdict in sandbox.run(jobs)} if jobs else {}
    for index, verdict in verdicts.items():
        right[index] = None if is_undecided(verdict) else verdict.passed
    undecided = [index for index, is_right in enumerate(right) if is_right is None]
    if undecided:
        item, text = answers[undecided[0]]
        reasons = {
            "math": f"{find_answer(text).words!r} cannot be compared with {item.answer!r}",
            "code": verdicts[undecided[0]].message if undecided[0] in verdicts else "",
        }
        warnings.warn(
            f"{len(undecided)} completions got no verdict and count as neither right nor wrong; the first is of evaluation "
            f"item {item.id}: {reasons.get(item.task, 'its script does not decide the constraints')}",
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


def mark_answers(answers: Sequence[tuple[EvaluationItem, str]]) -> list[bool | None]:
    """Whether each completion of a maths item gives the right answer; of other items False."""
    places = [index for index, (item, _) in enumerate(answers) if item.task == "math" and item.answer]
    judgements = judge_answers([(answers[index][1], answers[index][0].answer or "") for index in places])
    right: list[bool | None] = [False] * len(answers)
    for index, judgement in zip(places, judgements, strict=True):
        right[index] = MARK_OF[judgement]
    return right


def is_right_answer(text: str, answer: str) -> bool:
    """Whether the final answer of a text (cultivar/grading/answers.py) is the right one.

    A text without a final answer is wrong, whatever numbers it holds; so is one with several.
    """
    return judge_answers([(text, answer)]) == ["right"]
