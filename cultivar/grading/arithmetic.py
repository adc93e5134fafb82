"""Exact values of written arithmetic. Nothing is evaluated by Python: a small parser knows digits, + - * / and ( )."""

import re
from collections.abc import Sequence
from fractions import Fraction

TOKEN = re.compile(r"\d+(?:\.\d+)?|\.\d+|//|[-+*/()]")
MAX_CHARS = 200
"""Characters of an expression."""


MAX_POWER = 64
MAX_BITS = 4096
"""Of the exponent, and of a number raised to it."""


def evaluate_tokens(tokens: Sequence[str]) -> Fraction | None:
    """The exact value of numbers, operators (^ is a power) and parentheses; None where they are no arithmetic.

    Raises ZeroDivisionError.
    """
    try:
        value, position = add(tokens, 0)
    except (IndexError, ValueError, RecursionError):
        return None
    return value if position == len(tokens) else None


def evaluate_expression(expression: str) -> Fraction | None:
    """The exact value of an arithmetic expression, None where it is none (or divides by zero, or is too long)."""
    text = expression.replace(",", "").replace("$", "")
    if len(text) > MAX_CHARS:
        return None
    tokens = TOKEN.findall(text)
    if "".join(tokens) != "".join(text.split()):
        return None
    try:
        return evaluate_tokens(tokens)
    except ZeroDivisionError:
        return None


def add(tokens: Sequence[str], position: int) -> tuple[Fraction, int]:
    value, position = multiply(tokens, position)
    while position < len(tokens) and tokens[position] in "+-":
        right, after = multiply(tokens, position + 1)
        value, position = (value + right if tokens[position] == "+" else value - right), after
    return value, position


def multiply(tokens: Sequence[str], position: int) -> tuple[Fraction, int]:
    value, position = signed(tokens, position)
    while position < len(tokens) and tokens[position] in ("*", "/", "//"):
        right, after = signed(tokens, position + 1)
        sign = tokens[position]
        value, position = (
            (value * right if sign == "*" else value / right if sign == "/" else Fraction(value // right)),
            after,
        )
    return value, position


def signed(tokens: Sequence[str], position: int) -> tuple[Fraction, int]:
    if tokens[position] in "+-":
        value, after = signed(tokens, position + 1)
        return (value if tokens[position] == "+" else -value), after
    value, position = atom(tokens, position)
    if position < len(tokens) and tokens[position] == "^":
        exponent, position = signed(tokens, position + 1)
        bits = max(value.numerator.bit_length(), value.denominator.bit_length())
        if exponent.denominator != 1 or abs(exponent) > MAX_POWER or bits * abs(exponent) > MAX_BITS:
            raise ValueError("no power that is worked out")
        value = Fraction(value ** int(exponent))
    return value, position


def atom(tokens: Sequence[str], position: int) -> tuple[Fraction, int]:
    if tokens[position] == "(":
        value, position = add(tokens, position + 1)
        if tokens[position] != ")":
            raise ValueError("unbalanced")
        return value, position + 1
    return Fraction(tokens[position]), position + 1
