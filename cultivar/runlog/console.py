"""What people read on a terminal or in a log: without secrets, and with nothing that acts or hides there.

Everything that this project prints of data goes through `say` and `complain`: names, errors, texts of rows. What Python
prints itself (tracebacks, log records, warnings) is laid under the same rule by `guard_output`.
"""

import logging
import sys
import threading
import traceback
import warnings
from types import TracebackType
from typing import Any

from cultivar.outgoing.escape import for_terminal
from cultivar.outgoing.redaction import redacted


def shown(text: object) -> str:
    """The text as a terminal or a log may have it."""
    return for_terminal(redacted(str(text)))


def say(text: object = "", end: str = "\n") -> None:
    """Print to standard output."""
    print(shown(text), end=end, flush=True)


def complain(text: object) -> None:
    """Print to standard error."""
    print(shown(text), file=sys.stderr, flush=True)


def guard_output() -> None:
    """Lay tracebacks, log records and warnings under the same rule."""
    sys.excepthook = print_error
    sys.unraisablehook = print_unraisable
    threading.excepthook = lambda fault: print_error(fault.exc_type, fault.exc_value, fault.exc_traceback)
    for handler in filter(None, (*logging.getLogger().handlers, logging.lastResort)):
        handler.setFormatter(ShownFormatter(handler.formatter))
    formatted = warnings.formatwarning

    def format_warning(*arguments: Any, **options: Any) -> str:
        return shown(formatted(*arguments, **options))

    warnings.formatwarning = format_warning


def print_error(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    """A traceback, as Python prints it."""
    if not issubclass(kind, SystemExit):
        complain("".join(traceback.format_exception(kind, error, trace)).rstrip("\n"))


def print_unraisable(fault: "sys.UnraisableHookArgs") -> None:
    """An error that nobody can catch, of a finalizer say, as Python prints it."""
    what = fault.err_msg or "Exception ignored in"
    complain(f"{what}: {fault.object!r}" if fault.object is not None else what)
    print_error(fault.exc_type, fault.exc_value, fault.exc_traceback)


class ShownFormatter(logging.Formatter):
    """Log records as another formatter writes them, shown."""

    def __init__(self, inner: logging.Formatter | None) -> None:
        super().__init__()
        self.inner = inner or logging.Formatter()

    def format(self, record: logging.LogRecord) -> str:
        return shown(self.inner.format(record))
