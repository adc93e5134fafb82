"""Cached verdicts: a sandbox that runs only what it has not judged before.

A verdict is cached under its job's content and the place where it ran (Sandbox.key), so a changed verification function
runs again for the rows that it judges and for no others. A stage that runs the same job several times, to see whether it
is deterministic, wants every run: the first, second, … run of a job are cached separately.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

import orjson

from cultivar.sandbox import Job, Sandbox, Verdict
from cultivar.store.memo import cached_rows, work_key
from cultivar.store.store import Store
from schemas.stage import Unfinished

KIND = "verdicts"
AT_ONCE = 4096
"""Jobs looked up together."""
TRANSIENT = {"sandbox_error", "timeout_wall"}
"""Outcomes that depend on the state of the machine, so that such a job is run a second time."""


class CachedSandbox:
    """A Sandbox that judges no job twice. `requests` counts its jobs, `hits` those that were cached; `seen` are the keys of
    all of them.

    Jobs whose keys are in `recheck` are run although they are cached; `rechecked` maps each such key to whether the new
    verdict equals the cached one. With `strict`, jobs without a verdict because the sandbox failed (`sandbox_error`) fail
    the stage, once everything else is judged.

    A job with a transient outcome is run once more. If `timeout_wall` is its outcome then too, that is its verdict, which
    is not cached, so that another run of the stage runs the job again.
    """

    def __init__(self, sandbox: Sandbox, store: Store, recheck: Collection[bytes] = (), strict: bool = True) -> None:
        self.sandbox, self.store, self.recheck, self.strict = sandbox, store, recheck, strict
        self.unjudged: list[Verdict] = []
        self.seen: set[bytes] = set()
        self.rechecked: dict[bytes, bool] = {}
        self.runs: Counter[bytes] = Counter()
        self.requests = self.hits = 0

    def __enter__(self) -> "CachedSandbox":
        self.sandbox.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self.sandbox.__exit__(*error)

    @property
    def backend(self) -> str:
        """The isolation that the programs run in (Sandbox.backend)."""
        return self.sandbox.backend

    def key(self, job: Job) -> bytes:
        """Identity of the next run of a job: 16 bytes over its content and the number of its runs so far."""
        content = self.sandbox.key(job)
        self.runs[content] += 1
        return work_key(content.hex(), self.runs[content])

    def run(self, jobs: Iterable[Job]) -> Iterator[Verdict]:
        """One verdict per job, in order, from the cache or from a run. Only verdicts with `is_cacheable` are stored.

        Raises Unfinished after the last one where jobs have none because the sandbox failed.
        """
        waiting = iter(jobs)
        while batch := list(islice(waiting, AT_ONCE)):
            yield from self.judge_batch(batch)
        self.settle()

    def settle(self) -> None:
        """Raise Unfinished where the sandbox failed on some jobs: a table without their verdicts must not be recorded."""
        if self.strict and self.unjudged:
            first = self.unjudged[0]
            raise Unfinished(
                f"sandbox: {len(self.unjudged):,} of {self.requests:,} programs have no verdict because the sandbox failed, "
                f"the first: {first.id}: {first.message}; the other verdicts are kept, run `dvc repro` again"
            )

    def judge_batch(self, jobs: list[Job]) -> Iterator[Verdict]:
        """The verdicts of some jobs, in order."""
        keys = [self.key(job) for job in jobs]
        transient: dict[int, Verdict] = {}

        def compute(places: list[int]) -> Iterator[list[tuple[int, dict[str, Any] | None]]]:
            waiting = places
            for is_retry in (False, True):
                batch, waiting = waiting, []
                for verdict in self.sandbox.run([replace(jobs[place], id=str(place)) for place in batch]):
                    place, outcomes = int(verdict.id), {verdict.outcome, *verdict.results}
                    if verdict.is_cacheable:
                        yield [(place, as_row(verdict))]
                    elif not is_retry and outcomes & TRANSIENT:
                        waiting.append(place)
                    else:
                        transient[place] = verdict
                        if "sandbox_error" in outcomes:
                            self.unjudged.append(replace(verdict, id=jobs[place].id))
                        yield [(place, None)]

        rows, hits = cached_rows(self.store, KIND, keys, compute)
        self.requests += len(jobs)
        self.hits += hits
        self.seen.update(keys)
        self.recheck_cached(jobs, keys, rows)
        for place, (job, row) in enumerate(zip(jobs, rows, strict=True)):
            if row is None:
                yield replace(transient[place], id=job.id)
            else:
                yield Verdict.from_record(orjson.loads(row["verdict"]), job.id)

    def recheck_cached(self, jobs: list[Job], keys: list[bytes], rows: list[dict[str, Any] | None]) -> None:
        """Run the jobs of `recheck`, compare with their cached verdicts, and put the new verdicts in their place."""
        places = [place for place, key in enumerate(keys) if key in self.recheck and rows[place] is not None]
        for verdict in self.sandbox.run([replace(jobs[place], id=str(place)) for place in places]):
            place = int(verdict.id)
            row = rows[place]
            assert row is not None
            if not verdict.is_cacheable:  # a transient outcome does not contradict the cached verdict
                continue
            cached = Verdict.from_record(orjson.loads(row["verdict"]), verdict.id)
            self.rechecked[keys[place]] = (cached.outcome, cached.results) == (verdict.outcome, verdict.results)
            rows[place] = as_row(verdict)


def as_row(verdict: Verdict) -> dict[str, Any]:
    """A verdict as the store keeps it, times included."""
    return {"verdict": orjson.dumps(verdict.record(timing=True)).decode()}
