"""What a model said, and whether it can be used."""

from dataclasses import dataclass

from pydantic import BaseModel


@dataclass(frozen=True, slots=True)
class Generation:
    """A terminal answer of an engine to one request, as the store keeps it.

    `finish_reason` is "stop", "length" or whatever else the server said ("content_filter").
    """

    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A request that failed for good: the server's words. Never stored, so asked again next time.

    `passing` where the reason is not the request but the hour: no connection, a wrong key, an overloaded server.
    `heard` is whether a server said so (else none was reached, or none replied). With `ends` nobody may go on without
    it: asking had ended before it was put.
    """

    error: str
    passing: bool = False
    heard: bool = True
    ends: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """One sample as a stage sees it.

    `key` is the identity of the generation (lineage), `text` the raw text, `value` the parsed answer where the
    question had a model and parsing succeeded. `error` is None for a usable answer; otherwise "length" (cut off),
    "refused: <finish reason>", "invalid: <reason>" (did not parse, also when asked again) or the server's words.
    `engine` is "<kind>/<model>@<revision>".
    """

    key: str
    text: str
    value: BaseModel | None
    error: str | None
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    engine: str
    simulated: bool

    @property
    def ok(self) -> bool:
        """Whether the answer can be used."""
        return self.error is None
