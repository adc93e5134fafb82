"""Reasoning paths: their equations, whether these hold, and which paths differ by them (RFT, arXiv 2308.01825).

Equations are the `<<lhs=rhs>>` annotations of a path where it has any, else those in its text, in whatever notation.
Only what was wholly read is judged; an equation is false where none of its readings holds, and none would if an unknown
word behind a number stood for a dozen, a thousand or a unit that converts.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache

from rapidfuzz.distance import Levenshtein

from cultivar.grading.measures import LEADS, scale_of
from cultivar.grading.readings import ONE, Value, readings
from cultivar.grading.side_reader import read_equations
from cultivar.grading.sides import Equation, Side, are_units
from cultivar.grading.units import CONVERSIONS

ANNOTATION = re.compile(r"<<([^<>=]+=[^<>]+)>>")
TOLERANCE = Fraction(1, 1000)
"""Of quotients, and where no side is one number."""
EXACT = Fraction(1, 10**9)
"""Of sums and products, as calculators print them."""

GREATER = sorted((CONVERSIONS - {Fraction(3)}) | {Fraction(10**power) for power in (1, 2, 3, 4, 5, 6, 9)})
SIZES = [*GREATER, *(1 / size for size in GREATER)]
"""What a word that is not known may stand for."""
MAX_WORDS = 3
"""Unknown words of one equation that are tried."""


def find_equations(path: str) -> list[tuple[str, str]]:
    """(left, right) of every equation that was read, in order, in one notation and without words."""
    return [(left, right) for left, right, holds in judged_equations(path) if holds is not None]


def is_consistent(path: str) -> bool:
    """Whether no equation of the path is false; one that was not wholly read is not.

    Of "12+5=17-3=14", as people write it, the first number after the equals sign counts as well as the entire side.
    """
    return all(holds is not False for _, _, holds in judged_equations(path))


@lru_cache(maxsize=16_384)
def judged_equations(path: str) -> tuple[tuple[str, str, bool | None], ...]:
    """(left, right, whether it holds) of every equation of a path; cached, since a path is judged, compared and ranked."""
    return tuple((equation.left.key, equation.right.key, judge(equation)) for equation in equations(path))


def equations(path: str) -> Iterator[Equation]:
    """The equations of a path, in order: its annotations where it has any."""
    return read_equations("\n".join(ANNOTATION.findall(path)) or path)


def judge(equation: Equation) -> bool | None:
    """Whether an equation holds in one of its readings; None where it was not wholly read, or states no arithmetic."""
    left, right = equation.left, equation.right
    if not left.parts or not right.parts or not equation.exact:
        return None
    sure = left.sure and right.sure and are_units(left, right)
    if left.bare:
        sure = (
            sure and not left.words and (equation.chained or (equation.opens and not right.bare and not right.percents))
        )
        if right.bare and (not sure or right.words):
            return None
    elif is_unit_fraction(left, not right.bare):
        sure = False
    rounded = left.divided or right.divided
    read = False
    try:
        for one, other in readings(left, right):
            read = True
            if holds(one, other, rounded):
                return True
    except ZeroDivisionError:
        read = True
    return False if read and sure and not could_count(left, right) else None


def could_count(left: Side, right: Side) -> bool:
    """Whether an equation would hold if one of its unknown words stood for a number: 2 tucty + 1 = 25."""
    rounded = left.divided or right.divided
    for word in sorted({part.counted for part in (*left.parts, *right.parts) if part.counted})[:MAX_WORDS]:
        for size in SIZES:
            one, other = (scaled(side, word, size) for side in (left, right))
            with suppress(ZeroDivisionError):
                if any(is_near(a.number, b.number, rounded) for a, b in readings(one, other)):
                    return True
    return False


def is_near(one: Fraction, other: Fraction, rounded: bool) -> bool:
    """Whether two numbers are equal, or differ by a thousandth where they may be rounded."""
    return abs(one - other) <= (TOLERANCE * min(ONE, abs(one)) if rounded else 0)


def scaled(side: Side, word: str, size: Fraction) -> Side:
    """A side whose numbers of a word are of a size, and all others as written."""
    return replace(side, parts=[part._replace(scale=size if part.counted == word else ONE) for part in side.parts])


def is_unit_fraction(side: Side, labelled: bool) -> bool:
    """Whether a side is a part of a measure rather than a quotient: 1/2 a cup; `labelled`: any words make it one."""
    if [part.kind for part in side.parts] != ["number", "operator", "number"] or side.parts[1].text != "/":
        return False
    above, sign, below = side.parts
    small = all(part.text.isdigit() and len(part.text) < 9 for part in (above, below))
    tight = above.end == sign.start and sign.end == below.start
    if not side.unit or not small or not tight:
        return False
    return labelled or (int(above.text) < int(below.text) and (side.unit in LEADS or scale_of(side.unit) != 1))


def holds(left: Value, right: Value, rounded: bool) -> bool:
    """Whether two values are equal, to the last digit of the side that is one number, or else to a thousandth.

    A quotient or a decimal may be rounded up or down, any other whole number to the nearest.
    """
    difference = abs(left.number - right.number)
    digit = right.digit or left.digit
    exact = EXACT if digit and not rounded else TOLERANCE
    if difference <= min(exact, exact * abs(left.number)):
        return True
    if digit > 2 * abs(left.number):
        return False  # a third is not rounded to 0
    return difference < digit if rounded or digit < 1 else 2 * difference <= digit


def select_distinct(paths: Sequence[str]) -> list[int]:
    """Positions of one path per list of equations, in order of first appearance.

    Of several paths with the same equations the one farthest (sum of Levenshtein distances) from the other kept paths
    stays, as in RFT's collection step. Paths without equations are of one kind.
    """
    kept: dict[str, int] = {}
    for position, path in enumerate(paths):
        kind = "|".join(f"{left}={right}" for left, right in find_equations(path))
        if kind not in kept:
            kept[kind] = position
            continue
        others = [paths[other] for name, other in kept.items() if name != kind]
        if total_distance(path, others) > total_distance(paths[kept[kind]], others):
            kept[kind] = position
    return list(kept.values())


def total_distance(path: str, others: Sequence[str]) -> int:
    return sum(Levenshtein.distance(path, other) for other in others)
