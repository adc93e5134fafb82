"""Final answers keep their value on the way in: exact digits, no rounding, no separators but those of thousands."""

import datetime
import math
import re
from decimal import Decimal
from typing import Any

THOUSANDS = re.compile(r"(?<![\d.,])\d{1,3}(?:,\d{3})+(?![\d,])")
"""1,234 and 12,345,678.9; no part of a list, a pair or a decimal comma (3,5 and 1,2,3)."""
BRACKETS = re.compile(r"[()\[\]{}]")
MOST_ZEROS = 30
"""Digits before or after the point up to which a number is written out, without an exponent."""


class NoAnswer(ValueError):
    """The value is no final answer; the message says why, without the field's name."""


def answer_text(value: Any) -> str:
    """A final answer as text. Raises NoAnswer for nothing, NaN, infinity, several answers and what is no single value.

    A number is the shortest text of exactly its value: 1234567.0 is 1234567, 1e-7 is 0.0000001. A truth value is True or
    False, as Python and CSV files of pandas write it. A date is in ISO form, without a midnight. A list of one answer is
    that answer: of several nobody knows whether one or all of them are asked for.
    """
    match value:
        case None:
            raise NoAnswer("is missing or null")
        case str():
            if not value.strip():
                raise NoAnswer("is empty")
            if value.strip().casefold() == "nan":
                raise NoAnswer("is NaN, which is no value")
            return value
        case bool() | int():
            return str(value)
        case float():
            return real_text(value)
        case Decimal():
            return decimal_text(value)
        case datetime.datetime():
            is_day = value.tzinfo is None and value.time() == datetime.time()
            return value.date().isoformat() if is_day else value.isoformat(sep=" ")
        case datetime.date() | datetime.time():
            return value.isoformat()
        case list():
            found = list(dict.fromkeys(answer_text(item) for item in value))
            if len(found) != 1:
                raise NoAnswer(f"is a list of {len(found)} answers, not one" if found else "is an empty list")
            return found[0]
    raise NoAnswer(f"is {type(value).__name__}, not a text or a number")


def real_text(value: float) -> str:
    if math.isnan(value):
        raise NoAnswer("is NaN, which is no value")
    if math.isinf(value):
        raise NoAnswer("is infinite")
    return decimal_text(Decimal(repr(value)))


def decimal_text(value: Decimal) -> str:
    """The digits of a finite number without zeros that say nothing."""
    if not value.is_finite():
        raise NoAnswer(f"is {value}, which is no value")
    sign, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    written = "".join(map(str, digits)).lstrip("0")
    kept = written.rstrip("0")
    exponent += len(written) - len(kept)
    if not kept:
        return "0"
    if exponent > MOST_ZEROS or exponent < -MOST_ZEROS - len(kept):
        text = f"{kept[0]}.{kept[1:]}".rstrip(".") + f"e{exponent + len(kept) - 1:+d}"
    elif exponent >= 0:
        text = kept + "0" * exponent
    else:
        kept = kept.rjust(1 - exponent, "0")
        text = f"{kept[:exponent]}.{kept[exponent:]}"
    return f"-{text}" if sign else text


def without_thousands(answer: str) -> str:
    """The answer without its thousands separators; (2,3), [1,000] and 3,5 stay."""
    if BRACKETS.search(answer):
        return answer
    return THOUSANDS.sub(lambda found: found[0].replace(",", ""), answer)
