"""Scheduling of one call of `Sandbox.run`: assigns jobs to slots, collects verdicts, repeats runs where needed."""

from __future__ import annotations

import os
import selectors
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from .jobs import Job, Limits, Verdict
from .judge import count_tests, first_failure, job_payload, judge_run
from .resume import resume_verifier
from .slot import START_SECONDS, RunEnd, Slot, SlotFailed

MAX_QUEUED_RETRIES = 16  # wall timeouts that may wait for their retry
SLEEPING_SHARE = 0.05  # CPU share of its wall time below which a run was asleep; above, it may have been short of CPU
HANG_GRACE_S = 30.0  # after its wall limit within which a zygote has to report


def describe_fault(error: Exception) -> str:
    """The message for an error of the supervisor itself."""
    return f"the supervisor failed on this job: {type(error).__name__}: {error}"


class Pool(Protocol):
    """What the scheduler needs from the sandbox."""

    limits: Limits
    slots: int
    packages: tuple[str, ...]
    idle: deque[Slot]

    def new_slot(self) -> Slot: ...
    def build_verdict(self, state: JobState, outcome: str, results: list[str], message: str) -> Verdict: ...


@dataclass
class JobState:
    """A job with the results and resource use of its runs so far."""

    job: Job
    limits: Limits
    aborts: int = 0  # inputs of a verifier at which its process ended
    results: list[str] = field(default_factory=list)
    message: str = ""
    cpu_s: float = 0.0
    wall_s: float = 0.0
    max_rss_mb: float = 0.0
    restarts: int = 0  # after a zygote died or did not start
    dead_slots: int = 0  # slots that were dead before the job was sent
    is_retry: bool = False  # of a wall timeout


class Scheduler:
    """The jobs of one call of `run`: waiting, running, or queued for a retry."""

    def __init__(self, box: Pool, jobs: Iterable[Job]) -> None:
        self.box = box
        self.jobs = iter(jobs)
        self.selector = selectors.DefaultSelector()
        self.busy: dict[Slot, JobState | None] = {}  # None: starting
        self.waiting: deque[JobState] = deque()
        self.retries: deque[JobState] = deque()  # wall timeouts that may have been short of CPU: run again alone
        self.exhausted = False

    def next_job(self) -> JobState | None:
        """The next job that waits or is new, None where there is none."""
        if self.waiting:
            return self.waiting.popleft()
        if not self.exhausted:
            for job in self.jobs:
                return JobState(job, job.limits or self.box.limits)
            self.exhausted = True
        return None

    def verdicts(self) -> Iterator[Verdict]:
        """One verdict per job, as each finishes."""
        try:
            while True:
                yield from self.fill_slots()
                if not self.busy and not self.waiting and self.exhausted and not self.retries:
                    return
                for key, _ in self.selector.select(HANG_GRACE_S):
                    yield from self.read_slot(key.data)
                yield from self.end_hanging()
        finally:
            for slot in self.busy:
                slot.close()
            self.selector.close()

    def fill_slots(self) -> Iterator[Verdict]:
        """Give every free slot a job; start slots up to their number."""
        while len(self.busy) < self.box.slots:
            is_drained = not self.busy and (
                len(self.retries) >= MAX_QUEUED_RETRIES or self.exhausted and not self.waiting
            )
            if is_drained and self.retries:
                state: JobState | None = self.retries.popleft()
            elif len(self.retries) >= MAX_QUEUED_RETRIES or any(
                r is not None and r.is_retry for r in self.busy.values()
            ):
                return
            else:
                state = self.next_job()
            if state is None:
                if self.retries and not self.busy:
                    continue
                return
            if self.box.idle:
                slot = self.box.idle.pop()
                self.busy[slot] = state
                self.selector.register(slot.control, selectors.EVENT_READ, slot)
                yield from self.send(slot, state)
                continue
            starting = sum(1 for r in self.busy.values() if r is None)
            self.waiting.appendleft(state)
            if starting:  # one at a time, so that a refusing host fails once
                return
            try:
                slot = self.box.new_slot()
            except SlotFailed as error:
                yield from self.handle_start_failure(str(error))
                continue
            self.busy[slot] = None
            self.selector.register(slot.control, selectors.EVENT_READ, slot)

    def handle_start_failure(self, reason: str) -> Iterator[Verdict]:
        """A zygote did not start: the first waiting job becomes a sandbox_error after three tries."""
        state = self.waiting.popleft()
        state.restarts += 1
        if state.restarts < 3:
            self.waiting.appendleft(state)
            return
        yield self.sandbox_error(state, f"the zygote does not start: {reason}")

    def sandbox_error(self, state: JobState, message: str) -> Verdict:
        return self.box.build_verdict(state, "sandbox_error", ["sandbox_error"] * count_tests(state.job), message)

    def send(self, slot: Slot, state: JobState) -> Iterator[Verdict]:
        """Start a run of a job; its verdict at once where the job cannot be sent."""
        try:
            main, solution, stdin = job_payload(state.job, len(state.results))
        except (ValueError, RecursionError) as error:  # PlainError and Unreadable are ValueErrors
            self.release(slot)
            message = f"job {state.job.id}: {error}; give plain data, and tests that parse and run by themselves"
            yield self.box.build_verdict(state, "refused", ["refused"] * count_tests(state.job), message)
            return
        except Exception as error:
            self.release(slot)
            yield self.sandbox_error(state, describe_fault(error))
            return
        try:
            slot.started = time.monotonic()
            slot.send(main, state.limits, stdin, solution)
        except OSError:  # the zygote was dead already, not because of this job
            state.dead_slots += 1
            yield from self.handle_dead_zygote(slot, state)
        except Exception as error:  # before anything was sent
            self.release(slot)
            yield self.sandbox_error(state, describe_fault(error))

    def release(self, slot: Slot) -> None:
        self.selector.unregister(slot.control)
        del self.busy[slot]
        self.box.idle.append(slot)

    def handle_dead_zygote(self, slot: Slot, state: JobState) -> Iterator[Verdict]:
        """Close the slot; queue its job again, or give its verdict where the job has ended two zygotes."""
        self.selector.unregister(slot.control)
        del self.busy[slot]
        out_of_memory = slot.group is not None and slot.group.had_oom_kill()
        slot.close()
        if out_of_memory:  # by this job: nothing else runs in the group
            message = "the memory of the run's control group was used up"
            yield self.box.build_verdict(state, "memory", ["memory"] * count_tests(state.job), message)
            return
        state.restarts += 1
        if state.restarts > 1 + min(state.dead_slots, self.box.slots):
            yield self.sandbox_error(state, "the zygote died twice under this job")
        else:
            self.waiting.appendleft(state)

    def end_hanging(self) -> Iterator[Verdict]:
        """End zygotes that are far overdue, which only a fault of the host can cause."""
        now = time.monotonic()
        for slot, state in list(self.busy.items()):
            allowed = START_SECONDS if state is None else state.limits.wall_s + HANG_GRACE_S
            if now - slot.started < allowed:
                continue
            if state is not None:
                yield from self.handle_dead_zygote(slot, state)
                continue
            self.selector.unregister(slot.control)
            del self.busy[slot]
            slot.close()
            if self.waiting:
                yield from self.handle_start_failure(f"not ready after {START_SECONDS:.0f} s")

    def read_slot(self, slot: Slot) -> Iterator[Verdict]:
        """Handle what a slot has sent: that it is ready, or the end of its run."""
        state = self.busy[slot]
        if state is None:
            self.selector.unregister(slot.control)
            del self.busy[slot]
            try:
                slot.receive_ready()
            except SlotFailed as error:
                if self.waiting:
                    yield from self.handle_start_failure(str(error))
                return
            self.box.idle.append(slot)
            return
        end = slot.receive()
        if end is None:
            yield from self.handle_dead_zygote(slot, state)
            return
        self.release(slot)
        try:
            verdict = self.finish(state, end)
        except Exception as error:  # affects this job only: the others still get their verdicts
            verdict = self.sandbox_error(state, describe_fault(error))
        if verdict is not None:
            yield verdict

    def finish(self, state: JobState, end: RunEnd) -> Verdict | None:
        """The verdict of a job whose run has ended, None where the job runs again."""
        result = judge_run(state.job, state.limits, end, len(state.results), self.box.packages)
        state.cpu_s += end.cpu_s
        state.wall_s += end.wall_s
        state.max_rss_mb = max(state.max_rss_mb, end.max_rss_mb)
        if end.kill_reason == 2 and self.may_lack_cpu(state, end) and not state.is_retry:
            state.is_retry = True
            self.retries.append(state)
            return None
        state.message = state.message or result.message
        more, state.aborts = resume_verifier(state.job, result, state.results, state.aborts)
        if more:
            state.is_retry = False  # the next input of a verifier may be retried too
            self.waiting.append(state)
            return None
        results = state.results + result.results
        outcome = result.outcome if not state.results else first_failure(results)
        return self.box.build_verdict(state, outcome, results, state.message)

    def may_lack_cpu(self, state: JobState, end: RunEnd) -> bool:
        """Whether a wall timeout may be due to a lack of CPU rather than to sleeping: the run had some CPU time, did not
        even start, or other processes compete for the cores.
        """
        crowded = os.getloadavg()[0] > self.box.slots + len(os.sched_getaffinity(0))
        busy = not end.has_started or end.cpu_s > SLEEPING_SHARE * end.wall_s
        return end.cpu_s < state.limits.cpu_s / 2 and (busy or crowded)
