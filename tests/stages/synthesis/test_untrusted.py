"""How the execution stage uses the sandbox: gated tests, outcomes without a verdict, and running unsandboxed."""

import math
from contextlib import ExitStack
from types import SimpleNamespace

import pytest

from cultivar.grading.code import find_program
from cultivar.runner.binding import Binding
from cultivar.runner.params import validate
from cultivar.sandbox import Limits, Sandbox, SandboxUnavailable, Verdict
from schemas.errors import GraphError, ParamsError
from schemas.ids import content_id
from schemas.rows import CodeTask
from schemas.stage import UndeclaredRead
from stages.synthesis.consensus import Solution, Trusted, trust
from stages.synthesis.cross_validation import pass_rate
from stages.synthesis.execution import UnsandboxedLedger
from stages.synthesis.ledger import Ledger
from stages.synthesis.params import ExecutionParams
from stages.synthesis.programs import syntax_key
from stages.synthesis.solutions import admit_solutions, drop_wrong_tests, rerun, run_matrix, why_none
from stages.synthesis.workbench import Workbench

PARAMS = ExecutionParams()


@pytest.fixture(scope="module")
def box():
    try:
        with Sandbox() as box:
            yield box
    except SandboxUnavailable as error:
        pytest.skip(str(error))


def bench(sandbox, params: ExecutionParams = PARAMS, ledger: Ledger | None = None) -> Workbench:
    """What the stage works with, but for models."""
    return Workbench(params, None, None, sandbox, ledger or Ledger("execution"))  # type: ignore[arg-type]


def task(*tests: str, solution: str | None = None) -> CodeTask:
    row_id = content_id("task", list(tests))
    return CodeTask(
        id=row_id, source="s", license="CC0-1.0", prompt="p", entry_point="f", tests=list(tests), solution=solution
    )


def solution_of(code: str, row: CodeTask) -> Solution:
    return Solution(row, None, content_id("solution", code), code, samples=1)  # type: ignore[arg-type]


def test_tests_that_the_reference_fails_go_and_so_do_passes_by_chance(box):
    code = "import time\ndef f(x): return x + 1 if x < 9 else time.monotonic_ns() % 2"
    right, wrong, chance = (
        "assert f(1) == 2",
        "assert f(1) == 3",
        "assert f(9) == f(9) == f(9) == f(9) == f(9) == f(9) == 0",
    )
    row = task(right, wrong, chance, solution=code)
    bare = task(wrong)
    tests = {row.id: list(row.tests), bare.id: list(bare.tests)}
    drop_wrong_tests([row, bare], tests, bench(box))
    assert tests == {row.id: [right], bare.id: [wrong]}


def test_what_cannot_be_decided_is_no_fail(box):
    row = task("assert f(1) < 2", "assert f(2) == 3")
    solution = solution_of("class A:\n  __lt__ = lambda s, o: True\ndef f(x): return A() if x == 1 else x + 1", row)
    run_matrix({row.id: [solution]}, {row.id: row.tests}, bench(box))
    assert [solution.outcomes[t] for t in row.tests] == ["unsupported", "pass"] and not solution.fails(row.tests)
    assert solution.decided(row.tests) == row.tests[1:] and not solution.passes(row.tests)


def test_a_tree_too_deep_to_be_written_is_told_apart_by_its_text():
    code = "def f(x):\n  if x == 0: return 0\n" + "".join(f"  elif x == {i}: return {i}\n" for i in range(1, 500))
    assert find_program(code, "f") == code.strip() and syntax_key(code) == code


def test_a_solution_that_passes_now_and_then_is_not_steady(box):
    row = task("assert f(1) == 2", "assert f(2) == 3")
    good = solution_of("def f(x): return x + 1", row)
    flaky = solution_of("import time\ndef f(x): return x + 1 if time.monotonic_ns() % 8 else 0", row)
    many = ExecutionParams(reruns=40)
    lucky = solution_of("import random\ndef f(x): return x + 1 if random.random() > 0.5 else 0", row)
    why = rerun([(good, row.tests), (flaky, row.tests)], bench(box, many))
    assert why == {flaky.id: "the best solution is not deterministic"}
    assert rerun([(lucky, row.tests)], bench(box)).keys() == {lucky.id}


class Broken:
    """A sandbox that gives no verdict on tests that hold any of `words`."""

    backend = "userns"

    def __init__(self, *words: str):
        self.words = words

    def run(self, jobs):
        for job in jobs:
            broken = any(word in f"{job.cases}{job.tests}{job.inputs}" for word in self.words)
            outcome = "sandbox_error" if broken else "pass"
            yield Verdict(job.id, outcome, [outcome], "", 0, 0, 0, "userns", job.mode, "", "", Limits())


def test_no_verdict_of_the_sandbox_drops_no_test_and_is_a_reason_of_its_own():
    row = task("assert f(1) == 2", "assert f(77) == 78", solution="def f(x): return x + 1")
    tests = {row.id: list(row.tests)}
    drop_wrong_tests([row], tests, bench(Broken("77")))
    assert tests == {row.id: list(row.tests)}
    one, other = solution_of("def f(x): return x + 1", row), solution_of("def f(x): return x + 2 - 1", row)
    assert rerun([(one, row.tests), (other, row.tests[:1])], bench(Broken("77"))) == {
        one.id: "the sandbox gave no verdict when the best solution ran again"
    }
    run_matrix({row.id: [one]}, tests, bench(Broken("77")))
    assert one.decided(row.tests) == row.tests[:1] and not one.passes(row.tests) and not one.fails(row.tests)
    assert "the sandbox gave no verdict" in why_none([one], row.tests)
    other.outcomes = dict(zip(row.tests, ["fail", "sandbox_error"], strict=True))
    assert why_none([other], row.tests) == "no solution passes tests that can be trusted"
    # what the sandbox could not judge is in no share
    third = solution_of("def f(x): return 1 + x", row)
    one.outcomes = third.outcomes = dict.fromkeys(row.tests, "pass")
    other.outcomes = dict.fromkeys(row.tests, "sandbox_error")
    lost = solution_of("def f(x): return -1", row)
    lost.outcomes = dict.fromkeys(row.tests, "sandbox_error")
    more = solution_of("def f(x): return -2", row)
    more.outcomes = dict.fromkeys(row.tests, "sandbox_error")
    assert trust([one, other, third, lost, more], [], row.tests, PARAMS) == (row.tests, [one, third], 1.0)


def test_shares_are_of_the_tests_with_a_verdict():
    row = task("assert f(1) == 2", "assert f(2) == 3", "assert f(3) == 4")
    answer = SimpleNamespace(key="0" * 32, text="def f(x): return x + 1", engine="e", simulated=False)
    found = {}
    for name, outcomes in {
        "best": ["pass"] * 3,
        "half": ["pass", "fail", "sandbox_error"],
        "unknown": ["refused"] * 3,
        "partly": ["pass", "pass", "sandbox_error"],
    }.items():
        found[name] = Solution(row, answer, content_id("s", name), name)  # type: ignore[arg-type]
        found[name].outcomes = dict(zip(row.tests, outcomes, strict=True))
    ledger = Ledger("execution")
    trusted = Trusted(list(row.tests), [found["best"]], 1.0)
    admit_solutions(found["best"], list(found.values()), trusted, bench(None, ledger=ledger))
    by_subject = {v["parents"][0]: (v["outcome"], v["score"]) for v in ledger.verdicts.values()}
    assert by_subject == {
        found["best"].id: ("pass", 1.0),
        found["half"].id: ("fail", 0.5),
        found["unknown"].id: ("refused", None),
        found["partly"].id: ("sandbox_error", 1.0),
    }


def test_no_verdict_of_the_sandbox_is_neither_pass_nor_fail():
    row = task("assert f(1) == 2")
    one = solution_of("def f(x): return 0", row)
    run_matrix({row.id: [one]}, {row.id: row.tests}, bench(Broken("f(1)", "[1]")))
    assert not one.passes(row.tests) and not one.fails(row.tests)
    assert one.outcomes == {row.tests[0]: "sandbox_error"}
    one.outcomes = {row.tests[0]: "timeout_cpu"}
    assert one.fails(row.tests)
    assert pass_rate(["true", "sandbox_error", "error"], [1, 9, 1], 2) == 0.5
    assert math.isnan(pass_rate(["sandbox_error", "refused", "unsupported"], [9, 9, 9], 1))


def opened(runtime: dict, packages: list[str] = [], declared=("sandbox",)) -> Sandbox:  # noqa: B006
    params = {"runtime": runtime, "sandbox": {"packages": packages}}
    with ExitStack() as stack:
        spec = SimpleNamespace(name="execution", params=declared)
        run = Binding(spec, params, print, stack, "execution")  # type: ignore[arg-type]
        return run.open_sandbox()


def test_without_walls_only_where_configuration_and_command_line_say_so(monkeypatch):
    monkeypatch.delenv("CULTIVAR_ALLOW_UNSANDBOXED", raising=False)
    with pytest.raises(GraphError, match="--allow-unsandboxed"):
        opened({"sandbox_backend": "none"})
    monkeypatch.setenv("CULTIVAR_ALLOW_UNSANDBOXED", "1")
    with pytest.warns(RuntimeWarning, match="UNSANDBOXED"):
        assert opened({"sandbox_backend": "none"}).backend == "none"
    monkeypatch.setenv("CULTIVAR_SANDBOX_DISABLE", "all")
    with pytest.raises(GraphError, match="no code is run"):
        opened({})
    ledger = UnsandboxedLedger("execution")
    ledger.verdict(content_id("a", "a"), "sandbox", "pass", score=1.0)
    assert [row["verifier"] for row in ledger.verdicts.values()] == ["sandbox (unsandboxed)"]


def test_packages_of_the_sandbox_are_params_of_its_stages(box):
    pytest.importorskip("numpy")
    assert opened({}, ["numpy"]).sandbox.packages == ("numpy",)
    with pytest.raises(GraphError, match="package no_such_package is not installed"):
        opened({}, ["no_such_package"])
    with pytest.raises(UndeclaredRead, match="sandbox"):
        opened({}, declared=())
    with pytest.raises(ParamsError, match=r"sandbox\.packages\.0: 'numpy==2' is not allowed"):
        validate({"sandbox": {"packages": ["numpy==2"]}})


def test_references_and_solutions_that_need_a_missing_module_are_neither_right_nor_wrong(box):
    """`unsupported` on the reference is no evidence against a test, and on a solution none against the solution."""
    needs = "import no_such_module\ndef f(x): return x + 1"
    row = task("assert f(1) == 2", solution=needs)
    work = bench(box)
    tests = {row.id: list(row.tests)}
    drop_wrong_tests([row], tests, work)
    good, unknown = solution_of("def f(x): return x + 1", row), solution_of(needs, row)
    run_matrix({row.id: [good, unknown]}, tests, work)
    assert tests == {row.id: row.tests} and work.undecided == {"references": 1, "solutions": 1}
    assert good.passes(row.tests) and not unknown.passes(row.tests) and not unknown.fails(row.tests)


def test_a_reference_may_be_a_body_behind_the_prompt(box):
    row = task("assert f(1) == 2", "assert f(1) == 3", solution="    return x + 1")
    row = row.model_copy(update={"prompt": 'def f(x):\n    """Add one."""'})
    tests = {row.id: list(row.tests)}
    drop_wrong_tests([row], tests, bench(box))
    assert tests == {row.id: ["assert f(1) == 2"]}
