r"""Calls of tools in the text of an answer: `<tool_call>\n{"name": …, "arguments": {…}}\n</tool_call>` behind the words.

This is how Hermes and Qwen2.5 write them, and so what a model of that kind answers in the process. A server that has read
them gives them apart; they are written back into the text, so that the store keeps one text for an answer from anywhere.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from schemas.parsing import Unreadable, parse_json

OPEN, CLOSE = "<tool_call>", "</tool_call>"


def with_calls(content: str, calls: Iterable[Mapping[str, Any]]) -> str:
    """The text of an answer with the calls that a server gives apart. Raises KeyError, TypeError for what is no call."""
    written = [content] if content else []
    for call in calls:
        function = call["function"]
        given = function["arguments"]
        try:
            arguments = parse_json(given) if isinstance(given, str) else given
        except Unreadable:
            arguments = given  # no JSON: the reader of the calls says so
        body = orjson.dumps({"name": function["name"], "arguments": arguments}).decode()
        written.append(f"{OPEN}\n{body}\n{CLOSE}")
    return "\n".join(written)


def read_calls(text: str) -> tuple[str, list[dict[str, Any]]]:
    """The words of an answer, and its calls as messages hold them. Raises ValueError where a call cannot be read."""
    first, *parts = text.split(OPEN)
    calls, words = [], [first]
    for part in parts:
        body, closed, rest = part.partition(CLOSE)
        if not closed:
            raise ValueError("a call of a tool is not closed")
        try:
            call = parse_json(body)
        except Unreadable as error:
            raise ValueError(f"a call of a tool is no JSON: {error}") from error
        if not isinstance(call, dict) or not isinstance(call.get("name"), str) or not call["name"]:
            raise ValueError("a call of a tool has no name")
        arguments = call.get("arguments", {})
        written = arguments if isinstance(arguments, str) else orjson.dumps(arguments).decode()
        calls.append({"type": "function", "function": {"name": call["name"], "arguments": written}})
        words.append(rest)
    return "".join(words).strip(), calls
