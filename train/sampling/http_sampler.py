"""Sampling with vLLM servers over HTTP.

New weights come by checkpoint path on a disk that both see (train/sampling/weights.py).

A server is started with

    VLLM_SERVER_DEV_MODE=1 python -m vllm.entrypoints.openai.api_server --model models/dpo \\
        --worker-extension-cls train.sampling.weights.WeightSync

from the project's folder, and stands in params as `runtime.servers.policy`. Developer mode opens administrative routes:
such a server belongs on loopback or a closed network. Requests that end in a lost connection, 408, 429 or 5xx are
retried `runtime.retries` times, after the pause that a Retry-After asks for; where that does not help, or at Ctrl-C,
the stage ends. Requests under way then get no further attempt, but have `runtime.timeout_s` for the one that they are
in, and their samples are cached: finished prompts are not sampled again when the stage is started again.
"""

import http.client
import json
import random
import signal
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial
from pathlib import Path
from typing import Any

from transformers import PreTrainedTokenizerBase

from cultivar.llm.retry_after import parse_retry_after
from cultivar.outgoing.redaction import CONSIDERED, redacted
from schemas.errors import ParamsError
from schemas.params.engines import RuntimeParams
from schemas.parsing import parse_json
from schemas.stage import Model, Progress
from train.sampling.sampler import Prompts, SamplingSettings, cut_at_stop
from train.sampling.samples import Sample, SampleCache
from train.sampling.weights import SyncError, check_logprobs, prompt_logprobs
from train.settings import read_model

Parse = Callable[[Any], Any]
"""Takes what is wanted out of a reply's JSON; LookupError, TypeError or AttributeError where it is of another shape."""


class HttpSampler:
    """The policy on one or several servers; prompts go to them in turn."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, runtime: RuntimeParams):
        """Raises ParamsError where params name no server."""
        self.urls = [url.rstrip("/").removesuffix("/v1") for url in runtime.servers.get("policy", [])]
        if not self.urls:
            raise ParamsError("online_dpo.sampler is http: name the servers in runtime.servers.policy")
        self.tokenizer, self.runtime = tokenizer, runtime
        self.backoff_s = 0.5
        self.models = [self.get(url, "/v1/models", lambda reply: reply["data"][0]["id"]) for url in self.urls]

    def sync(self, policy: Path, probes: Prompts) -> None:
        expected = prompt_logprobs(read_model(Model(policy)), probes)
        for url, model in zip(self.urls, self.models, strict=True):
            self.post(url, "/collective_rpc", {"method": "sync_from", "args": [str(policy.resolve())]}, ignore)
            self.post(url, "/reset_prefix_cache", None, ignore)
            actual = []
            for ids in probes:
                body = {"model": model, "prompt": list(ids), "max_tokens": 1, "temperature": 0, "prompt_logprobs": 0}
                actual.append(self.post(url, "/v1/completions", body, partial(parse_prompt_logprobs, ids)))
            check_logprobs(url, actual, expected, self.runtime.sync_tolerance)

    def sample(
        self, prompts: Prompts, settings: SamplingSettings, progress: Progress, cache: SampleCache | None = None
    ) -> list[list[Sample]]:
        signal.siginterrupt(signal.SIGINT, True)  # polars turns it off: Ctrl-C would be seen after the next reply only
        cache = cache or SampleCache()
        stopping, cache_lock = threading.Event(), threading.Lock()
        workers: set[threading.Thread] = set()

        def sample_prompt(position: int) -> None:
            workers.add(threading.current_thread())
            if stopping.is_set():
                return
            samples = self.sample_prompt(position, prompts[position], settings, stopping)
            with cache_lock:
                cache.add({position: samples})

        failure: Exception | None = None
        missing = [position for position in range(len(prompts)) if position not in cache.samples]
        with ThreadPoolExecutor(self.runtime.concurrency) as pool:
            try:
                for future in as_completed([pool.submit(sample_prompt, position) for position in missing]):
                    try:
                        future.result()
                    except SyncError as error:  # requests under way are waited for and cached
                        failure = failure or error
                        stopping.set()
                    progress(len(cache.samples), len(prompts), "sampled")
            finally:
                stopping.set()
                pool.shutdown()
                for worker in list(workers):  # a pool forgets the thread during whose start Ctrl-C came
                    worker.join()
        if failure is not None:
            raise failure
        return cache.in_order(len(prompts))

    def sample_prompt(
        self, position: int, prompt: Sequence[int], settings: SamplingSettings, stopping: threading.Event
    ) -> list[Sample]:
        """The samples of the prompt at a position. Raises SyncError."""
        server = position % len(self.urls)
        body = {
            "model": self.models[server],
            "prompt": list(prompt),
            "n": settings.samples,
            "temperature": settings.temperature,
            "max_tokens": settings.max_new_tokens,
            "seed": settings.seed * 100_003 + position,
            "stop_token_ids": [self.tokenizer.eos_token_id],
            "return_token_ids": True,
        }

        def parse(reply: Any) -> list[Sample]:
            choices = sorted(reply["choices"], key=lambda choice: choice["index"])
            if len(choices) != settings.samples:
                raise LookupError(f"{len(choices)} choices of {settings.samples}")
            return [cut_at_stop(self.tokenizer, list(choice["token_ids"])) for choice in choices]

        return self.post(self.urls[server], "/v1/completions", body, parse, stopping)

    def get(self, url: str, path: str, parse: Parse) -> Any:
        return self.request(urllib.request.Request(url + path), parse)

    def post(
        self, url: str, path: str, body: dict[str, Any] | None, parse: Parse, stopping: threading.Event | None = None
    ) -> Any:
        data = b"" if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            url + path, data=data, headers={"Content-Type": "application/json"}, method="POST"
        )
        return self.request(request, parse, stopping)

    def request(self, request: urllib.request.Request, parse: Parse, stopping: threading.Event | None = None) -> Any:
        """What `parse` takes from the reply's JSON.

        Retried until it works, cannot work, has failed too often, or `stopping` is set. Raises SyncError with the
        server's reply and how a server is to be started.
        """
        stopping = stopping or threading.Event()
        cause: Exception
        pause: float | None = None
        for attempt in range(self.runtime.retries + 1):
            if attempt:
                jitter = random.uniform(0, self.backoff_s * 2 ** min(attempt, 6))  # changes no result: full jitter
                if stopping.wait(max(jitter, pause or 0.0)):
                    attempt -= 1
                    break
            try:
                with urllib.request.urlopen(request, timeout=self.runtime.timeout_s) as response:
                    text = response.read()
                return parse(parse_json(text) if text.strip() else None)
            except urllib.error.HTTPError as error:
                reason, cause = f"{error.code} {reply_body(error)}", error
                pause = parse_retry_after(error.headers.get("Retry-After"))
                if error.code not in (408, 429) and error.code < 500:
                    break
            except (LookupError, TypeError, AttributeError) as error:
                reason, cause = (
                    f"not what vLLM answers ({type(error).__name__}: {error}): {redacted(text[:CONSIDERED].decode(errors='replace'))[:500]!r}",
                    error,
                )
                break
            except (OSError, http.client.HTTPException, ValueError) as error:  # ValueError: not JSON
                reason, cause, pause = f"{type(error).__name__}: {error}", error, None
        raise SyncError(
            f"{request.full_url}: {reason} (attempt {attempt + 1} of {self.runtime.retries + 1})\n{how_to_start()}"
        ) from cause

    def close(self) -> None: ...


def ignore(reply: Any) -> None: ...


def parse_prompt_logprobs(ids: Sequence[int], reply: Any) -> list[float]:
    """Of every token of a prompt but the first, from a completion with `prompt_logprobs`."""
    entries = reply["choices"][0]["prompt_logprobs"]
    return [entry[str(token)]["logprob"] for entry, token in zip(entries[1:], ids[1:], strict=True)]


def reply_body(error: urllib.error.HTTPError) -> str:
    """The reply's body, as far as it arrives."""
    try:
        return redacted(error.read()[:CONSIDERED].decode(errors="replace"))[:500]
    except (OSError, http.client.HTTPException):
        return error.reason


def how_to_start() -> str:
    return "a server for sampling is started as follows:" + (__doc__ or "").split("A server is started with")[1]
