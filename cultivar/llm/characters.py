"""Characters that no answer may hold: half a surrogate pair, which UTF-8 (so Parquet, JSON, a request) cannot encode,
and NUL, which source code and file names cannot hold.

An outcome that holds one is stored with the character written as an escape and with the finish reason NOT_TEXT: it is
unusable, is asked for again, and ends in quarantine, where the escape can be read. Nothing is replaced unseen.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from cultivar.llm.answer import Generation, Unanswered

NOT_TEXT = "not_text"
NO_TEXT_REASON = "it holds half a surrogate pair or a NUL, which no text can hold"
NO_CHARACTER = re.compile("[\x00\ud800-\udfff]")


def first_no_character(text: str) -> str | None:
    """The first such character as an escape ("\\\\ud83d"), None where all is text."""
    found = NO_CHARACTER.search(text)
    return None if found is None else escape(found[0])


def escape(text: str) -> str:
    """The text with these characters as escapes, but for the halves of a pair that stand together."""
    return NO_CHARACTER.sub(lambda found: f"\\u{ord(found[0]):04x}", join_pairs(text))


def join_pairs(text: str) -> str:
    """The text with the halves of a pair that stand together as the character that they encode."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def to_storable(outcome: Generation | Unanswered) -> Generation | Unanswered:
    """The outcome as the store, a request and a table can hold it."""
    if isinstance(outcome, Unanswered):
        return outcome if NO_CHARACTER.search(outcome.error) is None else replace(outcome, error=escape(outcome.error))
    if NO_CHARACTER.search(outcome.text) is None and NO_CHARACTER.search(outcome.finish_reason) is None:
        return outcome
    text, reason = join_pairs(outcome.text), escape(outcome.finish_reason)
    if NO_CHARACTER.search(text) is not None and reason != "length":
        reason = NOT_TEXT
    return replace(outcome, text=escape(text), finish_reason=reason)


def strings_of(value: Any) -> Iterator[str]:
    """Every string of a JSON value, keys included; at any depth."""
    waiting = [value]
    while waiting:
        match waiting.pop():
            case str(text):
                yield text
            case dict() as items:
                waiting += items.keys()
                waiting += items.values()
            case list() as items:
                waiting += items
