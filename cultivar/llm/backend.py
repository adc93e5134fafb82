"""What answers requests: the protocols that the engines of this package implement, and the outcome of a request."""

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from cultivar.llm.answer import Generation, Unanswered
from cultivar.llm.request import Request

Outcome = Generation | Unanswered


class SyncBackend(Protocol):
    """A backend that answers in the calling thread.

    `extra` is what else decides its answers (ModelConfig.extra); `simulated` marks answers that no model gave.
    """

    simulated: bool
    extra: dict[str, Any]

    def complete(self, requests: Sequence[Request]) -> list[Outcome]:
        """One outcome per request, in order."""
        ...


@runtime_checkable
class AsyncBackend(Protocol):
    """A backend that waits for servers or other processes.

    `simulated`, `extra`: as for SyncBackend. `in_flight`: groups of requests it takes at once. `retries`: how often it
    has sent again after a transient failure.
    """

    simulated: bool
    extra: dict[str, Any]
    in_flight: int
    retries: int

    async def answer(self, requests: Sequence[Request]) -> list[Outcome]:
        """One outcome per request, in order. `requests` are consecutive samples of one question.

        Raises Unfinished where nothing can be sent any more.
        """
        ...

    async def close(self) -> None:
        """Free what it holds (connections, an engine in this process)."""
        ...
