"""Calls of tools that stand in texts: Hermes' and Qwen's `<tool_call>`, with the tools in the system prompt's `<tools>`.

They are calls only where the tools are known, from the record or from the system prompt, and every mark of them can be read:
elsewhere a text stays as it is.
"""

import ast
from typing import Any

from schemas.parsing import Unreadable, parsed
from stages.curation.readers.calls import dumps, read_calls, tools_text
from stages.curation.readers.fields import Left, Refused, clean, count
from stages.curation.readers.json_text import NotJSON, decode_values, parse_json
from stages.curation.readers.turns import Turn, Turns

CALL, RESPONSE, TOOLS = "tool_call", "tool_response", "tools"
LONGEST = 100_000
"""Characters of a call that is written in Python, not in JSON."""


def marked_calls(turns: Turns, tools: str | None, left: Left) -> tuple[Turns, str | None]:
    """The turns with their marked calls as calls, and the tools. Raises Refused for a call that names no function."""
    if not any(f"<{CALL}>" in turn["content"] for turn in turns if turn["role"] == "assistant"):
        return turns, tools
    first, own = system_tools(turns[0])
    if tools is None and own is None:
        return turns, None
    others: Left = {}
    read = [read_turn(turn, others) if turn["role"] == "assistant" else unmarked(turn) for turn in turns]
    if None in read:
        return turns, tools
    found = [turn for turn in read if turn is not None]
    for name, times in others.items():
        count(left, name, times)
    if own is not None and tools in (None, own):  # the record's own stand beside another list only if that differs
        found[:1] = [first] if first["content"] else []
    return found, tools or own


def system_tools(turn: Turn) -> tuple[Turn, str | None]:
    """The system prompt without its list of tools, and this; the turn itself and None where it has none."""
    blocks = blocks_of(turn["content"], TOOLS) if turn["role"] == "system" else []
    for before, inner, after in reversed(blocks):
        try:
            values = [value for _, value in decode_values(inner)]
            tools = tools_text(values[0] if len(values) == 1 and isinstance(values[0], list) else values)
        except (NotJSON, Refused):
            continue
        if tools:
            return {**turn, "content": clean(f"{before.rstrip()}\n{after.lstrip()}")}, tools
    return turn, None


def blocks_of(text: str, name: str) -> list[tuple[str, str, str]]:
    """(before, within, behind) of each `<name>…</name>` of a text; the first 10, none within another one."""
    found: list[tuple[str, str, str]] = []
    end = 0
    while len(found) < 10 and (start := text.find(f"<{name}>", end)) >= 0:
        inner = start + len(name) + 2
        close = text.find(f"</{name}>", inner)
        if close < 0:
            break
        end = close + len(name) + 3
        found.append((text[:start], text[inner:close], text[end:]))
    return found


def read_turn(turn: Turn, left: Left) -> Turn | None:
    """An assistant's turn with its marked calls as calls; None where one of them cannot be read."""
    first, *parts = turn["content"].split(f"<{CALL}>")
    if not parts:
        return turn
    words, calls = [first], list(turn.get("tool_calls", []))
    for part in parts:
        inner, closed, after = part.partition(f"</{CALL}>")
        value = value_of(inner) if closed else None
        if not isinstance(value, dict) or not isinstance(value.get("name"), str):
            return None
        calls += read_calls([value], CALL, left)
        words.append(after)
    return {**turn, "content": "\n".join(filter(None, map(clean, words))), "tool_calls": calls}


def value_of(text: str) -> Any:
    """The value of JSON, or of a literal of Python; None for neither."""
    try:
        return parse_json(text)
    except NotJSON:
        pass
    try:
        value = parsed(ast.literal_eval, text.strip()) if len(text) <= LONGEST else None
        dumps(value)
    except (Unreadable, ValueError, TypeError, RecursionError):
        return None
    return value


def unmarked(turn: Turn) -> Turn:
    """A result of a tool without the mark around it."""
    blocks = blocks_of(turn["content"], RESPONSE) if turn["role"] == "tool" else []
    if len(blocks) != 1 or blocks[0][0].strip() or blocks[0][2].strip():
        return turn
    return {**turn, "content": clean(blocks[0][1])}
