"""Preferences that people bring: {prompt, chosen, rejected} as texts, messages or transcripts.

Both sides answer the same conversation: they differ behind its last user turn. The margin is the difference of the record's
scores; a pair without scores has margin 1.
"""

from typing import Any

from schemas.products import message
from stages.curation.readers.conversations import transcript_turns, with_system, with_tools
from stages.curation.readers.fields import Item, Left, Misfit, Record, clean, count, first_of, number, optional
from stages.curation.readers.turns import UNHELD, Turns, add_reasoning, read_turns

PROMPTS = ("prompt", "question", "instruction", "conversations", "messages", "input")
CHOSEN, REJECTED = ("chosen", "chosen_response"), ("rejected", "rejected_response")
SCORES = ("score_{}", "{}_score", "{}_rating", "{}-rating", "{}_reward", "reward_{}")
"""What the score of a side is called."""


def preference(record: Record) -> Item:
    """{"prompt", "chosen", "rejected"}: texts, lists of messages (TRL), or transcripts of HH-RLHF with their prompt."""
    left: Left = {}
    (before, chosen), (same, rejected) = (read_side(record, names, left) for names in (CHOSEN, REJECTED))
    if {side[-1]["role"] for side in (chosen, rejected) if side} != {"assistant"} or not chosen or not rejected:
        raise Misfit("`chosen` or `rejected` does not end with the assistant's turn")
    if before != same:
        raise Misfit("`chosen` and `rejected` differ before their last answer")
    if chosen == rejected:
        raise Misfit("`chosen` and `rejected` are the same text")
    margin, score = margin_of(record)
    prompt = prompt_of(record, before, left)
    turns, tools = with_tools(record, [*prompt, *chosen, *rejected], left)
    end = len(turns) - len(rejected)
    begin = end - len(chosen)
    fields: Record = {
        "prompt": turns[:begin],
        "chosen": as_answer(turns[begin:end]),
        "rejected": as_answer(turns[end:]),
    }
    return Item("preference", fields | {"margin": margin, "score": score} | ({"tools": tools} if tools else {}), left)


def as_answer(turns: Turns) -> str | Turns:
    """The text of an answer that is one message of text alone, else its messages."""
    return turns[0]["content"] if len(turns) == 1 and len(turns[0]) == 2 else turns


def read_side(record: Record, names: tuple[str, ...], left: Left) -> tuple[Turns, Turns]:
    """The turns of one side up to its last user turn, and those behind; a text that is no transcript is the assistant's.

    Without a user's turn all is the answer, or behind a system prompt the last turn. Raises Misfit.
    """
    name = first_of(record, *names)
    if name is None:
        raise Misfit(f"no field `{names[0]}`")
    turns = whole_turns(record[name], name, "assistant", left)
    users = [place for place, turn in enumerate(turns) if turn["role"] == "user"]
    place = users[-1] + 1 if users else 0 if turns[0]["role"] == "assistant" else len(turns) - 1
    return turns[:place], turns[place:]


def whole_turns(value: Any, name: str, role: str, left: Left) -> Turns:
    """A text (of `role`, or a transcript), one message or a list of them. Raises Misfit where a turn would be lost."""
    if isinstance(value, str) and not is_list_of_turns(value):
        turns = transcript_turns(value) or [message(role, clean(value))]
        if len(turns) > 1 and not turns[-1]["content"]:  # "…\\n\\nAssistant:", where the reply begins
            del turns[-1]
        if not all(turn["content"] for turn in turns):
            raise Misfit(f"`{name}` is empty or has an empty turn")
        if turns[-1]["role"] == "assistant":
            add_reasoning(turns[-1], {}, name, left)
            if not turns[-1]["content"]:
                raise Misfit(f"`{name}` has reasoning and no answer")
        return turns
    turns, rest = read_turns([value] if isinstance(value, dict) else value, name)
    if (lost := rest.pop(UNHELD, 0)) or not turns:
        raise Misfit(f"`{name}` has {lost} turns that a row cannot hold, or none" if lost else f"`{name}` has no turn")
    for kind, times in rest.items():
        count(left, kind, times)
    return turns


def is_list_of_turns(text: str) -> bool:
    """Whether a text (a CSV cell) is a list of messages as JSON."""
    head = text.lstrip()[:200]
    return head.startswith("[") and head[1:].lstrip().startswith("{") and ('"role"' in text or '"from"' in text)


def prompt_of(record: Record, before: Turns, left: Left) -> Turns:
    """The conversation that is answered: the record's prompt, or the turns that both sides share (`before`).

    Where there are both, they are one conversation if one ends with the other; else the prompt field is left out.
    Raises Misfit where no user turn is found.
    """
    name = first_of(record, *PROMPTS)
    turns = before
    if name is not None:
        value = record[name]
        if name == "instruction" and isinstance(value, str) and (given := optional(record, "input")):
            value = f"{clean(value)}\n\n{given}"
        asked = whole_turns(value, name, "user", left)
        if not any(turn["role"] == "user" for turn in before):
            turns = [*asked, *before]
        elif asked[-len(before) :] == before:
            turns = asked
        elif before[-len(asked) :] != asked:
            count(left, f"field {name} (not the prompt of both sides)")
    turns = with_system(record, turns)
    if not turns or turns[-1]["role"] != "user":
        raise Misfit("no user turn before `chosen` and `rejected`")
    return turns


def margin_of(record: Record) -> tuple[float, float | None]:
    """The margin and the chosen side's score, if there is one. Raises Misfit where the scores do not prefer `chosen`."""
    chosen = number(record, *(name.format("chosen") for name in SCORES))
    rejected = None if chosen is None else number(record, *(name.format("rejected") for name in SCORES))
    if chosen is not None and rejected is not None:
        if not chosen > rejected:
            raise Misfit(f"its scores do not prefer `chosen`: {chosen:g} against {rejected:g}")
        return chosen - rejected, chosen
    given = number(record, "margin")
    if given is not None and not given > 0:
        raise Misfit(f"`margin` is {given:g}, not above 0")
    return 1.0 if given is None else given, chosen
