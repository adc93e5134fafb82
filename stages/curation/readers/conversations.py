"""Conversations: turns of ShareGPT, OpenAI and others, and the exchange of them that becomes an instruction.

The prompt ends with the last user turn that has a reply, which is the reference. Turns behind the reply are counted. A conversation is read up to the first turn that a row cannot
hold (a tool's, a call of one, one without text), and the turns from there on are counted.
"""

import re
from typing import Any

from schemas.products import message
from stages.curation.readers.fields import (
    Item,
    Left,
    Misfit,
    Record,
    clean,
    count,
    field_name,
    holds,
    optional,
    parse_list,
)

ROLES = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "prompter": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "model": "assistant",
    "chatgpt": "assistant",
    "bot": "assistant",
    "tool": "tool",
    "tool_call": "tool",
    "tool_response": "tool",
    "function": "tool",
    "function_call": "tool",
    "function_response": "tool",
    "observation": "tool",
    "ipython": "tool",
}
"""What data sets call a speaker -> the role of its message; `tool` stands for turns that a row does not hold."""
CALLS = frozenset({"tool_calls", "function_call"})
UNHELD = "turns from the first without text or of a tool"
TEXT_PARTS = ("text", "input_text", "output_text")
SYSTEM = ("system", "system_prompt", "system_message")
CONTEXT = frozenset({"history", *SYSTEM})
TRANSCRIPT = re.compile(r"(?:\A\s*|\n\n)(Human|Assistant):")
"""Where a turn begins in a transcript of HH-RLHF."""

Turns = list[dict[str, str]]


def conversation(record: Record, turns: Any, name: str) -> Item:
    """The instruction of the turns in the field `name`, with the record's own system prompt before them. Raises Misfit."""
    found, left = read_turns(turns, name)
    return exchange(with_system(record, found), name, left)


def read_turns(turns: Any, name: str) -> tuple[Turns, Left]:
    """The messages up to the first turn that a row cannot hold, and what is left out. Raises Misfit."""
    if not isinstance(turns, list):
        raise Misfit(f"no list `{name}`")
    found: Turns = []
    left: Left = {}
    for place, turn in enumerate(turns):
        role, content = read_turn(turn, name)
        others = turn.keys() - NAMED
        if role == "tool" or (not content and role != "system") or any(holds(turn[key]) for key in others & CALLS):
            count(left, UNHELD, sum(map(says_something, turns[place:])))
            break
        if content:
            found.append(message(role, content))
        for key in others:
            if holds(turn[key]):
                count(left, field_name(f"{name}.{key}"))
    return found, left


NAMED = frozenset({"role", "content", "from", "value"})


def read_turn(turn: Any, name: str) -> tuple[str, str]:
    """Role and text of one turn. Raises Misfit where it is no turn, of an unknown role, or more than text."""
    speaker, says = ("role", "content") if isinstance(turn, dict) and "role" in turn else ("from", "value")
    if not isinstance(turn, dict) or speaker not in turn or says not in turn and not any(c in turn for c in CALLS):
        raise Misfit(f"`{name}` holds turns without `role` and `content` (or `from` and `value`)")
    role = ROLES.get(str(turn[speaker]).strip().lower())
    if role is None:
        raise Misfit(f"`{name}` has a turn of `{turn[speaker]}`, which is no known role")
    return role, content_text(turn.get(says), name)


def content_text(content: Any, name: str) -> str:
    """The text of a message's content: itself, or its text parts joined. Raises Misfit for any other part."""
    if content is None or isinstance(content, str):
        return clean(content or "")
    if not isinstance(content, list):
        raise Misfit(f"`{name}` has a turn whose content is {type(content).__name__}, not a text")
    texts = []
    for part in content:
        kind = part.get("type", "text") if isinstance(part, dict) else "text"
        value = part.get("text") if isinstance(part, dict) else part
        if kind not in TEXT_PARTS or not isinstance(value, str):
            raise Misfit(f"`{name}` has a turn with a part of type `{kind}`; a row holds text only")
        texts.append(clean(value))
    return "\n".join(filter(None, texts))


def says_something(turn: Any) -> bool:
    return isinstance(turn, dict) and any(holds(value) for key, value in turn.items() if key not in ("role", "from"))


def exchange(turns: Turns, name: str, left: Left) -> Item:
    """The last user turn with a reply, else the last user turn, with what stands before it. Raises Misfit for none."""
    users = [place for place, turn in enumerate(turns) if turn["role"] == "user"]
    if not users:
        raise Misfit(f"`{name}` has no user turn")
    replied = [place for place in users if [turn["role"] for turn in turns[place + 1 : place + 2]] == ["assistant"]]
    place = replied[-1] if replied else users[-1]
    end = place + (2 if replied else 1)
    count(left, "turns after the last reply", len(turns) - end)
    return instruction(turns[: place + 1], turns[place + 1 : end], left)


def instruction(prompt: Turns, reference: Turns, left: Left) -> Item:
    """The item of a conversation that ends with a user turn, and of what is written behind it."""
    return Item("instruction", {"prompt": prompt, "reference": reference}, left)


def with_system(record: Record, turns: Turns) -> Turns:
    """The turns behind the record's system prompt; one message where the turns begin with another one."""
    system = optional(record, *SYSTEM)
    if system is None or (turns and turns[0] == message("system", system)):
        return turns
    if turns and turns[0]["role"] == "system":
        return [message("system", f"{system}\n\n{turns[0]['content']}"), *turns[1:]]
    return [message("system", system), *turns]


def asked_turns(record: Record, prompt: str) -> Turns:
    """The user's `prompt` behind the record's system prompt and `history` ([[user, assistant], …], Alpaca). Raises Misfit."""
    asked = message("user", prompt)
    if CONTEXT.isdisjoint(record):
        return [asked]
    history = dict.get(record, "history")
    if isinstance(history, str) and history.lstrip().startswith("["):  # a CSV cell
        history = parse_list("history", history)
    turns: Turns = []
    if isinstance(history, list):
        record["history"]  # taken
        for pair in history:
            if not is_pair_of_texts(pair):
                raise Misfit("`history` is not a list of [user, assistant] pairs of texts")
            turns += [message("user", clean(pair[0])), message("assistant", clean(pair[1]))]
    return with_system(record, [*turns, asked])


def is_pair_of_texts(pair: Any) -> bool:
    sound = [isinstance(side, str) and bool(side.strip()) for side in pair] if isinstance(pair, list | tuple) else []
    return sound == [True, True]


def transcript_turns(transcript: str) -> Turns:
    """Turns of "\\n\\nHuman: … \\n\\nAssistant: …" (Bai et al. 2022); none where the text does not begin like one."""
    starts = list(TRANSCRIPT.finditer(transcript))
    if not starts or transcript[: starts[0].start()].strip():
        return []
    ends = [*(start.start() for start in starts[1:]), len(transcript)]
    return [
        message(ROLES[start[1].lower()], clean(transcript[start.end() : end]))
        for start, end in zip(starts, ends, strict=True)
    ]
