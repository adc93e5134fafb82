"""How the CPU time of a call grows with its text, without a bound in seconds: what is compared is n and 4 n.

A linear call takes four times as long, a quadratic one sixteen times. A call that goes past its CPU time is interrupted
by a signal, which Python's `re` heeds in the middle of a match: an exponential pattern costs the limit, and no more.
"""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

CHARS = 2_500
"""Characters of the shorter text whose time is compared with that of one four times as long."""
FLOOR_SECONDS = 0.003
"""CPU time below which nothing is compared: what grows in that time with the square takes 5 s at 100,000 characters."""
MAX_RATIO = 9.0
"""Between 4 (linear) and 16 (quadratic)."""
LIMIT_SECONDS = 2.0
"""CPU time of one call; a linear one takes some milliseconds."""
REPEATS = 3
"""Measurements of which the shortest counts."""

Call = Callable[[str], object]


class TooSlow(Exception):
    """The call used its CPU time."""


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise TooSlow in the block once it has used so much CPU time."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGVTALRM, interrupt)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def seconds_of(call: Call, text: str) -> float:
    """CPU time of the call; infinity where it goes past the limit."""
    start = time.process_time()
    try:
        with limited(LIMIT_SECONDS):
            call(text)
    except TooSlow:
        return float("inf")
    return time.process_time() - start


def fault(call: Call, text: Callable[[int], str], chars: int = CHARS, max_ratio: float = MAX_RATIO) -> str:
    """How the call grows too fast over the texts that `text` makes of a length; empty where it is linear.

    One measurement clears most calls; what looks bad is measured again.
    """
    once = seconds_of(call, text(chars))
    if once == float("inf"):
        return f"more than {LIMIT_SECONDS} CPU s for {chars} characters"
    if once < FLOOR_SECONDS or once < max_ratio * seconds_of(call, text(chars // 4)):
        return ""
    one = min(seconds_of(call, text(chars)) for _ in range(REPEATS))
    four = float("inf")
    for _ in range(REPEATS):
        four = min(four, seconds_of(call, text(4 * chars)))
        if four < max_ratio * max(one, FLOOR_SECONDS):
            return ""
        if four == float("inf"):
            break
    return f"{1000 * one:.1f} ms for {chars} characters, {1000 * four:.1f} ms for {4 * chars}"
