"""What a run notes about itself. Nothing depends on it, so nothing that goes wrong with it ends the run."""

from collections.abc import Iterator
from contextlib import contextmanager

from cultivar.outgoing.redaction import redacted
from cultivar.runlog.console import complain


@contextmanager
def bookkeeping(what: str) -> Iterator[None]:
    """Whatever fails within is one warning: `what` could not be done, and why."""
    try:
        yield
    except Exception as error:
        reason = " ".join(redacted(f"{error}").split())[:300] or type(error).__name__
        complain(f"warning: {what}: {reason}; nothing else depends on it")
