"""Records of function calling, and conversations in one text: xLAM, Glaive, ChatML."""

import json
import re
from typing import Any

from schemas.products import message
from stages.curation.readers.calls import CALL_RULE, TOOLS_RULE, read_calls, tools_text
from stages.curation.readers.conversations import asked_turns, exchange, with_system
from stages.curation.readers.fields import Item, Left, Misfit, Record, Refused, clean, listed, text
from stages.curation.readers.json_text import NotJSON, decode_values, parse_json
from stages.curation.readers.turns import Turn, Turns, add_reasoning, message_of

SPEAKER = re.compile(r"(?:\A|\n\n)(USER|ASSISTANT|FUNCTION RESPONSE):")
"""Where a turn of Glaive begins."""
SPEAKERS = {"USER": "user", "ASSISTANT": "assistant", "FUNCTION RESPONSE": "tool"}
CALL, END = "<functioncall>", "<|endoftext|>"
ACCESS = " with access to the following functions"
START, STOP = "<|im_start|>", "<|im_end|>"


def xlam(record: Record) -> Item:
    """{"query", "tools", "answers"} (Liu et al. 2024), the last two as JSON text or lists: the answers are calls."""
    asked = text(record, "query", "prompt", "question")
    if "answers" not in record or "tools" not in record:
        raise Misfit("no fields `tools` and `answers`")
    answers = listed(record, "answers")
    if not isinstance(answers, list) or not all(isinstance(one, dict) and "name" in one for one in answers):
        raise Misfit("`answers` is no list of calls {name, arguments}")
    left: Left = {}
    turns = asked_turns(record, asked)
    if answers:
        turns.append(message("assistant", "") | {"tool_calls": read_calls(answers, "answers", left)})
    return exchange(record, turns, "query", left)


def glaive(record: Record) -> Item:
    r"""{"system", "chat"}: "USER: …\n\nASSISTANT: <functioncall> {…} <|endoftext|>\n\nFUNCTION RESPONSE: {…}\n\n…".

    The functions that the system prompt lists are the tools, and leave it.
    """
    chat = text(record, "chat")
    starts = list(SPEAKER.finditer(chat))
    if not starts or starts[0].start():
        raise Misfit("`chat` does not begin with `USER:`")
    left: Left = {}
    turns: Turns = []
    ends = [*(start.start() for start in starts[1:]), len(chat)]
    for start, end in zip(starts, ends, strict=True):
        said = clean(chat[start.end() : end]).removesuffix(END).rstrip()
        turns.append(glaive_turn(SPEAKERS[start[1]], said, left))
    system, tools = glaive_system(record)
    if not all(turn["content"] or turn.get("tool_calls") or turn["role"] == "tool" for turn in turns):
        raise Misfit("`chat` has a turn without text")
    return exchange({"tools": tools} if tools else {}, with_system({"system": system}, turns), "chat", left)


def glaive_turn(role: str, said: str, left: Left) -> Turn:
    """A turn with the call that it ends with. Raises Refused for a call that cannot be read."""
    words, mark, body = said.partition(CALL) if role == "assistant" else (said, "", "")
    if not mark:
        return message(role, said)
    call = glaive_call(body.strip())
    return message(role, clean(words)) | {"tool_calls": read_calls([call], "chat", left)}


def glaive_call(body: str) -> Any:
    """A call as Glaive writes it: JSON, but that its arguments are JSON in single quotes. Raises Refused."""
    first, last = body.find("'"), body.rfind("'")
    inner = body[first + 1 : last]
    for read in (
        body,
        body[:first] + json.dumps(inner.replace("\\'", "'")) + body[last + 1 :] if first < last else body,
    ):
        try:
            return parse_json(read)
        except NotJSON as error:
            fault = error
    raise Refused(CALL_RULE, f"the call is no JSON: {fault}")


def glaive_system(record: Record) -> tuple[str, str | None]:
    """The system prompt and the tools of a record of Glaive. Raises Refused."""
    system = record.get("system")
    said = clean(system).removeprefix("SYSTEM:").strip() if isinstance(system, str) else ""
    head, mark, rest = said.partition(ACCESS)
    if not mark:
        return said, None
    listed_from = rest.find("{")
    if listed_from < 0:
        return said, None
    try:
        tools = tools_text([value for _, value in decode_values(rest[listed_from:])])
    except NotJSON as error:
        raise Refused(TOOLS_RULE, str(error)) from error
    return f"{head}.", tools


def chatml(record: Record) -> Item:
    """{"text"}: "<|im_start|>user\\n…<|im_end|>\\n<|im_start|>assistant\\n…" (ChatML)."""
    value = text(record, "text", "chatml", "conversation", "prompt")
    first, *parts = value.split(START)
    if not parts or first.strip():
        raise Misfit(f"the text does not begin with {START}")
    left: Left = {}
    turns: Turns = []
    for place, part in enumerate(parts):
        speaker, _, rest = part.partition("\n")
        said, closed, after = rest.partition(STOP)
        if place < len(parts) - 1 and not closed or after.replace("<|endoftext|>", "").strip():
            raise Misfit(f"a turn does not end with {STOP}")
        turn = message_of(speaker.replace(STOP, ""), said)
        if turn["role"] == "assistant":
            add_reasoning(turn, {}, "text", left)
        if turn["content"] or turn["role"] == "tool":
            turns.append(turn)
        elif place < len(parts) - 1 and turn["role"] != "system":
            raise Misfit("a turn has no text")
    return exchange(record, with_system(record, turns), "text", left)
