"""The HTTP sampler against a server on loopback that loses connections: it retries, and loses nothing that is finished."""

import json
import signal
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from schemas.params.engines import RuntimeParams
from train.sampling.http_sampler import HttpSampler
from train.sampling.sampler import SamplingSettings
from train.sampling.samples import SampleCache
from train.sampling.weights import SyncError
from train.tokenizer import train_tokenizer

SETTINGS = SamplingSettings(samples=2, temperature=1.0, max_new_tokens=6, seed=5)
PROMPTS = [[10 + index, 3] for index in range(6)]
INTERRUPT, HANG = 1, 6
WRONG = {
    2: {"object": "error"},
    3: {"choices": [{"index": 0, "text": "no ids"}]},
    4: {"choices": []},
    5: ["no object"],
} | {status: {"error": "no"} for status in (400, 429, 500, 503)}


def silent(done: int, total: int, note: str) -> None: ...


class Server(ThreadingHTTPServer):
    """Answers a prompt with tokens of its own; `faults` holds, by prompt, what to do instead, in order."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.faults: dict[int, list[int]] = {}
        self.prompts: list[int] = []
        self.times: list[float] = []
        self.over = threading.Event()
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def handle_error(self, request, client_address) -> None: ...


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.answer(200, {"data": [{"id": "policy"}]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        first = body["prompt"][0]
        self.server.prompts.append(first)
        self.server.times.append(time.monotonic())
        status = self.server.faults[first].pop(0) if self.server.faults.get(first) else 200
        if status == 0:
            self.connection.close()
            return
        if status == INTERRUPT:
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
            status = 200
        if status == HANG:
            self.server.over.wait()
            return
        choices = [{"index": index, "token_ids": [first, body["seed"] % 250, index, 2]} for index in range(body["n"])]
        self.answer(status if status > 99 else 200, WRONG.get(status) or {"choices": choices[::-1]})

    def answer(self, status: int, body: dict) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        if status == 429:
            self.send_header("Retry-After", "0.4")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args) -> None: ...


@pytest.fixture
def server():
    server = Server()
    yield server
    server.over.set()
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(["Tom has 12 apples."] * 4, 300, 1 << 10)


def sampler(server: Server, tokenizer, **more) -> HttpSampler:
    url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    sampler = HttpSampler(
        tokenizer, RuntimeParams(servers={"policy": [url]}, concurrency=2, **({"timeout_s": 20} | more))
    )
    sampler.backoff_s = 0.01
    return sampler


def test_a_lost_connection_and_a_busy_server_are_retried(server, tokenizer):
    expected = sampler(server, tokenizer).sample(PROMPTS, SETTINGS, silent)
    server.faults = {11: [0, 503], 13: [429], 15: [0]}
    assert sampler(server, tokenizer, retries=2).sample(PROMPTS, SETTINGS, silent) == expected
    server.faults = {11: [0, 503, 500]}
    with pytest.raises(SyncError, match=r"500 .*attempt 3 of 3"):
        sampler(server, tokenizer, retries=2).sample(PROMPTS, SETTINGS, silent)


def test_a_wrong_request_is_not_retried(server, tokenizer):
    server.faults = {12: [400]}
    with pytest.raises(SyncError, match=r"400 .*no.*attempt 1 of 7"):
        sampler(server, tokenizer).sample(PROMPTS, SETTINGS, silent)
    assert server.prompts.count(12) == 1


def test_finished_prompts_outlive_a_server_that_does_not(server, tokenizer, tmp_path):
    expected = sampler(server, tokenizer).sample(PROMPTS, SETTINGS, silent)
    server.faults = {14: [0]}
    with pytest.raises(SyncError):
        sampler(server, tokenizer, retries=0).sample(PROMPTS, SETTINGS, silent, SampleCache(tmp_path / "samples.jsonl"))
    finished = set(SampleCache(tmp_path / "samples.jsonl").samples)
    assert {0, 1, 2} <= finished and 4 not in finished
    server.prompts.clear()
    assert (
        sampler(server, tokenizer).sample(PROMPTS, SETTINGS, silent, SampleCache(tmp_path / "samples.jsonl"))
        == expected
    )
    assert sorted(server.prompts) == [10 + index for index in range(6) if index not in finished]


@pytest.mark.parametrize("wrong", [2, 3, 4, 5])
def test_a_reply_of_another_shape_ends_the_stage_and_is_quoted(server, tokenizer, tmp_path, wrong):
    server.faults = {11: [wrong]}
    with pytest.raises(SyncError, match=r"not what vLLM answers .*attempt 1 of 7"):
        sampler(server, tokenizer).sample(PROMPTS, SETTINGS, silent, SampleCache(tmp_path / "samples.jsonl"))
    assert 0 in SampleCache(tmp_path / "samples.jsonl").samples


def test_after_a_failure_nothing_is_retried(server, tokenizer):
    server.faults = {10: [400], 11: [503] * 99}
    with pytest.raises(SyncError, match="400"):
        sampler(server, tokenizer, retries=50).sample(PROMPTS, SETTINGS, silent)
    assert server.prompts.count(11) < 51


@pytest.fixture
def ctrl_c():
    """Sees that SIGINT is not ignored; where it is not, what polars did to its handler stays."""
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    if before is not signal.default_int_handler:
        signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c")
def test_after_ctrl_c_nothing_is_retried_and_what_is_under_way_is_cached(server, tokenizer, tmp_path):
    server.faults = {10: [INTERRUPT], 11: [503] * 99}
    with pytest.raises(KeyboardInterrupt):
        sampler(server, tokenizer, retries=50).sample(
            PROMPTS, SETTINGS, silent, SampleCache(tmp_path / "samples.jsonl")
        )
    assert 0 in SampleCache(tmp_path / "samples.jsonl").samples and server.prompts.count(11) < 51


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_while_a_thread_starts_loses_nothing(server, tokenizer, tmp_path, monkeypatch):
    server.faults = {10: [INTERRUPT]}
    start = threading.Thread.start
    answering = threading.Event()

    def start_slowly(thread: threading.Thread) -> None:
        start(thread)
        if "ThreadPoolExecutor" in thread.name:
            answering.wait(60)  # until the server presses Ctrl-C

    monkeypatch.setattr(threading.Thread, "start", start_slowly)
    monkeypatch.setattr(SampleCache, "add", slowly(SampleCache.add))
    with pytest.raises(KeyboardInterrupt):
        sampler(server, tokenizer).sample(PROMPTS, SETTINGS, silent, SampleCache(tmp_path / "samples.jsonl"))
    assert set(SampleCache(tmp_path / "samples.jsonl").samples) == {0}


def slowly(add):
    """Time for a caller that does not wait to go on."""

    def add_slowly(*args) -> None:
        time.sleep(0.3)
        add(*args)

    return add_slowly


def interrupt_once(ready) -> None:
    """Press Ctrl-C when it is time."""
    deadline = time.monotonic() + 60
    while not ready() and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.2)
    signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)


@pytest.mark.usefixtures("ctrl_c")
def test_a_server_that_hangs_does_not_hold_ctrl_c_up_for_further_attempts(server, tokenizer):
    server.faults = {10: [HANG] * 3, 11: [HANG] * 3}
    hanging = sampler(server, tokenizer, retries=2, timeout_s=3)
    threading.Thread(target=interrupt_once, args=(lambda: len(server.prompts) == 2,)).start()
    with pytest.raises(KeyboardInterrupt):
        hanging.sample(PROMPTS, SETTINGS, silent)
    assert sorted(server.prompts) == [10, 11]


def test_retry_after_is_waited_for(server, tokenizer):
    server.faults = {10: [429]}
    sampler(server, tokenizer).sample(PROMPTS[:1], SETTINGS, silent)
    assert server.times[1] - server.times[0] >= 0.4


def test_recipes_in_bf16_leave_room_for_its_rounding():
    for file in Path("recipes").glob("*.yaml"):
        recipe = YAML(typ="safe").load(file)
        online = recipe.get("online_dpo", {})
        if online.get("bf16") and online.get("sampler") in ("vllm", "http"):
            assert recipe["runtime"]["sync_tolerance"] > 0.02, file
