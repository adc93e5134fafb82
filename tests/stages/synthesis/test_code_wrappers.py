"""Evaluation and execution read code alike: right and wrong code in every wrapper, judged by the real sandbox."""

import pytest

from cultivar.sandbox import Sandbox, SandboxUnavailable
from schemas.ids import content_id
from schemas.rows import CodeTask, Constraint, EvaluationItem, Instruction
from schemas.table import Context
from stages.synthesis.execution import execution
from stages.synthesis.params import ExecutionParams
from tests.admission.rows_synthesis import completions, engines, rules, table, text_of
from tests.grading.wrappers import BODIES, WRAPPERS
from train.marking import mark

RIGHT = "import math\n\n\ndef half(n):\n    return math.floor(n / 2)"
WRONG = RIGHT.replace("floor", "ceil")
TESTS = ["assert half(4) == 2", "assert half(3) == 1"]
SIGNATURE = 'import math\n\n\ndef half(n):\n    """Half of n, rounded down."""'
PROSE = "Write half(n), which rounds down."
CASES = [(name, PROSE, wrap, RIGHT, WRONG) for name, wrap in WRAPPERS.items()] + [
    (
        f"body: {name}",
        SIGNATURE,
        wrap,
        "    h = n / 2\n    return math.floor(h)",
        "    h = n / 2\n    return math.ceil(h)",
    )
    for name, wrap in BODIES.items()
]


@pytest.fixture(scope="module")
def box():
    try:
        with Sandbox() as box:
            yield box
    except SandboxUnavailable as error:
        pytest.skip(str(error))


def test_evaluation_marks_right_code_right_and_wrong_code_wrong_in_every_wrapper(box):
    shared = {"source": "s", "license": "MIT", "task": "code", "entry_point": "half", "tests": TESTS}
    items = {p: EvaluationItem(id=content_id("item", p), prompt=p, **shared) for p in (PROSE, SIGNATURE)}
    answers = [(items[prompt], wrap(code)) for _, prompt, wrap, *codes in CASES for code in codes]
    marks = mark(answers, box)
    verdicts = {case[0]: tuple(marks[2 * number : 2 * number + 2]) for number, case in enumerate(CASES)}
    assert verdicts == {case[0]: (True, False) for case in CASES}


def test_execution_demonstrates_right_code_and_rejects_wrong_code_in_every_wrapper(box):
    tasks = [
        {"prompt": f"# {number}.\n{prompt}", "entry_point": "half", "tests": TESTS}
        for number, (_, prompt, *_) in enumerate(CASES)
    ]
    answers = {f"# {number}.\n": (wrap(right), wrap(wrong)) for number, (_, _, wrap, right, wrong) in enumerate(CASES)}

    def teacher(request):
        prompt = request.messages[1]["content"]
        return next(texts for start, texts in answers.items() if start in prompt)[request.sample]

    with engines(teacher, []) as both:
        found = execution(
            table(CodeTask, *tasks),
            table(Constraint),
            Context(Instruction, table(Instruction).frame),
            ExecutionParams(solutions=2, reruns=1),
            *both,
            box,
        )
    assert rules(found.dropped) == {} and found.metrics == {}
    assert completions(found.execution_demonstrations) == sorted(right.strip() for right, _ in answers.values())
    pairs = sorted((text_of(row.chosen), text_of(row.rejected)) for row in found.execution_preferences)
    assert pairs == sorted((right.strip(), wrong.strip()) for right, wrong in answers.values())
