"""Engines for tests: the simulated teacher, and one that answers by hand; both parse, retry and store as in the graph."""

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from cultivar.llm.answer import Generation, Unanswered
from cultivar.llm.engine import Engine, open_engine
from cultivar.llm.request import Request
from cultivar.store.store import Store
from schemas.params.engines import FaultParams, RoleParams, RuntimeParams

Reply = str | dict[str, Any] | list[Any] | BaseModel | Generation | Unanswered
"""Text, a value that is sent as JSON, or an outcome of the backend as it is."""
Script = Sequence[Reply] | Mapping[str, Reply | Sequence[Reply]] | Callable[[Request], Reply]


@contextmanager
def simulated(
    role: str, wrong: float = 0.0, malformed: float = 0.0, refusal: float = 0.0, overlong: float = 0.0, **spec: object
) -> Iterator[Engine]:
    """An engine of `role` that errs at the given rates."""
    faults = FaultParams(wrong=wrong, malformed=malformed, refusal=refusal, overlong=overlong)
    params = RoleParams.model_validate({"model": role, "faults": faults} | spec)
    with (
        tempfile.TemporaryDirectory() as folder,
        open_engine(role, params, RuntimeParams(), Store(Path(folder))) as engine,
    ):
        yield engine


class ScriptedBackend:
    """Answers by hand. `asked` holds the prompt text of every request, in the order in which they came.

    A sequence answers the requests in that order. A mapping answers by prompt: the first key that occurs in the
    messages decides; where its value is a sequence, the requests of that key take its items one after another. A
    function answers each request. Raises AssertionError for a request that the script does not foresee.
    """

    def __init__(self, script: Script, simulated: bool) -> None:
        self.script = script
        self.simulated = simulated
        self.extra: dict[str, Any] = {}
        self.asked: list[str] = []
        self.taken: dict[str, int] = {}

    def complete(self, requests: Sequence[Request]) -> list[Generation | Unanswered]:
        return [self.outcome(request) for request in requests]

    def outcome(self, request: Request) -> Generation | Unanswered:
        prompt = "\n".join(message["content"] for message in request.messages)
        self.asked.append(prompt)
        reply = self.reply(request, prompt)
        if isinstance(reply, Generation | Unanswered):
            return reply
        if isinstance(reply, BaseModel):
            reply = reply.model_dump()
        text = reply if isinstance(reply, str) else json.dumps(reply, ensure_ascii=False)
        return Generation(text, "stop", 1, 1)

    def reply(self, request: Request, prompt: str) -> Reply:
        if callable(self.script):
            return self.script(request)
        if isinstance(self.script, Mapping):
            key = next((key for key in self.script if key in prompt), None)
            assert key is not None, f"the script has no answer to: {prompt}"
            replies: Any = self.script[key]
            return self.next_of(key, replies) if isinstance(replies, list | tuple) else replies
        return self.next_of("", self.script)

    def next_of(self, key: str, replies: Sequence[Reply]) -> Reply:
        index = self.taken.get(key, 0)
        assert index < len(replies), f"the script has {len(replies)} answers for {key!r} and was asked once more"
        self.taken[key] = index + 1
        return replies[index]


@contextmanager
def scripted(script: Script, role: str = "judge", simulated: bool = True, **spec: object) -> Iterator[Engine]:
    """An engine of `role` that gives the answers of `script` (ScriptedBackend); `engine.backend.asked` lists prompts.

    `simulated` is how its answers are marked.
    """
    params = RoleParams.model_validate({"model": "by hand"} | spec)
    with (
        tempfile.TemporaryDirectory() as folder,
        Engine(role, params, ScriptedBackend(script, simulated), Store(Path(folder))) as engine,
    ):
        yield engine
