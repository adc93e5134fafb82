"""The two sides of an equation: numbers, operators and parentheses; words between them count what the numbers count."""

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from cultivar.grading.equation_tokens import Token
from cultivar.grading.measures import UNIT_LETTERS

MAX_CHOICES = 8
"""Places where a side may begin or end instead; of one with more, only the whole is read."""


@dataclass
class Side:
    """One side of an equation: `parts` are its tokens without words, `words` says whether words stand beside them.

    `letters` are units, or variables, of one letter. `starts` are places in `parts` where the side may begin instead ("5 -
    each costs 3*2" is 3*2 as well), `ends` where it may end. `unit` is the first word behind its last number.
    """

    parts: list[Token] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    words: bool = False
    unit: str = ""
    letters: list[str] = field(default_factory=list)
    sure: bool = True

    @property
    def bare(self) -> bool:
        """Whether it is one number."""
        return sum(part.kind == "number" for part in self.parts) == 1

    @property
    def divided(self) -> bool:
        """Whether a value may have been rounded."""
        return any(part.text in ("/", "//", "%") for part in self.parts)

    @property
    def percents(self) -> bool:
        return any(part.kind == "percent" for part in self.parts)

    @property
    def added(self) -> bool:
        """Whether it is a sum or a difference."""
        return any(part.text in "+-" and part.kind == "operator" for part in self.parts[1:])

    @property
    def firsts(self) -> list[list[Token]]:
        """The number that the side begins with, with its sign and percent; the other one that 12 200 may begin with."""
        kinds = "".join({"number": "n", "percent": "%"}.get(part.kind, part.text) for part in self.parts[:3])
        found = re.match("-?n%?", kinds)
        ends = [self.parts[:end] for end in self.ends[:MAX_CHOICES]]
        if not found:
            return ends
        number = self.parts[found[0].index("n")]
        whole, group, _ = number.text.partition("'")
        return [self.parts[: found.end()], *ends] + [[number._replace(text=whole)]] * bool(group)

    @property
    def lasts(self) -> list[list[Token]]:
        """What the side may be without its beginning."""
        if len(self.starts) > MAX_CHOICES:
            return []
        _, group, tail = self.parts[0].text.rpartition("'")
        tails = [[self.parts[0]._replace(text=tail), *self.parts[1:]]] * bool(group)
        return [self.parts[start:] for start in self.starts] + tails

    @property
    def key(self) -> str:
        """Without words, the same for every notation."""
        return "".join(canonical(part.text) if part.kind == "number" else part.text for part in self.parts)


def are_units(left: Side, right: Side) -> bool:
    """Whether the letters of two sides are one unit, as in 2 * 5m = 10m, and no variable, as in 2m + 5 = 9."""
    if not left.letters and not right.letters:
        return True
    letters = set(left.letters + right.letters)
    if (
        not letters <= UNIT_LETTERS
        or len(set(left.letters)) > 1
        or len(set(right.letters)) > 1
        or (right.letters and not right.bare)
    ):
        return False
    if not set(left.letters) <= set(right.letters) and len(right.unit) < 2:
        return False
    sums = [side for side in (left, right) if side.added and side.letters]
    return all(len(side.letters) == sum(part.kind == "number" for part in side.parts) for side in sums)


class Equation(NamedTuple):
    """Two neighbouring sides; `exact` is False for ≈, `chained` where arithmetic stands before them in a chain.

    `opens`: the left side begins its line.
    """

    left: Side
    right: Side
    exact: bool
    chained: bool
    opens: bool


def canonical(number: str) -> str:
    """A number as a key: no thousands separators, no needless zeros."""
    whole, point, decimals = number.replace(",", "").replace("'", "").partition(".")
    decimals = decimals.rstrip("0")
    return (whole.lstrip("0") or "0") + (point + decimals if decimals else "")
