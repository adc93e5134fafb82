"""One call of `Sandbox.run`: which slot does what, what comes back, and what has to be run again."""

from __future__ import annotations

import os
import selectors
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from .inside.plain import PlainError
from .jobs import Job, Limits, Verdict
from .judge import first_bad, judge, payload, tests_of
from .resume import resume
from .slot import START_SECONDS, Ended, Slot, SlotFailed

ALONE = 16  # wall timeouts that may wait for their second run
SLEEPER = 0.05  # a run that used less of its wall time than this was asleep; more, and it was short of CPU
HANGING_S = 30.0  # after its wall limit in which a zygote still has to report


def ours(error: Exception) -> str:
    """An error of the supervisor in words."""
    return f"the supervisor failed on this job: {type(error).__name__}: {error}"


class Pool(Protocol):
    """What a round needs of the sandbox."""

    limits: Limits
    slots: int
    idle: deque[Slot]

    def new_slot(self) -> Slot: ...
    def verdict(self, running: Running, outcome: str, results: list[str], message: str) -> Verdict: ...


@dataclass
class Running:
    """A job and what is known of it so far."""

    job: Job
    limits: Limits
    deaths: int = 0
    results: list[str] = field(default_factory=list)
    message: str = ""
    cpu_s: float = 0.0
    wall_s: float = 0.0
    max_rss_mb: float = 0.0
    restarts: int = 0
    lost: int = 0
    again: bool = False


class Round:
    """One call of `run`: which slot does what, and what is still to come."""

    def __init__(self, box: Pool, jobs: Iterable[Job]) -> None:
        self.box = box
        self.jobs = iter(jobs)
        self.selector = selectors.DefaultSelector()
        self.busy: dict[Slot, Running | None] = {}  # None: starting
        self.waiting: deque[Running] = deque()
        self.alone: deque[Running] = deque()  # wall timeouts that may have been short of CPU: once more, by themselves
        self.exhausted = False

    def next(self) -> Running | None:
        if self.waiting:
            return self.waiting.popleft()
        if not self.exhausted:
            for job in self.jobs:
                return Running(job, job.limits or self.box.limits)
            self.exhausted = True
        return None

    def verdicts(self) -> Iterator[Verdict]:
        try:
            while True:
                yield from self.feed()
                if not self.busy and not self.waiting and self.exhausted and not self.alone:
                    return
                for key, _ in self.selector.select(HANGING_S):
                    yield from self.heard(key.data)
                yield from self.free_hanging()
        finally:
            for slot in self.busy:
                slot.close()
            self.selector.close()

    def feed(self) -> Iterator[Verdict]:
        """Give every free slot a job, start slots up to their number."""
        while len(self.busy) < self.box.slots:
            drained = not self.busy and (len(self.alone) >= ALONE or self.exhausted and not self.waiting)
            if drained and self.alone:
                running: Running | None = self.alone.popleft()
            elif len(self.alone) >= ALONE or any(r is not None and r.again for r in self.busy.values()):
                return
            else:
                running = self.next()
            if running is None:
                if self.alone and not self.busy:
                    continue
                return
            if self.box.idle:
                slot = self.box.idle.pop()
                self.busy[slot] = running
                self.selector.register(slot.control, selectors.EVENT_READ, slot)
                yield from self.send(slot, running)
                continue
            starting = sum(1 for r in self.busy.values() if r is None)
            self.waiting.appendleft(running)
            if starting:  # one at a time, so that a host that refuses is seen once
                return
            try:
                slot = self.box.new_slot()
            except SlotFailed as error:
                yield from self.broken(str(error))
                continue
            self.busy[slot] = None
            self.selector.register(slot.control, selectors.EVENT_READ, slot)

    def broken(self, reason: str) -> Iterator[Verdict]:
        """No zygote: the job at hand is a sandbox_error after three tries."""
        running = self.waiting.popleft()
        running.restarts += 1
        if running.restarts < 3:
            self.waiting.appendleft(running)
            return
        yield self.error(running, f"the zygote does not start: {reason}")

    def error(self, running: Running, message: str) -> Verdict:
        return self.box.verdict(running, "sandbox_error", ["sandbox_error"] * tests_of(running.job), message)

    def send(self, slot: Slot, running: Running) -> Iterator[Verdict]:
        try:
            main, solution, stdin = payload(running.job, len(running.results))
        except (PlainError, SyntaxError, ValueError, RecursionError, MemoryError) as error:
            self.release(slot)
            message = f"job {running.job.id}: {error}; give plain data, and tests that parse and run by themselves"
            yield self.box.verdict(running, "refused", ["refused"] * tests_of(running.job), message)
            return
        except Exception as error:
            self.release(slot)
            yield self.error(running, ours(error))
            return
        try:
            slot.started = time.monotonic()
            slot.send(main, running.limits, stdin, solution)
        except OSError:  # it was dead already, and says nothing about this job
            running.lost += 1
            yield from self.died(slot, running)
        except Exception as error:  # before anything was sent
            self.release(slot)
            yield self.error(running, ours(error))

    def release(self, slot: Slot) -> None:
        self.selector.unregister(slot.control)
        del self.busy[slot]
        self.box.idle.append(slot)

    def died(self, slot: Slot, running: Running) -> Iterator[Verdict]:
        self.selector.unregister(slot.control)
        del self.busy[slot]
        starved = slot.group is not None and slot.group.killed()
        slot.close()
        if starved:  # by this job: nothing else runs in the group
            said = "the memory of the run's control group was used up"
            yield self.box.verdict(running, "memory", ["memory"] * tests_of(running.job), said)
            return
        running.restarts += 1
        if running.restarts > 1 + min(running.lost, self.box.slots):
            yield self.error(running, "the zygote died twice under this job")
        else:
            self.waiting.appendleft(running)

    def free_hanging(self) -> Iterator[Verdict]:
        """End zygotes that say nothing long after they had to, which only a fault of the host can bring about."""
        now = time.monotonic()
        for slot, running in list(self.busy.items()):
            allowed = START_SECONDS if running is None else running.limits.wall_s + HANGING_S
            if now - slot.started < allowed:
                continue
            if running is not None:
                yield from self.died(slot, running)
                continue
            self.selector.unregister(slot.control)
            del self.busy[slot]
            slot.close()
            if self.waiting:
                yield from self.broken(f"not ready after {START_SECONDS:.0f} s")

    def heard(self, slot: Slot) -> Iterator[Verdict]:
        running = self.busy[slot]
        if running is None:
            self.selector.unregister(slot.control)
            del self.busy[slot]
            try:
                slot.hello()
            except SlotFailed as error:
                if self.waiting:
                    yield from self.broken(str(error))
                return
            self.box.idle.append(slot)
            return
        ended = slot.receive()
        if ended is None:
            yield from self.died(slot, running)
            return
        self.release(slot)
        try:
            found = self.finish(running, ended)
        except Exception as error:  # of this job alone: the others still get their verdicts
            found = self.error(running, ours(error))
        if found is not None:
            yield found

    def finish(self, running: Running, ended: Ended) -> Verdict | None:
        """The verdict of a job whose run has ended, None where it runs again."""
        finding = judge(running.job, running.limits, ended, len(running.results))
        running.cpu_s += ended.cpu_s
        running.wall_s += ended.wall_s
        running.max_rss_mb = max(running.max_rss_mb, ended.max_rss_mb)
        if ended.killed == 2 and self.starved(running, ended) and not running.again:
            running.again = True
            self.alone.append(running)
            return None
        running.message = running.message or finding.message
        more, running.deaths = resume(running.job, finding, running.results, running.deaths)
        if more:
            running.again = False  # the next input of a verifier has a second run of its own
            self.waiting.append(running)
            return None
        results = running.results + finding.results
        outcome = finding.outcome if not running.results else first_bad(results)
        return self.box.verdict(running, outcome, results, running.message)

    def starved(self, running: Running, ended: Ended) -> bool:
        """Whether a run out of wall time may have lacked a core rather than slept: it had some CPU time, it did not even
        begin, or more processes than ours compete for the cores.
        """
        crowded = os.getloadavg()[0] > self.box.slots + len(os.sched_getaffinity(0))
        busy = not ended.began or ended.cpu_s > SLEEPER * ended.wall_s
        return ended.cpu_s < running.limits.cpu_s / 2 and (busy or crowded)
