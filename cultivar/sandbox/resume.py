"""A verifier whose process ended at input k goes on in a new one: at k, if earlier inputs had used up its time."""

from __future__ import annotations

from .jobs import Job
from .judge import Finding

MAX_DEATHS = 8  # of one verifier; what is left then gets the last outcome


def resume(job: Job, finding: Finding, results: list[str], deaths: int) -> tuple[bool, int]:
    """(whether there is more to run, deaths so far). Moves what is settled from the finding into `results`.

    The next run starts at input len(results).
    """
    start, at = len(results), finding.died_at
    if job.mode != "verifier" or at is None or deaths >= MAX_DEATHS:
        return False, deaths
    settled = at - start
    if settled == 0:  # it had its full time for this one
        settled, deaths = 1, deaths + 1
    results += finding.results[:settled]
    del finding.results[:settled]
    return len(results) < len(job.inputs), deaths
