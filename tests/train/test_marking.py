"""A completion that the sandbox gives no verdict is neither right nor wrong, and a warning says so."""

from dataclasses import replace

import pytest
import tiny

from cultivar.sandbox import Sandbox, SandboxUnavailable
from schemas.ids import content_id
from schemas.rows import EvaluationItem
from train.evaluate import task_metrics
from train.marking import can_mark, mark
from train.params import EvaluateParams

RIGHT = "def double(n):\n    return 2 * n"


class UndecidedSandbox:
    """A sandbox that gives no verdict on programs that hold a word."""

    def __init__(self, box: Sandbox, word: str, outcome: str):
        self.box, self.word, self.outcome = box, word, outcome

    def run(self, jobs):
        codes = {job.id: job.code for job in jobs}
        for verdict in self.box.run(jobs):
            undecided = self.word in codes[verdict.id]
            yield replace(verdict, outcome=self.outcome, results=[self.outcome]) if undecided else verdict


@pytest.fixture(scope="module")
def box():
    try:
        with Sandbox(slots=1) as box:
            yield box
    except SandboxUnavailable as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("outcome", ["sandbox_error", "refused"])
def test_an_item_without_a_verdict_is_neither_right_nor_wrong_with_a_warning(box, outcome):
    code = next(item for item in tiny.evaluation() if item.task == "code")
    answers = [(code, RIGHT), (code, f"{RIGHT}  # lost"), (code, "no code")]
    with pytest.warns(RuntimeWarning, match="1 completions got no verdict"):
        assert mark(answers, UndecidedSandbox(box, "lost", outcome)) == [True, None, False]


@pytest.mark.parametrize("test", ["def test_it(tmp_path): assert double(2) == 4", "assert double(2) ==", "# doubles"])
def test_tests_that_nothing_can_run_mark_no_item(test):
    code = next(item for item in tiny.evaluation() if item.task == "code")
    assert can_mark(code)
    assert not can_mark(code.model_copy(update={"tests": [*code.tests, test]}))


NUMPY_TESTS = """import numpy as np

def check(candidate):
    for given, expected in [([1.0, 2.0], 1.5), ([1, 2, 4], 2.3333333)]:
        assert np.isclose(candidate(given), expected)
"""


@pytest.mark.parametrize(
    ("packages", "marks"),
    [((), [None, None, None, None, True, False, None]), (("numpy",), [True, True, False, False, True, False, None])],
)
def test_what_needs_a_package_is_judged_where_the_sandbox_has_it_and_else_undecided(packages, marks):
    """HumanEval+ has tests that import numpy; solutions import it too."""
    pytest.importorskip("numpy")
    shared = {"source": "s", "license": "MIT", "task": "code", "prompt": "Write mean.", "entry_point": "mean"}
    plus = EvaluationItem(id=content_id("item", 1), tests=[NUMPY_TESTS], **shared)
    plain = EvaluationItem(id=content_id("item", 2), tests=["assert mean([1, 3]) == 2"], **shared)
    answers = [
        (plus, "def mean(x):\n    return sum(x) / len(x)"),
        (plain, "import numpy as np\ndef mean(x):\n    return np.mean(x)"),
        (plus, "def mean(x):\n    return 3"),
        (plain, "import numpy as np\ndef mean(x):\n    return np.max(x)"),
        (plain, "def mean(x):\n    return sum(x) / len(x)"),
        (plain, "def mean(x):\n    raise ModuleNotFoundError(\"No module named 'numpy'\")"),
        (plain, "import no_such_module\ndef mean(x):\n    return 2"),
    ]
    try:
        with Sandbox(slots=1, packages=packages) as box, pytest.warns(RuntimeWarning, match="got no verdict"):
            assert mark(answers, box) == marks
    except SandboxUnavailable as error:
        pytest.skip(str(error))


@pytest.mark.parametrize(
    ("greedy", "sampled", "metrics"),
    [
        ([True, False], [True, True], {"code_items": 2, "code_greedy": 0.5, "code_sampled": 1.0}),
        ([True, None], [False, None], {"code_items": 1, "code_greedy": 1.0, "code_sampled": 0.0, "code_undecided": 2}),
        ([None, None], [True, None], {"code_items": 0, "code_sampled": 1.0, "code_undecided": 3}),
        ([None], [None], {"code_items": 0, "code_undecided": 2}),
    ],
)
def test_undecided_completions_are_left_out_of_the_rates_and_counted(greedy, sampled, metrics):
    rows = [
        {"task": "code", "sample": sample, "correct": correct, "parents": [str(number)]}
        for sample, marks in enumerate((greedy, sampled))
        for number, correct in enumerate(marks)
    ]
    found = task_metrics(rows, EvaluateParams(samples=1))
    assert {name: value for name, value in found.items() if not name.endswith(("_low", "_high"))} == metrics
