"""Tasks of HumanEval's shape, from the record to the sandbox's verdict; the tasks are written for this test."""

import pytest

from cultivar.sandbox import Sandbox, job_from_asserts
from stages.curation.readers.shapes import SHAPES

LITERALS = {
    "task_id": "Own/0",
    "prompt": 'from typing import List\n\n\ndef tail(items: List[int]) -> List[int]:\n    """All but the first.\n\n    >>> tail([1, 2])\n    [2]\n    """\n',
    "canonical_solution": "    return items[1:]\n",
    "test": '\n\nMETADATA = {"author": "own"}\n\n\ndef check(candidate):\n    assert candidate([1, 2, 3]) == [2, 3]\n    assert candidate([]) == []\n',
    "entry_point": "tail",
}
LOOP = LITERALS | {
    "task_id": "Own/1",
    "prompt": 'import math\n\n\ndef weigh(xs: list, x: float):\n    """Value of the polynomial."""\n    return sum(c * math.pow(x, i) for i, c in enumerate(xs))\n\n\ndef zero(xs: list):\n    """A root of xs[0] + xs[1] x."""\n',
    "canonical_solution": "    return -xs[0] / xs[1]\n",
    "test": "def check(candidate):\n    for a in range(1, 9):\n        for b in (1, 2, 5):\n            assert math.fabs(weigh([a, b], candidate([a, b]))) < 1e-6\n",
    "entry_point": "zero",
}
WHOLE = LITERALS | {
    "canonical_solution": "def tail(items):\n    return items[1:]\n",
    "contract": "x",
    "base_input": [[[]]],
}
CRLF = {key: value.replace("\n", "\r\n") for key, value in LITERALS.items()}
TASKS = {"literals": LITERALS, "loop": LOOP, "whole program": WHOLE, "CRLF": CRLF}
WRONG = {"tail": "def tail(items):\n    return items[:-1]", "zero": "def zero(xs):\n    return xs[0]"}


def outcome(box: Sandbox, task: dict, code: str) -> str:
    (verdict,) = box.run([job_from_asserts("one", code, task["tests"], task["entry_point"], task["setup"])])
    return verdict.outcome


@pytest.mark.parametrize("name", TASKS)
def test_the_canonical_solution_passes_and_wrong_ones_fail(box, name):
    item = SHAPES["humaneval"](TASKS[name])
    task = item.fields
    assert outcome(box, task, task["solution"]) == "pass"
    assert outcome(box, task, WRONG[task["entry_point"]]) == "fail"
    assert outcome(box, task, f"def {task['entry_point']}(x): raise ValueError") == "error"
    assert outcome(box, task, "import os\nos._exit(0)") not in ("pass", "fail")


@pytest.mark.parametrize(("name", "mode", "setup"), [("literals", "call", False), ("loop", "split", True)])
def test_what_the_prompt_defines_is_setup_only_where_the_tests_use_it(name, mode, setup):
    task = SHAPES["humaneval"](TASKS[name]).fields
    job = job_from_asserts("one", task["solution"], task["tests"], task["entry_point"], task["setup"])
    assert job.mode == mode and ("def weigh" in task["setup"] and "import math" in task["setup"]) is setup
    assert bool(task["setup"]) is setup


def test_what_is_beside_the_task_is_counted_and_a_body_without_its_function_is_refused():
    left = SHAPES["humaneval"](WHOLE).left
    assert left == {"field task_id": 1, "field contract": 1, "field base_input": 1}
    with pytest.raises(ValueError, match="does not define `tail`"):
        SHAPES["humaneval"](LITERALS | {"canonical_solution": "    return (\n"})
    assert SHAPES["humaneval"](LITERALS | {"canonical_solution": None}).fields["solution"] is None
