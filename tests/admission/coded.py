"""The execution stage on code tasks alone, with solutions, tests and outcomes by hand."""

from schemas.rows import CodeTask, Constraint, Instruction
from schemas.table import Context
from stages.synthesis.execution import execution
from stages.synthesis.params import ExecutionParams
from tests.admission.rows_synthesis import HandSandbox, closing, completions, engines, rules, table

UNTRUSTED = "no solution passes tests that can be trusted"
NO_VERDICT = "the sandbox gave no verdict on a solution that failed no test"
NO_CODE = "no code that parses and defines the entry point"
T1, T2, T3 = (f"assert f({n}) > 0" for n in (1, 2, 3))  # no equality, so that a job keeps the text of its test


def code(name: str, more: str = "") -> str:
    return f"def f(x):\n    return {name}(x){more}"


GOOD, BETTER, WRONG, HALF = code("good"), code("better", " + 0"), code("wrong"), code("half")
OUTCOMES = {
    "wrong": dict.fromkeys((T1, T2, T3), "fail"),
    "half": {T2: "fail"},
    "crash": dict.fromkeys((T1, T2, T3), "error"),
    "lost": dict.fromkeys((T1, T2, T3), "sandbox_error"),
    "partly": {T2: "unsupported"},
    "mixed": {T1: "sandbox_error", T2: "fail"},
}


def outcome_of(program: str, test: str, turn: int) -> str:
    """As OUTCOMES has it for the name that the solution calls; all else passes."""
    name = program.split("return ")[1].split("(")[0]
    return OUTCOMES.get(name, {}).get(test, "pass")


def solve(solutions, tests=(T1, T2), sets=(), solution=None, outcome=outcome_of, **params):
    """The stage on one code task. `sets`: what the teacher answers when it is asked for tests."""
    task = {"prompt": "Write f.", "entry_point": "f", "tests": list(tests), "solution": solution, "setup": "y = 1"}
    tasks = table(CodeTask, task)
    sandbox = HandSandbox(outcome)

    def teacher(request):
        prompt = request.messages[0]["content"]
        if "Write tests" in prompt:
            return {"tests": sets[request.sample]} if isinstance(sets[request.sample], list) else sets[request.sample]
        assert [test in request.messages[1]["content"] for test in tests] == [True] * len(tests)
        return solutions[request.sample]

    params = {"solutions": len(solutions), "test_sets": max(1, len(sets))} | params
    with engines(teacher, []) as both:
        found = execution(
            tasks,
            table(Constraint),
            Context(Instruction, table(Instruction).frame),
            ExecutionParams(**params),
            *both,
            sandbox,
        )
    closing("execution", found, code_tasks=tasks)
    assert {job.limits.cpu_s for job in sandbox.jobs} <= {params.get("cpu_s", 2.0)}
    assert {job.setup for job in sandbox.jobs} <= {"y = 1"}
    return found, sandbox


def kept(*arguments, **params) -> list[str]:
    return completions(solve(*arguments, **params)[0].execution_demonstrations)


def dropped(*arguments, **params) -> dict[str, int]:
    found, _ = solve(*arguments, **params)
    assert not len(found.execution_demonstrations) and not len(found.execution_preferences)
    return rules(found.dropped)
