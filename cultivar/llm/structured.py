"""Structured answers: from a model's text to a pydantic value.

The ladder (each rung only where the one before failed): the text as it is; from the first brace to the last (fences,
prose around); control characters allowed inside strings; json-repair (single quotes, trailing commas). Pydantic
validates on every rung. A text that was cut off never comes here: truncation is a failure, not data.
"""

import json
from typing import Any, TypeVar

from json_repair import repair_json
from pydantic import BaseModel, ValidationError

from cultivar.llm.request import MessageDict

M = TypeVar("M", bound=BaseModel)


class Unparsable(ValueError):
    """The text holds no valid answer; the message is fit to be shown to the model."""


def parse_answer(text: str, answer: type[M]) -> M:
    """The answer in `text`. Raises Unparsable, saying what is wrong with the best reading of it."""
    try:
        return answer.model_validate_json(text)
    except ValidationError as error:
        first = error
    start, end = text.find("{"), text.rfind("}")
    if start < 0 or end <= start:
        raise Unparsable("the answer is not a JSON object")
    inner = text[start : end + 1]
    try:
        return answer.model_validate_json(inner)
    except ValidationError as error:
        if not is_syntax_error(error):
            raise Unparsable(describe_faults(error)) from error
        first = error
    for load in (load_loose, load_repaired):
        try:
            return answer.model_validate(load(inner))
        except ValidationError as error:
            raise Unparsable(describe_faults(error)) from error
        except ValueError:
            continue
    raise Unparsable(describe_faults(first))


def load_loose(text: str) -> Any:
    """JSON that may hold raw control characters in strings."""
    return json.loads(text, strict=False)


def load_repaired(text: str) -> Any:
    """The text as json-repair reads it. Raises ValueError where that is no object."""
    value = repair_json(text, return_objects=True)
    if not isinstance(value, dict):
        raise ValueError("no object")
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


def retry_messages(messages: list[MessageDict], text: str, reason: str) -> list[MessageDict]:
    """The messages of the retry: the conversation so far, the invalid answer and what is wrong with it."""
    complaint = f"That answer cannot be used: {reason}. Answer again with only the corrected JSON object."
    return [
        *messages,
        {"role": "assistant", "content": text.strip() or "(nothing)"},
        {"role": "user", "content": complaint},
    ]
