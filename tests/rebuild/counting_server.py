"""An OpenAI-compatible server on loopback that counts what it is asked and always answers a request alike.

Answers are those of the simulated teacher to the very messages, schema, seed and sampling that arrive, malformed ones
among them, so real stages run on them. Everything that a client sends is noted, sample by sample.
"""

import asyncio
import hashlib
import threading
from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import Any

import orjson
from aiohttp import web

from cultivar.llm.answer import Generation
from cultivar.llm.request import ModelConfig, Request
from cultivar.llm.simulated.engine import SimulatedBackend
from schemas.params.engines import FaultParams, RoleParams

TAGS, RATING, EVOLUTION, EVOLUTION_CHECK = "tags", "complexity, completeness", "instruction, added", "same, coherent"
"""What is asked, as `kinds` has it: the fields of the answer."""
FAULTS = FaultParams(wrong=0.1, malformed=0.05, refusal=0.01, overlong=0.01)


class CountingServer:
    """Runs in a thread of its own; a context manager.

    `asked` counts what arrived, by the identity of one sample of one request; `kinds` by the fields of the answer. `weights`
    stands for what the model behind the name is: change it and the same requests are answered otherwise.
    """

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.kinds: Counter[str] = Counter()
        self.weights = "1"
        self.delay_s = 0.0
        self.in_flight = 0
        self.arrived = 0
        self.hold_at: int | None = None  # requests from this number on are not answered
        self.refuses: Callable[[dict[str, Any]], int | None] = lambda body: None  # the status that a request gets
        self.teachers: dict[str, SimulatedBackend] = {}
        self.loop = asyncio.new_event_loop()
        self.ready = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.url = ""

    def __enter__(self) -> "CountingServer":
        self.thread.start()
        assert self.ready.wait(10)
        return self

    def __exit__(
        self, exception: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)

    def run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self.start())
        self.loop.run_forever()
        self.loop.run_until_complete(self.runner.cleanup())

    async def start(self) -> None:
        app = web.Application(client_max_size=2**24)
        app.router.add_post("/{client}/v1/chat/completions", self.completions)
        self.runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self.runner.addresses[0][1]}"
        self.ready.set()

    async def completions(self, request: web.Request) -> web.StreamResponse:
        body = orjson.loads(await request.read())
        self.arrived += 1
        number = self.arrived
        client, schema = (
            request.match_info["client"],
            body.get("response_format", {}).get("json_schema", {}).get("schema"),
        )
        kind = "text" if schema is None else ", ".join(schema["properties"])
        if status := self.refuses(body):
            return web.json_response({"error": {"message": "not now"}}, status=status)
        self.in_flight += 1
        try:
            samples = []
            for index in range(body.get("n", 1)):
                one = {**body, "n": 1, "seed": body["seed"] + index}
                name = hashlib.sha256(orjson.dumps([self.weights, one], option=orjson.OPT_SORT_KEYS)).hexdigest()
                self.asked[f"{client}/{name}"] += 1
                self.kinds[f"{client}/{kind}"] += 1
                samples.append(one)
            if self.delay_s:
                await asyncio.sleep(self.delay_s)
            while self.hold_at is not None and number >= self.hold_at:
                await asyncio.sleep(0.01)
            answers = [self.generation(one, schema) for one in samples]
        finally:
            self.in_flight -= 1
        choices = [
            {"index": index, "message": {"role": "assistant", "content": one.text}, "finish_reason": one.finish_reason}
            for index, one in enumerate(answers)
        ]
        usage = {
            "prompt_tokens": answers[0].prompt_tokens,
            "completion_tokens": sum(one.completion_tokens for one in answers),
        }
        return web.Response(
            body=orjson.dumps({"object": "chat.completion", "choices": choices, "usage": usage}),
            content_type="application/json",
        )

    def generation(self, body: dict[str, Any], schema: dict[str, Any] | None) -> Generation:
        model = body["model"]
        if model not in self.teachers:
            self.teachers[model] = SimulatedBackend(RoleParams(model=model, faults=FAULTS))
        sampling = {name: body[name] for name in ("temperature", "top_p", "max_tokens")}
        config = ModelConfig("simulated", model, self.weights, sampling, schema)
        answer = self.teachers[model].outcome(Request(config, body["messages"], body["seed"], 0))
        assert isinstance(answer, Generation), answer
        return answer

    def of(self, client: str) -> Counter[str]:
        """What one client asked, by identity."""
        return Counter(
            {name.partition("/")[2]: times for name, times in self.asked.items() if name.startswith(f"{client}/")}
        )

    def kinds_of(self, client: str) -> dict[str, int]:
        """How many samples one client asked, by schema of the answer."""
        return {name.partition("/")[2]: n for name, n in self.kinds.items() if name.startswith(f"{client}/")}

    def forget(self) -> None:
        """Count from nothing."""
        self.asked.clear()
        self.kinds.clear()
