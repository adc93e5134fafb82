"""Thresholds of a gate: absolute bounds, and how far a value may fall or grow against the base version.

A bound is a number, or a text with a unit: `5 %` of an absolute bound is 0.05; of a change `5 %` is relative to the base and
`2 points` are 0.02 of a share. A value at its bound passes.
"""

import math
import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

Unit = Literal["", "%", "points"]
AMOUNT = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,15})?) ?(%|points?)?")
TOLERANCE = 1e-9
"""Of a comparison: 0.62 - 0.60 is 0.02."""


@dataclass(frozen=True)
class Amount:
    """A number as it was written, with its unit."""

    number: float
    unit: Unit = ""

    def __str__(self) -> str:
        return f"{self.number:,.15g}{' ' + self.unit if self.unit else ''}"

    @property
    def absolute(self) -> float:
        """The number, a percentage or points as a share."""
        return self.number / 100 if self.unit else self.number

    def allowed_change(self, base: float) -> float:
        """How far a value may move from this base."""
        return abs(base) * self.number / 100 if self.unit == "%" else self.absolute


def read_amount(value: Any) -> Amount:
    """A number, or a text such as `20 %` or `2 points`. Raises ValueError, which says what is allowed."""
    if isinstance(value, Amount):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value >= 0:
        return Amount(float(value))
    if isinstance(value, str) and (found := AMOUNT.fullmatch(value.strip())):
        unit: Unit = "" if found[2] is None else "%" if found[2] == "%" else "points"
        return Amount(float(found[1]), unit)
    raise ValueError("write a number that is not negative, `20 %` or `2 points`")


def read_bound(value: Any) -> Amount:
    """An absolute bound. Raises ValueError for points, which only a change is measured in."""
    amount = read_amount(value)
    if amount.unit == "points":
        raise ValueError("write a share as `5 %` or 0.05; points are for max_drop and max_growth")
    return amount


Bound = Annotated[Amount, BeforeValidator(read_bound)]
Change = Annotated[Amount, BeforeValidator(read_amount)]


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """The bounds of one gate; None where there is none."""

    max: Amount | None = None
    min: Amount | None = None
    max_drop: Amount | None = None
    max_growth: Amount | None = None

    @property
    def has_change(self) -> bool:
        return self.max_drop is not None or self.max_growth is not None

    def __str__(self) -> str:
        words = [
            f"at most {self.max}" if self.max is not None else "",
            f"at least {self.min}" if self.min is not None else "",
            f"falls by at most {self.max_drop}" if self.max_drop is not None else "",
            f"grows by at most {self.max_growth}" if self.max_growth is not None else "",
        ]
        return "; ".join(filter(None, words))

    def excess(self, value: float) -> float:
        """How far a value is beyond its absolute bounds; 0 within them."""
        over = value - self.max.absolute if self.max is not None else 0.0
        under = self.min.absolute - value if self.min is not None else 0.0
        return beyond(max(over, under))

    def excess_change(self, value: float, base: float) -> float:
        """How far the change of a value is beyond what is allowed; 0 within it."""
        fall = base - value - self.max_drop.allowed_change(base) if self.max_drop is not None else 0.0
        growth = value - base - self.max_growth.allowed_change(base) if self.max_growth is not None else 0.0
        return beyond(max(fall, growth))

    def pressure(self, value: float, base: float | None) -> float:
        """How near a value is to a bound, in parts of the bound: 0 at it, above 0 beyond it. Tells the worst of several."""
        room: list[tuple[float, float]] = []
        if self.max is not None:
            room.append((value, self.max.absolute))
        if self.min is not None:
            room.append((2 * self.min.absolute - value, self.min.absolute))
        if base is not None and self.max_drop is not None:
            room.append((base - value, self.max_drop.allowed_change(base)))
        if base is not None and self.max_growth is not None:
            room.append((value - base, self.max_growth.allowed_change(base)))
        return max(((used - bound) / (bound or 1.0) for used, bound in room), default=0.0)


def beyond(difference: float) -> float:
    return difference if difference > TOLERANCE else 0.0
