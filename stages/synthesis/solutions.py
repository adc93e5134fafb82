"""Code by execution feedback: solutions against tests, both sampled, in the sandbox (docs/methods.md, section 5.2).

Solutions and test sets are sampled independently; the source's own solution is one more (engine `source`), never a
rejected one and no sample. Tests of the source decide where there are any; otherwise samples that pass the same tests form
a group, and the tests of the group with the largest (samples x tests passed) are trusted (dual execution agreement of
CodeT, Chen et al. 2023: stages/synthesis/consensus.py).
"""

from dataclasses import replace

from pydantic import BaseModel

from cultivar.grading.code import find_program
from cultivar.grading.code_tests import read_tests
from cultivar.grading.pairs import pairs
from cultivar.llm.answer import source_answer
from cultivar.llm.prompt import Prompt
from cultivar.llm.request import Question
from cultivar.sandbox import Job, Limits, gate, job_from_asserts
from schemas.ids import content_id, seed_of
from schemas.products import Admission, Sampled, demonstration_row, message, preference_row
from schemas.rows import SOURCE, CodeTask
from stages.synthesis.consensus import Solution, Trusted, trust
from stages.synthesis.params import ExecutionParams
from stages.synthesis.programs import assert_key, syntax_key
from stages.synthesis.workbench import Workbench


class TestCases(BaseModel):
    """Tests of one set."""

    __test__ = False
    tests: list[str]


def code_feedback(tasks: list[CodeTask], bench: Workbench) -> None:
    """D and P rows of every task, with verdicts, into the ledger; tasks without a demonstration are dropped."""
    solutions = sample_solutions(tasks, bench)
    tests = gather_tests(tasks, bench)
    drop_wrong_tests(tasks, tests, bench)
    run_matrix(solutions, tests, bench)
    winners = []
    for task in tasks:
        own = solutions[task.id]
        gold = [test for test in tests[task.id] if test in task.tests]
        trusted = trust(own, gold, tests[task.id], bench.params)
        best = min(trusted.solutions, key=lambda solution: (len(solution.code), solution.id), default=None)
        if best is None or not trusted.tests:
            bench.ledger.drop(task.id, why_none(own, tests[task.id]))
        else:
            winners.append((best, trusted))
    unsteady = rerun([(best, trusted.tests) for best, trusted in winners], bench)
    for best, trusted in winners:
        if best.id in unsteady:
            bench.ledger.drop(best.task.id, unsteady[best.id])
        else:
            admit_solutions(best, solutions[best.task.id], trusted, bench)


def why_none(own: list[Solution], tests: list[str]) -> str:
    """Why a task has no demonstration: a sandbox without verdict is told from solutions that fail."""
    if not own:
        return "no usable solution"
    if any(solution.decided(tests) != tests and not solution.fails(tests) for solution in own):
        return "the sandbox gave no verdict on a solution that failed no test"
    return "no solution passes tests that can be trusted"


def sample_solutions(tasks: list[CodeTask], bench: Workbench) -> dict[str, list[Solution]]:
    """Distinct solutions (by syntax tree) that parse and define the entry point, with how often they were sampled."""
    prompt = Prompt("execution/solution", "task", "entry_point", "tests")
    questions = [
        Question(
            prompt.messages(task=task.prompt, entry_point=task.entry_point, tests="\n".join(task.tests)),
            n=bench.params.solutions,
            seed=seed_of(task.id, "solution"),
        )
        for task in tasks
    ]
    found: dict[str, list[Solution]] = {}
    for task, answers in zip(tasks, bench.teacher.ask(questions), strict=True):
        kept: dict[str, Solution] = {}
        gold = [source_answer(task.id, f"```python\n{task.solution}\n```")] if task.solution else []
        for answer in [*gold, *answers]:
            if not answer.ok:
                bench.ledger.fail(answer, task.id)
                continue
            row_id = content_id("solution", answer.key, [task.id])
            code = find_program(answer.text, task.entry_point, task.prompt, [task.setup, *task.tests])
            if code is None:
                bench.ledger.drop(row_id, "no code that parses and defines the entry point", task.id)
            else:
                solution = kept.setdefault(syntax_key(code), Solution(task, answer, row_id, code))
                solution.samples += answer.engine != SOURCE
        found[task.id] = list(kept.values())
    return found


def gather_tests(tasks: list[CodeTask], bench: Workbench) -> dict[str, list[str]]:
    """Per task the source's tests; where it has none, those of the sampled sets, each once however it is written."""
    untested = [task for task in tasks if not task.tests]
    prompt = Prompt("execution/tests", "task", "entry_point", "tests")
    questions = [
        Question(
            prompt.messages(task=task.prompt, entry_point=task.entry_point, tests=""),
            TestCases,
            n=bench.params.test_sets,
            seed=seed_of(task.id, "tests"),
        )
        for task in untested
    ]
    tests = {task.id: list(dict.fromkeys(task.tests)) for task in tasks}
    for task, answers in zip(untested, bench.teacher.ask(questions), strict=True):
        sampled: dict[str, str] = {}  # by what it asserts
        for answer in answers:
            if isinstance(answer.value, TestCases):
                for each in (each for test in answer.value.tests for each in read_tests(test, task.entry_point)):
                    sampled.setdefault(assert_key(each), each)
            else:
                bench.ledger.fail(answer, task.id)
        tests[task.id] = list(sampled.values())
    return tests


def job(name: str, solution: Solution, test: str, params: ExecutionParams) -> Job:
    one = job_from_asserts(name, solution.code, [test], solution.task.entry_point, solution.task.setup)
    return replace(one, limits=Limits(cpu_s=params.cpu_s))


def drop_wrong_tests(tasks: list[CodeTask], tests: dict[str, list[str]], bench: Workbench) -> None:
    """The test gate: where the source brings a reference solution, a test that this does not pass is removed.

    A test that the sandbox could not run or decide on the reference stays: there is no evidence against it.
    """
    places = {
        f"{task.id}/{number}": (task, test, job_from_asserts("", reference, [test], task.entry_point, task.setup))
        for task in tasks
        if (reference := reference_program(task))
        for number, test in enumerate(tests[task.id])
        if test in task.tests
    }
    limits = Limits(cpu_s=bench.params.cpu_s)
    references = (replace(one, id=name, limits=limits) for name, (_, _, one) in places.items())
    unknown = set()
    for name, found in gate(bench.sandbox, references, bench.params.reruns).items():
        task, test, _ = places[name]
        if found.dropped:
            tests[task.id].remove(test)
        elif found.unknown:
            unknown.add(task.id)
    if unknown:
        bench.undecided["references"] += len(unknown)


def reference_program(task: CodeTask) -> str | None:
    """The source's solution as a program: it may be a body behind the prompt's signature, as HumanEval's are."""
    if not task.solution:
        return None
    return find_program(task.solution, task.entry_point, task.prompt, [task.setup, *task.tests]) or task.solution


def run_matrix(solutions: dict[str, list[Solution]], tests: dict[str, list[str]], bench: Workbench) -> None:
    """Run every solution of a task on every test of it; outcomes are noted on the solutions."""
    places = {
        f"{solution.id}/{number}": (solution, test)
        for own in solutions.values()
        for solution in own
        for number, test in enumerate(tests[solution.task.id])
    }
    jobs = (job(name, solution, test, bench.params) for name, (solution, test) in places.items())
    for verdict in bench.sandbox.run(jobs):
        solution, test = places[verdict.id]
        solution.outcomes[test] = verdict.outcome
    judged = [(solution, tests[solution.task.id]) for own in solutions.values() for solution in own]
    if unknown := sum(one.decided(own) != own and not one.fails(own) for one, own in judged):
        bench.undecided["solutions"] += unknown


def rerun(winners: list[tuple[Solution, list[str]]], bench: Workbench) -> dict[str, str]:
    """{id: why} of solutions that are not seen to pass their tests every time.

    The test gate again, with the solution as its own reference.
    """
    places = {
        f"{solution.id}/{number}": (solution, test)
        for solution, trusted in winners
        for number, test in enumerate(trusted)
    }
    jobs = (job(name, solution, test, bench.params) for name, (solution, test) in places.items())
    unsteady = {}
    for name, found in gate(bench.sandbox, jobs, bench.params.reruns).items():
        if found.dropped:
            unsteady[places[name][0].id] = "the best solution is not deterministic"
        elif found.unknown:
            unsteady.setdefault(places[name][0].id, "the sandbox gave no verdict when the best solution ran again")
    return unsteady


def admit_solutions(best: Solution, solutions: list[Solution], trusted: Trusted, bench: Workbench) -> None:
    """The demonstration and the pairs of one task, with a verdict for each solution."""
    task, ledger, tests = best.task, bench.ledger, trusted.tests
    verdicts = {solution.id: verdict_of(solution, tests, bench) for solution in solutions}
    judged = [solution for solution in solutions if solution.passes(tests) or solution.fails(tests)]
    samples = sum(solution.samples for solution in judged)
    right = sum(solution.samples for solution in judged if solution.passes(tests))
    admission = Admission(
        prompt=[message("user", task.prompt)],
        domain="code",
        strategy="execution",
        label_source="verifier",
        quality=trusted.share,
        license=task.license,
        source=task.source,
        engine=best.answer.engine,
        simulated=best.answer.simulated,
        verdicts=[verdicts[best.id]],
        scores={"tests": len(tests)},
        sampled=Sampled(samples=samples, pass_rate=right / samples, votes=right) if samples else None,
    )
    chosen = best.answer.text.strip()
    ledger.demonstrate(demonstration_row(admission, chosen, [task.id, best.answer.key]))
    wrong = sorted(
        (solution for solution in solutions if solution.fails(tests) and solution.answer.engine != SOURCE),
        key=lambda s: (not any(s.outcomes.get(test) == "fail" for test in tests), s.id),
    )
    sides = [best, *wrong]
    shares = [solution.share(tests) for solution in sides]
    for _, other in pairs(
        [side.answer.text.strip() for side in sides],
        [shares],
        "verifier",
        verdicts=[True, *(False for _ in wrong)],
        keys=[syntax_key(side.code) for side in sides],
        limit=bench.params.code_pairs,
    ):
        rejected = sides[other]
        ledger.prefer(
            preference_row(
                admission,
                chosen,
                rejected.answer.text.strip(),
                shares[0] - shares[other],
                [task.id, best.answer.key, rejected.answer.key],
                rejected_by=[verdicts[rejected.id]],
                rejected_simulated=rejected.answer.simulated,
            )
        )


def verdict_of(solution: Solution, tests: list[str], bench: Workbench) -> str:
    """Note the verdict on a solution by the trusted tests, with the first that it fails; the verdict's id."""
    decided = solution.decided(tests)
    undecided = [test for test in tests if test not in decided]
    shown = next((test for test in [*decided, *undecided] if solution.outcomes.get(test) != "pass"), None)
    outcome = "pass" if shown is None else solution.outcomes.get(shown, "refused")
    return bench.ledger.verdict(
        solution.id,
        "sandbox",
        outcome,
        score=solution.share(tests) if decided else None,
        detail="" if shown is None else f"{outcome}: {shown}",
        parents=[solution.task.id],
    )
