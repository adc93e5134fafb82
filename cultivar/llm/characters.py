"""Answers that are no text: they hold half a surrogate pair or a NUL (schemas/characters.py).

Such an outcome is stored with the character written as an escape and with the finish reason NOT_TEXT: it is unusable, is
asked for again, and ends in quarantine, where the escape can be read. Nothing is replaced unseen.
"""

from dataclasses import replace

from cultivar.llm.answer import Generation, Unanswered
from schemas.characters import NO_CHARACTER, escape, join_pairs

NOT_TEXT = "not_text"
NO_TEXT_REASON = "it holds half a surrogate pair or a NUL, which no text can hold"


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
