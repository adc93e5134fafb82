"""The vllm engine: vLLM's AsyncLLM in this process, with the same interface as the http engine.

Roles that name the same model share one engine. Two settings work around faults of vLLM: per-request seeds with chunked
prefill kill the engine on CPU, so chunked prefill is off there; xgrammar compiles string lengths to invalid JSON, so
guided decoding uses guidance. `runtime.vllm` and the role's `vllm` override or add
AsyncEngineArgs; those that change answers (dtype, quantization) can stand in the role's alone, whose requests they name.
"""

import asyncio
import itertools
import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson

from cultivar.llm.answer import Generation, Unanswered
from cultivar.llm.backend import Outcome
from cultivar.llm.markup import break_markup, token_pattern
from cultivar.llm.orphans import Watch
from cultivar.llm.request import Request
from cultivar.llm.schema import strict_schema
from cultivar.store.memo import hash_folder
from schemas.params.engines import RoleParams, RuntimeParams, content_arguments

IN_FLIGHT = 384
_engines: dict[str, "SharedEngine"] = {}
weights_of = lru_cache(maxsize=16)(hash_folder)  # roles often share a model


class SharedEngine:
    """One AsyncLLM and how many backends use it."""

    def __init__(self, model: str, revision: str, arguments: dict[str, Any]) -> None:
        # the engine must not send usage statistics anywhere
        os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
        os.environ.setdefault("DO_NOT_TRACK", "1")
        os.environ.setdefault("VLLM_LOGGING_LEVEL", "WARNING")
        try:
            import vllm.platforms as platforms
            from vllm.engine.arg_utils import AsyncEngineArgs
            from vllm.v1.engine.async_llm import AsyncLLM
        except ImportError as error:
            raise ImportError(f"engine vllm needs vLLM ({error}): docs/models.md says how to install it") from error
        settings: dict[str, Any] = {
            "enable_log_requests": False,
            "disable_log_stats": True,
            "structured_outputs_config": {"backend": "guidance", "disable_any_whitespace": True},
        }
        if platforms.current_platform.is_cpu():
            settings["enable_chunked_prefill"] = False
        if not Path(model).exists() and revision != "1":
            settings["revision"] = revision
        self.users = 0
        self.watch = Watch()
        self.engine = AsyncLLM.from_engine_args(AsyncEngineArgs(model=model, **{**settings, **arguments}))
        self.watch.begin()
        self.tokenizer = self.engine.get_tokenizer()


class VllmBackend:
    """Requests of one role, answered by an engine in this process."""

    simulated = False

    def __init__(self, spec: RoleParams, runtime: RuntimeParams) -> None:
        self.spec = spec
        self.arguments = {**runtime.vllm, **spec.vllm}
        self.in_flight = IN_FLIGHT
        self.retries = 0
        self.extra: dict[str, Any] = {}
        if (folder := Path(spec.model)).is_dir():
            self.extra["weights"] = weights_of(folder)
        if identity_arguments := content_arguments(spec.vllm):
            self.extra["vllm"] = identity_arguments
        self.name = repr((spec.model, spec.revision, sorted(self.arguments.items()), self.extra))
        self.shared: SharedEngine | None = None
        self.opening = asyncio.Lock()
        self.numbers = itertools.count()

    async def open(self) -> SharedEngine:
        """The engine, started at the first question."""
        async with self.opening:
            if self.shared is None:
                if self.name not in _engines:
                    _engines[self.name] = SharedEngine(self.spec.model, self.spec.revision, self.arguments)
                self.shared = _engines[self.name]
                self.shared.users += 1
        return self.shared

    async def answer(self, requests: Sequence[Request]) -> list[Outcome]:
        """Outcomes of consecutive samples of one question: n=k from seed s is exactly the seeds s … s+k-1.

        Raises vLLM's EngineDeadError where the engine has died.
        """
        from vllm.exceptions import GenerationError, VLLMClientError
        from vllm.sampling_params import RequestOutputKind, SamplingParams, StructuredOutputsParams

        shared = await self.open()
        first = requests[0]
        config = first.config
        guided = config.schema is not None and self.spec.structured
        parameters = SamplingParams(
            n=len(requests),
            seed=first.seed + first.sample,
            structured_outputs=StructuredOutputsParams(json=strict_schema(config.schema)) if guided else None,
            output_kind=RequestOutputKind.FINAL_ONLY,
            **config.sampling,
        )
        try:
            tokens = token_ids(shared.tokenizer, first)
            name = f"{id(self):x}-{next(self.numbers)}"
            by_index: dict[int, Outcome] = {}
            async for output in shared.engine.generate({"prompt_token_ids": tokens}, parameters, name):
                for sample in output.outputs:
                    by_index[sample.index] = Generation(
                        sample.text, sample.finish_reason or "stop", len(tokens), len(sample.token_ids)
                    )
        except (VLLMClientError, GenerationError, ValueError, TypeError, KeyError) as error:  # e.g. too long a prompt
            return [Unanswered(f"{type(error).__name__}: {error}")] * len(requests)
        aborted = Unanswered("the engine ended the request without an answer", transient=True)
        outcomes = [by_index.get(index, aborted) for index in range(len(requests))]
        return [
            aborted if isinstance(outcome, Generation) and outcome.finish_reason == "abort" else outcome
            for outcome in outcomes
        ]

    async def close(self) -> None:
        """Stop the engine when no other role uses it."""
        if self.shared is None:
            return
        shared, self.shared = self.shared, None
        shared.users -= 1
        if not shared.users:
            _engines.pop(self.name)
            shared.engine.shutdown()
            shared.watch.end()
            del shared.engine  # its finaliser must not wait for the end of the interpreter


def token_ids(tokenizer: Any, request: Request) -> list[int]:
    """The prompt through the model's own chat template; what its tokens spell in a text is text (cultivar/llm/markup.py)."""
    special = token_pattern(tuple(tokenizer.all_special_tokens))
    messages = [with_objects(message) for message in break_markup(request.messages, special)]
    tools = {"tools": orjson.loads(break_markup(request.tools, special))} if request.tools else {}
    text = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False, **tools)
    return list(tokenizer.encode(text, add_special_tokens=False))


def with_objects(message: dict[str, Any]) -> dict[str, Any]:
    """The message with the arguments of its calls as objects, as chat templates write them. Raises ValueError for no JSON."""
    if "tool_calls" not in message:
        return message
    functions = [call["function"] for call in message["tool_calls"]]
    calls = [
        {**call, "function": {**function, "arguments": orjson.loads(function["arguments"])}}
        for call, function in zip(message["tool_calls"], functions, strict=True)
    ]
    return {**message, "tool_calls": calls}
