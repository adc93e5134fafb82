"""Fields of one record: read as clean text, and noted when read, so that every field is taken or counted.

A shape is given a `Fields` and returns an `Item`; `counted` adds to it the fields of the record that the shape did not
look at.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache, wraps
from types import MappingProxyType
from typing import Any, NamedTuple

import orjson

from schemas.characters import beginning


class Misfit(ValueError):
    """The record does not have the shape; the message says why."""


class Refused(ValueError):
    """The record has the shape, and a rule leaves it out: what it asks cannot be asked by a row, or its tools do not fit."""

    def __init__(self, rule: str, reason: str) -> None:
        super().__init__(reason)
        self.rule = rule


class Item(NamedTuple):
    """What a record holds: `kind` names the row, `fields` are its own fields (no source, licence or split).

    `left` counts what the record holds besides, by its name: fields, turns of a conversation, further instances.
    """

    kind: str
    fields: dict[str, Any]
    left: Mapping[str, int] = MappingProxyType({})


Record = dict[str, Any]
Left = dict[str, int]
"""What of a record is not taken, counts by name."""
Shape = Callable[[Record], Item]


peek, look = dict.get, dict.__getitem__
"""How a field is read without being noted."""


class Fields(Record):
    """A record that notes in `taken` which of its fields were read by `[]` or `get` (`in` does not read)."""

    __slots__ = ("taken",)
    taken: set[str]

    def __getitem__(self, name: str) -> Any:
        self.taken.add(name)
        return look(self, name)

    def get(self, name: str, default: Any = None) -> Any:
        self.taken.add(name)
        return peek(self, name, default)


def counted(shape: Shape) -> Shape:
    """The shape, with the record's other fields in `left`; those that hold nothing do not count."""

    @wraps(shape)
    def read(record: Record) -> Item:
        fields = Fields(record)
        taken = fields.taken = set()
        item = shape(fields)
        others = [name for name, value in record.items() if name not in taken and holds(value)]
        if not others:
            return item
        left = dict(item.left)
        for name in others:
            count(left, field_name(name))
        return Item(item.kind, item.fields, left)

    return read


def count(left: Left, name: str, times: int = 1) -> None:
    """Add to the count of one name; nothing where nothing is left."""
    if times:
        left[name] = left.get(name, 0) + times


def count_others(left: Left, name: str, part: Mapping[str, Any], taken: Iterable[str]) -> None:
    """Count the fields of an object within the field `name` that are not taken; those that hold nothing do not count."""
    for key in part.keys() - set(taken):
        if holds(part[key]):
            count(left, field_name(f"{name}.{key}"))


MAX_NAMES = 200
"""Kinds of what was not taken that the metrics hold by name: records keyed by ids have a field for each."""


def bounded(not_taken: Mapping[str, int]) -> dict[str, int]:
    """The counts by name, the largest of them; the others as one sum."""
    named = sorted(((name, count) for name, count in not_taken.items() if count), key=lambda one: (-one[1], one[0]))
    rest = sum(count for _, count in named[MAX_NAMES:])
    return dict(sorted(named[:MAX_NAMES])) | ({"fields of other names": rest} if rest else {})


@lru_cache(maxsize=4096)
def field_name(name: str) -> str:
    """How a field is called where it is counted: on one line, and no longer than a line has room for."""
    return f"field {beginning(' '.join(str(name).split()), 80)}"


def holds(value: Any) -> bool:
    """Whether a field says anything: null, an empty text, list or object do not."""
    return value is not None and not (isinstance(value, str | list | dict) and not value)


def first_of(record: Record, *names: str) -> str | None:
    """The first of the named fields that holds something, not noted as taken."""
    return next((name for name in names if holds(peek(record, name))), None)


def text(record: Record, *names: str) -> str:
    """The first of the named fields as clean text; null is no field. Raises Misfit where none is a text with letters."""
    for name in names:
        if peek(record, name) is not None:
            value = record[name]
            if not isinstance(value, str) or not (cleaned := clean(value)):
                raise Misfit(f"`{name}` is {'empty' if isinstance(value, str) else type(value).__name__}, not a text")
            return cleaned
    raise Misfit(f"no field {' or '.join(f'`{name}`' for name in names)}")


def optional(record: Record, *names: str) -> str | None:
    """The first of the named fields that holds a text, or None. A field that is no text is not taken."""
    for name in names:
        value = peek(record, name)
        if isinstance(value, str) and (cleaned := clean(value)):
            record[name]  # taken
            return cleaned
    return None


def number(record: Record, *names: str) -> float | None:
    """The first of the named fields that there is, as a finite number; None where there is none. Raises Misfit."""
    name = first_of(record, *names)
    if name is None:
        return None
    try:
        value = float(record[name])
    except (TypeError, ValueError) as error:
        raise Misfit(f"`{name}` is not a number") from error
    if not math.isfinite(value):
        raise Misfit(f"`{name}` is {value}, not a finite number")
    return value


def finite(value: Any) -> float | None:
    """The number, or that of a text; None for what is no finite number (N/A, NaN, nothing)."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def clean(value: str) -> str:
    return (value.replace("\r\n", "\n").replace("\r", "\n") if "\r" in value else value).strip()


def text_list(record: Record, *names: str) -> list[str]:
    """The first of the named fields that there is, as texts; a text (a CSV cell) is read as a JSON list. Raises Misfit."""
    value = record.get(name := first_of(record, *names) or names[0]) or []
    if isinstance(value, str):
        value = parse_list(name, value)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise Misfit(f"`{name}` is not a list of texts")
    return [clean(item) for item in value if item.strip()]


def listed(record: Record, *names: str) -> Any:
    """The first of the named fields that there is; a text that is a JSON list (a CSV cell) is that list. Raises Misfit."""
    name = first_of(record, *names)
    if name is None:
        return None
    value = record[name]
    return parse_list(name, value) if isinstance(value, str) and value.lstrip().startswith("[") else value


def parse_list(name: str, value: str) -> Any:
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise Misfit(f"`{name}` is neither a list nor a JSON list: {error}") from error
