"""The http engine: any number of OpenAI-compatible servers (vLLM, SGLang, Ollama, hosted) over aiohttp and orjson.

Addresses come from runtime.servers (by role, else by model), the API key from the environment variable that
runtime.api_key_env names and from nowhere else. What may be temporary (408, 409, 425, 429, 5xx, connection errors,
timeouts, bodies that are no JSON) is tried again with full jitter; Retry-After is honoured. A request that is refused
for what it says (400, 413, 422) becomes an Unanswered with the server's words: one bad row costs one row. One that still
fails otherwise, or is forbidden (403: some hosts refuse single prompts so), becomes a passing Unanswered: the rest is
asked, and cultivar/llm/unanswered.py says what becomes of the stage. A server that refuses the key, the address or the model gets
nothing more. Once that is true of every server, or none has been of use for too long (cultivar/llm/servers.py, Breaker), no
request is sent any more; those in flight come in.
"""

import asyncio
import os
import random
from collections.abc import Sequence
from typing import Any

import aiohttp
import orjson

from cultivar.llm.answer import Generation, Unanswered
from cultivar.llm.request import Request
from cultivar.llm.retry_after import parse_retry_after
from cultivar.llm.schema import strict_schema
from cultivar.llm.servers import Balancer, Breaker, Server, Why
from schemas.params.engines import RoleParams, RuntimeParams
from schemas.stage import Unfinished

TEMPORARY = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529})
OWN_FAULT = frozenset({400, 413, 422})
HOPELESS = frozenset({301, 302, 303, 307, 308, 401, 402, 404, 405})
"""What every request to this server would be told: this key, address or model is wrong."""
GONE = frozenset({404, 405})
"""Of a server that has answered already, this passes (a gateway that is loaded anew)."""
NO_SAMPLES = ("HTTP 400", "HTTP 422")
WORDS = 500  # characters of a server's error that are kept
Outcome = Generation | Unanswered


class Temporary(Exception):
    """An attempt that may go better the next time. Servers that ask for patience ("busy") cost no attempt."""

    def __init__(self, words: str, why: Why) -> None:
        super().__init__(words)
        self.why: Why = why


class TakenOut(Exception):
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
        self.breaker = Breaker(
            runtime.give_up_s, self.timeout_s * self.attempts, errors_answer=spec.unanswered == "quarantine"
        )
        self.key = os.environ.get(runtime.api_key_env) or None
        self.session: aiohttp.ClientSession | None = None

    async def answer(self, requests: Sequence[Request]) -> list[Outcome]:
        """Outcomes of consecutive samples of one question, asked for as n choices from the first one's seed.

        Raises Unfinished where no request can be answered any more and there is nothing to give.
        """
        outcomes = await self.persist(requests)
        if len(requests) > 1:  # a server that knows no `n`, or refuses it: sample by sample
            for at, outcome in enumerate(outcomes):
                if outcome is None or (isinstance(outcome, Unanswered) and outcome.error.startswith(NO_SAMPLES)):
                    try:
                        outcomes[at] = (await self.persist(requests[at : at + 1]))[0]
                    except Unfinished as error:
                        if not any(isinstance(one, Generation) for one in outcomes):
                            raise
                        outcomes[at] = Unanswered(str(error), passing=True, ends=True)
        nothing = Unanswered("the server answered without choices", passing=True)
        return [outcome or nothing for outcome in outcomes]

    async def persist(self, requests: Sequence[Request]) -> list[Outcome | None]:
        """Try until it works, cannot work, or has failed too often. None where the server gave fewer choices.

        Raises Unfinished where no request can be answered any more.
        """
        body = payload(requests, self.spec.structured)
        loop = asyncio.get_running_loop()
        patience = loop.time() + self.timeout_s * self.attempts
        failed = 0
        while True:
            try:
                return await self.attempt(requests, body)
            except TakenOut:
                continue
            except Temporary as error:
                failed += error.why != "busy"
                if self.breaker.failed(loop.time(), error.why, self.balancer.oldest()):
                    held = self.breaker.patience_s if error.why in ("busy", "late") else self.breaker.give_up_s
                    words = f"no server has answered for {held:g} s, the last: {error}"
                    raise self.balancer.stop(words) from error
                if failed >= self.attempts or loop.time() > patience:
                    words = f"{error} (attempt {failed} of {self.attempts})"
                    heard = error.why in ("busy", "error")
                    return [Unanswered(words, passing=True, heard=heard)] * len(requests)
                self.retries += 1
                ceiling = self.backoff_s * 2 ** min(failed, 6)
                await self.balancer.pause(random.uniform(0, ceiling))  # full jitter; changes no result

    async def attempt(self, requests: Sequence[Request], body: bytes) -> list[Outcome | None]:
        """One HTTP exchange. Raises Temporary, TakenOut; Unfinished where nothing more is sent."""
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
                return self.refused(requests, server, sent, reply, content)
            outcomes = choices(content, len(requests))
            balancer.answered(server)
            self.breaker.answered()
            server.has_answered = True
            return outcomes
        except aiohttp.InvalidURL as error:
            balancer.take_out(server, f"{server.url} is no URL that can be asked: {error}")
            raise TakenOut from error
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, ConnectionRefusedError) as error:
            balancer.unreached(server, loop.time())
            raise Temporary(f"{server.url}: {error}", "unreached") from error
        except TimeoutError as error:
            balancer.overloaded(server, loop.time(), sent)
            raise Temporary(f"{server.url}: no answer within {self.timeout_s:g} s", "late") from error
        except (aiohttp.ClientError, OSError) as error:
            raise Temporary(f"{server.url}: {type(error).__name__}: {error}", "lost") from error
        except ValueError as error:
            raise Temporary(f"{server.url}: the answer cannot be read: {error}", "error") from error
        finally:
            balancer.release(server, sent)

    def refused(
        self, requests: Sequence[Request], server: Server, sent: float, reply: aiohttp.ClientResponse, content: bytes
    ) -> list[Outcome | None]:
        """A status other than 200: the error of these requests. Raises Temporary, TakenOut."""
        words = f"HTTP {reply.status}: {words_of(content)}"
        if self.key:
            words = words.replace(self.key, "…")
        passes = reply.status in TEMPORARY or (reply.status in GONE and server.has_answered)
        if reply.status in HOPELESS and not passes:
            self.balancer.take_out(server, f"{words} by {server.url}")
            raise TakenOut
        if not passes:
            self.breaker.answered()
            return [Unanswered(words, passing=reply.status not in OWN_FAULT)] * len(requests)
        pause = parse_retry_after(reply.headers.get("Retry-After"))
        if reply.status == 429 or reply.status >= 500:
            self.balancer.overloaded(server, asyncio.get_running_loop().time(), sent, pause or 0.0)
        raise Temporary(words, "busy" if reply.status == 429 or pause is not None else "error")

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
        schema = {
            "name": "answer",
            "schema": strict_schema(config.schema, string_lengths=False),
        }
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    return orjson.dumps(body)


def choices(content: bytes, count: int) -> list[Outcome | None]:
    """Generations by sample from the body of a good answer. Raises ValueError where it is no such body.

    A server gives the sum of completion tokens: it is shared among the choices by their length.
    """
    body = orjson.loads(content)
    found: list[Outcome | None] = [None] * count
    try:
        said = body["choices"]
        texts = [choice["message"].get("content") or "" for choice in said]
        usage = body.get("usage") or {}
        tokens = shared(int(usage.get("completion_tokens") or 0), [len(text) for text in texts])
        prompt_tokens = int(usage.get("prompt_tokens") or 0)
        for place, (choice, text) in enumerate(zip(said, texts, strict=True)):
            at = int(choice.get("index", place))
            if at < count:
                found[at] = Generation(text, choice.get("finish_reason") or "stop", prompt_tokens, tokens[place])
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a chat completion ({type(error).__name__}: {error}): {words_of(content)}") from error
    if not any(found):
        raise ValueError(f"no choices: {words_of(content)}")
    return found


def shared(total: int, weights: list[int]) -> list[int]:
    """A whole number split by weight; the parts sum to it."""
    whole = sum(weights) or 1
    ends = [total * sum(weights[: at + 1]) // whole for at in range(len(weights))]
    return [end - start for start, end in zip([0, *ends], ends, strict=False)]


def words_of(content: bytes) -> str:
    """What a server says went wrong: the message of an OpenAI error, else the body, shortened."""
    try:
        body = orjson.loads(content)
        error = body.get("error", body)
        said = error.get("message") if isinstance(error, dict) else error
        text = said if isinstance(said, str) else orjson.dumps(body).decode()
    except (ValueError, AttributeError):
        text = content.decode("utf-8", "replace")
    return text.strip()[:WORDS]
