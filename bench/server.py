"""An OpenAI-compatible server for benchmarks: as little of HTTP/1.1 as clients need, and a count of every request.

Its answer starts with a hash of the request (model, system prompt, prompt), so a stale row is recognised by its text.
It runs in a process of its own; `GET /counts` gives the number of times each request came, `GET /span` the seconds
between the first and the last, `POST /reset` clears both.
"""

import asyncio
import hashlib
import multiprocessing
import multiprocessing.connection
import time
import urllib.request
from collections import Counter
from types import TracebackType
from typing import Any

import orjson

FILLER = "an answer of middling length that nobody will ever read in full. " * 10
USAGE = {"prompt_tokens": 60, "completion_tokens": 130, "total_tokens": 190}


def answer_to(model: str, system: str, prompt: str) -> str:
    """The text that the server answers a request with: 24 hex digits of its hash, then filler."""
    return hashlib.sha256(orjson.dumps([model, system, prompt])).hexdigest()[:24] + " " + FILLER.strip()


class Connection(asyncio.Protocol):
    """One keep-alive connection."""

    def __init__(self, delay_s: float, counts: Counter[str], span: list[float]) -> None:
        self.delay_s, self.counts, self.span = delay_s, counts, span
        self.buffer = b""
        self.close = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end]
            index = head.lower().find(b"content-length:")
            length = int(head[index + 15 :].split(b"\r\n", 1)[0]) if index >= 0 else 0
            if len(self.buffer) < end + 4 + length:
                return
            body, self.buffer = self.buffer[end + 4 : end + 4 + length], self.buffer[end + 4 + length :]
            self.close = b"connection: close" in head.lower()
            self.request(head.split(b" ", 2)[1].decode(), body)

    def request(self, path: str, body: bytes) -> None:
        if path == "/counts":
            self.reply(orjson.dumps(self.counts))
        elif path == "/span":
            self.reply(orjson.dumps(self.span[-1] - self.span[0] if self.span else 0.0))
        elif path == "/reset":
            self.counts.clear()
            self.span.clear()
            self.reply(b"{}")
        elif path.endswith("/chat/completions"):
            completion = self.complete(orjson.loads(body))
            if self.delay_s:
                asyncio.get_running_loop().call_later(self.delay_s, self.reply, completion)
            else:
                self.reply(completion)
        else:  # clients look for models before they start
            self.reply(orjson.dumps({"object": "list", "data": [{"id": "m", "object": "model", "owned_by": "bench"}]}))

    def complete(self, body: dict[str, Any]) -> bytes:
        texts = {turn["role"]: text_of(turn["content"]) for turn in body["messages"]}
        model, system, prompt = body["model"], texts.get("system", ""), texts.get("user", "")
        self.counts["\t".join((model, system, prompt))] += 1
        self.span[1:] = [time.perf_counter()] if self.span else []
        if not self.span:
            self.span.append(time.perf_counter())
        message = {"role": "assistant", "content": answer_to(model, system, prompt)}
        choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
        identity = {"id": "c", "object": "chat.completion", "created": int(time.time()), "model": model}
        return orjson.dumps(identity | {"choices": [choice], "usage": USAGE})

    def reply(self, body: bytes) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        if not self.transport.is_closing():
            self.transport.write(head.encode() + body)
            if self.close:
                self.transport.close()


def text_of(content: Any) -> str:
    """The text of a message, also where it comes in parts."""
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def serve(delay_s: float, pipe: multiprocessing.connection.Connection) -> None:
    """Run the server until the process is ended; its port goes through the pipe."""

    async def main() -> None:
        counts: Counter[str] = Counter()
        span: list[float] = []
        server = await asyncio.get_running_loop().create_server(
            lambda: Connection(delay_s, counts, span), "127.0.0.1", 0
        )
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())


class Server:
    """A server in a process of its own; a context manager."""

    def __init__(self, delay_s: float = 0.0) -> None:
        context = multiprocessing.get_context("spawn")
        receiver, sender = context.Pipe()
        self.process = context.Process(target=serve, args=(delay_s, sender), daemon=True)
        self.process.start()
        self.base = f"http://127.0.0.1:{receiver.recv()}"
        self.url = f"{self.base}/v1"

    def __enter__(self) -> "Server":
        return self

    def __exit__(
        self, exception: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.terminate()

    def counts(self) -> Counter[str]:
        with urllib.request.urlopen(f"{self.base}/counts") as reply:
            return Counter(orjson.loads(reply.read()))

    def span_s(self) -> float:
        with urllib.request.urlopen(f"{self.base}/span") as reply:
            return float(orjson.loads(reply.read()))

    def reset(self) -> None:
        urllib.request.urlopen(urllib.request.Request(f"{self.base}/reset", data=b"")).close()
