"""What two sides of an equation may come to: the ways in which people mean a point, a percent sign and a measure."""

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cache
from itertools import product
from typing import NamedTuple

from cultivar.grading.arithmetic import evaluate_tokens
from cultivar.grading.equation_tokens import Token
from cultivar.grading.sides import Side

POINT = re.compile(r"\d*(?:\.\d+)?|\d{1,3}(?:,\d{2,3})*,\d{3}(?:\.\d+)?|\d{1,3}(?:'\d{3})+(?:[.]\d+)?")
COMMA = re.compile(r"\d+(?:,\d{1,2})?|\d{1,3}(?:[.']\d{3})+(?:,\d{1,2})?")
ONE = Fraction(1)
MAX_DIGITS = 60
"""Characters of a number."""


class Value(NamedTuple):
    """The value of a side; `digit` is the last one written where it is one number, else 0."""

    number: Fraction
    digit: Fraction


class Style(NamedTuple):
    """One way to read numbers: the decimal mark, measures converted (on both sides), tight fractions first, % as a hundredth."""

    mark: str
    converted: bool
    comparable: bool
    fractions: bool
    hundredths: bool


def readings(left: Side, right: Side) -> Iterator[tuple[Value, Value]]:
    """The values of both sides in every way to read them; raises ZeroDivisionError, when it comes to one."""
    measured = [any(part.scale != 1 for part in side.parts) for side in (left, right)]
    fractions = any(is_fraction(side.parts, at) for side in (left, right) for at in range(len(side.parts)))
    choices = [
        (False, True) if more else (False,) for more in (any(measured), fractions, left.percents, right.percents)
    ]
    value = cache(value_of)
    lefts = [tuple(parts) for parts in (left.parts, *left.lasts)]
    rights = [tuple(parts) for parts in (right.parts, *right.firsts)]
    for mark, (converted, first, *hundredths) in product(".,", product(*choices)):
        one, other = (Style(mark, converted, all(measured), first, percent) for percent in hundredths)
        for parts, ends in product(lefts, rights):
            if (start := value(parts, one)) is not None and (end := value(ends, other)) is not None:
                yield start, end


def is_fraction(parts: Sequence[Token], start: int) -> bool:
    """Whether 1/5 stands there behind a slash, written tightly where that one is not (28 / 2/5), or one of something: 28 / 1 / 5."""
    if [part.kind for part in parts[start : start + 3]] != ["number", "operator", "number"] or start == 0:
        return False
    slash, above, sign, below = parts[start - 1 : start + 3]
    is_tight = slash.end < above.start and above.end == sign.start and sign.end == below.start
    return slash.text == "/" == sign.text and (is_tight or above.text == "1")


def value_of(parts: Sequence[Token], style: Style) -> Value | None:
    """The value of a side, or of a part of it, read in a style; None where its numbers are not of that style."""
    tokens: list[str] = []
    digits: list[Fraction] = []
    closing = -1  # the place of the number that ends a tight fraction
    for position, part in enumerate(parts):
        if part.kind == "number":
            number = plain_number(part.text, style.mark)
            if number is None:
                return None
            scale = part.scale if style.converted else ONE
            digits.append((scale if style.comparable else min(scale, ONE)) / 10 ** len(number.partition(".")[2]))
            if style.hundredths and parts[position + 1 : position + 2] and parts[position + 1].kind == "percent":
                scale, digits[-1] = scale / 100, digits[-1] / 100
            if style.fractions and is_fraction(parts, position):
                tokens.append("(")
                closing = position + 2
            tokens.append(number if scale == ONE else str(Fraction(number) * scale))
            if position == closing:
                tokens.append(")")
        elif part.kind != "percent":
            tokens.append(part.text)
        elif style.hundredths and parts[position - 1].kind == "close":
            tokens += ["/", "100"]
    value = evaluate_tokens(tokens)
    return None if value is None else Value(value, digits[0] if len(digits) == 1 else Fraction(0))


def plain_number(text: str, mark: str) -> str | None:
    """A number with a decimal point and nothing else, from the given decimal mark; None where it is not written so."""
    if len(text) > MAX_DIGITS or not (POINT if mark == "." else COMMA).fullmatch(text):
        return None
    return text.replace("'", "").replace("," if mark == "." else ".", "").replace(mark, ".")
