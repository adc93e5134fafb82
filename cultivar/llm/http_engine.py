"""The http engine: any number of OpenAI-compatible servers (vLLM, SGLang, Ollama, hosted) over aiohttp and orjson.

Addresses come from runtime.servers (by role, else by model), the API key from the environment variable that
runtime.api_key_env names and from nowhere else; a server that repeats it does not bring it into errors or answers
(cultivar/llm/echoes.py). Errors that may be transient (408, 409, 425, 429, 5xx, connection errors, timeouts, bodies
that are no JSON) are retried with full jitter; Retry-After is honoured. A request that is refused for what it holds
(400, 413, 422) becomes an Unanswered with the server's error: one bad row costs one row. One that still fails otherwise,
or is forbidden (403: some hosts refuse single prompts so), becomes a transient Unanswered: the rest is sent, and
cultivar/llm/unanswered.py decides what becomes of the stage. A server that refuses the key, the address or the model
gets nothing more. Once that is true of every server, or none has been of use for too long (CircuitBreaker in
cultivar/llm/servers.py), no request is sent any more; those in flight come in.
"""

import asyncio
import os
import random
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import aiohttp
import orjson

from cultivar.llm.answer import Generation, Unanswered
from cultivar.llm.backend import Outcome
from cultivar.llm.request import Request
from cultivar.llm.retry_after import parse_retry_after
from cultivar.llm.schema import strict_schema
from cultivar.llm.servers import Balancer, CircuitBreaker, FailureKind, Server
from cultivar.llm.tool_calls import with_calls
from cultivar.outgoing.redaction import CONSIDERED, redacted
from cultivar.outgoing.secret_values import register, register_url
from schemas.params.engines import RoleParams, RuntimeParams
from schemas.parsing import parse_json, parsed
from schemas.stage import Unfinished

TRANSIENT = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529})
REQUEST_FAULT = frozenset({400, 413, 422})
SERVER_FAULT = frozenset({301, 302, 303, 307, 308, 401, 402, 404, 405})
"""Errors that every request to this server would get: the key, the address or the model is wrong."""
NOT_FOUND = frozenset({404, 405})
"""Transient from a server that has answered already (a gateway that is reloaded)."""
NO_SAMPLES = ("HTTP 400", "HTTP 422")
MAX_ERROR_CHARS = 500  # of a server's error
MAX_TOKENS = 2**31 - 1


class TransientError(Exception):
    """An attempt that may succeed the next time. One at a server that asks for a pause ("busy") is not counted."""

    def __init__(self, message: str, kind: FailureKind) -> None:
        super().__init__(message)
        self.kind: FailureKind = kind


class ServerExcluded(Exception):
    """This server gets nothing more; another may answer."""


class HttpBackend:
    """Sends requests of one role to its servers."""

    simulated = False

    def __init__(self, role: str, spec: RoleParams, runtime: RuntimeParams) -> None:
        urls = runtime.servers.get(role) or runtime.servers.get(spec.model)
        if not urls:
            raise ValueError(
                f"role {role}: no server. Add `servers: {{{role}: [http://…/v1]}}` (or by model, {spec.model!r}) "
                "to the runtime section of params.yaml"
            )
        self.spec = spec
        self.extra: dict[str, Any] = {}
        self.in_flight = runtime.concurrency
        self.attempts = runtime.retries + 1
        self.timeout_s = runtime.timeout_s
        self.backoff_s = 0.5
        self.retries = 0
        self.balancer = Balancer(urls, runtime.concurrency)
        self.breaker = CircuitBreaker(
            runtime.give_up_s, self.timeout_s * self.attempts, errors_answer=spec.unanswered == "quarantine"
        )
        self.key = os.environ.get(runtime.api_key_env) or None
        register(self.key or "")
        for url in urls:
            register_url(url)
        self.session: aiohttp.ClientSession | None = None

    async def answer(self, requests: Sequence[Request]) -> list[Outcome]:
        """Outcomes of consecutive samples of one question, asked for as n choices from the first one's seed.

        Raises Unfinished where nothing can be sent any more and no sample was answered.
        """
        outcomes = await self.send_with_retries(requests)
        if len(requests) > 1:  # a server that knows no `n`, or refuses it: sample by sample
            for index, outcome in enumerate(outcomes):
                if outcome is None or (isinstance(outcome, Unanswered) and outcome.error.startswith(NO_SAMPLES)):
                    try:
                        outcomes[index] = (await self.send_with_retries(requests[index : index + 1]))[0]
                    except Unfinished as error:
                        if not any(isinstance(outcome, Generation) for outcome in outcomes):
                            raise
                        outcomes[index] = Unanswered(str(error), transient=True, fatal=True)
        nothing = Unanswered("the server answered without choices", transient=True)
        return [outcome or nothing for outcome in outcomes]

    async def send_with_retries(self, requests: Sequence[Request]) -> list[Outcome | None]:
        """Retry until it succeeds, cannot succeed, or has failed too often. None where the server gave fewer choices.

        Raises Unfinished where nothing can be sent any more.
        """
        body = payload(requests, self.spec.structured)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.timeout_s * self.attempts
        failed = 0
        while True:
            try:
                return await self.send_once(requests, body)
            except ServerExcluded:
                continue
            except TransientError as error:
                failed += error.kind != "busy"
                if self.breaker.record_failure(loop.time(), error.kind, self.balancer.oldest_sent()):
                    patience = self.breaker.patience_s if error.kind in ("busy", "late") else self.breaker.give_up_s
                    message = f"no server has answered for {patience:g} s, the last: {error}"
                    raise self.balancer.stop(message) from error
                if failed >= self.attempts or loop.time() > deadline:
                    message = f"{error} (attempt {failed} of {self.attempts})"
                    server_replied = error.kind in ("busy", "error")
                    return [Unanswered(message, transient=True, server_replied=server_replied)] * len(requests)
                self.retries += 1
                ceiling = self.backoff_s * 2 ** min(failed, 6)
                await self.balancer.pause(random.uniform(0, ceiling))  # full jitter; changes no result

    async def send_once(self, requests: Sequence[Request], body: bytes) -> list[Outcome | None]:
        """One HTTP exchange. Raises TransientError, ServerExcluded; Unfinished where nothing more is sent."""
        if self.session is None:
            headers = {"Content-Type": "application/json"}
            if self.key:
                headers["Authorization"] = f"Bearer {self.key}"
            self.session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),
                timeout=aiohttp.ClientTimeout(total=self.timeout_s, sock_connect=min(30.0, self.timeout_s / 2)),
                headers=headers,
            )
        balancer, loop = self.balancer, asyncio.get_running_loop()
        server, sent = await balancer.acquire()
        try:
            # a redirect would carry the key elsewhere
            async with self.session.post(server.url + "/chat/completions", data=body, allow_redirects=False) as reply:
                content = await reply.read()
            if reply.status != 200:
                return self.handle_error(requests, server, sent, reply, content)
            outcomes = parse_choices(content, len(requests), bool(requests[0].tools))
            balancer.record_success(server)
            self.breaker.record_success()
            server.has_answered = True
            return outcomes
        except aiohttp.InvalidURL as error:
            balancer.exclude(server, f"{server.url} is no URL that can be asked: {error}")
            raise ServerExcluded from error
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, ConnectionRefusedError) as error:
            balancer.record_unreachable(server, loop.time())
            raise TransientError(f"{server.url}: {error}", "unreached") from error
        except TimeoutError as error:
            balancer.record_overload(server, loop.time(), sent)
            raise TransientError(f"{server.url}: no answer within {self.timeout_s:g} s", "late") from error
        except (aiohttp.ClientError, OSError) as error:
            raise TransientError(f"{server.url}: {type(error).__name__}: {error}", "lost") from error
        except ValueError as error:
            raise TransientError(f"{server.url}: the answer cannot be read: {error}", "error") from error
        finally:
            balancer.release(server, sent)

    def handle_error(
        self, requests: Sequence[Request], server: Server, sent: float, reply: aiohttp.ClientResponse, content: bytes
    ) -> list[Outcome | None]:
        """A status other than 200: the error of these requests. Raises TransientError, ServerExcluded."""
        message = f"HTTP {reply.status}: {server_error(content)}"
        is_transient = reply.status in TRANSIENT or (reply.status in NOT_FOUND and server.has_answered)
        if reply.status in SERVER_FAULT and not is_transient:
            self.balancer.exclude(server, f"{message} by {server.url}")
            raise ServerExcluded
        if not is_transient:
            self.breaker.record_success()
            return [Unanswered(message, transient=reply.status not in REQUEST_FAULT)] * len(requests)
        pause = parse_retry_after(reply.headers.get("Retry-After"))
        if reply.status == 429 or reply.status >= 500:
            self.balancer.record_overload(server, asyncio.get_running_loop().time(), sent, pause or 0.0)
        raise TransientError(message, "busy" if reply.status == 429 or pause is not None else "error")

    async def close(self) -> None:
        """Close the connections."""
        if self.session is not None:
            await self.session.close()
            self.session = None


def payload(requests: Sequence[Request], structured: bool) -> bytes:
    """The body of a chat completion request for consecutive samples."""
    first = requests[0]
    config = first.config
    body: dict[str, Any] = {
        "model": config.model,
        "messages": first.messages,
        "seed": first.seed + first.sample,
        **config.sampling,
    }
    if len(requests) > 1:
        body["n"] = len(requests)
    if config.schema is not None and structured:
        schema = {"name": "answer", "schema": strict_schema(config.schema, string_lengths=False)}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    if first.tools:
        body["tools"] = orjson.loads(first.tools)
    return orjson.dumps(body)


def parse_choices(content: bytes, count: int, has_tools: bool = False) -> list[Outcome | None]:
    """Generations by sample from the body of a good answer. Raises ValueError where it is no such body.

    A server gives the sum of completion tokens: it is split among the choices by their length in characters.
    """
    body = load_json(content)
    outcomes: list[Outcome | None] = [None] * count
    try:
        choices = body["choices"]
        texts = [message_text(choice["message"], has_tools) for choice in choices]
        usage = body.get("usage") or {}
        tokens = split_by_weight(count_of(usage.get("completion_tokens")), [len(text) for text in texts])
        prompt_tokens = count_of(usage.get("prompt_tokens"))
        for place, (choice, text) in enumerate(zip(choices, texts, strict=True)):
            index = int(choice.get("index", place))
            if 0 <= index < count:
                reason = parsed(str, choice.get("finish_reason") or "stop")
                outcomes[index] = Generation(text, reason, prompt_tokens, tokens[place])
    except (KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError(f"not a chat completion ({type(error).__name__}: {error}): {server_error(content)}") from error
    if not any(outcomes):
        raise ValueError(f"no choices: {server_error(content)}")
    return outcomes


def load_json(content: bytes) -> Any:
    """A body that is JSON for any reader. Raises ValueError (Unreadable) where it is none.

    orjson takes no lone surrogates, no NaN (in log probabilities) and no bytes that are not UTF-8; Python's reader
    does, and such characters are then the answer's own fault (cultivar/llm/characters.py), not the server's.
    """
    try:
        return orjson.loads(content)
    except ValueError:
        try:
            text = content.decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            text = content.decode("utf-8", "surrogateescape")
        return parse_json(text)


def message_text(message: Any, has_tools: bool) -> str:
    """All of a message: its text, and where it was given tools its calls. Raises KeyError, TypeError for no message."""
    content = text_of(message.get("content"))
    calls = message.get("tool_calls") if has_tools else None
    return with_calls(content, calls) if calls else content


def text_of(content: Any) -> str:
    """The text of a message: a string, or the text parts of a list. Raises TypeError where it is neither."""
    if isinstance(content, list):
        content = "".join(part["text"] for part in content if part.get("type", "text") == "text")
    if not isinstance(content, str | None):
        raise TypeError(f"content is a {type(content).__name__}")
    return content or ""


def count_of(tokens: Any) -> int:
    """A server's count of tokens, within what the store can hold."""
    return min(max(int(tokens or 0), 0), MAX_TOKENS)


def split_by_weight(total: int, weights: list[int]) -> list[int]:
    """An integer split in proportion to the weights; the parts sum to it."""
    total_weight = sum(weights) or 1
    ends = [total * weight // total_weight for weight in accumulate(weights)]
    return [end - start for start, end in zip([0, *ends], ends, strict=False)]


def server_error(content: bytes) -> str:
    """The error of a server: the message of an OpenAI error, else the body, without secrets, then shortened."""
    try:
        body = orjson.loads(content)
        error = body.get("error", body)
        message = error.get("message") if isinstance(error, dict) else error
        text = message if isinstance(message, str) else orjson.dumps(body).decode()
    except (ValueError, TypeError, AttributeError):  # TypeError: too deep to be written
        text = content[:CONSIDERED].decode("utf-8", "replace")
    return redacted(text[:CONSIDERED]).strip()[:MAX_ERROR_CHARS]
