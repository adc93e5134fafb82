"""Whether a completion of an evaluation item is right: by its answer, its tests or its constraints."""

import json
import warnings
from types import SimpleNamespace

import pytest

from schemas.ids import content_id
from schemas.rows import EvaluationItem
from tests.admission.rows_synthesis import HandSandbox
from train.marking import can_mark, is_right_answer, mark

TEST = "assert f(1) > 0"


def item(task: str, **fields) -> EvaluationItem:
    return EvaluationItem(
        id=content_id("item", [task, sorted(fields)]), source="s", license="MIT", task=task, prompt="p", **fields
    )


MATH = item("math", answer="4")
CAPITAL = item("constraint", constraints=["change_case:english_capital"], arguments=[json.dumps({})])
CODE = item("code", tests=[TEST], entry_point="f", setup="y = 1")


def test_each_task_is_marked_by_its_own_rule():
    sandbox = HandSandbox(lambda code, test, turn: "pass" if "good" in code else "fail")
    good, bad = "f = good.f", "f = bad.f"
    answers = [
        (MATH, "The answer is 4.", True),
        (CODE, good, True),
        (MATH, "The answer is 5.", False),
        (MATH, "PARIS", False),
        (CODE, f"```\n{bad}\n```\n```python\n{bad}\n```\nso\n```py\n{good}\n```", True),
        (CAPITAL, "PARIS", True),
        (CAPITAL, "Paris", False),
        (CODE, f"```python\n{good}\n```\n```\n{bad}", False),
        (CODE, f"```Python\n{good}\n```", True),
        (CODE, "no code, but words", False),
    ]
    assert mark([answer[:2] for answer in answers], sandbox) == [answer[2] for answer in answers]
    assert [(job.code.strip(), job.tests, job.setup, job.entry_point) for job in sandbox.jobs] == [
        (code, [TEST], "y = 1", "f") for code in (good, good, bad, good, "no code, but words")
    ]
    assert mark([(MATH, "The answer is 4.")], None) == [True], "without code nothing is run"
    assert mark([(item("math"), "The answer is 4.")], None) == [False], "nothing is right without an answer"
    assert mark([(CODE, "good")], SimpleNamespace(run=lambda jobs: iter(()))) == [False], "nor without a verdict"


@pytest.mark.parametrize(
    ("results", "warned"),
    [
        ({"a": "sandbox_error"}, True),
        ({"a": "unsupported", "b": "pass"}, True),
        ({"a": "unsupported", "b": "error"}, False),
        ({"a": "refused", "b": "pass"}, True),
        ({"a": "refused", "b": "pass", "c": "sandbox_error"}, True),
        ({"a": "sandbox_error", "b": "fail"}, False),
        ({"a": "fail"}, False),
        ({"a": "pass", "b": "pass"}, False),
    ],
)
def test_what_the_sandbox_did_not_decide_is_neither_right_nor_wrong_with_a_warning(results, warned):
    tests = [f"assert f({test!r}) > 0" for test in results]
    sandbox = HandSandbox(lambda code, test, turn: results[test[10]])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        right = mark([(item("code", tests=tests, entry_point="f"), "x")], sandbox)
    assert right == [None if warned else set(results.values()) == {"pass"}]
    assert ["1 completions got no verdict" in str(warning.message) for warning in caught] == [True] * warned


def test_the_warning_names_the_first_of_several_completions_without_a_verdict():
    items = [item("code", tests=[TEST], entry_point="f"), item("code", tests=[TEST], entry_point="f", setup="y = 1")]
    sandbox = HandSandbox(lambda code, test, turn: "sandbox_error")
    run = sandbox.run
    sandbox.run = lambda jobs: reversed(list(run(jobs)))  # a sandbox answers in any order
    with pytest.warns(RuntimeWarning, match=f"2 completions got no verdict .* item {items[0].id}"):
        assert mark([(each, "x") for each in items], sandbox) == [None, None]


def test_what_the_script_of_a_completion_does_not_decide_has_no_verdict_and_a_warning():
    given = {"num_sentences": 2, "relation": "at least"}
    one = item("constraint", constraints=["length_constraints:number_sentences"], arguments=[json.dumps(given)])
    with pytest.warns(RuntimeWarning, match=f"1 completions got no verdict .* item {one.id}: its script"):
        assert mark([(one, "One. Two."), (one, "ฉันชอบแมว แมวน่ารัก"), (one, "One.")], None) == [True, None, False]


def test_an_answer_that_cannot_be_compared_has_no_verdict_and_a_warning():
    answers = [(MATH, "The answer is 4."), (MATH, "The answer is IV."), (MATH, "The answer is 5."), (MATH, "Sorry.")]
    with pytest.warns(
        RuntimeWarning, match=f"1 completions got no verdict .* item {MATH.id}: 'IV.' cannot be compared with '4'"
    ):
        assert mark(answers, None) == [True, None, False, False]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert mark([answers[0], *answers[2:]], None) == [True, False, False]


@pytest.mark.parametrize(
    ("one", "can"),
    [
        (MATH, True),
        (item("math"), False),
        (item("math", answer=""), False),
        (CODE, True),
        (item("code"), False),
        (item("code", tests=["assert f(1) =="]), False),
        (item("code", tests=[TEST, "# nothing"]), False),
        (item("code", tests=[f"assert {'-' * 100_000}1"]), False),
        (item("code", tests=["def test_it(tmp_path): assert f(1)"]), False),
        (CAPITAL, True),
        (item("constraint", constraints=["no:such"]), False),
        (item("constraint", constraints=["keywords:existence"], arguments=['{"keywords":["a"]}']), True),
        (item("constraint", constraints=["keywords:existence"], arguments=['{"keywords":[]}']), False),
        (item("general"), False),
    ],
)
def test_an_item_is_marked_where_there_is_a_way_to(one, can):
    assert can_mark(one) is can


@pytest.mark.parametrize(
    ("final", "answer", "right"),
    [
        ("4", "4", True),
        ("5", "4", False),
        ("x+1", "1+x", True),
        ("x+1", "y+1", False),
        ("x+1", "x+2", False),
        ("2", "x", False),
        ("4 or 5", "4", False),
        ("Monday", "Monday", True),
        ("Monday", "Tuesday", False),
        ("x", "4 or x", False),
        ("5c", "5", False),
        ("5", "5 ml", False),
        ("5 ml", "5", True),
    ],
)
def test_an_answer_is_right_where_it_is_one_value_and_equal(final, answer, right):
    assert is_right_answer(f"The answer is {final}.", answer) is right
    assert is_right_answer(f"I thought of {final} and of {final}.", answer) is False, (
        "a text that never gives its answer"
    )
