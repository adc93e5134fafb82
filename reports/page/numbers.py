"""Numbers as a reader wants them: thousands apart, a true minus, as many digits as say something."""

import math
from typing import Any

MINUS = "\u2212"
NONE = "\u2013"
SPACE = "\u00a0"
"""Between a number and what belongs to it, where no line may break."""


def count(value: int | None) -> str:
    """12,345; – for none."""
    return NONE if value is None else f"{value:,}".replace("-", MINUS)


def share(value: float | None) -> str:
    """A share in [0, 1] in percent: 12.3 %; what is not quite nothing or all is not rounded to it."""
    if value is None or not math.isfinite(value):
        return NONE
    if 0 < value < 0.001:
        return f"<0.1{SPACE}%"
    if 0.999 < value < 1:
        return f">99.9{SPACE}%"
    return f"{value * 100:.1f}".removesuffix(".0").replace("-", MINUS) + f"{SPACE}%"


def points(value: float | None) -> str:
    """Percentage points with their sign: +6.1; ±0 where they round to nothing."""
    if value is None or not math.isfinite(value):
        return NONE
    text = f"{value:+.1f}"
    return "±0" if float(text) == 0 else text.replace("-", MINUS)


def figure(value: Any) -> str:
    """A number with four significant digits, thousands apart; – for none or what is no number."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return NONE
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if float(value).is_integer() and abs(value) < 1e15:
        return count(int(value))
    if 1e3 <= abs(value) < 1e15:
        return f"{value:,.0f}".replace("-", MINUS)
    return f"{value:.4g}".replace("-", MINUS)


def change(old: float | None, new: float | None) -> str:
    """The difference with its sign; – where one is missing."""
    if old is None or new is None or not math.isfinite(new - old):
        return NONE
    difference = new - old
    return "±0" if figure(difference) == "0" else ("+" if difference > 0 else "") + figure(float(f"{difference:.4g}"))


def plural(number: int, noun: str) -> str:
    """1 row, 2 rows, 1,200 rows."""
    return f"{count(number)} {noun}" if number == 1 else f"{count(number)} {noun}s"


def arrow(old: str, new: str) -> str:
    """What was and what is, on one line."""
    return f"{old}{SPACE}→{SPACE}{new}"
