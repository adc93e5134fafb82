"""Sending requests: what the store has is not sent, the budget is kept, and what comes back is stored and counted.

A request that fails for a reason of its own costs its own sample. Where the reason is transient, everything else is
sent and stored, and cultivar/llm/unanswered.py decides what becomes of the stage.
"""

import asyncio
from collections.abc import Callable, Collection, Container, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from cultivar.llm import event_loop as loop
from cultivar.llm.answer import Generation
from cultivar.llm.backend import AsyncBackend, Outcome, SyncBackend
from cultivar.llm.budget import Budget
from cultivar.llm.cache import AnswerCache
from cultivar.llm.characters import to_storable
from cultivar.llm.echoes import without_echoes
from cultivar.llm.request import MessageDict, Request
from cultivar.llm.unanswered import UnansweredRequests
from cultivar.outgoing.secret_values import secret_values
from schemas.stage import Unfinished

T = TypeVar("T")
Progress = Callable[[int, int, int], None]  # requests done, requests in all, tokens generated
FLUSH_CHECK_S = 0.5
SYNC_CHUNK = 2000  # requests that a SyncBackend gets at once


@dataclass
class Usage:
    """What an engine was asked and what that cost. Tokens are those of requests sent, not of cached answers."""

    requests: int = 0  # one per sample, retries of invalid answers included
    hits: int = 0  # requests that the store answered
    sent: int = 0  # requests that the backend answered or failed
    asked_again: int = 0  # requests whose structured answer was invalid
    prompt_tokens: int = 0  # a prompt that samples share counts once
    completion_tokens: int = 0
    errors: int = 0  # answers given up
    retries: int = 0  # of the connection to a server


class Sender:
    """Sends the requests of one role to its backend. `done` and `total` count requests, cached ones included; `more` follow."""

    def __init__(
        self,
        backend: SyncBackend | AsyncBackend,
        cache: AnswerCache,
        unanswered: UnansweredRequests,
        budget: Budget,
        progress: Progress | None = None,
    ) -> None:
        self.backend = backend
        self.cache = cache
        self.unanswered = unanswered
        self.budget = budget
        self.progress = progress
        self.usage = Usage()
        self.done = self.total = self.more = 0
        self.secrets = secret_values()

    def resolve(self, requests: Sequence[Request]) -> dict[bytes, Outcome]:
        """An outcome per distinct key of the requests: from the store where it is cached, else from the backend.

        Raises BudgetSpent at the cap and Unfinished where nothing more can be sent, after what was in flight has been
        stored.
        """
        unique = {request.key: request for request in requests}
        outcomes: dict[bytes, Outcome] = dict(self.cache.lookup(unique.values()))
        segments = self.cache.foreign_segments()
        missing = [request for key, request in unique.items() if key not in outcomes]
        self.count(unique.values(), outcomes)
        if missing:
            try:
                if isinstance(self.backend, AsyncBackend):
                    loop.wait(self.send_all(self.backend, missing, outcomes))
                else:
                    for chunk in chunks(missing, SYNC_CHUNK):
                        for part in self.within_budget(chunk):
                            outcomes |= self.record(part, self.backend.complete(part))
            finally:
                self.cache.flush()
            outcomes.update(self.cache.reconcile(missing, segments))
        return outcomes

    def count(self, requests: Collection[Request], cached: Container[bytes]) -> None:
        """Count requests, of which the store answers those with `cached` keys."""
        hits = self.unanswered.count(requests, cached)
        self.usage.requests += len(requests)
        self.usage.hits += hits
        self.total += len(requests)
        self.report_progress(hits)

    def within_budget(self, requests: Sequence[Request]) -> Iterator[Sequence[Request]]:
        """The requests in parts that the budget grants: all at once, or what is left of it. Raises BudgetSpent."""
        while requests:
            granted = self.budget.claim(requests)
            yield requests[:granted]
            requests = requests[granted:]

    def record(self, requests: Sequence[Request], outcomes: Sequence[Outcome]) -> dict[bytes, Outcome]:
        """Store the generations, count everything; the outcomes by key.

        What is no text is escaped (to_storable), and secrets that the server repeats are left out (without_echoes).
        """
        outcomes = [to_storable(without_echoes(outcome, self.secrets)) for outcome in outcomes]
        shared: list[MessageDict] | None = None
        for request, outcome in zip(requests, outcomes, strict=True):
            self.unanswered.record(request, outcome)
            if isinstance(outcome, Generation):
                self.cache.add(request, outcome)
                if request.messages is not shared:  # samples of one question share their prompt
                    self.usage.prompt_tokens += outcome.prompt_tokens
                    shared = request.messages
                self.usage.completion_tokens += outcome.completion_tokens
        self.budget.spend(requests, outcomes)
        self.usage.sent += len(requests)
        self.report_progress(len(requests))
        return {request.key: outcome for request, outcome in zip(requests, outcomes, strict=True)}

    def report_progress(self, done: int) -> None:
        """Count `done` more requests and show them."""
        self.done += done
        if self.progress is not None and done:
            self.progress(self.done, self.total + self.more, self.usage.completion_tokens)

    async def send_all(
        self, backend: AsyncBackend, requests: Sequence[Request], outcomes: dict[bytes, Outcome]
    ) -> None:
        """Send with a bounded number in flight (that many workers take groups from one iterator); fills `outcomes`.

        Raises Unfinished where a worker may send no more; any other error of a worker as it is, not in a group.
        """
        groups = group_samples(requests)
        stopped: list[Unfinished] = []

        async def worker() -> None:
            for group in groups:
                try:
                    for part in self.within_budget(group):
                        if stopped:  # what the other workers have in flight still comes in
                            return
                        outcomes.update(self.record(part, await backend.answer(part)))
                        self.unanswered.check_all_refused(part[0])
                except Unfinished as error:
                    stopped.append(error)
                if stopped:
                    return

        try:
            async with asyncio.TaskGroup() as tasks:
                flusher = tasks.create_task(self.flush_periodically())
                async with asyncio.TaskGroup() as workers:
                    for _ in range(min(backend.in_flight, len(requests))):
                        workers.create_task(worker())
                flusher.cancel()
        except BaseExceptionGroup as group:
            raise first_error(group) from group
        finally:
            self.usage.retries = backend.retries
        if stopped:
            raise self.unanswered.stopped_error(stopped[0])

    async def flush_periodically(self) -> None:
        """Publish answers that have waited long enough, also while nothing arrives."""
        while True:
            await asyncio.sleep(FLUSH_CHECK_S)
            self.cache.flush_due()


def first_error(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first error inside nested groups (a TaskGroup raises groups, callers expect single errors)."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def group_samples(requests: Sequence[Request]) -> Iterator[list[Request]]:
    """Runs of consecutive samples of one question, which a server answers for the price of one prompt."""
    group: list[Request] = []
    for request in requests:
        if group:
            last = group[-1]
            same_question = (
                request.messages is last.messages and request.config is last.config and request.seed == last.seed
            )
            if not (same_question and request.sample == last.sample + 1):
                yield group
                group = []
        group.append(request)
    if group:
        yield group
