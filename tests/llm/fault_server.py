"""An OpenAI-compatible server on loopback that fails on request.

What befalls a request stands in its last user message: `fault=NAME` (one of FAULTS) and `times=K`: the first K attempts
at that message fail, then it is answered. The answer repeats the message and names seed and sample.
"""

import asyncio
import re
import threading
from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import Any

import orjson
from aiohttp import web

ASKED = re.compile(r"fault=(?P<fault>\w+) times=(?P<times>\d+)")
FAULTS = (
    "busy",
    "busy_for",
    "broken",
    "unavailable",
    "truncated",
    "no_json",
    "no_choices",
    "hang",
    "reset",
    "bad",
    "forbidden",
    "gone",
)


class FaultServer:
    """Runs in a thread of its own; a context manager. `attempts` counts what arrived, by message."""

    def __init__(self, hang_s: float = 30.0) -> None:
        self.hang_s = hang_s
        self.attempts: Counter[str] = Counter()
        self.arrived: list[float] = []
        self.answered: list[str] = []
        self.before_answer: Callable[[], None] = lambda: None
        self.bodies: list[dict[str, Any]] = []
        self.keys: set[str | None] = set()
        self.in_flight = self.most_in_flight = 0
        self.delay_s = 0.0
        self.refuse: int | None = None  # the status that every request gets
        self.capacity: int | None = None  # more at once than this are refused with 429
        self.answers: dict[str, str] = {}
        self.knows_n = True
        self.loop = asyncio.new_event_loop()
        self.ready = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.url = ""

    def __enter__(self) -> "FaultServer":
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
        app.router.add_post("/v1/chat/completions", self.completions)
        self.runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", 0)
        await site.start()
        port = self.runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{port}/v1"
        self.ready.set()

    async def completions(self, request: web.Request) -> web.StreamResponse:
        body = orjson.loads(await request.read())
        self.bodies.append(body)
        self.keys.add(request.headers.get("Authorization"))
        message = body["messages"][-1]["content"]
        self.attempts[message] += 1
        self.arrived.append(self.loop.time())
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            if self.refuse is not None:
                return failure(self.refuse, "not now")
            if self.capacity is not None and self.in_flight > self.capacity:
                return failure(429, "too many at once")
            asked = ASKED.search(message)
            if asked and self.attempts[message] <= int(asked["times"]):
                return await self.fail(request, asked["fault"], body)
            await asyncio.sleep(self.delay_s)
            self.answered.append(message)
            self.before_answer()
            return web.Response(body=self.completion(body), content_type="application/json")
        finally:
            self.in_flight -= 1

    async def fail(self, request: web.Request, fault: str, body: dict[str, Any]) -> web.StreamResponse:
        match fault:
            case "busy":
                return failure(429, "slow down")
            case "busy_for":
                return failure(429, "slow down", {"Retry-After": "0.3"})
            case "broken":
                return failure(500, "boom")
            case "unavailable":
                return failure(503, "warming up", {"Retry-After": "0"})
            case "bad":
                return failure(400, "this prompt is not for me, secret-key")
            case "forbidden":
                return failure(403, "flagged")
            case "gone":
                return failure(404, "no such page")
            case "no_json":
                return web.Response(body=b'{"choices": [{"mess', content_type="application/json")
            case "no_choices":
                return web.json_response({"object": "chat.completion", "choices": []})
            case "truncated":
                complete = self.completion(body)
                response = web.StreamResponse(headers={"Content-Length": str(len(complete))})
                await response.prepare(request)
                await response.write(complete[: len(complete) // 2])
                assert request.transport is not None
                request.transport.close()
                return response
            case "reset":
                assert request.transport is not None
                request.transport.abort()
                return web.Response()
            case "hang":
                await asyncio.sleep(self.hang_s)
                return failure(504, "too late")
        raise AssertionError(fault)

    def completion(self, body: dict[str, Any]) -> bytes:
        message = body["messages"][-1]["content"]
        count = body.get("n", 1) if self.knows_n else 1
        texts = [self.answers.get(message, f"{message} #{body['seed'] + index}") for index in range(count)]
        reason = "length" if "cut off" in message else "stop"
        choices = [
            {"index": index, "message": {"role": "assistant", "content": text}, "finish_reason": reason}
            for index, text in enumerate(texts)
        ]
        usage = {"prompt_tokens": 7, "completion_tokens": 5 * count}
        return orjson.dumps({"object": "chat.completion", "choices": choices, "usage": usage})


def failure(status: int, words: str, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response({"error": {"message": words, "type": "fault"}}, status=status, headers=headers)
