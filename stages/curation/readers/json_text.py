"""JSON as people write it, read without loss: every digit of a number, no key twice, no half characters.

orjson reads what it reads exactly. Numbers beyond a double or 64 bits, NaN, Infinity and trailing commas go through
Python's own parser.
"""

import json
import math
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from schemas.parsing import TooDeep, Unreadable, check_levels, parsed
from stages.curation.readers.encodings import LOST

LONG_NUMBER = re.compile(r"[0-9][0-9.]{15}|[0-9][eE][-+]?[0-9]{3}")
"""What may be no exact double, or no integer of 64 bits: 15 digits always are."""
KEY = re.compile(r'"\s*:')
FLAT = {str, int, bool, type(None)}
NOT_SPACE = re.compile(r"[^ \t\n\r]")
KEPT_OR_COMMA = re.compile(r'("(?:[^"\\]++|\\.)*+"?|[\[{,:]\s*+,)|,(?=\s*+[\]}])', re.DOTALL)
"""A comma before a closing bracket, behind a value; texts are passed over."""


class NotJSON(ValueError):
    """The text is not JSON, or cannot be read without loss; the message says why."""


class Repeated(dict[str, Any]):
    """An object with a key that stands twice, with different values."""

    key = ""


def parse_json(text: str) -> Any:
    """The value of a JSON text. Raises NotJSON.

    NaN and Infinity are floats, a comma before `]` or `}` is overlooked, and a number that neither a float nor 64 bits
    hold exactly is the text of its digits. A key that stands twice with different values is refused, and so is a lone
    surrogate: half of a character, which no table can hold.
    """
    value, is_sound = decode(text)
    check_depth(value, text)
    if not is_sound:
        check(value)
    return value


def decode(text: str) -> tuple[Any, bool]:
    """The value, and whether it needs no `check`. Raises NotJSON."""
    reason = ""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        reason = str(error)
    else:
        keys, has_float = count_keys(value)
        if keys_in(text) == keys and not (has_float and LONG_NUMBER.search(text)):
            return value, True
    return decode_exactly(text, reason), False


def decode_exactly(text: str, reason: str = "") -> Any:
    try:
        return parsed(DECODER.decode, text)
    except TooDeep as error:
        raise NotJSON(f"not JSON: {error}") from error
    except Unreadable as error:
        reason = f"not JSON: {reason or error}"
    without = KEPT_OR_COMMA.sub(lambda found: found[1] or "", text)
    try:
        return parsed(DECODER.decode, without)
    except Unreadable as error:
        raise NotJSON(reason) from error


def decode_values(text: str) -> Iterator[tuple[int, Any]]:
    """(line, value) of JSON values that follow one another, over any number of lines. Raises NotJSON."""
    position, line = 0, 1
    while match := NOT_SPACE.search(text, position):
        line += text.count("\n", position, match.start())
        try:
            value, after = parsed(DECODER.raw_decode, text, match.start())
        except Unreadable as error:
            raise NotJSON(f"not JSON: {error}") from error
        yield line, value
        line += text.count("\n", match.start(), after)
        position = after


def check_depth(value: Any, text: str | None = None) -> None:
    """Raise NotJSON for a value that is too deep to be written again. `text`: what it stands in, where that is little."""
    try:
        check_levels(value, text)
    except TooDeep as error:
        raise NotJSON(f"not JSON that can be kept: {error}") from error


def check(value: Any, lost: str = "") -> None:
    """Raise NotJSON for a key that stands twice, and for half of a character; `lost`: what LOST in a text means."""
    for part in parts(value):
        if isinstance(part, Repeated):
            raise NotJSON(f"the key `{part.key}` stands twice, with different values")
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        half = error.object[error.start]
        if lost and half == LOST:
            raise NotJSON(lost) from error
        raise NotJSON(
            f"a lone surrogate \\u{ord(half):04x}: half of a character, whose other half is missing"
        ) from error


def parts(value: Any) -> Iterator[Any]:
    """The value and everything within it."""
    waiting = [value]
    while waiting:
        yield (one := waiting.pop())
        if isinstance(one, dict):
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one


def keys_in(text: str) -> int:
    """Quotation marks with a colon behind: keys of a JSON text, and what in its strings looks like one."""
    if '" ' in text or '"\t' in text or '"\n' in text or '"\r' in text:  # a key may have space before its colon
        return len(KEY.findall(text))
    return text.count('":')


def count_keys(value: Any) -> tuple[int, bool]:
    """Keys of all objects within a value, and whether a float is there: what orjson rounds is one."""
    if type(value) is dict and FLAT.issuperset(map(type, value.values())):
        return len(value), False
    keys, has_float = 0, False
    for part in parts(value):
        keys += len(part) if isinstance(part, dict) else 0
        has_float = has_float or type(part) is float
    return keys, has_float


def noting_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        for key, value in pairs:
            if found[key] != value:
                found = Repeated(found)
                found.key = key
                break
    return found


def integer(digits: str) -> int | str:
    """The number where 64 bits hold it, else its digits."""
    if len(digits) > 20:
        return digits
    value = int(digits)
    return value if -(2**63) <= value < 2**64 else digits


def real(digits: str) -> float | str:
    """The float that has exactly this value when it is written, else the digits."""
    value = float(digits)
    try:
        is_exact = math.isfinite(value) and Decimal(repr(value)) == Decimal(digits)
    except InvalidOperation:  # an exponent beyond all bounds
        is_exact = False
    return value if is_exact else digits


DECODER = json.JSONDecoder(parse_int=integer, parse_float=real, object_pairs_hook=noting_repeats)


def as_json(value: Any) -> str:
    """A value as JSON for people to read, whatever it holds; what lies deeper than 100 levels is left out."""
    try:
        return orjson.dumps(value, default=str).decode()
    except TypeError:  # an integer beyond 64 bits, a key that is no text, half of a character, too deep
        return json.dumps(pruned(value, 100), default=str, skipkeys=True)


def pruned(value: Any, levels: int) -> Any:
    """The value without the lists and objects that lie deeper than so many levels."""
    if isinstance(value, dict):
        return {key: pruned(item, levels - 1) for key, item in value.items()} if levels else "…"
    if isinstance(value, list):
        return [pruned(item, levels - 1) for item in value] if levels else "…"
    return value
