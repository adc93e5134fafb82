"""Code tasks without tests: sampled tests and solutions say which of each other to trust (CodeT; docs/methods.md, section 5.2)."""

import pytest

from tests.admission.coded import BETTER, GOOD, HALF, T1, T2, T3, UNTRUSTED, WRONG, code, dropped, kept, solve
from tests.admission.rows_synthesis import completions, pairs_of, rules


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
    assert dropped([GOOD, BETTER], tests=[], sets=[[test]]) == {UNTRUSTED: 1}


def test_a_sampled_test_of_several_asserts_is_as_many_tests():
    _, sandbox = solve([GOOD], tests=[], sets=[[f"{T1}; {T2}", f"```python\n  {T3}\n```"]])
    assert {test for job in sandbox.jobs for test in job.tests} == {T1, T2, T3}


def test_a_sampled_test_may_call_methods_of_what_the_function_gives():
    assert kept([GOOD, GOOD], tests=[], sets=[["assert f(1).bit_length() > 0"]]) == [GOOD]


def test_a_test_set_that_cannot_be_read_is_quarantined_and_the_others_decide():
    found, _ = solve([GOOD, GOOD], tests=[], sets=["no JSON", [T1]])
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


@pytest.mark.parametrize(
    ("names", "kept"),
    [
        ("one", False),  # agrees with nobody
        ("one one", True),  # two samples, though of one text
        ("one other", True),
        ("one two", False),  # each passes its own test only
        ("one one two", True),
        ("one one two two", False),  # a tie
        ("one one two three", True),  # half of the samples
        ("one one two three none", False),  # fewer than half
        ("one one none none", True),
        ("one one none none none", False),
        ("one one one both both", False),  # 3 x 1 against 2 x 2: the larger product has two fifths of the samples
        ("one one both both", True),  # 2 x 1 against 2 x 2
        ("one one lone", True),  # a lone one passes more, and decides nothing
        ("none none", False),
        ("one one lost lost lost", True),  # what the sandbox lost is in no share
        ("one lost", False),
        ("one partly", True),  # both pass the one test that more than half have an outcome on
        ("one two partly", False),  # it may belong to either group
        ("one one partly partly", True),
    ],
)
def test_a_group_of_two_samples_and_half_of_them_decides(names, kept):
    tests_of = {"one": [T1], "other": [T1], "two": [T2], "three": [T3], "both": [T1, T2], "lone": [T2, T3], "none": []}

    def outcome(program, test, turn):
        name = program.split("return ")[1].split("(")[0]
        if name == "lost" or (name == "partly" and test != T1):
            return "sandbox_error"
        return "pass" if test in tests_of.get(name, [T1]) else "fail"

    for order in (names.split(), names.split()[::-1]):
        demonstrations, pairs, _ = agree(outcome, *order)
        assert bool(demonstrations) is kept and (kept or not pairs)
        assert not {code(name) for name in ("lost", "partly")} & {pair[1] for pair in pairs}


@pytest.mark.parametrize(
    ("params", "kept"),
    [
        ({"consensus_samples": 2, "consensus_share": 0.4}, True),
        ({"consensus_samples": 3, "consensus_share": 0.4}, False),
        ({"consensus_samples": 2, "consensus_share": 0.41}, False),
    ],
)
def test_the_least_group_and_the_least_share_are_parameters(params, kept):
    outcome = passing(one=[T1], other=[T1], two=[T2], three=[T3], four=[])
    found, pairs, _ = agree(outcome, "one", "other", "two", "three", "four", **params)
    assert bool(found) is kept and bool(pairs) is kept


def test_rows_say_how_many_samples_agree():
    outcome = passing(one=[T1, T2], other=[T1, T2], half=[T1], none=[])
    names = ["one", "one", "other", "half", "none"]
    found, _ = solve([code(name) for name in names], tests=[], sets=[[T1, T2]], outcome=outcome)
    rows = [*found.execution_demonstrations, *found.execution_preferences]
    assert {(row.samples, row.pass_rate, row.votes) for row in rows} == {(5, 0.6, 3)}
    assert {row.quality for row in found.execution_demonstrations} == {0.6}
    assert {(row.margin, row.quality) for row in found.execution_preferences} == {(0.5, 0.3), (1.0, 0.6)}


def test_the_solution_of_the_source_is_no_sample():
    found, _ = solve([GOOD], tests=[], sets=[[T1]], solution=GOOD)
    assert rules(found.dropped) == {UNTRUSTED: 1}, "one sample agrees with nobody"
    found, _ = solve([BETTER, BETTER], tests=[], sets=[[T1]], solution=GOOD)
    (row,) = found.execution_demonstrations
    assert (row.engine, row.samples, row.votes, row.quality) == ("source", 2, 2, 1.0)


def test_a_test_is_trusted_that_half_of_the_samples_of_the_two_largest_groups_pass():
    outcome = passing(best=[T1, T2, T3], other=[T1, T2], third=[T1])
    few = {"consensus_share": 0.3}
    assert agree(outcome, "best", "best", "other", "third", **few)[2] == [3.0], "2 of 3 pass T3"
    assert agree(outcome, "best", "best", "other", "third", "third", **few)[2] == [2.0], "two second ones: 2 of 5"
    names = ["best"] * 2 + ["other"] * 2 + ["third"] * 3
    assert agree(outcome, *names, consensus_share=0.2)[2] == [3.0], "6, 4 and 3: 2 of 4"
    names = ["best", "best", "other", "other", "other"]
    assert agree(outcome, *names, **few) == ([], [], []), "6 and 6: a tie"
    outcome = passing(best=[T1, T2, T3], other=[T1, T2])
    names = ["best"] * 3 + ["other"] * 4
    assert agree(outcome, *names, **few)[2] == [2.0], "9 to 8, and 3 of 7 pass T3"


def test_solutions_that_agree_on_nothing_are_not_trusted():
    outcome = passing(one=[T1], two=[T2], three=[T3])
    solutions = [code("one"), code("two"), code("three")]
    assert dropped(solutions, tests=[], sets=[[T1, T2, T3]], outcome=outcome) == {UNTRUSTED: 1}
    assert dropped([WRONG, WRONG], tests=[], sets=[[T1]]) == {UNTRUSTED: 1}
    assert dropped([GOOD, GOOD], tests=[], sets=[[]]) == {UNTRUSTED: 1}


def test_programs_of_one_syntax_tree_are_no_pair_and_programs_that_differ_in_case_are():
    """A program is not read as a text: `F` and `f` are two names."""
    lower, upper = code("good", " + len('a')"), code("good", " + len('A')")
    found, _ = solve([lower, upper], outcome=lambda program, test, turn: "fail" if "A" in program else "pass")
    assert pairs_of(found.execution_preferences) == [(lower, upper, 1.0)]
    again = lower.replace(":\n", ':\n    "Again."\n')
    turns = iter(range(99))
    found, _ = solve([lower, again], outcome=lambda *_: "pass" if next(turns) else "fail")
    assert not len(found.execution_preferences)


def test_sampled_tests_are_not_held_against_a_reference_solution():
    found, sandbox = solve([GOOD, GOOD], tests=[], sets=[[T1, T2]], solution=HALF)
    assert [job.turn for job in sandbox.jobs if "half" in job.code] == [0, 0], "as one more solution, by no gate"
    assert completions(found.execution_demonstrations) == [GOOD] and not len(found.execution_preferences)


def test_so_many_test_sets_are_asked_for_and_their_tests_are_one_pool():
    assert kept([GOOD, GOOD], tests=[], sets=[[], [], [T1]], test_sets=3) == [GOOD]
    assert dropped([GOOD, GOOD], tests=[], sets=[[], [], [T1]], test_sets=2) == {UNTRUSTED: 1}


@pytest.mark.parametrize("again", ["assert f( 1 ) > 0", "assert f(1) > 0, 'one'", "assert (f(1) > 0)  # one"])
def test_a_test_that_is_written_twice_counts_once(again):
    """Two samples pass the one test and two the other: no group is the largest."""

    def outcome(program, test, turn):
        return "pass" if ("1" in test) == ("one" in program) else "fail"

    solutions = [code(name, more) for name in ("one", "other") for more in ("", " + 0")]
    assert dropped(solutions, tests=(), sets=[[T1, again, T2]], outcome=outcome) == {UNTRUSTED: 1}
    more = kept([*solutions, code("one", " + 0 + 0")], tests=(), sets=[[T1, again, T2]], outcome=outcome)
    assert more == [solutions[0]]
