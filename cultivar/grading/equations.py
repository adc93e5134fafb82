"""Reasoning paths: their equations, whether these hold, and which paths differ by them (RFT, arXiv 2308.01825).

Equations are `<<lhs=rhs>>` annotations or inline ones such as `10-9=1`.
"""

import re
from collections.abc import Sequence
from fractions import Fraction

from rapidfuzz.distance import Levenshtein

from cultivar.grading.arithmetic import evaluate_expression

ANNOTATED = re.compile(r"<<([^<>=]+)=([^<>=]+)>>")
NUMERAL = r"\d+(?:\.\d+)?"
INLINE = re.compile(
    # not the tail of a longer expression, of "650 000" or of the mixed number "1 1/2"; not algebra ("5A"), not percents
    rf"(?<![\w.<)+*/-])(?<![\d)+*/] )(\(*{NUMERAL}(?:\s*\)*\s*[-+*/]\s*\(*{NUMERAL})+\)*)\s*="
    rf"\s*(-?{NUMERAL}(?:\s*[-+*/]\s*{NUMERAL})*)(?![\d.]*[A-Za-z(%]|[\d.]*\d| \d+/\d)"
)
TOLERANCE = Fraction(1, 1000)


def find_equations(path: str) -> list[tuple[str, str]]:
    """(left, right) of every equation in order, spaces removed; annotations count instead of the text they annotate."""
    found = ANNOTATED.findall(path) or INLINE.findall(path)
    pairs = [("".join(left.split()), "".join(right.split())) for left, right in found]
    bare = [
        (left[max(0, left.count("(") - left.count(")")) :] if left[0] == "(" else left, right) for left, right in pairs
    ]
    return [(left, right) for left, right in bare if left.count("(") == left.count(")")]  # else the tail of "35(2/5)"


def is_consistent(path: str) -> bool:
    """Whether every equation of the path holds to 0.001; a path without equations does.

    Of "12+5=17-3=14", as people write it, the first number after the equals sign counts as well as the entire side.
    """
    for left, right in find_equations(path):
        value = evaluate_expression(left)
        sides = (evaluate_expression(right), evaluate_expression((re.match(rf"-?{NUMERAL}", right) or [""])[0]))
        if value is None or not any(side is not None and abs(value - side) <= TOLERANCE for side in sides):
            return False
    return True


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
