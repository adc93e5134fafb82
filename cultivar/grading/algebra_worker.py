"""The process that asks math-verify: a line of JSON [gold, given] in, a line true, false or null out.

Run by its path; it imports nothing of this project. A question may take `argv[1]` seconds of CPU time, after which the
kernel ends the process (arithmetic of huge numbers runs no handler), and memory up to `argv[2]` bytes.

math-verify says False of what it fails at, so only its True counts. Different are two expressions of the same variables
whose values differ at some point; what is neither shown to be equal nor to be different is null.
"""

import contextlib
import json
import os
import re
import resource
import signal
import sys
from typing import Any

POINTS = ("0.7391", "1.9137", "2.6473")
"""Where expressions are compared: positive, so that roots and logarithms exist, and no zeros of common functions."""
RELATIVE, ABSOLUTE = 1e-6, 1e-12
"""The least differences of two values, by their size and as such, that are no error of rounding."""
DIGITS = 30
"""Decimal digits to which expressions are evaluated."""
READY = b"ready\n"
"""What the process writes once it has loaded its libraries."""
DECIMAL = re.compile(r"-?\d+\.(\d+)")


def main() -> None:
    seconds, memory = float(sys.argv[1]), int(sys.argv[2])
    compare(r"\sqrt{2}", "1+x")  # loads the libraries, at no question's cost
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no answer
    answers.write(READY.decode())
    answers.flush()
    for line in sys.stdin:
        signal.setitimer(signal.ITIMER_PROF, seconds)
        verdict = None
        with contextlib.suppress(Exception):
            verdict = compare(*json.loads(line))
        signal.setitimer(signal.ITIMER_PROF, 0)
        answers.write(f"{json.dumps(verdict)}\n")
        answers.flush()


def compare(gold: str, given: str) -> bool | None:
    """Whether two expressions in LaTeX are equal; None where that is not shown. Raises what the libraries raise."""
    from math_verify import verify

    one, two = read(gold), read(given)
    if one is None or two is None:
        return None
    equal = verify(one, two, timeout_seconds=None, raise_on_error=True)
    other = False
    with contextlib.suppress(Exception):
        other = differ(one, two, (last_place(gold), last_place(given)))
    if equal:
        return None if other else True
    return False if other else None


def read(latex: str) -> Any:
    """The expression that LaTeX writes, as sympy's; None for none or several."""
    from latex2sympy2_extended.latex2sympy2 import NormalizationConfig
    from math_verify import LatexExtractionConfig, parse

    plain = NormalizationConfig(
        basic_latex=True, units=False, malformed_operators=True, nits=False, boxed="none", equations=False
    )
    found = parse(
        f"${latex}$",
        [LatexExtractionConfig(normalization_config=plain)],
        fallback_mode="no_fallback",
        parsing_timeout=None,
        raise_on_error=True,
    )
    return found[0] if len(found) == 1 else None


def last_place(text: str) -> float:
    """One unit of the last written digit of a decimal, 0 of anything else."""
    found = DECIMAL.fullmatch(text.strip())
    return 10.0 ** -len(found[1]) if found else 0.0


def differ(one: Any, two: Any, places: tuple[float, float]) -> bool:
    """Whether two expressions have different values at one of the points.

    A decimal, whose last place `places` gives, may be the other value rounded, or cut off, to its digits.
    """
    from sympy import Expr, Float

    if not isinstance(one, Expr) or not isinstance(two, Expr):
        return False
    exact = one.doit(), two.doit()
    if exact[0].is_Rational and exact[1].is_Rational:
        return bool(exact[0] != exact[1])
    names = sorted({symbol.name for symbol in one.free_symbols | two.free_symbols})
    for shift, point in enumerate(POINTS if names else POINTS[:1]):
        at = {name: Float(point, DIGITS) + shift + index for index, name in enumerate(names)}
        values = []
        for side in (one, two):
            placed = side.xreplace({symbol: at[symbol.name] for symbol in side.free_symbols})
            values.append(complex(placed.doit().evalf(DIGITS)))
        gap, sizes = abs(values[0] - values[1]), [abs(value) for value in values]
        slack = [places[0] * (1 if sizes[0] < sizes[1] else 0.5), places[1] * (1 if sizes[1] < sizes[0] else 0.5)]
        if gap > max(*slack, ABSOLUTE, RELATIVE * max(sizes)):
            return True
    return False


if __name__ == "__main__":
    main()
