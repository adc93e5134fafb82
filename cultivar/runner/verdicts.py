"""Verdicts remembered: a sandbox that runs only what it has not judged before.

A verdict is known by its job's content and by the place where it ran (Sandbox.key), so a changed verification function
runs again for the rows it judges and for no others. A stage that runs the same job several times, to see whether it is
steady, means every run: the first, second, … time of a job are remembered apart.
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


class CachedSandbox:
    """A Sandbox that judges no job twice. `requests` jobs were put to it, `hits` of them were cached (`seen`: their keys).

    Jobs in `forgotten` are run although they are known; `fresh` says of each whether it came to the same. With `strict` a
    sandbox that fails (`sandbox_error`: no verdict of the program) fails the stage, once everything else is judged.

    Both that and `timeout_wall` hang on the hour, so such a job is run once more. A program that waits too long the second
    time as well is taken at that: it has its verdict, which is not kept, so that another run of the stage asks again.
    """

    def __init__(self, sandbox: Sandbox, store: Store, forgotten: Collection[bytes] = (), strict: bool = True) -> None:
        self.sandbox, self.store, self.forgotten, self.strict = sandbox, store, forgotten, strict
        self.unjudged: list[Verdict] = []
        self.seen: set[bytes] = set()
        self.fresh: dict[bytes, bool] = {}
        self.times: Counter[bytes] = Counter()
        self.requests = self.hits = 0

    def __enter__(self) -> "CachedSandbox":
        self.sandbox.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self.sandbox.__exit__(*error)

    @property
    def backend(self) -> str:
        """What the programs run in (Sandbox.backend)."""
        return self.sandbox.backend

    def key(self, job: Job) -> bytes:
        """Identity of the next run of a job."""
        content = self.sandbox.key(job)
        self.times[content] += 1
        return work_key(content.hex(), self.times[content])

    def run(self, jobs: Iterable[Job]) -> Iterator[Verdict]:
        """One verdict per job, remembered or fresh. Only verdicts that would come again (`lasting`) are kept.

        Raises Unfinished after the last one where jobs have none because the sandbox failed.
        """
        waiting = iter(jobs)
        while some := list(islice(waiting, AT_ONCE)):
            yield from self.judged(some)
        self.settle()

    def settle(self) -> None:
        """Raise Unfinished where the sandbox failed on some jobs: a table without their verdicts is not to be recorded."""
        if self.strict and self.unjudged:
            first = self.unjudged[0]
            raise Unfinished(
                f"sandbox: {len(self.unjudged):,} of {self.requests:,} programs have no verdict because the sandbox failed, "
                f"the first: {first.id}: {first.message}; the other verdicts are kept, run `dvc repro` again"
            )

    def judged(self, jobs: list[Job]) -> Iterator[Verdict]:
        keys = [self.key(job) for job in jobs]
        passing: dict[int, Verdict] = {}

        def compute(places: list[int]) -> Iterator[list[tuple[int, dict[str, Any] | None]]]:
            waiting = places
            for last in (False, True):
                some, waiting = waiting, []
                for verdict in self.sandbox.run([replace(jobs[place], id=str(place)) for place in some]):
                    place, said = int(verdict.id), {verdict.outcome, *verdict.results}
                    if verdict.lasting:
                        yield [(place, {"verdict": orjson.dumps(verdict.record(timing=True)).decode()})]
                    elif not last and said & {"sandbox_error", "timeout_wall"}:
                        waiting.append(place)
                    else:
                        passing[place] = verdict
                        if "sandbox_error" in said:
                            self.unjudged.append(replace(verdict, id=jobs[place].id))
                        yield [(place, None)]

        rows, known = cached_rows(self.store, KIND, keys, compute)
        self.requests += len(jobs)
        self.hits += known
        self.seen.update(keys)
        self.try_again(jobs, keys, rows)
        for place, (job, row) in enumerate(zip(jobs, rows, strict=True)):
            if row is None:
                yield replace(passing[place], id=job.id)
            else:
                yield Verdict.of_record(orjson.loads(row["verdict"]), job.id)

    def try_again(self, jobs: list[Job], keys: list[bytes], rows: list[dict[str, Any] | None]) -> None:
        """Run what is to be forgotten, compare with what was remembered, and put the new verdicts in its place."""
        places = [place for place, key in enumerate(keys) if key in self.forgotten and rows[place] is not None]
        for verdict in self.sandbox.run([replace(jobs[place], id=str(place)) for place in places]):
            place = int(verdict.id)
            row = rows[place]
            assert row is not None
            if not verdict.lasting:  # says nothing against what was remembered
                continue
            before = Verdict.of_record(orjson.loads(row["verdict"]), verdict.id)
            self.fresh[keys[place]] = (before.outcome, before.results) == (verdict.outcome, verdict.results)
            rows[place] = {"verdict": orjson.dumps(verdict.record(timing=True)).decode()}
