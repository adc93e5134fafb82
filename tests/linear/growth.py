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
PLAIN = 30.0
"""Multiple of the floor from which on a growth needs no further proof."""
LIMIT_SECONDS = 1.0
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


def fault(
    call: Call,
    text: Callable[[int], str],
    chars: int = CHARS,
    max_ratio: float = MAX_RATIO,
    floor: float = FLOOR_SECONDS,
) -> str:
    """How the call grows too fast over the texts that `text` makes of a length; empty where it is linear.

    One measurement clears most calls; what looks bad is measured again.
    """
    once = seconds_of(call, text(chars))
    if once == float("inf"):
        return f"more than {LIMIT_SECONDS} CPU s for {chars} characters"
    if once < floor or once < max_ratio * seconds_of(call, text(chars // 4)):
        return ""
    times = [shortest(call, text(chars))]
    for length in (4 * chars, 16 * chars):
        times.append(shortest(call, text(length)))
        if times[-1] < max_ratio * max(times[-2], floor):
            return ""
        if times[-1] > PLAIN * floor:
            break
    return ", ".join(f"{1000 * taken:.1f} ms for {chars * 4**step}" for step, taken in enumerate(times)) + " characters"


def shortest(call: Call, text: str) -> float:
    """The shortest of several measurements; one that goes past the limit is not repeated."""
    taken = seconds_of(call, text)
    return taken if taken == float("inf") else min(taken, *(seconds_of(call, text) for _ in range(REPEATS - 1)))
