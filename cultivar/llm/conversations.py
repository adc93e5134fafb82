"""Conversations: an asynchronous function of one row that may ask several times (evolve, critique, role-play).

Questions that rows ask at the same moment are looked up in the store together, and each request is sent at most once
however many rows ask it. Where another process published an answer to the same request before this one did, the rows
run again from the store, so that their result is the one a rebuild will give.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from cultivar.llm.answer import Answer
from cultivar.llm.backend import AsyncBackend, Outcome
from cultivar.llm.echoes import to_quarantine
from cultivar.llm.questions import Ask, Questions, is_invalid, merge_retry, retry_request
from cultivar.llm.request import Question, Request
from cultivar.llm.sending import Sender, group_samples
from cultivar.llm.structured import Unparsable
from cultivar.outgoing.redaction import redacted
from schemas.stage import Unfinished

Row = TypeVar("Row")
T = TypeVar("T")
MAX_ROWS_AT_ONCE = 2048


@dataclass(frozen=True)
class Failure:
    """A row whose conversation could not be read, and why."""

    error: str


class RowUnanswered(Exception):
    """A request of this row has no answer for a transient reason: the row stops here, the others go on."""


class Conversations:
    """One run of `Engine.map`. Lives on the event loop."""

    def __init__(self, questions: Questions, sender: Sender) -> None:
        self.questions = questions
        self.sender = sender
        self.pending: dict[bytes, tuple[Request, asyncio.Future[Outcome]]] = {}
        self.queue: list[Request] = []
        self.tasks: set[asyncio.Task[None]] = set()
        self.counted: set[bytes] = set()
        self.received: dict[bytes, tuple[Request, Outcome]] = {}
        self.error: Exception | None = None  # why nothing more is sent
        backend = sender.backend
        self.slots = asyncio.Semaphore(backend.in_flight) if isinstance(backend, AsyncBackend) else None

    async def run(self, turn: Callable[[Row, Ask], Awaitable[T]], rows: Sequence[Row]) -> list[T | Failure]:
        """The result of every row, in order. Raises the error that stopped it, once what was in flight is stored."""
        sender = self.sender
        while True:
            usage_before, segments_before = replace(sender.usage), sender.cache.foreign_segments()
            results = await self.run_rows(turn, rows)
            if isinstance(self.error, Unfinished):
                raise sender.unanswered.stopped_error(self.error)
            if self.error is not None:
                raise self.error
            sender.unanswered.check()
            published = sender.cache.reconcile([request for request, _ in self.received.values()], segments_before)
            if all(self.received[key][1] == generation for key, generation in published.items()):
                return results
            self.received.clear()
            usage = sender.usage  # what was sent stays counted; what the rows ask is counted anew
            usage.requests, usage.hits = usage_before.requests, usage_before.hits
            usage.asked_again, usage.errors = usage_before.asked_again, usage_before.errors
            self.counted.clear()

    async def run_rows(self, turn: Callable[[Row, Ask], Awaitable[T]], rows: Sequence[Row]) -> list[T | Failure]:
        """Run every row once, many at a time."""
        results: list[T | Failure] = [Failure("not run")] * len(rows)
        numbers = iter(range(len(rows)))

        async def worker() -> None:
            for number in numbers:
                if self.error is not None:
                    return
                try:
                    results[number] = await turn(rows[number], self.ask)
                except RowUnanswered:
                    continue
                except Unparsable as error:
                    results[number] = Failure(redacted(str(error)))
                except Exception as error:
                    self.error = self.error or error

        sender = self.sender
        flusher = asyncio.ensure_future(sender.flush_periodically())
        try:
            async with asyncio.TaskGroup() as workers:
                for _ in range(min(MAX_ROWS_AT_ONCE, len(rows))):
                    workers.create_task(worker())
            if self.tasks:  # of rows that ended before all their answers came
                await asyncio.wait(self.tasks)
        finally:
            flusher.cancel()
            for task in self.tasks:
                task.cancel()
            sender.cache.flush()
            if isinstance(sender.backend, AsyncBackend):
                sender.usage.retries = sender.backend.retries
        return results

    async def ask(self, question: Question) -> list[Answer]:
        """The n answers to one question."""
        read, usage = self.questions.read_answer, self.sender.usage
        requests = self.questions.requests_of(question)
        outcomes = await self.resolve(requests)
        answers = [read(question, *pair) for pair in zip(requests, outcomes, strict=True)]
        invalid = [index for index, answer in enumerate(answers) if is_invalid(question, answer)]
        if invalid:
            retries = [retry_request(requests[index], answers[index]) for index in invalid]
            usage.asked_again += len(retries)
            outcomes = await self.resolve(retries)
            for index, request, outcome in zip(invalid, retries, outcomes, strict=True):
                answers[index] = merge_retry(answers[index], read(question, request, outcome))
        usage.errors += sum(not answer.ok for answer in answers)
        return list(map(to_quarantine, answers))

    async def resolve(self, requests: Sequence[Request]) -> list[Outcome]:
        """Outcomes in order; what is in flight already is waited for. Raises RowUnanswered, or what stopped it all."""
        if self.error is not None:
            raise self.error
        futures = []
        for request in requests:
            if request.key not in self.pending:
                if not self.queue:
                    asyncio.get_running_loop().call_soon(self.send_queue)
                self.pending[request.key] = (request, asyncio.get_running_loop().create_future())
                self.queue.append(request)
            futures.append(self.pending[request.key][1])
        outcomes = list(await asyncio.gather(*futures))
        if any(map(self.sender.unanswered.is_blocking, outcomes)):
            raise RowUnanswered
        return outcomes

    def send_queue(self) -> None:
        """Look up everything that was asked since the last time; send what is missing."""
        requests, self.queue = self.queue, []
        sender = self.sender
        try:
            cached: dict[bytes, Outcome] = dict(sender.cache.lookup(requests))
            cached |= {one.key: self.received[one.key][1] for one in requests if one.key in self.received}
            missing = [request for request in requests if request.key not in cached]
            uncounted = [request for request in requests if request.key not in self.counted]
            self.counted.update(request.key for request in uncounted)
            sender.count(uncounted, cached)
            for key, outcome in cached.items():
                self.deliver(key, outcome)
            for group in group_samples(missing):
                if isinstance(sender.backend, AsyncBackend):
                    task = asyncio.ensure_future(self.send(sender.backend, group))
                    self.tasks.add(task)
                    task.add_done_callback(self.tasks.discard)
                else:
                    for part in sender.within_budget(group):
                        self.receive(part, sender.record(part, sender.backend.complete(part)))
        except Exception as error:
            self.error = self.error or error
            self.fail(requests, error)

    async def send(self, backend: AsyncBackend, group: Sequence[Request]) -> None:
        """Send consecutive samples of one question when a slot is free."""
        assert self.slots is not None
        sender = self.sender
        try:
            async with self.slots:
                if self.error is not None:
                    raise self.error
                for part in sender.within_budget(group):
                    self.receive(part, sender.record(part, await backend.answer(part)))
                    sender.unanswered.check_all_refused(part[0])
        except Exception as error:
            self.error = self.error or error
            self.fail(group, error)

    def receive(self, group: Sequence[Request], outcomes: dict[bytes, Outcome]) -> None:
        """Keep what the backend answered and hand it to the rows that wait for it."""
        for request in group:
            self.received[request.key] = (request, outcomes[request.key])
            self.deliver(request.key, outcomes[request.key])

    def deliver(self, key: bytes, outcome: Outcome) -> None:
        _, future = self.pending.pop(key)
        if not future.done():
            future.set_result(outcome)

    def fail(self, requests: Sequence[Request], error: Exception) -> None:
        """Raise an error of the store, the backend or the budget in the rows that wait for these requests."""
        for request in requests:
            if request.key in self.pending:
                _, future = self.pending.pop(request.key)
                if not future.done():
                    future.set_exception(error)
