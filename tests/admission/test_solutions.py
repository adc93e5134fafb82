"""Code tasks with tests: which solution is demonstrated, which rejected, and why a task has none (docs/methods.md, section 5.2)."""

import pytest

from cultivar.llm.answer import Generation
from schemas.rows import CodeTask
from tests.admission.coded import (
    BETTER,
    GOOD,
    HALF,
    NO_CODE,
    NO_VERDICT,
    T1,
    T2,
    T3,
    UNTRUSTED,
    WRONG,
    code,
    dropped,
    kept,
    solve,
)
from tests.admission.rows_synthesis import TEACHER, HandSandbox, completions, errors, pairs_of, rules, table

# ---------------------------------------------------------------- the source's tests decide


def test_a_solution_that_passes_every_test_is_demonstrated_and_one_that_fails_is_rejected_against_it():
    found, _ = solve([WRONG, GOOD])
    assert completions(found.execution_demonstrations) == [GOOD]
    assert pairs_of(found.execution_preferences) == [(GOOD, WRONG, 1.0)] and not len(found.dropped)


def test_rows_of_a_code_task_hold_their_origin_scores_and_verdicts():
    found, _ = solve([f"Sure:\n```python\n{GOOD}\n```\n", HALF])
    (shown,), (pair,), (task,) = (
        found.execution_demonstrations,
        found.execution_preferences,
        table(
            CodeTask, {"prompt": "Write f.", "entry_point": "f", "tests": [T1, T2], "solution": None, "setup": "y = 1"}
        ),
    )
    assert completions(found.execution_demonstrations) == [f"Sure:\n```python\n{GOOD}\n```"], (
        "the text, not the code alone"
    )
    assert (
        [(m.role, m.content) for m in shown.prompt]
        == [("user", "Write f.")]
        == [(m.role, m.content) for m in pair.prompt]
    )
    assert (shown.domain, shown.strategy, shown.license) == ("code", "execution", "MIT")
    assert (shown.engine, shown.simulated) == (TEACHER, False) and shown.parents[0] == task.id
    assert [(s.name, s.value) for s in shown.scores] == [("tests", 2.0)]
    assert pair.parents[:2] == shown.parents and len(set(pair.parents)) == 3
    assert pair.margin == 0.5, "the share of tests that the rejected one fails"
    verdicts = {row.id: row for row in found.execution_verdicts}
    assert [(verdicts[v].outcome, verdicts[v].score, verdicts[v].detail) for v in pair.verdicts] == [
        ("pass", 1.0, ""),
        ("fail", 0.5, f"fail: {T2}"),
    ]
    assert shown.verdicts == pair.verdicts[:1]
    assert {(row.verifier, row.stage, row.parents[1]) for row in verdicts.values()} == {
        ("sandbox", "execution", task.id)
    }
    assert len({row.parents[0] for row in verdicts.values()}) == 2


def test_verdicts_of_a_backend_without_walls_say_so(monkeypatch):
    monkeypatch.setattr(HandSandbox, "backend", "none")
    found, _ = solve([GOOD])
    assert {row.verifier for row in found.execution_verdicts} == {"sandbox (unsandboxed)"}


@pytest.mark.parametrize(
    ("solutions", "rule"),
    [
        ([HALF, WRONG], UNTRUSTED),
        ([code("lost")], NO_VERDICT),
        ([code("partly")], NO_VERDICT),
        ([code("partly"), HALF], NO_VERDICT),
        ([code("crash")], UNTRUSTED),
        ([code("mixed")], UNTRUSTED),
    ],
)
def test_a_task_that_no_solution_solves_says_whether_the_sandbox_is_to_blame(solutions, rule):
    assert dropped(solutions) == {rule: 1}


@pytest.mark.parametrize(
    "text",
    ["def g(x): return 1", "def f(x: return 1", "```python\nprint(f(1))\n```", "f = 1", "No."],
)
def test_what_holds_no_code_for_the_task_is_dropped_by_name(text):
    assert dropped([text]) == {NO_CODE: 1, "no usable solution": 1}
    found, _ = solve([text, GOOD])
    (row,) = found.dropped
    assert row.rule == NO_CODE and row.parents == [found.execution_demonstrations.frame["parents"][0][0]]
    assert kept(["class f:\n    pass  # return good(x)"]) == ["class f:\n    pass  # return good(x)"]


def test_of_two_alternatives_the_last_counts_and_helpers_come_with_it():
    found, sandbox = solve(
        [f"```python\n{WRONG}\n```\n```python\nimport good\n```\n```python\n{GOOD}\n```\n```\nf(1)\n```"]
    )
    assert len(found.execution_demonstrations) == 1 and {job.code for job in sandbox.jobs} == {f"import good\n{GOOD}"}


def test_an_unfinished_solution_is_quarantined_and_the_task_dropped():
    found, _ = solve([Generation("def f(x", "length", 1, 9)])
    assert errors(found.quarantine) == ["length"] and rules(found.dropped) == {"no usable solution": 1}
    assert [row.parents for row in found.quarantine] == [[row.id for row in found.dropped]]


def test_solutions_of_one_syntax_tree_count_once():
    found, sandbox = solve([GOOD, f"{GOOD}  # again", GOOD.replace("    ", "  ")])
    assert len(found.execution_verdicts) == 1


@pytest.mark.parametrize("order", [1, -1])
def test_the_shortest_code_that_passes_is_the_best(order):
    long = code("better", " + 0 + 0")
    found, _ = solve([long, GOOD, BETTER][::order])
    assert completions(found.execution_demonstrations) == [GOOD] and not len(found.execution_preferences)


def test_what_passed_or_was_never_decided_is_no_rejected_side():
    found, _ = solve([GOOD, BETTER, code("lost"), code("partly")])
    assert pairs_of(found.execution_preferences) == []
    assert sorted((row.outcome, row.score) for row in found.execution_verdicts if row.score is not None) == [
        ("pass", 1.0),
        ("pass", 1.0),
        ("unsupported", 1.0),
    ]
    assert [row.outcome for row in found.execution_verdicts if row.score is None] == ["sandbox_error"]


def test_margins_are_over_the_tests_with_a_verdict():
    found, _ = solve(
        [GOOD, code("odd")],
        tests=[T1, T2, T3],
        outcome=lambda c, t, n: {T1: "fail", T2: "refused"}.get(t, "pass") if "odd" in c else "pass",
    )
    assert pairs_of(found.execution_preferences) == [(GOOD, code("odd"), 0.5)]


def test_failures_come_before_errors_and_so_many_pairs_are_made():
    crashes = [code("crash", f" + {n}") for n in range(3)]
    assert pairs_of(solve([GOOD, *crashes, WRONG], code_pairs=1)[0].execution_preferences) == [(GOOD, WRONG, 1.0)]
    assert len(solve([GOOD, *crashes, WRONG], code_pairs=3)[0].execution_preferences) == 3
    assert len(solve([GOOD, *crashes, WRONG], code_pairs=9)[0].execution_preferences) == 4


@pytest.mark.parametrize("variant", range(6))  # ids, which order equals, differ
def test_a_pair_needs_a_failure_before_an_error_and_never_a_solution_that_passes(variant):
    crash = code("crash", f" + {variant}")
    assert pairs_of(solve([GOOD, BETTER, crash], code_pairs=1)[0].execution_preferences) == [(GOOD, crash, 1.0)]
    assert pairs_of(solve([GOOD, crash, WRONG], code_pairs=1)[0].execution_preferences) == [(GOOD, WRONG, 1.0)]


# ---------------------------------------------------------------- the gates


def test_a_test_that_the_reference_fails_is_not_used():
    reference = code("half")
    assert kept([code("half", " + 0"), WRONG], solution=reference) == [f"```python\n{reference}\n```"]
    assert dropped([WRONG], solution=reference, tests=[T2]) == {UNTRUSTED: 1}
    assert dropped([HALF]) == {UNTRUSTED: 1}


def test_a_test_that_could_not_be_run_on_the_reference_stays():
    assert dropped([HALF], solution=code("lost")) == {NO_VERDICT: 1} and kept([GOOD], solution=code("lost")) == [GOOD]


def test_the_solution_of_the_source_is_one_more_that_people_wrote():
    found, _ = solve([GOOD + " + 0", WRONG], solution=GOOD)
    (best,), (pair,) = found.execution_demonstrations, found.execution_preferences
    assert (best.engine, best.simulated, best.completion[0].content) == ("source", False, f"```python\n{GOOD}\n```")
    assert (pair.engine, pair.rejected[0].content) == ("source", WRONG)
    assert len(set(best.parents)) == len(best.parents) and {row.license for row in (best, pair)} == {"MIT"}
    found, _ = solve([WRONG], solution=GOOD)
    assert completions(found.execution_demonstrations) == [f"```python\n{GOOD}\n```"]
    assert completions(solve([GOOD], solution=code("better", " + 0 + 0"))[0].execution_demonstrations) == [GOOD]


def test_the_solution_of_the_source_is_never_the_rejected_one():
    found, _ = solve([GOOD, code("good", " + 0")], tests=[], sets=[[T1, T2]], solution=HALF)
    assert completions(found.execution_demonstrations) == [GOOD] and not len(found.execution_preferences)


def test_the_gates_run_as_often_as_params_say():
    for reruns in (2, 4):
        _, sandbox = solve([GOOD], tests=[T1], solution=code("reference"), reruns=reruns, cpu_s=1.5)
        by = {name: [job.turn for job in sandbox.jobs if name in job.code] for name in ("reference", "good")}
        assert by == {"reference": [*range(reruns), 0], "good": [0, *range(reruns)]}


@pytest.mark.parametrize(
    ("later", "rule"),
    [
        ("pass", None),
        ("fail", "the best solution is not deterministic"),
        ("sandbox_error", "the sandbox gave no verdict when the best solution ran again"),
    ],
)
def test_the_best_solution_must_pass_again_every_time(later, rule):
    seen = []

    def outcome(program, test, turn):
        seen.append(program)
        return later if turn == 2 and test == T2 else "pass"

    found, _ = solve([GOOD, WRONG], outcome=outcome)
    assert rules(found.dropped) == ({rule: 1} if rule else {}) and bool(len(found.execution_demonstrations)) is (
        rule is None
    )
    assert not len(found.execution_preferences) and (rule is None or not len(found.execution_verdicts))


def test_a_test_that_fails_says_more_than_one_that_was_not_decided():
    found, _ = solve([GOOD], outcome=lambda c, t, turn: {T1: "sandbox_error", T2: "fail"}[t] if turn else "pass")
    assert rules(found.dropped) == {"the best solution is not deterministic": 1}
