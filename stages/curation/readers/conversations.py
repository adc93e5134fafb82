"""Conversations: the exchange of them that becomes an instruction, with the record's own system prompt and tools.

The prompt ends with the last user turn that has an answer. The reference is the answer: all that stands behind it up to the
assistant's last turn, with calls of tools and their results. Turns behind that are counted. A conversation is read up to the
first turn without text, and the turns from there on are counted.
"""

import re
from typing import Any

from schemas.products import message
from stages.curation.readers.calls import checked, record_tools
from stages.curation.readers.fields import (
    Item,
    Left,
    Misfit,
    Record,
    Refused,
    clean,
    count,
    first_of,
    optional,
    parse_list,
)
from stages.curation.readers.marked_calls import marked_calls
from stages.curation.readers.turns import MEDIA, ROLES, Turns, read_turns

SYSTEM = ("system", "system_prompt", "system_message")
CONTEXT = frozenset({"history", *SYSTEM})
MEDIA_FIELDS = {field: rule for kind, rule in MEDIA.items() for field in (kind, f"{kind}s", f"{kind}_url")}
MEDIA_NAMES = frozenset(MEDIA_FIELDS)
TRANSCRIPT = re.compile(r"(?:\A\s*|\n\n)(Human|Assistant):")
"""Where a turn begins in a transcript of HH-RLHF."""


def conversation(record: Record, turns: Any, name: str) -> Item:
    """The instruction of the turns in the field `name`, with the record's own system prompt before them. Raises Misfit."""
    found, left = read_turns(turns, name)
    return exchange(record, with_system(record, found), name, left)


def exchange(record: Record, turns: Turns, name: str, left: Left) -> Item:
    """The last user turn with a reply, else the last user turn, with what stands before it. Raises Misfit for none."""
    turns, tools = with_tools(record, turns, left)
    users = [place for place, turn in enumerate(turns) if turn["role"] == "user"]
    if not users:
        raise Misfit(f"`{name}` has no user turn")
    replied = [place for place in users if [turn["role"] for turn in turns[place + 1 : place + 2]] == ["assistant"]]
    place = replied[-1] if replied else users[-1]
    end = answer_end(turns, place + 1) if replied else place + 1
    count(left, "turns after the last reply", len(turns) - end)
    return instruction(turns[: place + 1], turns[place + 1 : end], left, tools)


def answer_end(turns: Turns, begin: int) -> int:
    """Where the answer that begins at a turn ends: behind the assistant's last turn that goes on from a call or its result."""
    end, place = begin + 1, begin + 1
    while place < len(turns) and (turns[place]["role"] in ("assistant", "tool")):
        before = turns[place - 1]
        if not (before["role"] == "tool" or before.get("tool_calls")):
            break
        place += 1
        end = place if turns[place - 1]["role"] == "assistant" else end
    return end


def instruction(prompt: Turns, reference: Turns, left: Left, tools: str | None = None) -> Item:
    """The item of a conversation that ends with a user turn, and of what is written behind it."""
    fields: Record = {"prompt": prompt, "reference": reference}
    return Item("instruction", fields | ({"tools": tools} if tools else {}), left)


def with_tools(record: Record, turns: Turns, left: Left) -> tuple[Turns, str | None]:
    """The turns with the calls that their texts hold, and their tools. Raises Refused where calls do not fit, or for media."""
    refuse_media(record, turns)
    turns, tools = marked_calls(turns, record_tools(record), left)
    return checked(turns, tools), tools


def refuse_media(record: Record, turns: Turns) -> None:
    """Raise Refused where a text stands around an image or a recording of the record's (`<image>`, LLaVA)."""
    if MEDIA_NAMES.isdisjoint(record):
        return
    for name in sorted(MEDIA_NAMES & record.keys()):
        mark = f"<{name.removesuffix('_url').removesuffix('s')}>"
        if first_of(record, name) and any(mark in turn["content"] for turn in turns):
            raise Refused(MEDIA_FIELDS[name], f"a turn has {mark}, which stands in `{name}`; a row holds text only")


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
