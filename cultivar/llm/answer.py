"""What comes back from a model: the generation that is stored, the failure that is not, the answer that a stage sees."""

from dataclasses import dataclass

from pydantic import BaseModel

from schemas.rows import SOURCE


@dataclass(frozen=True, slots=True)
class Generation:
    """A terminal answer of an engine to one request, as the store keeps it.

    `finish_reason` is "stop", "length" or another one of the server's ("content_filter").
    """

    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A request that failed after all retries, with the server's error. Never stored, so it is sent again next time.

    `transient` where the reason is not the request: no connection, a wrong key, an overloaded server. `server_replied`
    is whether a server gave the error (else none was reached, or none replied). `fatal` where sending had stopped
    before this request was sent: no stage may go on without it.
    """

    error: str
    transient: bool = False
    server_replied: bool = True
    fatal: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """One sample as a stage sees it.

    `key` is the identity of the generation (lineage), `text` the raw text, `value` the parsed answer where the
    question had a model and parsing succeeded. `error` is None for a usable answer; otherwise "length" (cut off),
    "refused: <finish reason>", "invalid: <reason>" (did not parse, nor did the answer to the retry) or the server's
    error. `engine` is "<kind>/<model>@<revision>".
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


def source_answer(row_id: str, text: str) -> Answer:
    """What people wrote, as the answer of engine `source`; the row that holds it stands for the generation."""
    return Answer(row_id, text, None, None, "stop", 0, 0, engine=SOURCE, simulated=False)
