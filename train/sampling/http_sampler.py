"""Sampling with vLLM servers over HTTP. New weights come by checkpoint path on a disk that both see (train/sampling/weights.py).

A server is started with

    VLLM_SERVER_DEV_MODE=1 python -m vllm.entrypoints.openai.api_server --model models/dpo \\
        --worker-extension-cls train.sampling.weights.WeightSync

from the project's folder, and stands in params as `runtime.servers.policy`. Developer mode opens administrative routes:
such a server belongs on loopback or a closed network. What a lost connection, 408, 429 or 5xx answers is asked again
`runtime.retries` times, after the pause that a Retry-After asks for; where that does not help, or at Ctrl-C, the stage
ends. Requests under way then get no further attempt, but have `runtime.timeout_s` for the one that they are in, and
what they bring is kept: finished prompts are not asked for again when the stage is started again.
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
from schemas.errors import ParamsError
from schemas.params.engines import RuntimeParams
from schemas.stage import Model
from train.sampling.sampler import Drawing, Shown, cut
from train.sampling.samples import Kept, Sample
from train.sampling.weights import SyncError, check, prompt_logprobs
from train.settings import read_model

Read = Callable[[Any], Any]
"""Takes what is wanted out of an answer's JSON; LookupError, TypeError or AttributeError where it is of another shape."""


class HttpSampler:
    """The policy on one or several servers; prompts go to them in turn."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, runtime: RuntimeParams):
        """Raises ParamsError where params name no server."""
        self.urls = [url.rstrip("/").removesuffix("/v1") for url in runtime.servers.get("policy", [])]
        if not self.urls:
            raise ParamsError("online_dpo.sampler is http: name the servers in runtime.servers.policy")
        self.tokenizer, self.runtime = tokenizer, runtime
        self.backoff_s = 0.5
        self.models = [self.get(url, "/v1/models", lambda said: said["data"][0]["id"]) for url in self.urls]

    def sync(self, policy: Path, probes: Sequence[Sequence[int]]) -> None:
        wanted = prompt_logprobs(read_model(Model(policy)), probes)
        for url, model in zip(self.urls, self.models, strict=True):
            self.post(url, "/collective_rpc", {"method": "sync_from", "args": [str(policy.resolve())]}, ignored)
            self.post(url, "/reset_prefix_cache", None, ignored)
            found = []
            for ids in probes:
                asked = {"model": model, "prompt": list(ids), "max_tokens": 1, "temperature": 0, "prompt_logprobs": 0}
                found.append(self.post(url, "/v1/completions", asked, partial(logprobs, ids)))
            check(url, found, wanted, self.runtime.sync_tolerance)

    def sample(
        self, prompts: Sequence[Sequence[int]], drawing: Drawing, shown: Shown, kept: Kept | None = None
    ) -> list[list[Sample]]:
        signal.siginterrupt(signal.SIGINT, True)  # polars turns it off: Ctrl-C would be seen after the next answer only
        kept = kept or Kept()
        ending, adding = threading.Event(), threading.Lock()

        def read(said: Any) -> list[Sample]:
            choices = sorted(said["choices"], key=lambda choice: choice["index"])
            if len(choices) != drawing.samples:
                raise LookupError(f"{len(choices)} choices of {drawing.samples}")
            return [cut(self.tokenizer, list(choice["token_ids"])) for choice in choices]

        def ask(at: int) -> None:
            if ending.is_set():
                return
            which = at % len(self.urls)
            asked = {
                "model": self.models[which],
                "prompt": list(prompts[at]),
                "n": drawing.samples,
                "temperature": drawing.temperature,
                "max_tokens": drawing.max_new_tokens,
                "seed": drawing.seed * 100_003 + at,
                "stop_token_ids": [self.tokenizer.eos_token_id],
                "return_token_ids": True,
            }
            samples = self.post(self.urls[which], "/v1/completions", asked, read, ending)
            with adding:
                kept.add({at: samples})

        failed: Exception | None = None
        with ThreadPoolExecutor(self.runtime.concurrency) as pool:
            try:
                for answer in as_completed([pool.submit(ask, at) for at in range(len(prompts)) if at not in kept.held]):
                    try:
                        answer.result()
                    except SyncError as error:  # what is under way is waited for and kept
                        failed = failed or error
                        ending.set()
                    shown(len(kept.held), len(prompts), "sampled")
            finally:
                ending.set()
        if failed is not None:
            raise failed
        return [kept.held[at] for at in range(len(prompts))]

    def get(self, url: str, path: str, read: Read) -> Any:
        return self.call(urllib.request.Request(url + path), read)

    def post(
        self,
        url: str,
        path: str,
        body: dict[str, Any] | None,
        read: Read,
        ending: threading.Event | None = None,
    ) -> Any:
        data = b"" if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            url + path, data=data, headers={"Content-Type": "application/json"}, method="POST"
        )
        return self.call(request, read, ending)

    def call(self, request: urllib.request.Request, read: Read, ending: threading.Event | None = None) -> Any:
        """What `read` finds in the answer's JSON, asked for until it works, cannot work, has failed too often, or `ending`.

        Raises SyncError with the server's words and how a server is to be started.
        """
        ending = ending or threading.Event()
        cause: Exception
        pause: float | None = None
        for attempt in range(self.runtime.retries + 1):
            if attempt:
                jitter = random.uniform(0, self.backoff_s * 2 ** min(attempt, 6))  # changes no result: full jitter
                if ending.wait(max(jitter, pause or 0.0)):
                    attempt -= 1
                    break
            try:
                with urllib.request.urlopen(request, timeout=self.runtime.timeout_s) as answer:
                    text = answer.read()
                return read(json.loads(text) if text.strip() else None)
            except urllib.error.HTTPError as error:
                words, cause = f"{error.code} {body_of(error)}", error
                pause = parse_retry_after(error.headers.get("Retry-After"))
                if error.code not in (408, 429) and error.code < 500:
                    break
            except (LookupError, TypeError, AttributeError) as error:
                words, cause = f"not what vLLM answers ({type(error).__name__}: {error}): {text[:500]!r}", error
                break
            except (OSError, http.client.HTTPException, ValueError) as error:  # ValueError: not JSON
                words, cause, pause = f"{type(error).__name__}: {error}", error, None
        raise SyncError(
            f"{request.full_url}: {words} (attempt {attempt + 1} of {self.runtime.retries + 1})\n{started_how()}"
        ) from cause

    def close(self) -> None: ...


def ignored(said: Any) -> None: ...


def logprobs(ids: Sequence[int], said: Any) -> list[float]:
    """Of every token of a prompt but the first, from a completion with `prompt_logprobs`."""
    entries = said["choices"][0]["prompt_logprobs"]
    return [entry[str(token)]["logprob"] for entry, token in zip(entries[1:], ids[1:], strict=True)]


def body_of(error: urllib.error.HTTPError) -> str:
    """The server's words, as far as they arrive."""
    try:
        return error.read().decode(errors="replace")[:500]
    except (OSError, http.client.HTTPException):
        return error.reason


def started_how() -> str:
    return "a server for sampling is started as follows:" + (__doc__ or "").split("A server is started with")[1]
