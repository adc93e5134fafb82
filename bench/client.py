"""What the http engine costs: CPU per row, cold and cached, and its share of what a server could give.

    python -m bench.client [--rows 5000] [--concurrency 100]

A bare server in a process of its own answers at once, or after 50 ms. Beside the engine (request keys, store, retry
logic, accounting, answers in order) stands a bare aiohttp loop that does none of that. CPU is this process's, user and
system; start-up and imports are not in it. Ends with one line of JSON:

    cpu_s_per_1000_rows         cold, into an empty store
    warm_cpu_s_per_1000_rows    every answer in the store, which is opened anew
    bare_cpu_s_per_1000_rows    the bare loop
    throughput_share_50ms       rows/s against the 50 ms server, as a share of concurrency / 50 ms
    bare_throughput_share_50ms  the same of the bare loop
"""

import argparse
import asyncio
import json
import multiprocessing
import multiprocessing.connection
import resource
import tempfile
import time
from collections.abc import Callable

import aiohttp
import orjson

from cultivar.llm.engine import open_engine
from cultivar.llm.request import Question
from cultivar.store.store import Store
from schemas.params.engines import RoleParams, RuntimeParams

WORDS = "a short prompt about rivers, boats and the weather of the day " * 5
ANSWER = "an answer of middling length that nobody will ever read in full. " * 10


class BareServer(asyncio.Protocol):
    """As little of HTTP/1.1 as one client needs."""

    def __init__(self, delay_s: float) -> None:
        self.delay_s = delay_s
        message = {"index": 0, "message": {"role": "assistant", "content": ANSWER}, "finish_reason": "stop"}
        body = orjson.dumps({"choices": [message], "usage": {"prompt_tokens": 60, "completion_tokens": 130}})
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self.answer = head.encode() + body
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end].lower()
            start = head.index(b"content-length:") + 15
            length = int(head[start : head.find(b"\r\n", start) if b"\r\n" in head[start:] else None])
            if len(self.buffer) < end + 4 + length:
                return
            self.buffer = self.buffer[end + 4 + length :]
            if self.delay_s:
                asyncio.get_running_loop().call_later(self.delay_s, self.transport.write, self.answer)
            else:
                self.transport.write(self.answer)


def serve(delay_s: float, pipe: multiprocessing.connection.Connection) -> None:
    """Run the server until the process is ended; its port goes through the pipe."""

    async def main() -> None:
        server = await asyncio.get_running_loop().create_server(lambda: BareServer(delay_s), "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())


def cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def measure_seconds(run: Callable[[], None]) -> tuple[float, float]:
    """CPU seconds and wall seconds of a call."""
    cpu, wall = cpu_s(), time.perf_counter()
    run()
    return cpu_s() - cpu, time.perf_counter() - wall


def build_questions(rows: int) -> list[Question]:
    return [Question([{"role": "user", "content": f"{number}: {WORDS}"}], seed=number) for number in range(rows)]


def run_engine(url: str, rows: int, concurrency: int, store: str) -> None:
    spec = RoleParams(engine="http", model="m")
    runtime = RuntimeParams(servers={"m": [url]}, concurrency=concurrency)
    with Store(store) as opened, open_engine("m", spec, runtime, opened) as engine:
        answers = engine.ask(build_questions(rows))
        assert all(answer.ok for [answer] in answers)


def run_bare_loop(url: str, rows: int, concurrency: int) -> None:
    async def main() -> None:
        numbers = iter(range(rows))
        answers: list[str] = []
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

            async def worker() -> None:
                for number in numbers:
                    message = {"role": "user", "content": f"{number}: {WORDS}"}
                    body = orjson.dumps({"model": "m", "messages": [message], "seed": number})
                    async with session.post(url + "/chat/completions", data=body) as reply:
                        answers.append(orjson.loads(await reply.read())["choices"][0]["message"]["content"])

            await asyncio.gather(*(worker() for _ in range(concurrency)))

    asyncio.run(main())


def main() -> None:
    parser = argparse.ArgumentParser(description="CPU and throughput of the http engine")
    parser.add_argument("--rows", type=int, default=5000)
    parser.add_argument("--concurrency", type=int, default=100)
    options = parser.parse_args()
    rows, concurrency = options.rows, options.concurrency
    context = multiprocessing.get_context("spawn")
    urls, processes = [], []
    for delay_s in (0.0, 0.05):
        receiver, sender = context.Pipe()
        processes.append(context.Process(target=serve, args=(delay_s, sender), daemon=True))
        processes[-1].start()
        urls.append(f"http://127.0.0.1:{receiver.recv()}/v1")
    try:
        with tempfile.TemporaryDirectory() as folder:
            # a short run first: imports and the start of the event loop are not measured
            run_engine(urls[0], 200, concurrency, f"{folder}/first")
            cold, cold_s = measure_seconds(lambda: run_engine(urls[0], rows, concurrency, f"{folder}/store"))
            warm, warm_s = measure_seconds(lambda: run_engine(urls[0], rows, concurrency, f"{folder}/store"))
            bare, bare_s = measure_seconds(lambda: run_bare_loop(urls[0], rows, concurrency))
            _, slow_s = measure_seconds(lambda: run_engine(urls[1], rows, concurrency, f"{folder}/slow"))
            _, bare_slow_s = measure_seconds(lambda: run_bare_loop(urls[1], rows, concurrency))
    finally:
        for process in processes:
            process.terminate()
    ceiling = concurrency / 0.05
    print(f"instant server: engine {rows / cold_s:,.0f} rows/s, bare loop {rows / bare_s:,.0f}")
    print(f"cached: {rows / warm_s:,.0f} rows/s")
    print(
        f"50 ms server: engine {rows / slow_s:,.0f} rows/s, bare loop {rows / bare_slow_s:,.0f}, at most {ceiling:,.0f}"
    )
    result = {
        "cpu_s_per_1000_rows": round(cold / rows * 1000, 4),
        "warm_cpu_s_per_1000_rows": round(warm / rows * 1000, 4),
        "bare_cpu_s_per_1000_rows": round(bare / rows * 1000, 4),
        "throughput_share_50ms": round(rows / slow_s / ceiling, 3),
        "bare_throughput_share_50ms": round(rows / bare_slow_s / ceiling, 3),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
