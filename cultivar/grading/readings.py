"""What two sides of an equation may come to: the ways in which people mean a point, a percent sign and a measure."""

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import product
from typing import NamedTuple

from cultivar.grading.arithmetic import evaluate_tokens
from cultivar.grading.sides import Side, Token

POINT = re.compile(r"\d*(?:\.\d+)?|\d{1,3}(?:,\d{2,3})*,\d{3}(?:\.\d+)?")
COMMA = re.compile(r"\d+(?:,\d+)?|\d{1,3}(?:\.\d{3})+(?:,\d+)?")
MAX_DIGITS = 60
"""Characters of a number."""


class Value(NamedTuple):
    """The value of a side; `digit` is the last one written where it is one number, else 0."""

    number: Fraction
    digit: Fraction


class Style(NamedTuple):
    """One way to read numbers: the decimal mark, whether measures are converted, whether % is a hundredth or a unit."""

    mark: str
    converted: bool
    hundredths: bool


def readings(left: Side, right: Side) -> Iterator[tuple[Value, Value]]:
    """The values of both sides in every way to read them; raises ZeroDivisionError, when it comes to one."""
    percents = [(False, True) if side.percents else (False,) for side in (left, right)]
    converted = (False, True) if any(part.scale != 1 for part in left.parts + right.parts) else (False,)
    for mark, scaled, *hundredths in product(".,", converted, *percents):
        first, second = (Style(mark, scaled, percent) for percent in hundredths)
        lefts = [value_of(left.parts[start:], first) for start in (0, *left.starts)]
        rights = [value_of(parts, second) for parts in (right.parts, right.first)]
        yield from ((one, other) for one, other in product(lefts, rights) if one is not None and other is not None)


def value_of(parts: Sequence[Token], style: Style) -> Value | None:
    """The value of a side, or of a part of it, read in a style; None where its numbers are not of that style."""
    tokens: list[str] = []
    digits: list[Fraction] = []
    for part in parts:
        if part.kind == "number":
            number = number_of(part.text, style.mark)
            if number is None:
                return None
            scale = part.scale if style.converted else Fraction(1)
            tokens.append(str(number.number * scale))
            digits.append(number.digit * scale)
        elif part.kind == "percent":
            if style.hundredths:
                tokens += ["/", "100"]
                digits = [digit / 100 for digit in digits]
        else:
            tokens.append(part.text)
    value = evaluate_tokens(tokens)
    return None if value is None else Value(value, digits[0] if len(digits) == 1 else Fraction(0))


def number_of(text: str, mark: str) -> Value | None:
    """A number and its last digit, with the given decimal mark; None where it is not written so."""
    if len(text) > MAX_DIGITS or not (POINT if mark == "." else COMMA).fullmatch(text):
        return None
    whole, _, decimals = text.replace("," if mark == "." else ".", "").partition(mark)
    return Value(Fraction(int(whole + decimals), 10 ** len(decimals)), Fraction(1, 10 ** len(decimals)))
