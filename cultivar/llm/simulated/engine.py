"""The simulated engine: handlers, faults, token counts. Synchronous, since it waits for nothing."""

from collections.abc import Sequence

import orjson

from cultivar.llm.answer import Generation, Unanswered
from cultivar.llm.request import Request
from cultivar.llm.simulated.faults import draw_faults, malform, refusal
from cultivar.llm.simulated.registry import Call, handler_of, weights
from schemas.params.engines import RoleParams

CHARS_PER_TOKEN = 4


class SimulatedBackend:
    """Answers requests in the calling thread, in order. A handler that fails costs its request only."""

    simulated = True

    def __init__(self, spec: RoleParams) -> None:
        self.model = spec.model
        self.rates = spec.faults
        self.extra = {"faults": spec.faults.model_dump() if spec.faults else None, "weights": weights()}

    def complete(self, requests: Sequence[Request]) -> list[Generation | Unanswered]:
        """One outcome per request. Raises LookupError where no handler is registered for a question."""
        return [self.outcome(request) for request in requests]

    def outcome(self, request: Request) -> Generation | Unanswered:
        config = request.config
        faults = draw_faults(request.key, self.rates)
        call = Call(
            messages=request.messages,
            schema=config.schema,
            seed=request.seed + request.sample,
            temperature=config.sampling["temperature"],
            model=self.model,
            wrong=faults.wrong,
            key=request.key,
        )
        handler = handler_of(call)
        if faults.refusal:
            text = refusal(call.rng)
        else:
            try:
                reply = handler(call)
            except Exception as error:  # a topic module's mistake in one row must not cost the batch
                where = f"{handler.__module__}.{handler.__name__}"
                return Unanswered(f"{where} failed: {type(error).__name__}: {error}")
            text = reply if isinstance(reply, str) else orjson.dumps(reply).decode()
            if faults.malformed and config.schema is not None:
                text = malform(text, call.rng)
        limit = int(config.sampling["max_tokens"])
        if faults.overlong:
            return Generation(text[: max(1, len(text) * 3 // 5)], "length", prompt_tokens(request), limit)
        if len(text) > limit * CHARS_PER_TOKEN:
            return Generation(text[: limit * CHARS_PER_TOKEN], "length", prompt_tokens(request), limit)
        return Generation(text, "stop", prompt_tokens(request), count_tokens(text))


def count_tokens(text: str) -> int:
    """Tokens of a text, at four characters each."""
    return -(-len(text) // CHARS_PER_TOKEN)


def prompt_tokens(request: Request) -> int:
    """Tokens of the prompt."""
    return sum(count_tokens(message["content"]) + 4 for message in request.messages)
