"""A stage run without writing anything: to count what it would ask (cultivar.tools.plan), or to derive its rows again (cultivar.tools.verify).

The stage's own function runs on its declared tables, params and store. Models answer from the store alone (`Unasked`) or
with some answers forgotten (`forget`); nothing is written but what a model that is really asked says.
"""

import importlib
import inspect
import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cultivar.llm.answer import Generation, Unanswered
from cultivar.llm.cache import AnswerCache
from cultivar.llm.engine import Engine
from cultivar.llm.request import Request
from cultivar.runner.binding import Binding, hints_of
from cultivar.runner.graph import stage_module, stage_spec
from cultivar.runner.run import allow_prompts
from cultivar.runner.verdicts import CachedSandbox
from cultivar.sandbox import Job, Limits, Sandbox, Verdict
from schemas.stage import Checkpoints, Model, ModelOut
from schemas.table import Table

CHARS_PER_TOKEN = 4


class Unasked:
    """In the place of a model: notes what would be sent and answers nothing."""

    def __init__(self, backend: Any) -> None:
        self.simulated, self.extra = backend.simulated, backend.extra  # they decide the identity of requests
        self.requests: list[Request] = []

    def complete(self, requests: Sequence[Request]) -> list[Generation | Unanswered]:
        self.requests += requests
        return [Unanswered("not asked")] * len(requests)

    @property
    def prompt_tokens(self) -> int:
        """An estimate, at four characters a token. Samples of one question share their prompt."""
        pairs = itertools.pairwise([None, *(request.messages for request in self.requests)])
        prompts = [messages for before, messages in pairs if messages is not None and messages is not before]
        return sum(len(turn["content"]) for messages in prompts for turn in messages) // CHARS_PER_TOKEN


class Recalling(AnswerCache):
    """A memory that notes what it recalls, and pretends not to know the keys in `forgotten`."""

    def __init__(self, memory: AnswerCache, forgotten: Collection[bytes]) -> None:
        super().__init__(memory.store, memory.label)
        self.forgotten = forgotten
        self.known: dict[bytes, Generation] = {}
        self.fresh_answers: dict[bytes, Generation] = {}

    def lookup(self, requests: Iterable[Request]) -> dict[bytes, Generation]:
        found = super().lookup(requests)
        self.known |= found
        return {key: self.fresh_answers.get(key, cached) for key, cached in found.items() if self.open(key)}

    def open(self, key: bytes) -> bool:
        return key not in self.forgotten or key in self.fresh_answers

    def add(self, request: Request, generation: Generation) -> None:
        """A second answer to what the store knows is compared, not kept."""
        if request.key in self.forgotten:
            self.fresh_answers[request.key] = generation
        else:
            super().add(request, generation)


class Unjudged(Sandbox):
    """A sandbox that runs nothing: jobs keep their identity and get a verdict that says nothing."""

    def run(self, jobs: Iterable[Job]) -> Iterator[Verdict]:
        for job in jobs:
            yield Verdict(
                job.id, "sandbox_error", [], "not run", 0.0, 0.0, 0.0, self.backend, job.mode, "", "", Limits()
            )


@dataclass
class Rehearsal(Binding):
    """A run of a stage for its outputs alone. `replacements` holds tables that take the place of those on disk."""

    replacements: Mapping[Path, Table] = field(default_factory=dict)
    ask: bool = False  # models, where the store does not know
    judge_programs: bool = False  # in the sandbox, likewise
    forgotten: Collection[bytes] = ()

    def table(self, model: Any, path: Path) -> Table:
        return (
            Table(model, self.replacements[path].frame, path.stem)
            if path in self.replacements
            else super().table(model, path)
        )

    def engine(self, role: str) -> Engine:
        engine: Engine = super().engine(role)
        engine.sender.cache = Recalling(engine.sender.cache, self.forgotten)
        if not self.ask:
            engine.sender.backend = Unasked(engine.backend)
        return engine

    def open_sandbox(self) -> Any:
        if self.judge_programs:
            super().open_sandbox()
            self.sandbox.recheck = self.forgotten
            return self.sandbox
        box = Unjudged(backend=self.runtime.sandbox_backend, packages=self.packages)
        self.sandbox = self.stack.enter_context(CachedSandbox(box, self.store(), strict=False))
        return self.sandbox


def rehearsal(name: str, graph: dict[str, Any], params: dict[str, Any], stack: ExitStack, **more: Any) -> Rehearsal:
    """A rehearsal of the stage `name` (no matrix) of the graph. With the stack its engines close, and any prompt may be read."""
    spec = stage_spec(name, {}, graph)
    run = Rehearsal(spec, params, function_of(name), stack, name, **more)
    run.bar.silent = True  # it is quick; the caller shows how far it is
    prompts = importlib.import_module("cultivar.llm.prompt")
    allow_prompts(spec)
    stack.callback(prompts.allow, None)
    return run


def function_of(stage: str) -> Any:
    """The function that a stage of dvc.yaml runs."""
    return getattr(importlib.import_module(stage_module(stage)), stage)


def kinds_of(stage: str) -> set[str]:
    """What a stage of the graph works with, of "engine", "sandbox", "model" (it trains or runs one)."""
    module = stage_module(stage)
    if module.startswith("train."):
        return {"model"}  # not imported: torch takes seconds
    hints = hints_of(getattr(importlib.import_module(module), stage))
    names = {getattr(hint, "__name__", "") for hint in hints.values()}
    models = {Model, ModelOut, Checkpoints} & {hint for hint in hints.values() if inspect.isclass(hint)}
    return {
        kind
        for kind, there in (("engine", "Engine" in names), ("sandbox", "Sandbox" in names), ("model", models))
        if there
    }
