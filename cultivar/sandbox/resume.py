"""A verifier whose process ended at input k continues in a new one: at k again if earlier inputs ran in the same process
(they may have used up its time), otherwise at k + 1.
"""

from __future__ import annotations

from .jobs import Job
from .judge import RunResult

MAX_ABORTS = 8  # of one verifier; the remaining inputs then get the last outcome


def resume_verifier(job: Job, result: RunResult, results: list[str], aborts: int) -> tuple[bool, int]:
    """(whether there is more to run, inputs so far at which a process ended). Moves the decided results from `result` to
    `results`.

    The next run starts at input len(results).
    """
    start, ended_at = len(results), result.ended_at
    if job.mode != "verifier" or ended_at is None or aborts >= MAX_ABORTS:
        return False, aborts
    decided = ended_at - start
    if decided == 0:  # the process had its full time for this input
        decided, aborts = 1, aborts + 1
    results += result.results[:decided]
    del result.results[:decided]
    return len(results) < len(job.inputs), aborts
