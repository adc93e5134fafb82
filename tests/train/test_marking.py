"""A completion that the sandbox gives no verdict is neither right nor wrong, and a warning says so."""

from dataclasses import replace

import pytest
import tiny

from cultivar.sandbox import Sandbox, SandboxUnavailable
from train.marking import can_mark, mark

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
