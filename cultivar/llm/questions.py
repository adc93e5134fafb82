"""From a question to its requests, and from an outcome to the answer that a stage sees."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from pydantic import BaseModel

from cultivar.llm.answer import Answer, Generation, Unanswered
from cultivar.llm.backend import Outcome
from cultivar.llm.characters import NO_TEXT_REASON, NOT_TEXT
from cultivar.llm.markup import has_breaks, restore
from cultivar.llm.request import ModelConfig, Question, Request, body_of
from cultivar.llm.schema import schema_of
from cultivar.llm.structured import Unparsable, parse_answer, retry_messages
from schemas.params.engines import RoleParams

Ask = Callable[[Question], Awaitable[list[Answer]]]
"""What a conversation is given: the n answers to one question."""


class Questions:
    """The questions of one role. `extra` and `simulated` are those of its backend."""

    def __init__(self, spec: RoleParams, extra: dict[str, Any], simulated: bool) -> None:
        self.spec = spec
        self.extra = extra
        self.simulated = simulated
        self.label = f"{spec.engine}/{spec.model}@{spec.revision}"
        self.configs: dict[Any, ModelConfig] = {}

    def requests_of(self, question: Question) -> list[Request]:
        """The requests of a question, one per sample."""
        config = self.config_of(question)
        body = body_of(question.messages, question.tools)
        seed = self.spec.seed + question.seed
        return [Request(config, question.messages, seed, sample, body, question.tools) for sample in range(question.n)]

    def config_of(self, question: Question) -> ModelConfig:
        """The model that answers this question, with its sampling parameters and the schema of the answer."""
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
                extra={**self.extra, **guided},
            )
        return self.configs[name]

    def read_answer(self, question: Question, request: Request, outcome: Outcome) -> Answer:
        """The answer that a stage sees."""
        if isinstance(outcome, Unanswered):
            return self.answer(request, None, outcome.error, Generation("", "error", 0, 0))
        if any(has_breaks(message["content"]) for message in request.messages):
            outcome = replace(outcome, text=restore(outcome.text))
        value = None
        error: str | None = None
        if outcome.finish_reason == "length":
            error = "length"
        elif outcome.finish_reason == "content_filter":
            error = "refused: content_filter"
        elif outcome.finish_reason == NOT_TEXT:
            error = f"invalid: {NO_TEXT_REASON}"
        elif not outcome.text.strip():
            error = "invalid: the answer is empty"
        elif question.answer is not None:
            try:
                value = parse_answer(outcome.text, question.answer)
            except Unparsable as reason:
                error = f"invalid: {reason}"
        return self.answer(request, value, error, outcome)

    def answer(self, request: Request, value: BaseModel | None, error: str | None, generation: Generation) -> Answer:
        return Answer(
            key=request.key.hex(),
            text=generation.text,
            value=value,
            error=error,
            finish_reason=generation.finish_reason,
            prompt_tokens=generation.prompt_tokens,
            completion_tokens=generation.completion_tokens,
            engine=self.label,
            simulated=self.simulated,
        )


def is_invalid(question: Question, answer: Answer) -> bool:
    """Whether to ask again: the model answered, but not with text, or not with the structure that was asked for."""
    if answer.error is None or not answer.error.startswith("invalid: "):
        return False
    return question.answer is not None or answer.finish_reason == NOT_TEXT


def retry_request(request: Request, answer: Answer) -> Request:
    """The request that asks once more, with the reason why `answer` is invalid; it has an identity of its own."""
    reason = str(answer.error).removeprefix("invalid: ")
    messages = retry_messages(request.messages, answer.text, reason, request.config.schema is not None)
    return Request(request.config, messages, request.seed, request.sample, tools=request.tools)


def merge_retry(first: Answer, retry: Answer) -> Answer:
    """The answer to the retry stands, except where none came: then the text of the first one, with the error."""
    if retry.finish_reason != "error":
        return retry
    return replace(first, error=retry.error, finish_reason="error")
