"""What is asked of a model, and its identity.

A request is one sample of one question put to one model. Its key is sha256 (16 bytes) over the canonical form (orjson,
sorted keys) of everything that changes the answer: engine kind, model, revision, sampling parameters, JSON schema
(cultivar/llm/schema.py), messages, seed and sample index. Row, position and stage are not in it, nor are addresses,
timeouts and concurrency. Samples of one question have consecutive seeds (`seed + sample`), so that n can grow later and
only the new samples are sent.
"""

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, NotRequired, TypedDict

import orjson
from pydantic import BaseModel

from cultivar.llm.markup import CHAT_TOKEN, break_chat_tokens
from cultivar.store.keys import content_key, normalize_numbers

SAMPLING = frozenset({"temperature", "top_p", "max_tokens", "stop"})


class MessageDict(TypedDict):
    """One turn of a conversation, in OpenAI's shape."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str
    tool_calls: NotRequired[list[dict[str, Any]]]
    tool_call_id: NotRequired[str]
    name: NotRequired[str]


@dataclass(frozen=True)
class Question:
    """What a stage asks: messages, the pydantic model of the answer (None: free text), `n` samples from `seed` on.

    `tools` are those that the model may call, as rows hold them (JSON); its calls stand in the text of the answer
    (cultivar/llm/tool_calls.py). `sampling` overrides the role's temperature, top_p, max_tokens or stop for this question. Tokens of chat templates in
    the messages are broken (cultivar/llm/markup.py).
    """

    messages: list[MessageDict]
    answer: type[BaseModel] | None = None
    n: int = 1
    seed: int = 0
    sampling: dict[str, Any] = field(default_factory=dict)
    tools: str = ""

    def __post_init__(self) -> None:
        if self.n < 1:
            raise ValueError(f"Question.n is {self.n}; ask for at least one sample")
        # a role's marker in a row's text must not begin a turn of its own
        if any(CHAT_TOKEN.search(message["content"]) or len(message) > 2 for message in self.messages):
            object.__setattr__(self, "messages", break_chat_tokens(self.messages))
        if CHAT_TOKEN.search(self.tools):
            object.__setattr__(self, "tools", break_chat_tokens(self.tools))
        if unknown := self.sampling.keys() - SAMPLING:
            raise ValueError(f"Question.sampling has {sorted(unknown)}; what can be set is {sorted(SAMPLING)}")


@dataclass(frozen=True)
class ModelConfig:
    """Which model answers and how: all of a request but its messages, seed and sample. One folder of the store each.

    `extra` is whatever else decides an answer of this engine kind (fault rates of the simulated teacher, whether
    decoding is guided).
    """

    engine: str
    model: str
    revision: str
    sampling: dict[str, Any]
    schema: dict[str, Any] | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def digest(self) -> bytes:
        """16 bytes over the canonical form."""
        form = [self.engine, self.model, self.revision, normalize_numbers(self.sampling), self.schema]
        return content_key([*form, normalize_numbers(self.extra)])

    @cached_property
    def fingerprint(self) -> str:
        """The digest as 32 hex characters: name of the folder in the store."""
        return self.digest.hex()


class Request:
    """One sample of one question put to one model with one configuration."""

    __slots__ = ("config", "messages", "seed", "sample", "key", "tools")

    def __init__(
        self,
        config: ModelConfig,
        messages: list[MessageDict],
        seed: int,
        sample: int,
        body: bytes | None = None,
        tools: str = "",
    ):
        """`body` is `body_of(messages, tools)`, given by callers that make several requests of the same messages."""
        self.config = config
        self.messages = messages
        self.seed = seed
        self.sample = sample
        self.tools = tools
        tail = b"%d/%d" % (seed, sample)
        content = config.digest + (body_of(messages, tools) if body is None else body) + tail
        self.key: bytes = hashlib.sha256(content).digest()[:16]

    @property
    def fingerprint(self) -> str:
        return self.config.fingerprint

    def __repr__(self) -> str:
        return f"Request({self.config.engine}/{self.config.model}, seed={self.seed}+{self.sample}, {self.key.hex()})"


def body_of(messages: list[MessageDict], tools: str = "") -> bytes:
    """Canonical bytes of the messages, and of the tools where there are some. Raises TypeError for what is no text."""
    return orjson.dumps(messages, option=orjson.OPT_SORT_KEYS) + tools.encode()
