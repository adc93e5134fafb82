"""Conversations: an asynchronous function of one row that may ask several times (evolve, critique, role-play).

Questions that rows put at the same moment are looked up in the store together, and each request is sent at most once
however many rows ask it. Where another process published an answer to the same request before this one did, the rows
run again from memory, so that what they are made from is what a rebuild will find.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from cultivar.llm.answer import Answer
from cultivar.llm.engine import Ask, Engine, Failure, Outcome, Waiting, is_invalid, samples_together
from cultivar.llm.request import Question, Request
from cultivar.llm.structured import Unparsable
from schemas.stage import Unfinished

Row = TypeVar("Row")
T = TypeVar("T")
ROWS_AT_ONCE = 2048


class Broken(Exception):
    """A turn of this row is unanswered for a passing reason (Gaps holds it): the row ends here, the others go on."""


class Turns:
    """One run of `Engine.map`. Lives on the event loop."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.waiting: dict[bytes, tuple[Request, asyncio.Future[Outcome]]] = {}
        self.queue: list[Request] = []
        self.tasks: set[asyncio.Task[None]] = set()
        self.counted: set[bytes] = set()
        self.said: dict[bytes, tuple[Request, Outcome]] = {}
        self.ended: Exception | None = None  # why nothing more is sent
        backend = engine.backend
        self.slots = asyncio.Semaphore(backend.in_flight) if isinstance(backend, Waiting) else None

    async def run(self, turn: Callable[[Row, Ask], Awaitable[T]], rows: Sequence[Row]) -> list[T | Failure]:
        """The result of every row, in order. Raises what ended it, once what was in flight has been taken in."""
        while True:
            before, since = replace(self.engine.usage), self.engine.cache.others()
            results = await self.once(turn, rows)
            if isinstance(self.ended, Unfinished):
                raise self.engine.gaps.stopped(self.ended)
            if self.ended is not None:
                raise self.ended
            self.engine.gaps.settle()
            theirs = self.engine.cache.agree([request for request, _ in self.said.values()], since)
            if all(self.said[key][1] == said for key, said in theirs.items()):
                return results
            self.said.clear()
            usage = self.engine.usage  # what was sent was sent; what the rows ask is counted anew
            usage.requests, usage.hits = before.requests, before.hits
            usage.asked_again, usage.errors = before.asked_again, before.errors
            self.counted.clear()

    async def once(self, turn: Callable[[Row, Ask], Awaitable[T]], rows: Sequence[Row]) -> list[T | Failure]:
        results: list[T | Failure] = [Failure("not run")] * len(rows)
        numbers = iter(range(len(rows)))

        async def worker() -> None:
            for number in numbers:
                if self.ended is not None:
                    return
                try:
                    results[number] = await turn(rows[number], self.ask)
                except Broken:
                    continue
                except Unparsable as error:
                    results[number] = Failure(str(error))
                except Exception as error:
                    self.ended = self.ended or error

        ticker = asyncio.ensure_future(self.engine.tick())
        try:
            async with asyncio.TaskGroup() as workers:
                for _ in range(min(ROWS_AT_ONCE, len(rows))):
                    workers.create_task(worker())
            if self.tasks:  # of rows that ended before all their answers came
                await asyncio.wait(self.tasks)
        finally:
            ticker.cancel()
            for task in self.tasks:
                task.cancel()
            self.engine.cache.flush()
            if isinstance(self.engine.backend, Waiting):
                self.engine.usage.retries = self.engine.backend.retries
        return results

    async def ask(self, question: Question) -> list[Answer]:
        """The n answers to one question."""
        engine = self.engine
        requests = engine.requests_of(question)
        outcomes = await self.resolve(requests)
        answers = [engine.read(question, *pair) for pair in zip(requests, outcomes, strict=True)]
        invalid = [at for at, answer in enumerate(answers) if is_invalid(question, answer)]
        if invalid:
            again = [engine.again(requests[at], answers[at]) for at in invalid]
            outcomes = await self.resolve(again)
            for at, request, outcome in zip(invalid, again, outcomes, strict=True):
                answers[at] = engine.second(answers[at], engine.read(question, request, outcome))
        engine.usage.errors += sum(not answer.ok for answer in answers)
        return answers

    async def resolve(self, requests: Sequence[Request]) -> list[Outcome]:
        """Outcomes in order; what is being asked already is waited for."""
        if self.ended is not None:
            raise self.ended
        futures = []
        for request in requests:
            if request.key not in self.waiting:
                if not self.queue:
                    asyncio.get_running_loop().call_soon(self.drain)
                self.waiting[request.key] = (request, asyncio.get_running_loop().create_future())
                self.queue.append(request)
            futures.append(self.waiting[request.key][1])
        outcomes = list(await asyncio.gather(*futures))
        if any(map(self.engine.gaps.ends, outcomes)):
            raise Broken
        return outcomes

    def drain(self) -> None:
        """Look up everything that was asked since the last time; send what is missing."""
        requests, self.queue = self.queue, []
        engine = self.engine
        try:
            known: dict[bytes, Outcome] = dict(engine.cache.lookup(requests))
            known |= {request.key: self.said[request.key][1] for request in requests if request.key in self.said}
            missing = [request for request in requests if request.key not in known]
            fresh = [request for request in requests if request.key not in self.counted]
            self.counted.update(request.key for request in fresh)
            engine.count(fresh, known)
            for key, outcome in known.items():
                self.tell(key, outcome)
            if isinstance(engine.backend, Waiting):
                for group in samples_together(missing):
                    task = asyncio.ensure_future(self.send(engine.backend, group))
                    self.tasks.add(task)
                    task.add_done_callback(self.tasks.discard)
            else:
                for group in samples_together(missing):
                    for part in engine.claimed(group):
                        outcomes: dict[bytes, Outcome] = {}
                        engine.keep(part, engine.backend.complete(part), outcomes)
                        self.heard(part, outcomes)
        except Exception as error:
            self.ended = self.ended or error
            self.fail(requests, error)

    async def send(self, backend: Waiting, group: Sequence[Request]) -> None:
        assert self.slots is not None
        try:
            async with self.slots:
                if self.ended is not None:
                    raise self.ended
                for part in self.engine.claimed(group):
                    outcomes: dict[bytes, Outcome] = {}
                    self.engine.keep(part, await backend.answer(part), outcomes)
                    self.heard(part, outcomes)
                    self.engine.gaps.suspect(part[0])
        except Exception as error:
            self.ended = self.ended or error
            self.fail(group, error)

    def heard(self, group: Sequence[Request], outcomes: dict[bytes, Outcome]) -> None:
        """Note what the backend said and tell it to the rows that wait for it."""
        for request in group:
            self.said[request.key] = (request, outcomes[request.key])
            self.tell(request.key, outcomes[request.key])

    def tell(self, key: bytes, outcome: Outcome) -> None:
        _, future = self.waiting.pop(key)
        if not future.done():
            future.set_result(outcome)

    def fail(self, requests: Sequence[Request], error: Exception) -> None:
        """Hand an error of the store, the backend or the budget to the rows that wait for it."""
        for request in requests:
            if request.key in self.waiting:
                _, future = self.waiting.pop(request.key)
                if not future.done():
                    future.set_exception(error)
