"""An engine: one role bound to a backend and the store. All that stages see of language models.

`ask` puts a batch of questions, `map` runs a conversation per row. Either way what has been answered before comes from
the store and only the rest is sent; structured answers are parsed, asked for once more where they do not parse, and
given up with an error that names the reason. A request's own error costs its own sample, never the batch. A request
that stays unanswered because of the server or the connection (Unanswered.transient) may be answered later: everything
else is asked and stored, then the stage fails (Unfinished), so that tables do not depend on when it ran.
"""

from collections.abc import Awaitable, Callable, Sequence
from itertools import islice
from types import TracebackType
from typing import TypeVar

from cultivar.llm import event_loop as loop
from cultivar.llm.answer import Answer
from cultivar.llm.backend import AsyncBackend, SyncBackend
from cultivar.llm.budget import Budget
from cultivar.llm.cache import AnswerCache
from cultivar.llm.conversations import Conversations, Failure
from cultivar.llm.echoes import to_quarantine
from cultivar.llm.questions import Ask, Questions, is_invalid, merge_retry, retry_request
from cultivar.llm.request import Question, Request
from cultivar.llm.sending import Progress, Sender, Usage
from cultivar.llm.unanswered import UnansweredRequests
from cultivar.store.store import Store
from schemas.params.engines import RoleParams, RuntimeParams

__all__ = ["Ask", "Engine", "Failure", "Usage", "open_engine"]

Row = TypeVar("Row")
T = TypeVar("T")


class Engine:
    """One role, as `open_engine` returns it; a context manager.

    `spec`: the role's section of params.yaml. `store`: where answers are cached. `progress`: called with requests done,
    requests in all and tokens generated. `budget`: caps on requests and spending; none by default. `usage`: counts of
    all questions so far.
    """

    def __init__(
        self,
        role: str,
        spec: RoleParams,
        backend: SyncBackend | AsyncBackend,
        store: Store,
        progress: Progress | None = None,
        budget: Budget | None = None,
    ) -> None:
        self.role = role
        self.spec = spec
        self.questions = Questions(spec, backend.extra, backend.simulated)
        cache = AnswerCache(store, self.questions.label, journal=isinstance(backend, AsyncBackend))
        unanswered = UnansweredRequests(role, fail=spec.unanswered == "fail")
        self.sender = Sender(backend, cache, unanswered, budget or Budget(), progress)
        self.usage = self.sender.usage

    def __enter__(self) -> "Engine":
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self.sender.cache.close()
        finally:
            if isinstance(self.backend, AsyncBackend):
                loop.wait(self.backend.close())

    @property
    def backend(self) -> SyncBackend | AsyncBackend:
        """What answers the requests."""
        return self.sender.backend

    @property
    def label(self) -> str:
        """What answers name as their engine: "<kind>/<model>@<revision>"."""
        return self.questions.label

    @property
    def simulated(self) -> bool:
        """Whether no model stands behind the answers."""
        return self.questions.simulated

    def requests_of(self, question: Question) -> list[Request]:
        """The requests of a question, one per sample."""
        return self.questions.requests_of(question)

    def ask(self, questions: Sequence[Question], more: int = 0) -> list[list[Answer]]:
        """Answers (questions × samples), in the order of the questions, `question.n` samples each.

        `more` requests or fewer follow in further calls of a stage that asks in batches. What stays unanswered for a
        transient reason is an error of its answer then, and the call after which no more follow raises for all of them.

        Raises Unfinished where requests stay unanswered for a transient reason, after all others were answered and
        stored; where asking is pointless or the budget is spent (BudgetSpent), after what was in flight was stored.
        """
        read = self.questions.read_answer
        asked = [(question, request) for question in questions for request in self.requests_of(question)]
        self.sender.more = more
        outcomes = self.sender.resolve([request for _, request in asked])
        answers = [read(question, request, outcomes[request.key]) for question, request in asked]
        retries = [
            (position, question, retry_request(request, answer))
            for position, ((question, request), answer) in enumerate(zip(asked, answers, strict=True))
            if is_invalid(question, answer)
        ]
        if retries:
            self.usage.asked_again += len(retries)
            outcomes = self.sender.resolve([request for _, _, request in retries])
            for position, question, request in retries:
                answers[position] = merge_retry(answers[position], read(question, request, outcomes[request.key]))
        if not more or self.sender.unanswered.fatal:
            self.sender.unanswered.check()
        self.usage.errors += sum(not answer.ok for answer in answers)
        remaining = map(to_quarantine, answers)
        return [list(islice(remaining, question.n)) for question in questions]

    def map(self, turn: Callable[[Row, Ask], Awaitable[T]], rows: Sequence[Row]) -> list[T | Failure]:
        """Run `turn(row, ask)` for every row, many at once; `await ask(question)` gives the answers to one question.

        Every request is cached by content, so a conversation that was broken off replays its finished turns. An
        Unparsable that `turn` raises (an answer's text that cannot be read) is that row's Failure; any other exception
        is a mistake of the stage and ends it. Raises Unfinished as `ask` does.
        """
        return loop.wait(Conversations(self.questions, self.sender).run(turn, rows))


def open_engine(
    role: str,
    spec: RoleParams,
    runtime: RuntimeParams,
    store: Store,
    progress: Progress | None = None,
    budget: Budget | None = None,
) -> Engine:
    """The engine of a role; use it as a context manager. Arguments are those of `Engine`.

    Backends are imported only where a role names them. Raises ValueError for a role without a server to ask.
    """
    backend: SyncBackend | AsyncBackend
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
