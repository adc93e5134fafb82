"""The simulated engine: handlers, faults, token counts. Synchronous, since it only computes."""

from collections.abc import Sequence

import orjson

from cultivar.llm.answer import Generation, Unanswered
from cultivar.llm.request import Request
from cultivar.llm.simulated.faults import draw, malform, refusal
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
        """One outcome per request. Raises LookupError where nobody answers such a question at all."""
        return [self.one(request) for request in requests]

    def one(self, request: Request) -> Generation | Unanswered:
        config = request.config
        faults = draw(request.key, self.rates)
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
                said = handler(call)
            except Exception as error:  # a topic module's mistake in one row must not cost the batch
                where = f"{handler.__module__}.{handler.__name__}"
                return Unanswered(f"{where} failed: {type(error).__name__}: {error}")
            text = said if isinstance(said, str) else orjson.dumps(said).decode()
            if faults.malformed and config.schema is not None:
                text = malform(text, call.rng)
        limit = int(config.sampling["max_tokens"])
        if faults.overlong:
            return Generation(text[: max(1, len(text) * 3 // 5)], "length", tokens_of(request), limit)
        if len(text) > limit * CHARS_PER_TOKEN:
            return Generation(text[: limit * CHARS_PER_TOKEN], "length", tokens_of(request), limit)
        return Generation(text, "stop", tokens_of(request), count(text))


def count(text: str) -> int:
    """Tokens of a text, at four characters each."""
    return -(-len(text) // CHARS_PER_TOKEN)


def tokens_of(request: Request) -> int:
    """Tokens of the prompt."""
    return sum(count(message["content"]) + 4 for message in request.messages)
