"""Code by execution feedback: solutions against tests, both sampled, in the sandbox (methods 5.2).

Solutions and test sets are sampled independently. Tests of the source decide where there are any; otherwise solutions
that pass the same tests form a group and the group with the largest (solutions x tests passed) says which tests to
trust (dual execution agreement, CodeT).
"""

import ast
import re
from collections import defaultdict
from dataclasses import dataclass, field, replace

from pydantic import BaseModel

from cultivar.llm.answer import Answer
from cultivar.llm.engine import Engine
from cultivar.llm.prompt import Prompt
from cultivar.llm.request import Question
from cultivar.sandbox import NO_VERDICT, Job, Limits, Sandbox, gate, job_from_asserts
from schemas.ids import content_id, seed_of
from schemas.rows import CodeTask
from stages.synthesis.ledger import Ledger
from stages.synthesis.params import ExecutionParams

UNDECIDED = (*NO_VERDICT, "unsupported")
FENCE = re.compile(r"```(?:python|py)?\s*\n(.*?)```", re.DOTALL)


class TestCases(BaseModel):
    """Tests of one set."""

    __test__ = False
    tests: list[str]


@dataclass
class Solution:
    """One sampled solution and the outcome of each test that was run on it."""

    task: CodeTask
    answer: Answer
    id: str
    code: str
    outcomes: dict[str, str] = field(default_factory=dict)

    def passes(self, tests: list[str]) -> bool:
        return all(self.outcomes.get(test) == "pass" for test in tests)

    def judged(self, tests: list[str]) -> list[str]:
        """Those of the tests that say whether it is right."""
        return [test for test in tests if self.outcomes.get(test, "refused") not in UNDECIDED]

    def fails(self, tests: list[str]) -> bool:
        """Whether it has failed one; a test that the sandbox could not run or decide says nothing."""
        return any(self.outcomes[test] != "pass" for test in self.judged(tests))


def extract(text: str, entry_point: str) -> str | None:
    """The code of the only fenced block (or the whole text), None unless it parses and defines the entry point."""
    blocks = FENCE.findall(text)
    code = blocks[0] if len(blocks) == 1 else text if not blocks else ""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError):
        return None
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    return code.strip() if entry_point in defined else None


def syntax(code: str) -> str:
    """What solutions are told apart by: the syntax tree; the text where the tree is too deep to be written down."""
    try:
        return ast.dump(ast.parse(code))
    except RecursionError:
        return code


def usable_test(test: str, entry_point: str) -> bool:
    """An assert statement that calls the entry point."""
    try:
        tree = ast.parse(test)
    except (SyntaxError, ValueError, RecursionError):
        return False
    calls = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    return len(tree.body) == 1 and isinstance(tree.body[0], ast.Assert) and entry_point in calls


def code_feedback(
    tasks: list[CodeTask], params: ExecutionParams, teacher: Engine, sandbox: Sandbox, ledger: Ledger
) -> None:
    """D and P rows of every task, with verdicts, into the ledger; tasks without a demonstration are dropped."""
    solutions = sample_solutions(tasks, params, teacher, ledger)
    tests = gather_tests(tasks, params, teacher, ledger)
    drop_wrong_tests(tasks, tests, params, sandbox)
    run_matrix(solutions, tests, params, sandbox)
    winners = []
    for task in tasks:
        mine = solutions[task.id]
        trusted, group = trust(mine, [t for t in tests[task.id] if t in task.tests], tests[task.id])
        best = min((s for s in group if s.passes(trusted)), key=lambda s: (len(s.code), s.id), default=None)
        if best is None or not trusted:
            ledger.drop(task.id, why_none(mine, tests[task.id]))
        else:
            winners.append((task, best, trusted))
    unsteady = rerun([(best, trusted) for _, best, trusted in winners], params, sandbox)
    for task, best, trusted in winners:
        if best.id in unsteady:
            ledger.drop(task.id, unsteady[best.id])
            continue
        record(task, best, solutions[task.id], trusted, params, ledger)


def why_none(mine: list[Solution], tests: list[str]) -> str:
    """Why a task has no demonstration; trouble of the sandbox is told from failing solutions."""
    if not mine:
        return "no usable solution"
    if any(solution.judged(tests) != tests and not solution.fails(tests) for solution in mine):
        return "the sandbox gave no verdict on a solution that failed no test"
    return "no solution passes tests that can be trusted"


def sample_solutions(
    tasks: list[CodeTask], params: ExecutionParams, teacher: Engine, ledger: Ledger
) -> dict[str, list[Solution]]:
    """Distinct solutions (by syntax tree) that parse and define the entry point."""
    prompt = Prompt("execution/solution")
    asked = teacher.ask([
        Question(prompt.messages(task=task.prompt, entry_point=task.entry_point, tests="\n".join(task.tests)),
                 n=params.solutions, seed=seed_of(task.id, "solution"))
        for task in tasks
    ])  # fmt: skip
    found: dict[str, list[Solution]] = {}
    for task, answers in zip(tasks, asked, strict=True):
        kept: dict[str, Solution] = {}
        for answer in answers:
            if not answer.ok:
                ledger.fail(answer, task.id)
                continue
            row_id = content_id("solution", answer.key, [task.id])
            code = extract(answer.text, task.entry_point)
            if code is None:
                ledger.drop(row_id, "no code that parses and defines the entry point", task.id)
            elif (shape := syntax(code)) not in kept:
                kept[shape] = Solution(task, answer, row_id, code)
        found[task.id] = list(kept.values())
    return found


def gather_tests(
    tasks: list[CodeTask], params: ExecutionParams, teacher: Engine, ledger: Ledger
) -> dict[str, list[str]]:
    """Per task the source's tests and, where it has fewer than one, those of the sampled sets."""
    wanting = [task for task in tasks if not task.tests]
    prompt = Prompt("execution/tests")
    asked = teacher.ask([
        Question(prompt.messages(task=task.prompt, entry_point=task.entry_point, tests=""), TestCases,
                 n=params.test_sets, seed=seed_of(task.id, "tests"))
        for task in wanting
    ])  # fmt: skip
    tests = {task.id: list(dict.fromkeys(task.tests)) for task in tasks}
    for task, answers in zip(wanting, asked, strict=True):
        for answer in answers:
            if isinstance(answer.value, TestCases):
                good = [test.strip() for test in answer.value.tests if usable_test(test, task.entry_point)]
                tests[task.id] = list(dict.fromkeys([*tests[task.id], *good]))
            else:
                ledger.fail(answer, task.id)
    return tests


def job(name: str, solution: Solution, test: str, params: ExecutionParams) -> Job:
    made = job_from_asserts(name, solution.code, [test], solution.task.entry_point, solution.task.setup)
    return replace(made, limits=Limits(cpu_s=params.cpu_s))


def drop_wrong_tests(
    tasks: list[CodeTask], tests: dict[str, list[str]], params: ExecutionParams, sandbox: Sandbox
) -> None:
    """The test gate: where the source brings a reference solution, a test goes if that does not pass it.

    A test that the sandbox could not run on the reference stays: nothing speaks against it.
    """
    places = {
        f"{task.id}/{number}": (task, test, job_from_asserts("", task.solution, [test], task.entry_point, task.setup))
        for task in tasks
        if task.solution
        for number, test in enumerate(tests[task.id])
        if test in task.tests
    }
    limits = Limits(cpu_s=params.cpu_s)
    references = (replace(made, id=name, limits=limits) for name, (_, _, made) in places.items())
    for name, found in gate(sandbox, references, params.reruns).items():
        if found.dropped:
            task, test, _ = places[name]
            tests[task.id].remove(test)


def run_matrix(
    solutions: dict[str, list[Solution]], tests: dict[str, list[str]], params: ExecutionParams, sandbox: Sandbox
) -> None:
    """Run every solution of a task on every test of it; outcomes are noted on the solutions."""
    places = {
        f"{solution.id}/{number}": (solution, test)
        for mine in solutions.values()
        for solution in mine
        for number, test in enumerate(tests[solution.task.id])
    }
    for verdict in sandbox.run(job(name, solution, test, params) for name, (solution, test) in places.items()):
        solution, test = places[verdict.id]
        solution.outcomes[test] = verdict.outcome


def trust(solutions: list[Solution], gold: list[str], tests: list[str]) -> tuple[list[str], list[Solution]]:
    """The tests to trust and the solutions that pass them all."""
    if gold:
        return gold, [solution for solution in solutions if solution.passes(gold)]
    groups: dict[tuple[str, ...], list[Solution]] = defaultdict(list)
    for solution in solutions:
        groups[tuple(test for test in tests if solution.outcomes.get(test) == "pass")].append(solution)
    groups.pop((), None)
    if not groups:
        return [], []
    passed, best = max(groups.items(), key=lambda item: (len(item[1]) * len(item[0]), len(item[1]), item[0]))
    trusted = []
    for test in passed:
        said = [solution.outcomes[test] == "pass" for solution in solutions if solution.judged([test])]
        if 2 * sum(said) >= len(said):
            trusted.append(test)
    return trusted, best


def rerun(best: list[tuple[Solution, list[str]]], params: ExecutionParams, sandbox: Sandbox) -> dict[str, str]:
    """{id: why} of solutions that are not seen to pass their tests every time (the test gate, with the solution as its
    own reference).
    """
    places = {
        f"{solution.id}/{number}": (solution, test) for solution, trusted in best for number, test in enumerate(trusted)
    }
    held = gate(sandbox, (job(name, *place, params) for name, place in places.items()), params.reruns)
    unsteady = {}
    for name, found in held.items():
        if found.dropped:
            unsteady[places[name][0].id] = "the best solution is not deterministic"
        elif found.unknown:
            unsteady.setdefault(places[name][0].id, "the sandbox gave no verdict when the best solution ran again")
    return unsteady


def record(
    task: CodeTask, best: Solution, mine: list[Solution], trusted: list[str], params: ExecutionParams, ledger: Ledger
) -> None:
    """The demonstration and the pairs of one task, with a verdict for each solution."""
    verdicts = {}
    for solution in mine:
        judged = solution.judged(trusted)
        failed = [test for test in judged if solution.outcomes[test] != "pass"]
        share = 1 - len(failed) / len(judged) if judged else None
        shown = next(iter(failed or [test for test in trusted if test not in judged]), None)
        outcome = "pass" if shown is None else solution.outcomes.get(shown, "refused")
        detail = "" if shown is None else f"{outcome}: {shown}"
        verdicts[solution.id] = ledger.verdict(solution.id, "sandbox", outcome, share, detail, task.id)
    prompt = [{"role": "user", "content": task.prompt}]
    shared = {"prompt": prompt, "domain": "code", "license": task.license, "engine": best.answer.engine,
              "simulated": best.answer.simulated, "verdicts": [verdicts[best.id]],
              "scores": [{"name": "tests", "value": float(len(trusted))}]}  # fmt: skip
    ledger.demonstrate(shared, best.answer.text.strip(), [task.id, best.answer.key])
    wrong = sorted(
        (s for s in mine if s.fails(trusted)),
        key=lambda s: (not any(s.outcomes.get(test) == "fail" for test in trusted), s.id),
    )
    for solution in wrong[: params.code_pairs]:
        judged = solution.judged(trusted)  # not empty: it has failed one
        share = sum(solution.outcomes[test] == "pass" for test in judged) / len(judged)
        ledger.prefer(shared, best.answer.text.strip(), solution.answer.text.strip(), 1 - share,
                      [task.id, best.answer.key, solution.answer.key], verdicts[solution.id])  # fmt: skip
