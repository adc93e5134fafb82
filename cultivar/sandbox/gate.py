"""The test gate: a test that the reference fails is dropped, and so is a pass that three runs do not repeat."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from .box import Sandbox
from .jobs import NO_VERDICT, Job, Verdict

RUNS = 3


@dataclass(frozen=True)
class Gated:
    """A reference job with the tests that hold, and why the others went; `job` is None where none is left.

    `unknown` are tests that the sandbox could not run: nothing is known of them, so they are not in `job` either.
    """

    job: Job | None
    dropped: dict[int, str]
    unknown: dict[int, str] = field(default_factory=dict)


def gate(box: Sandbox, references: Iterable[Job], runs: int = RUNS) -> dict[str, Gated]:
    """Run each reference solution `runs` times over its own tests (`io` and `verifier` are judged as one test)."""
    jobs = {job.id: job for job in references}
    seen: dict[str, list[Verdict]] = {key: [] for key in jobs}
    for turn in range(runs):
        for verdict in box.run([replace(job, turn=turn) for job in jobs.values()]):
            seen[verdict.id].append(verdict)
    return {key: hold(job, seen[key]) for key, job in jobs.items()}


def hold(job: Job, verdicts: list[Verdict]) -> Gated:
    """What is left of one job after its runs."""
    dropped, unknown = {}, {}
    whole = job.mode in ("io", "verifier")
    for index in range(1 if whole else len(verdicts[0].results)):
        found = sorted({v.outcome if whole else v.results[index] for v in verdicts})
        if set(found) & set(NO_VERDICT):
            unknown[index] = next(v.message for v in verdicts if {v.outcome, *v.results} & set(NO_VERDICT))
        elif found != ["pass"]:
            dropped[index] = "not the same in every run: " + ", ".join(found) if "pass" in found else found[0]
    gone = {*dropped, *unknown}
    name = {"call": "cases", "split": "tests", "assert": "tests"}.get(job.mode)
    if name is None:
        return Gated(None if gone else job, dropped, unknown)
    kept = [test for index, test in enumerate(getattr(job, name)) if index not in gone]
    changes: dict[str, Any] = {name: kept}
    return Gated(replace(job, **changes) if kept else None, dropped, unknown)
