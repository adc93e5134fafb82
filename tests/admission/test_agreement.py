"""Code tasks without tests: sampled tests and solutions say which of each other to trust (CodeT; docs/methods.md, section 5.2)."""

import pytest

from tests.admission.coded import BETTER, GOOD, HALF, T1, T2, T3, UNTRUSTED, WRONG, code, dropped, kept, solve
from tests.admission.rows_synthesis import completions, pairs_of


def test_sampled_tests_decide_where_the_source_has_none():
    found, sandbox = solve([GOOD, BETTER, WRONG], tests=[], sets=[[T1, T2], [T2, f"{T3} ", "f(1)", "assert 1 > 0"]])
    assert completions(found.execution_demonstrations) == [GOOD]
    assert pairs_of(found.execution_preferences) == [(GOOD, WRONG, 1.0)]
    assert {test for job in sandbox.jobs for test in job.tests} == {T1, T2, T3}
    (row,) = found.execution_demonstrations
    assert [score.value for score in row.scores] == [3.0]


def test_the_source_s_tests_are_not_mixed_with_sampled_ones():
    _, sandbox = solve([GOOD], tests=[T1], sets=[[T2]])
    assert {test for job in sandbox.jobs for test in job.tests} == {T1}


@pytest.mark.parametrize("test", ["f(1)", "assert g(1) > 0", "x = f(1)", "assert f(", ""])
def test_a_sampled_test_is_one_assert_that_calls_the_function(test):
    assert dropped([GOOD], tests=[], sets=[[test]]) == {UNTRUSTED: 1}


def test_a_sampled_test_of_several_asserts_is_as_many_tests():
    _, sandbox = solve([GOOD], tests=[], sets=[[f"{T1}; {T2}", f"```python\n  {T3}\n```"]])
    assert {test for job in sandbox.jobs for test in job.tests} == {T1, T2, T3}


def test_a_sampled_test_may_call_methods_of_what_the_function_gives():
    assert kept([GOOD], tests=[], sets=[["assert f(1).bit_length() > 0"]]) == [GOOD]


def test_a_test_set_that_cannot_be_read_is_quarantined_and_the_others_decide():
    found, _ = solve([GOOD], tests=[], sets=["no JSON", [T1]])
    assert completions(found.execution_demonstrations) == [GOOD]
    assert [row.parents for row in found.quarantine] == [[found.execution_demonstrations.frame["parents"][0][0]]]


def passing(**tests_of):
    """An outcome function: the solution that calls `name` passes its tests and no other."""
    return lambda program, test, turn: "pass" if test in tests_of[program.split("return ")[1].split("(")[0]] else "fail"


def agree(outcome, *names, **params):
    """The demonstrations, pairs and number of trusted tests of solutions that call `names`."""
    found, _ = solve([code(name) for name in names], tests=[], sets=[[T1, T2, T3]], outcome=outcome, **params)
    numbers = [score.value for row in found.execution_demonstrations for score in row.scores]
    return completions(found.execution_demonstrations), pairs_of(found.execution_preferences), numbers


def test_the_group_with_most_solutions_times_tests_decides():
    outcome = passing(one=[T1], other=[T1], best=[T1, T2, T3])
    assert agree(outcome, "one", "other", "best") == ([code("best")], [], [1.0]), "most fail T2 and T3: not trusted"
    outcome = passing(one=[T1, T2], other=[T1, T2], best=[T2, T3, T1])
    assert agree(outcome, "one", "other", "best") == ([code("one")], [], [2.0])


@pytest.mark.parametrize("names", [("one", "other", "lone"), ("lone", "one", "other")])
def test_of_equal_products_the_larger_group_decides(names):
    outcome = passing(one=[T1], other=[T1], lone=[T2, T3])
    assert agree(outcome, *names) == ([code("one")], [(code("one"), code("lone"), 1.0)], [1.0])


def test_a_test_is_trusted_where_half_of_the_solutions_pass_it():
    outcome = passing(best=[T1, T2], other=[T1])
    assert agree(outcome, "best", "other") == ([code("best")], [(code("best"), code("other"), 0.5)], [2.0])
    outcome = passing(best=[T1, T2], other=[T1], third=[])
    assert agree(outcome, "best", "other", "third", code_pairs=1)[2] == [1.0], "one of three passes T2"


def test_only_solutions_that_a_test_decided_on_count_for_its_trust():
    def outcome(program, test, turn):
        return "sandbox_error" if "lost" in program and test == T2 else passed(program, test, turn)

    passed = passing(best=[T1, T2, T3], other=[T1], lost=[T1])
    assert agree(outcome, "best", "other", "lost") == ([code("best")], [(code("best"), code("other"), 0.5)], [2.0])


def test_solutions_that_agree_on_nothing_are_not_trusted():
    outcome = passing(one=[T1], two=[T2], three=[T3])
    solutions = [code("one"), code("two"), code("three")]
    assert dropped(solutions, tests=[], sets=[[T1, T2, T3]], outcome=outcome) == {UNTRUSTED: 1}
    assert dropped([WRONG], tests=[], sets=[[T1]]) == {UNTRUSTED: 1}
    assert dropped([GOOD], tests=[], sets=[[]]) == {UNTRUSTED: 1}


def test_sampled_tests_are_not_held_against_a_reference_solution():
    found, sandbox = solve([GOOD], tests=[], sets=[[T1, T2]], solution=HALF)
    assert [job.turn for job in sandbox.jobs if "half" in job.code] == [0, 0], "as one more solution, by no gate"
    assert completions(found.execution_demonstrations) == [GOOD] and not len(found.execution_preferences)


def test_so_many_test_sets_are_asked_for_and_their_tests_are_one_pool():
    assert kept([GOOD], tests=[], sets=[[], [], [T1]], test_sets=3) == [GOOD]
    assert dropped([GOOD], tests=[], sets=[[], [], [T1]], test_sets=2) == {UNTRUSTED: 1}
