"""Faults of files that people write: file, line, what is wrong, and the name that was probably meant."""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, NamedTuple, get_args, get_origin

from pydantic import BaseModel

from schemas.characters import beginning, escape
from schemas.errors import UserError

SHOWN = 20
"""Faults of one file that are listed; the others are counted."""
SHOWN_CHARS = 60
"""Of a value that is refused."""
COMPARED_CHARS = 100
"""Of a name that is compared with those that are known: the comparison takes the product of the lengths."""
QUOTED = re.compile(r"'([^']*)'")


class Fault(NamedTuple):
    """What is wrong at a place of a file, with the remedy; line 0 is the file."""

    path: str
    line: int
    words: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.words}" if self.line else f"{self.path}: {self.words}"


class FileFaults(UserError, ValueError):
    """Files that people write hold something they should not; one line per fault: file, line, what is wrong, remedy."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = list(faults)
        super().__init__("\n  ".join(listed(self.faults)))


def listed(faults: Iterable[Fault]) -> Iterator[str]:
    """A line for each fault, of each file SHOWN at most and how many more it has."""
    left: dict[str, int] = {}
    for fault in faults:
        left[fault.path] = left.get(fault.path, SHOWN) - 1
        if left[fault.path] >= 0:
            yield escape(str(fault))
    for path, count in left.items():
        if count < 0:
            yield f"{path}: and {-count:,} more"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """` (did you mean …?)`, or nothing where no known name is close."""
    close = difflib.get_close_matches(name, list(known), 1) if len(name) <= COMPARED_CHARS else []
    return f" (did you mean {close[0]}?)" if close else ""


def unknown_name(name: str, known: Iterable[str], what: str = "key") -> str:
    """`unknown key (did you mean …?); known are …`."""
    known = list(known)
    return f"unknown {what}{did_you_mean(name, known)}; known are {', '.join(known) or 'none'}"


def explain(model: type[BaseModel], item: Mapping[str, Any]) -> str:
    """One pydantic error in words: unknown keys and values with what was probably meant and what is allowed."""
    location, kind, context = item["loc"], item["type"], item.get("ctx") or {}
    if kind == "extra_forbidden":
        return f"{unknown_name(str(location[-1]), fields_at(model, location[:-1]))}; correct or remove it"
    if kind == "missing":
        return "is missing; write it"
    if kind == "union_tag_not_found":
        return f"is without its key {context['discriminator'].strip(chr(39))}; write it"
    words = item["msg"].removeprefix("Value error, ")
    if kind == "value_error":
        return words + got(item["input"])
    allowed = QUOTED.findall(str(context.get("expected_tags") or context.get("expected") or ""))
    given = context.get("tag", item["input"])
    meant = did_you_mean(given, allowed) if isinstance(given, str) and allowed else ""
    return f"{words}{got(item['input'])}{meant}"


def got(value: Any) -> str:
    """`, got …` of a single value; nothing of a list or mapping, which may be of any size."""
    return "" if isinstance(value, dict | list | tuple) else f", got {beginning(str(value), SHOWN_CHARS)!r}"


def fields_at(model: type[BaseModel], location: Iterable[Any]) -> list[str]:
    """Field names of the nested model at `location` of `model`, of the nearest above it where it cannot be followed.

    Of a union the part of the location that names the branch (the value of its discriminator) decides.
    """
    models = [model]
    for part in location:
        if isinstance(part, int):
            continue
        annotations = [each.model_fields[part].annotation for each in models if part in each.model_fields]
        if annotations:
            nested = [each for annotation in annotations for each in models_in(annotation)]
            if not nested:
                break
            models = nested
        elif tagged := [each for each in models if part in literals_of(each)]:
            models = tagged
    return list(dict.fromkeys(name for each in models for name in each.model_fields))


def models_in(annotation: Any) -> list[type[BaseModel]]:
    """The models that a type is made of: of list[A | B] both."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [each for argument in get_args(annotation) for each in models_in(argument)]


def literals_of(model: type[BaseModel]) -> set[Any]:
    """The values that fields of a model may have, where these are listed."""
    fields = [field.annotation for field in model.model_fields.values()]
    return {value for each in fields if get_origin(each) is Literal for value in get_args(each)}
