"""Turns of conversations: who speaks, and what a turn holds, in the spellings of OpenAI, Hugging Face, ShareGPT, Anthropic.

A turn's text, reasoning, calls of tools and results of them are taken; what is no text (an image, a recording) is refused by
a rule that names it, since the text alone asks something else.
"""

from typing import Any

from schemas.products import message
from stages.curation.readers.calls import dumps, read_calls, turn_calls
from stages.curation.readers.fields import (
    Left,
    Misfit,
    Refused,
    clean,
    count,
    count_others,
    field_name,
    holds,
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
    "tool_response": "tool",
    "function": "tool",
    "function_response": "tool",
    "observation": "tool",
    "ipython": "tool",
}
"""What data sets call a speaker -> the role of its message."""
CALLERS = frozenset({"tool_call", "function_call"})
"""Speakers of ShareGPT's whose turn is a call of a tool, as JSON text."""
UNHELD = "turns from the first without text"
TEXT_PARTS = {"text": "text", "input_text": "text", "output_text": "text", "refusal": "refusal"}
THOUGHTS = ("reasoning", "reasoning_content", "thinking")
THINK, THOUGHT = "<think>", "</think>"
MEDIA = {"image": "image part", "audio": "audio part", "video": "video part", "file": "file part"}
OTHER_PART = "content part that is no text"
CALLS = frozenset({"tool_calls", "function_call"})
SPOKEN = frozenset({"role", "content", "from", "value"})
OF_ASSISTANT = frozenset({*THOUGHTS, *CALLS})
OF_TOOL = frozenset({"tool_call_id", "name"})

Turn = dict[str, Any]
"""A message as rows hold it, without what it does not hold."""
Turns = list[Turn]


def read_turns(turns: Any, name: str) -> tuple[Turns, Left]:
    """The messages up to the first without text, and what is left out. Raises Misfit, Refused."""
    if isinstance(turns, str) and turns.lstrip().startswith("["):  # a CSV cell
        turns = parse_list(name, turns)
    if not isinstance(turns, list):
        raise Misfit(f"no list `{name}`")
    found: Turns = []
    left: Left = {}
    for place, turn in enumerate(turns):
        read = read_turn(turn, name, left)
        if not read:
            count(left, UNHELD, sum(map(says_something, turns[place:])))
            break
        found += [one for one in read if one["role"] != "system" or one["content"]]
    return found, left


def read_turn(turn: Any, name: str, left: Left) -> Turns:
    """The messages of one turn: one, but for results of tools in a user's turn (Anthropic). None where it has no text.

    Raises Misfit where it is no turn or of an unknown role, Refused for what is more than text and for a broken call.
    """
    role, content, speaker = who_says_what(turn, name)
    others = {key for key, value in turn.items() if value is not None} - SPOKEN if len(turn) > 2 else ()
    if speaker in CALLERS and not (CALLS & set(others)):
        found = message("assistant", "") | {"tool_calls": read_calls(content, name, left)}
    elif role == "tool":
        return [tool_turn(turn, content, name, left)]
    elif isinstance(content, list) and any(is_part_of(part, "tool_use", "tool_result", "thinking") for part in content):
        if others:
            count_others(left, name, turn, SPOKEN)
        return block_turns(role, content, name, left)
    else:
        found = {"role": role, "content": content_text(content, name, left)}
        if role == "assistant":
            add_reasoning(found, turn if others else {}, name, left)
            if others and (calls := turn_calls(turn, name, left)):
                found["tool_calls"] = calls
    if others:
        count_others(left, name, turn, SPOKEN | OF_ASSISTANT if role == "assistant" else SPOKEN)
    is_said = found["content"] or found.get("tool_calls") or role == "system"
    return [found] if is_said else []


def who_says_what(turn: Any, name: str) -> tuple[str, Any, str]:
    """The role, the content as it stands, and what the speaker is called. Raises Misfit."""
    speaker, says = ("role", "content") if isinstance(turn, dict) and "role" in turn else ("from", "value")
    if not isinstance(turn, dict) or speaker not in turn or (says not in turn and CALLS.isdisjoint(turn)):
        raise Misfit(f"`{name}` holds turns without `role` and `content` (or `from` and `value`)")
    called = str(turn[speaker]).strip().lower()
    role = "assistant" if called in CALLERS else ROLES.get(called)
    if role is None:
        raise Misfit(f"`{name}` has a turn of `{turn[speaker]}`, which is no known role")
    return role, turn.get(says), called


def content_text(content: Any, name: str, left: Left) -> str:
    """The text of a message's content: itself, or its text parts joined. Raises Misfit, or Refused for any other part."""
    if content is None or isinstance(content, str):
        return clean(content or "")
    if not isinstance(content, list):
        raise Misfit(f"`{name}` has a turn whose content is {type(content).__name__}, not a text")
    return "\n".join(filter(None, (part_text(part, name, left) for part in content)))


def part_text(part: Any, name: str, left: Left) -> str:
    """The text of one content part. Raises Misfit, or Refused for a part of another kind."""
    kind = part.get("type", "text") if isinstance(part, dict) else "text"
    key = TEXT_PARTS.get(kind) if isinstance(kind, str) else None
    if key is None:
        rule = next((rule for media, rule in MEDIA.items() if media in str(kind)), OTHER_PART)
        raise Refused(rule, f"`{name}` has a turn with a part of type `{kind}`; a row holds text only")
    value = part.get(key) if isinstance(part, dict) else part
    if not isinstance(value, str):
        raise Misfit(f"`{name}` has a turn with a part of type `{kind}` without a text")
    if isinstance(part, dict):
        count_others(left, f"{name}.content", part, ("type", key))
    return clean(value)


def tool_turn(turn: Turn, content: Any, name: str, left: Left) -> Turn:
    """The result of a call; one that is no text is its JSON."""
    is_parts = isinstance(content, list) and any(isinstance(part, dict) and "type" in part for part in content)
    if content is None or isinstance(content, str) or is_parts:
        found = message("tool", content_text(content, name, left))
    else:
        found = message("tool", as_text(content, name))
    for key in OF_TOOL:
        if isinstance(value := turn.get(key), str) and value:
            found[key] = value
    count_others(left, name, turn, SPOKEN | OF_TOOL)
    return found


def as_text(content: Any, name: str) -> str:
    try:
        return dumps(content)
    except ValueError as error:
        raise Misfit(f"`{name}` has a result of a tool that is no JSON: {error}") from error


def add_reasoning(found: Turn, turn: Turn, name: str, left: Left) -> None:
    """What an assistant's turn says that it thought: its own field, or a closed <think> at the beginning of its text."""
    thoughts = [text for key in THOUGHTS if isinstance(text := turn.get(key), str) and (text := clean(text))]
    content = found["content"]
    if content.startswith(THINK) and THOUGHT in content:
        inner, _, after = content.removeprefix(THINK).partition(THOUGHT)
        if not thoughts or clean(inner) in ("", thoughts[0]):
            thoughts = thoughts or [text for text in [clean(inner)] if text]
            found["content"] = clean(after)
    if thoughts:
        found["reasoning"] = thoughts[0]
    for key in THOUGHTS:
        if holds(value := turn.get(key)) and not (isinstance(value, str) and clean(value) in ("", *thoughts[:1])):
            count(left, field_name(f"{name}.{key}"))


def block_turns(role: str, content: list[Any], name: str, left: Left) -> Turns:
    """The messages of a turn in Anthropic's content blocks: thoughts, text, calls; results of calls are turns of a tool."""
    texts: list[str] = []
    thoughts: list[str] = []
    calls: Turns = []
    results: Turns = []
    for part in content:
        if is_part_of(part, "tool_use") and role == "assistant":
            calls += read_calls([{key: value for key, value in part.items() if key != "type"}], name, left)
        elif is_part_of(part, "thinking") and role == "assistant":
            thoughts.append(clean(str(part.get("thinking") or "")))
            count_others(left, f"{name}.content", part, ("type", "thinking"))
        elif is_part_of(part, "tool_result"):
            turn = {"tool_call_id": part.get("tool_use_id")}
            results.append(tool_turn(turn, part.get("content"), name, left))
            count_others(left, f"{name}.content", part, ("type", "tool_use_id", "content"))
        else:
            texts.append(part_text(part, name, left))
    found: Turn = message(role, "\n".join(filter(None, texts)))
    if any(thoughts):
        found["reasoning"] = "\n".join(filter(None, thoughts))
    if calls:
        found["tool_calls"] = calls
    return [*results, *([found] if found["content"] or calls else [])]


def is_part_of(part: Any, *kinds: str) -> bool:
    return isinstance(part, dict) and part.get("type") in kinds


def says_something(turn: Any) -> bool:
    return isinstance(turn, dict) and any(holds(value) for key, value in turn.items() if key not in ("role", "from"))


def message_of(speaker: str, said: str) -> Turn:
    """A message of a speaker as a text calls it. Raises Misfit for an unknown one."""
    role = ROLES.get(speaker.strip().lower())
    if role is None:
        raise Misfit(f"a turn of `{speaker.strip()[:80]}`, which is no known role")
    return message(role, clean(said))
