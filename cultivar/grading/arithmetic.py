"""Exact values of written arithmetic. Nothing is evaluated by Python: a small parser knows digits, + - * / and ( )."""

import re
from collections.abc import Sequence
from fractions import Fraction

TOKEN = re.compile(r"\s*(\d+(?:\.\d+)?|\.\d+|//|[-+*/()])")
MAX_CHARS = 200
"""Characters of an expression."""


def evaluate_expression(expression: str) -> Fraction | None:
    """The exact value of an arithmetic expression, None where it is none (or divides by zero, or is too long)."""
    text = expression.replace(",", "").replace("$", "")
    tokens = TOKEN.findall(text)
    if len(text) > MAX_CHARS or "".join(tokens) != "".join(text.split()):
        return None
    try:
        value, at = add(tokens, 0)
    except (IndexError, ZeroDivisionError, ValueError, RecursionError):
        return None
    return value if at == len(tokens) else None


def add(tokens: Sequence[str], at: int) -> tuple[Fraction, int]:
    value, at = multiply(tokens, at)
    while at < len(tokens) and tokens[at] in "+-":
        right, after = multiply(tokens, at + 1)
        value, at = (value + right if tokens[at] == "+" else value - right), after
    return value, at


def multiply(tokens: Sequence[str], at: int) -> tuple[Fraction, int]:
    value, at = atom(tokens, at)
    while at < len(tokens) and tokens[at] in ("*", "/", "//"):
        right, after = atom(tokens, at + 1)
        sign = tokens[at]
        value, at = (
            (value * right if sign == "*" else value / right if sign == "/" else Fraction(value // right)),
            after,
        )
    return value, at


def atom(tokens: Sequence[str], at: int) -> tuple[Fraction, int]:
    if tokens[at] in "+-":
        value, after = atom(tokens, at + 1)
        return (value if tokens[at] == "+" else -value), after
    if tokens[at] == "(":
        value, at = add(tokens, at + 1)
        if tokens[at] != ")":
            raise ValueError("unbalanced")
        return value, at + 1
    return Fraction(tokens[at]), at + 1
