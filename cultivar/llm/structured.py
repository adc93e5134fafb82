r"""Structured answers: from a model's text to a pydantic value.

The ladder (each rung only where the one before failed): the text as it is; from the first brace to the last (fences,
prose around); control characters inside strings and trailing commas allowed; json-repair (single quotes). Pydantic
validates on every rung. Before that, backslashes that the model forgot to double are (cultivar/llm/backslashes.py): what
JSON would read as a form feed before `rac` was `\frac`. A value with half a surrogate pair or a NUL is none. A text that
was cut off never comes here: truncation is a failure, not data.
"""

import json
import re
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, TypeVar

from json_repair import repair_json
from pydantic import BaseModel, ValidationError

from cultivar.llm.backslashes import Doubtful, double_backslashes
from cultivar.llm.characters import NO_TEXT_REASON
from cultivar.llm.markup import break_chat_tokens
from cultivar.llm.request import MessageDict
from schemas.characters import NO_CHARACTER, strings_of
from schemas.parsing import TooDeep, Unreadable, check_levels, parse_json, parsed

M = TypeVar("M", bound=BaseModel)
STRING_OR_COMMA = re.compile(r'("(?:[^"\\]|\\[\s\S])*(?:"|\\?\Z))|,(?=\s*[}\]])')
ESCAPE = re.compile(r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|[\s\S])")
"""A pair of surrogates, or any other escape up to its first character."""
STAND_INS = {r"\\": "\ufdd0", r"\n": "\ufdd1", r"\t": "\ufdd2", r"\r": "\ufdd3", r"\f": "\ufdd4", r"\/": "\ufdd5"}
"""Noncharacters, which no text has a use for."""
ORIGINALS = {ord(stand_in): json.loads(f'"{escape}"') for escape, stand_in in STAND_INS.items()}


MOST_REPAIRED = 100_000
"""Characters of an answer that json-repair is given."""
LEVELS_OF_REPAIR = 100
STEPS_OF_REPAIR = 300
"""Lines of code that json-repair may run for each character; what it repairs takes some 7 to 90."""
LEAST_STEPS = 60_000
BRACKET = re.compile(r"[\[\]{}]")


class Exhausted(RuntimeError):
    """A function has made its steps. No ValueError, which parsers take for a fault of the text and go on."""


class Unparsable(Unreadable):
    """The text holds no valid answer; the message is fit to be shown to the model."""


def parse_answer(text: str, answer: type[M]) -> M:
    """The answer in `text`. Raises Unparsable, saying what is wrong with the best reading of it."""
    if "\\" not in text:
        try:
            return validated(answer.model_validate_json, text)
        except ValidationError:
            pass
    start, end = text.find("{"), text.rfind("}")
    if start < 0 or end <= start:
        raise Unparsable("the answer is not a JSON object")
    try:
        inner = double_backslashes(text[start : end + 1])
    except Doubtful as doubt:
        raise Unparsable(str(doubt)) from doubt
    try:
        value = validated(answer.model_validate_json, inner)
        if r"\u0000" in inner:
            check_characters(parse_json(inner, parse_int=str))
        return value
    except ValidationError as error:
        if not is_syntax_error(error):
            raise Unparsable(describe_faults(error)) from error
        first = error
    for load in (load_loose, load_repaired):
        try:
            loaded = load(inner)
        except TooDeep as error:
            raise Unparsable(str(error)) from error
        except Unreadable:
            continue
        check_characters(loaded)
        try:
            return validated(answer.model_validate, loaded)
        except ValidationError as error:
            raise Unparsable(describe_faults(error)) from error
    raise Unparsable(describe_faults(first))


def validated(validate: Callable[[Any], M], value: Any) -> M:
    """What pydantic makes of a text or value. Raises ValidationError, and Unparsable for whatever else it fails by."""
    try:
        return parsed(validate, value)
    except Unreadable as error:
        if isinstance(error.__cause__, ValidationError):
            raise error.__cause__ from None
        raise Unparsable(str(error)) from error


def check_characters(value: Any) -> None:
    """Raise Unparsable where a string of the value holds what no text holds."""
    for text in strings_of(value):
        if NO_CHARACTER.search(text) is not None:
            raise Unparsable(NO_TEXT_REASON)


def load_loose(text: str) -> Any:
    """JSON that may hold raw control characters in strings and trailing commas. Raises Unreadable."""
    return parse_json(STRING_OR_COMMA.sub(lambda found: found[1] or "", text), strict=False)


def load_repaired(text: str) -> Any:
    """The text as json-repair reads it. Raises Unreadable where that is no object.

    json-repair reads some escapes in another way than JSON (`\\f`, a doubled one before another, pairs of surrogates), so it
    sees stand-ins.
    """
    if any(stand_in in text for stand_in in STAND_INS.values()):
        raise Unreadable("it holds noncharacters")
    if len(text) > MOST_REPAIRED or nesting_of(text) > LEVELS_OF_REPAIR:  # it takes quadratic time over the depth
        raise Unreadable("too long or too deep to be repaired")
    most = LEAST_STEPS + STEPS_OF_REPAIR * len(text)
    repaired = parsed(repair, ESCAPE.sub(lambda found: stand_in_of(found[0]), text), most)
    check_levels(repaired)
    if not isinstance(repaired, dict):
        raise Unreadable("no object")
    return resolve_stand_ins(repaired)


def repair(text: str, steps: int) -> Any:
    """What json-repair makes of a text. Raises Exhausted after so many lines of its code.

    It takes quadratic time over many braces (`{1} {1} …`, `{a: b} {a: b} …`, LaTeX), in calls or in loops without any, so
    an answer without JSON would hang its stage. Counting is of the text alone, where a limit of time would be of the machine.
    """
    left = steps

    def count(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal left
        left -= 1
        if left < 0:
            raise Exhausted("it takes too many steps to be repaired")
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        return repair_json(text, return_objects=True)
    finally:
        sys.settrace(before)


def nesting_of(text: str) -> int:
    """How deep brackets stand in brackets, closed or not; those within strings count too."""
    depth = deepest = 0
    for bracket in BRACKET.findall(text):
        depth += 1 if bracket in "[{" else -1 if depth else 0
        deepest = max(deepest, depth)
    return deepest


def stand_in_of(escape: str) -> str:
    """What json-repair sees of an escape: a stand-in, or the character of a pair of surrogates."""
    return STAND_INS.get(escape) or (json.loads(f'"{escape}"') if len(escape) > 2 else escape)


def resolve_stand_ins(value: Any) -> Any:
    """The value with what the stand-ins stand for."""
    match value:
        case str():
            return value.translate(ORIGINALS)
        case list():
            return [resolve_stand_ins(item) for item in value]
        case dict():
            return {resolve_stand_ins(key): resolve_stand_ins(item) for key, item in value.items()}
    return value


def is_syntax_error(error: ValidationError) -> bool:
    """Whether the text was no JSON at all (rather than JSON of the wrong shape)."""
    return error.errors(include_url=False, include_input=False)[0]["type"] == "json_invalid"


def describe_faults(error: ValidationError) -> str:
    """The first three faults, each with its place."""
    faults = error.errors(include_url=False, include_input=False, include_context=False)[:3]
    return "; ".join(
        f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" if fault["loc"] else fault["msg"] for fault in faults
    )


def retry_messages(messages: list[MessageDict], text: str, reason: str, is_json: bool = True) -> list[MessageDict]:
    """The messages of the retry: the conversation so far, the invalid answer and what is wrong with it."""
    demand = "Answer again with only the corrected JSON object." if is_json else "Answer again."
    turns: list[MessageDict] = [
        {"role": "assistant", "content": text.strip() or "(nothing)"},
        {"role": "user", "content": f"That answer cannot be used: {reason}. {demand}"},
    ]
    return [*messages, *break_chat_tokens(turns)]
