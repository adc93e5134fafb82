"""The test gate: drops tests that the reference solution fails or that do not pass in every one of several runs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from .box import Sandbox
from .jobs import UNDECIDED, Job, Verdict

RUNS = 3


@dataclass(frozen=True)
class GateResult:
    """A reference job with the tests that remain; `job` is None where none does.

    dropped  {index of a test: why it was dropped}
    unknown  {index: message} of tests that the sandbox could not run or decide: they have no verdict and are not in `job` either
    """

    job: Job | None
    dropped: dict[int, str]
    unknown: dict[int, str] = field(default_factory=dict)


def gate(box: Sandbox, references: Iterable[Job], runs: int = RUNS) -> dict[str, GateResult]:
    """Run each reference solution `runs` times over its own tests (`io` and `verifier` are judged as one test)."""
    jobs = {job.id: job for job in references}
    verdicts: dict[str, list[Verdict]] = {key: [] for key in jobs}
    for turn in range(runs):
        for verdict in box.run([replace(job, turn=turn) for job in jobs.values()]):
            verdicts[verdict.id].append(verdict)
    return {key: select_tests(job, verdicts[key]) for key, job in jobs.items()}


def select_tests(job: Job, verdicts: list[Verdict]) -> GateResult:
    """The gate's result for one job after its runs."""
    dropped, unknown = {}, {}
    is_single = job.mode in ("io", "verifier")
    for index in range(1 if is_single else len(verdicts[0].results)):
        outcomes = sorted({v.outcome if is_single else v.results[index] for v in verdicts})
        if set(outcomes) & set(UNDECIDED):
            unknown[index] = next(v.message for v in verdicts if {v.outcome, *v.results} & set(UNDECIDED))
        elif outcomes != ["pass"]:
            dropped[index] = "not the same in every run: " + ", ".join(outcomes) if "pass" in outcomes else outcomes[0]
    removed = {*dropped, *unknown}
    name = {"call": "cases", "split": "tests", "assert": "tests"}.get(job.mode)
    if name is None:
        return GateResult(None if removed else job, dropped, unknown)
    remaining = [test for index, test in enumerate(getattr(job, name)) if index not in removed]
    changes: dict[str, Any] = {name: remaining}
    return GateResult(replace(job, **changes) if remaining else None, dropped, unknown)
