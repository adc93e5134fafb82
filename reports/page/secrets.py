"""Redaction for the many texts of one page: this process's secrets are looked up once, not for every text."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from cultivar.outgoing.redaction import RULES, redacted, replace_spans
from cultivar.outgoing.secret_values import LEAST_CUT, SecretValues, secret_values

_secrets: ContextVar[SecretValues | None] = ContextVar("secrets", default=None)


@contextmanager
def secrets_at_once() -> Iterator[None]:
    """Take the secrets that the environment has now for all texts of this block."""
    before = _secrets.set(secret_values())
    try:
        yield
    finally:
        _secrets.reset(before)


def redact(text: str) -> str:
    """What `cultivar.outgoing.redaction.redacted` gives."""
    secrets = _secrets.get()
    if secrets is None:
        return redacted(text)
    text = replace_spans(text, secrets, LEAST_CUT)
    lowered = text.lower()
    for cues, pattern, replacement in RULES:
        if any(cue in lowered for cue in cues):
            text = pattern.sub(replacement, text)
    return text
