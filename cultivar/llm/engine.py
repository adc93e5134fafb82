"""An engine: one role bound to a backend and the store. All that stages see of language models.

`ask` puts a batch of questions, `map` runs a conversation per row. Either way what has been answered before comes from
the store and only the rest is sent; structured answers are parsed, asked for once more where they do not parse, and
given up with an error that names the reason. An error of a request's own costs its own sample, never the batch. A
request that stays unanswered because of the server or the line (Unanswered.passing) would be answered at another hour:
everything else is asked and kept, then the stage fails (Unfinished), so that tables do not depend on the hour.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Container, Iterator, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Protocol, TypeVar, runtime_checkable

from pydantic import BaseModel

from cultivar.llm import event_loop as loop
from cultivar.llm.answer import Answer, Generation, Unanswered
from cultivar.llm.budget import Budget
from cultivar.llm.cache import AnswerCache
from cultivar.llm.request import MessageDict, ModelConfig, Question, Request, body_of
from cultivar.llm.schema import schema_of
from cultivar.llm.structured import Unparsable, ask_again, parse
from cultivar.llm.unanswered import Gaps
from cultivar.store.store import Store
from schemas.params.engines import RoleParams, RuntimeParams
from schemas.stage import Unfinished

Row = TypeVar("Row")
T = TypeVar("T")
Outcome = Generation | Unanswered
Ask = Callable[[Question], Awaitable[list[Answer]]]
Progress = Callable[[int, int, int], None]  # done, total (requests), tokens generated
TICK_S = 0.5


class Computing(Protocol):
    """A backend that answers in the calling thread."""

    simulated: bool
    extra: dict[str, Any]

    def complete(self, requests: Sequence[Request]) -> list[Outcome]: ...


@runtime_checkable
class Waiting(Protocol):
    """A backend that waits for others. `answer` gets consecutive samples of one question."""

    simulated: bool
    extra: dict[str, Any]
    in_flight: int
    retries: int

    async def answer(self, requests: Sequence[Request]) -> list[Outcome]: ...  # raises Unfinished to stop it all

    async def close(self) -> None: ...


@dataclass
class Usage:
    """What an engine was asked and what that cost. Tokens are those of requests sent, not of answers remembered."""

    requests: int = 0
    hits: int = 0
    sent: int = 0
    asked_again: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    errors: int = 0
    retries: int = 0


@dataclass(frozen=True)
class Failure:
    """A row whose conversation could not be read, and why."""

    error: str


class Engine:
    """One role. Made by `open_engine`; a context manager."""

    def __init__(
        self,
        role: str,
        spec: RoleParams,
        backend: Computing | Waiting,
        store: Store,
        progress: Progress | None = None,
        budget: Budget | None = None,
    ) -> None:
        self.role = role
        self.spec = spec
        self.backend = backend
        self.label = f"{spec.engine}/{spec.model}@{spec.revision}"
        self.simulated = backend.simulated
        self.usage = Usage()
        self.progress = progress
        self.budget = budget or Budget()
        self.cache = AnswerCache(store, self.label, journal=isinstance(backend, Waiting))
        self.configs: dict[Any, ModelConfig] = {}
        self.done = self.total = 0
        self.gaps = Gaps(role, fail=spec.unanswered == "fail")

    def __enter__(self) -> "Engine":
        return self

    def __exit__(
        self, exception: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.cache.close()
        finally:
            if isinstance(self.backend, Waiting):
                loop.wait(self.backend.close())

    # ------------------------------------------------------------ questions

    def requests_of(self, question: Question) -> list[Request]:
        """The requests of a question, one per sample."""
        config = self.config_of(question)
        body = body_of(question.messages)
        seed = self.spec.seed + question.seed
        return [Request(config, question.messages, seed, sample, body) for sample in range(question.n)]

    def config_of(self, question: Question) -> ModelConfig:
        """Who answers this question and how."""
        overrides = question.sampling
        name = (question.answer, repr(sorted(overrides.items())) if overrides else None)
        if name not in self.configs:
            spec = self.spec
            sampling = {"temperature": spec.temperature, "top_p": spec.top_p, "max_tokens": spec.max_tokens}
            guided = {} if question.answer is None or self.simulated else {"structured": spec.structured}
            self.configs[name] = ModelConfig(
                engine=spec.engine,
                model=spec.model,
                revision=spec.revision,
                sampling={**sampling, **overrides},
                schema=None if question.answer is None else schema_of(question.answer),
                extra={**self.backend.extra, **guided},
            )
        return self.configs[name]

    def ask(self, questions: Sequence[Question]) -> list[list[Answer]]:
        """Answers in the order of the questions, n samples each.

        Raises Unfinished where requests stay unanswered for a passing reason, after all others were answered and kept;
        where asking is pointless or the budget is spent (BudgetSpent), after what was in flight has been taken in.
        """
        asked = [(question, request) for question in questions for request in self.requests_of(question)]
        outcomes = self.resolve([request for _, request in asked])
        answers = [self.read(question, request, outcomes[request.key]) for question, request in asked]
        again = [
            (at, asked[at][0], self.again(asked[at][1], answer))
            for at, answer in enumerate(answers)
            if is_invalid(asked[at][0], answer)
        ]
        if again:
            outcomes = self.resolve([request for _, _, request in again])
            for at, question, request in again:
                answers[at] = self.second(answers[at], self.read(question, request, outcomes[request.key]))
        self.gaps.settle()
        self.usage.errors += sum(not answer.ok for answer in answers)
        result, at = [], 0
        for question in questions:
            result.append(answers[at : at + question.n])
            at += question.n
        return result

    def map(self, turn: Callable[[Row, Ask], Awaitable[T]], rows: Sequence[Row]) -> list[T | Failure]:
        """Run `turn(row, ask)` for every row, many at once; `await ask(question)` gives the answers to one question.

        Every turn is remembered by content, so a conversation that was broken off replays its finished turns. An
        Unparsable that `turn` raises (an answer's text that cannot be read) is that row's Failure; any other exception
        is a mistake of the stage and ends it. Raises Unfinished as `ask` does.
        """
        from cultivar.llm.conversations import Turns

        return loop.wait(Turns(self).run(turn, rows))

    # ------------------------------------------------------------ outcomes

    def resolve(self, requests: Sequence[Request]) -> dict[bytes, Outcome]:
        """An outcome per key: from the store where known, else from the backend.

        Raises BudgetSpent at the cap, after what was in flight has been taken in.
        """
        unique = {request.key: request for request in requests}
        outcomes: dict[bytes, Outcome] = dict(self.cache.lookup(unique.values()))
        since = self.cache.others()
        missing = [request for key, request in unique.items() if key not in outcomes]
        self.count(unique.values(), outcomes)
        if missing:
            try:
                if isinstance(self.backend, Waiting):
                    loop.wait(self.send_all(missing, outcomes))
                else:
                    for chunk in chunks(missing, 2000):
                        for part in self.claimed(chunk):
                            self.keep(part, self.backend.complete(part), outcomes)
            finally:
                self.cache.flush()
            outcomes.update(self.cache.agree(missing, since))
        return outcomes

    def count(self, requests: Collection[Request], known: Container[bytes]) -> None:
        """Note requests, of which the store answers the `known` ones."""
        hits = self.gaps.count(requests, known)
        self.usage.requests += len(requests)
        self.usage.hits += hits
        self.total += len(requests)
        self.advance(hits)

    def claimed(self, requests: Sequence[Request]) -> Iterator[Sequence[Request]]:
        """The requests in parts that the budget lets through: all at once, or what is left of it. Raises BudgetSpent."""
        while requests:
            granted = self.budget.claim(requests)
            yield requests[:granted]
            requests = requests[granted:]

    def keep(self, requests: Sequence[Request], said: Sequence[Outcome], outcomes: dict[bytes, Outcome]) -> None:
        """Take in what the backend said: remember what is terminal, count the rest."""
        shared: list[MessageDict] | None = None
        for request, outcome in zip(requests, said, strict=True):
            outcomes[request.key] = outcome
            self.gaps.note(request, outcome)
            if isinstance(outcome, Generation):
                self.cache.add(request, outcome)
                if request.messages is not shared:  # samples of one question share their prompt
                    self.usage.prompt_tokens += outcome.prompt_tokens
                    shared = request.messages
                self.usage.completion_tokens += outcome.completion_tokens
        self.budget.spend(requests, said)
        self.usage.sent += len(requests)
        self.advance(len(requests))

    def advance(self, done: int) -> None:
        """Tell the runner how far we are."""
        self.done += done
        if self.progress is not None and done:
            self.progress(self.done, self.total, self.usage.completion_tokens)

    async def send_all(self, requests: Sequence[Request], outcomes: dict[bytes, Outcome]) -> None:
        """Send with a bounded number in flight: so many workers pull from one iterator."""
        assert isinstance(self.backend, Waiting)
        backend = self.backend
        groups = samples_together(requests)

        ended: list[Unfinished] = []

        async def worker() -> None:
            for group in groups:
                try:
                    for part in self.claimed(group):
                        if ended:  # what the other workers have in flight still comes in
                            return
                        self.keep(part, await backend.answer(part), outcomes)
                        self.gaps.suspect(part[0])
                except Unfinished as error:
                    ended.append(error)
                if ended:
                    return

        try:
            async with asyncio.TaskGroup() as tasks:
                ticker = tasks.create_task(self.tick())
                async with asyncio.TaskGroup() as workers:
                    for _ in range(min(backend.in_flight, len(requests))):
                        workers.create_task(worker())
                ticker.cancel()
        except BaseExceptionGroup as group:
            raise first_of(group) from group
        finally:
            self.usage.retries = backend.retries
        if ended:
            raise self.gaps.stopped(ended[0])

    async def tick(self) -> None:
        """Publish answers that have waited long enough, also while nothing arrives."""
        while True:
            await asyncio.sleep(TICK_S)
            self.cache.flush_due()

    # ------------------------------------------------------------ answers

    def read(self, question: Question, request: Request, outcome: Outcome) -> Answer:
        """The answer that a stage sees."""
        if isinstance(outcome, Unanswered):
            return self.answer(request, None, outcome.error, Generation("", "error", 0, 0))
        value = None
        error: str | None = None
        if outcome.finish_reason == "length":
            error = "length"
        elif outcome.finish_reason == "content_filter":
            error = "refused: content_filter"
        elif not outcome.text.strip():
            error = "invalid: the answer is empty"
        elif question.answer is not None:
            try:
                value = parse(outcome.text, question.answer)
            except Unparsable as reason:
                error = f"invalid: {reason}"
        return self.answer(request, value, error, outcome)

    def answer(self, request: Request, value: BaseModel | None, error: str | None, said: Generation) -> Answer:
        return Answer(
            key=request.key.hex(),
            text=said.text,
            value=value,
            error=error,
            finish_reason=said.finish_reason,
            prompt_tokens=said.prompt_tokens,
            completion_tokens=said.completion_tokens,
            engine=self.label,
            simulated=self.simulated,
        )

    def again(self, request: Request, answer: Answer) -> Request:
        """The request that asks once more, with what was wrong; a request of its own."""
        self.usage.asked_again += 1
        reason = str(answer.error).removeprefix("invalid: ")
        return Request(request.config, ask_again(request.messages, answer.text, reason), request.seed, request.sample)

    def second(self, first: Answer, second: Answer) -> Answer:
        """The second answer stands, but where the server failed on it the first one's text is kept."""
        if second.finish_reason != "error":
            return second
        return replace(first, error=second.error, finish_reason="error")


def is_invalid(question: Question, answer: Answer) -> bool:
    """Whether to ask again: the model spoke, but not the structure that was asked for."""
    return question.answer is not None and answer.error is not None and answer.error.startswith("invalid: ")


def first_of(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first error inside a group of groups."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def samples_together(requests: Sequence[Request]) -> Iterator[list[Request]]:
    """Runs of consecutive samples of one question, which a server answers for the price of one prompt."""
    group: list[Request] = []
    for request in requests:
        if group:
            last = group[-1]
            same = request.messages is last.messages and request.config is last.config and request.seed == last.seed
            if not (same and request.sample == last.sample + 1):
                yield group
                group = []
        group.append(request)
    if group:
        yield group


def open_engine(
    role: str,
    spec: RoleParams,
    runtime: RuntimeParams,
    store: Store,
    progress: Progress | None = None,
    budget: Budget | None = None,
) -> Engine:
    """The engine of a role; use it as a context manager. Engines are imported only where a role names them."""
    backend: Computing | Waiting
    match spec.engine:
        case "simulated":
            from cultivar.llm.simulated.engine import SimulatedBackend

            backend = SimulatedBackend(spec)
        case "http":
            from cultivar.llm.http_engine import HttpBackend

            backend = HttpBackend(role, spec, runtime)
        case "vllm":
            from cultivar.llm.vllm_engine import VllmBackend

            backend = VllmBackend(spec, runtime)
    return Engine(role, spec, backend, store, progress, budget)
