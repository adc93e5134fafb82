"""What a server repeats of what it was sent: keys in errors, and in texts that are given up (cultivar/outgoing/redaction.py).

An answer is data and stays as it is, but for the secrets of this environment: a server that puts the request's headers
into a completion must not bring the key into the store, and from there into D. That is done once, before an outcome is
stored, so what the store says does not depend on who reads it; the request's identity is not touched.
"""

from dataclasses import replace

from cultivar.llm.answer import Answer, Generation, Unanswered
from cultivar.outgoing.redaction import redacted, without_secrets
from cultivar.outgoing.secret_values import SecretValues


def without_echoes(outcome: Generation | Unanswered, secrets: SecretValues) -> Generation | Unanswered:
    """The outcome as it may be stored: an error without anything that looks secret, a text without these secrets."""
    if isinstance(outcome, Unanswered):
        return replace(outcome, error=redacted(outcome.error))
    text, reason = without_secrets(outcome.text, secrets), without_secrets(outcome.finish_reason, secrets)
    is_same = text is outcome.text and reason is outcome.finish_reason
    return outcome if is_same else replace(outcome, text=text, finish_reason=reason)


def to_quarantine(answer: Answer) -> Answer:
    """An answer that is given up, as quarantine may show it; a usable one as it is."""
    if answer.error is None:
        return answer
    return replace(answer, text=redacted(answer.text), error=redacted(answer.error))
