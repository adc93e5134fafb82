"""Tools that an assistant may call, and whether its calls fit them: JSON Schema by `jsonschema`, on untrusted schemas.

Nothing is fetched for a reference, a pattern is matched in linear time, and a schema that asks for more than `MOST_STEPS`
checks is given up on. What could not be checked is no fault.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import orjson
import polars as pl
from jsonschema import Draft202012Validator, ValidationError, validators
from jsonschema_specifications import REGISTRY

from schemas.characters import beginning
from schemas.parsing import Unreadable, check_levels, parse_json, parsed

MOST_STEPS = 5_000
"""Keywords that are checked of one call: references can double the work with every level."""
SHOWN = 160
"""Characters of a fault that a row tells."""


class ToolFault(ValueError):
    """Tools or a call are not what they have to be; the message says why."""


class GivenUp(Exception):
    """A schema asks for too many checks."""


class Steps:
    """How many keywords may still be checked."""

    left = MOST_STEPS


def counted(check: Callable[..., Any]) -> Callable[..., Iterator[ValidationError]]:
    """The check of a keyword, which counts. Raises GivenUp after MOST_STEPS."""

    def step(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        Steps.left -= 1
        if Steps.left < 0:
            raise GivenUp
        yield from check(validator, value, instance, schema) or ()

    return step


def matches(pattern: str, text: str) -> bool | None:
    """Whether a text has the pattern, in linear time; None where that cannot be told so (a look-around, a back reference)."""
    try:
        return bool(pl.Series([text]).str.contains(pattern)[0])
    except pl.exceptions.PolarsError:
        return None


def pattern(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    """The keyword `pattern`."""
    if validator.is_type(instance, "string") and matches(value, instance) is False:
        yield ValidationError(f"does not match the pattern {beginning(value, SHOWN // 2)!r}")


def pattern_properties(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    """The keyword `patternProperties`."""
    if validator.is_type(instance, "object"):
        for name, part in value.items():
            for key, item in instance.items():
                if matches(name, key):
                    yield from validator.descend(item, part, path=key, schema_path=name)


def additional_properties(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    """The keyword `additionalProperties`: a key that a pattern may have is none of the others."""
    if not validator.is_type(instance, "object"):
        return
    known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    others = [key for key in instance if key not in known and all(matches(one, key) is False for one in patterns)]
    if validator.is_type(value, "object"):
        for key in others:
            yield from validator.descend(instance[key], value, path=key)
    elif not value and others:
        yield ValidationError(f"no argument {', '.join(map(repr, others))} is known")


def unique_items(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    """The keyword `uniqueItems`, by the items' canonical JSON."""
    if value and validator.is_type(instance, "array"):
        written = [orjson.dumps(item, option=orjson.OPT_SORT_KEYS) for item in instance]
        if len(set(written)) < len(written):
            yield ValidationError("it has non-unique elements")


OWN = {
    "pattern": pattern,
    "patternProperties": pattern_properties,
    "additionalProperties": additional_properties,
    "uniqueItems": unique_items,
}
CHECKS: Mapping[str, Any] = Draft202012Validator.VALIDATORS | OWN
Checker = validators.extend(Draft202012Validator, {name: counted(check) for name, check in CHECKS.items()})


def first_fault(schema: Any, value: Any) -> str | None:
    """Where and why a value does not fit a schema; None where it does, or where that cannot be told."""
    Steps.left = MOST_STEPS
    try:
        error = parsed(lambda: next(Checker(schema, registry=REGISTRY).iter_errors(value), None))
    except (GivenUp, Unreadable):  # too much work, a reference to what is not there, without end, or no schema
        return None
    if error is None:
        return None
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path).lstrip(".")
    reason = error.message if len(error.message) <= SHOWN else f"does not hold to `{error.validator}`"
    return beginning(f"{place}: {reason}" if place else reason, SHOWN)


def functions_of(tools: str | None) -> dict[str, Any]:
    """Name -> schema of the arguments, of tools as rows hold them. Raises ToolFault."""
    return schemas_of(tools) if tools else {}


@lru_cache(maxsize=1024)
def schemas_of(tools: str) -> dict[str, Any]:
    """`functions_of`, remembered: many rows have the same tools."""
    try:
        listed = parse_json(tools)
    except Unreadable as error:
        raise ToolFault(f"the tools are no JSON: {error}") from error
    if not isinstance(listed, list):
        raise ToolFault("the tools are no list")
    found: dict[str, Any] = {}
    for tool in listed:
        function = tool.get("function") if isinstance(tool, dict) else None
        if not isinstance(function, dict) or not isinstance(name := function.get("name"), str) or not name:
            raise ToolFault("a tool is no function with a name")
        if name in found:
            raise ToolFault(f"two tools are called {beginning(name, SHOWN)!r}")
        schema = function.get("parameters")
        if schema is not None and (fault := first_fault(Draft202012Validator.META_SCHEMA, schema)):
            raise ToolFault(f"the parameters of {beginning(name, SHOWN)!r} are no JSON Schema: {fault}")
        found[name] = {} if schema is None else schema
    return found


def call_fault(tools: str | None, calls: Iterable[Mapping[str, Any]]) -> str | None:
    """Why a message's calls (dicts in the shape of `schemas.rows.ToolCall`) do not fit the tools; None where they do.

    Raises ToolFault for tools that are none.
    """
    functions = functions_of(tools)
    for call in calls:
        name, text = call["function"]["name"], call["function"]["arguments"]
        shown = beginning(name, SHOWN)
        try:
            arguments = parse_json(text)
            check_levels(arguments)
        except Unreadable as error:
            return f"{shown}: the arguments are no JSON: {error}"
        if not isinstance(arguments, dict):
            return f"{shown}: the arguments are no JSON object"
        if name not in functions:
            return f"{shown}: no such tool"
        if fault := first_fault(functions[name], arguments):
            return f"{shown}: {fault}"
    return None
