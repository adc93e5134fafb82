"""Conversations: messages as rows hold them, what the user asks in them, and what a completion says.

A conversation is a list of messages (`schemas.rows.Message`), as objects or as dicts of a table's row.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from schemas.rows import Message
from schemas.table import polars_schema

Turn = Mapping[str, Any] | Message
"""A message: an object, or a dict with its fields, which may leave out those that hold nothing."""
CONVERSATION = pl.List(pl.Struct(polars_schema(Message)))
"""Polars' type of a conversation."""


def lean(turn: Turn) -> dict[str, Any]:
    """The message as a dict without what it does not hold: as ids are made of it and chat templates read it."""
    if isinstance(turn, Message):
        return turn.model_dump()
    found = {name: value for name, value in turn.items() if value is not None}
    if calls := found.get("tool_calls"):
        found["tool_calls"] = [{name: value for name, value in call.items() if value is not None} for call in calls]
    return found


def lean_turns(turns: Iterable[Turn]) -> list[dict[str, Any]]:
    """Every message of a conversation, lean."""
    return [lean(turn) for turn in turns]


def content_of(turn: Turn) -> str:
    """The text of one message."""
    return turn.content if isinstance(turn, Message) else turn["content"]


def role_of(turn: Turn) -> str:
    """Who speaks."""
    return turn.role if isinstance(turn, Message) else turn["role"]


def user_turns(turns: Iterable[Turn]) -> list[str]:
    """What the user says, turn by turn."""
    return [content_of(turn) for turn in turns if role_of(turn) == "user"]


def asked_text(turns: Iterable[Turn]) -> str:
    """All that the user asks, with a blank line between two turns."""
    return "\n\n".join(user_turns(turns))


def asked(column: str = "prompt") -> pl.Expr:
    """`asked_text` of a column of conversations."""
    return of_role(column, "user").list.join("\n\n")


def message_texts(column: str) -> pl.Expr:
    """What each message of a column of conversations says (`message_text`), as a list of texts."""
    return pl.col(column).list.eval(message_column_text(pl.element()))


def message_column_text(message: pl.Expr) -> pl.Expr:
    """`message_text` of a column of messages."""
    call = pl.element().struct.field("function").struct
    calls = message.struct.field("tool_calls").list.eval(
        pl.format("{}({})", call.field("name"), call.field("arguments"))
    )
    content = message.struct.field("content")
    called = calls.list.join("\n")
    return (
        pl.when(called.fill_null("") == "")
        .then(content)
        .when(content == "")
        .then(called)
        .otherwise(pl.format("{}\n{}", content, called))
    )


def shown_in(column: str) -> pl.Expr:
    """`shown` of every message of a column of conversations, also of a version that knew neither reasoning nor tools."""
    message = pl.element()
    thought = message.struct.field("reasoning")
    reasoning = pl.when(thought != "").then(pl.format("(reasoning) {}", thought))
    parts = pl.concat_list(reasoning, message_column_text(message)).list.eval(
        pl.element().filter(pl.element().str.len_bytes() > 0)
    )
    return pl.col(column).cast(CONVERSATION).list.eval(parts.list.join("\n"))


def of_role(column: str, role: str, name: str = "content") -> pl.Expr:
    """A field of the messages of one role, as a list without nulls."""
    own = pl.element().filter(pl.element().struct.field("role") == role)
    return pl.col(column).list.eval(own.struct.field(name)).list.drop_nulls()


def last_turn(prompt: Sequence[Turn]) -> str:
    """What is to be answered: the text of the last message, the user's."""
    return content_of(prompt[-1])


def with_last_turn(prompt: Sequence[Turn], text: str) -> list[dict[str, Any]]:
    """The conversation, lean, with another text in its last turn."""
    return [*lean_turns(prompt[:-1]), {**lean(prompt[-1]), "content": text}]


def message_text(turn: Turn) -> str:
    """All that a message says to others: its text, then its calls of tools, one a line. Not its reasoning."""
    fields = lean(turn)
    calls = [f"{call['function']['name']}({call['function']['arguments']})" for call in fields.get("tool_calls", [])]
    return "\n".join(filter(None, [fields.get("content", ""), *calls]))


def text_of(turns: Sequence[Turn]) -> str:
    """What a completion says: of one message its own text, of several each with its role before it."""
    if len(turns) == 1:
        return message_text(turns[0])
    return "\n\n".join(script(turns))


def script(turns: Iterable[Turn]) -> list[str]:
    """A conversation as a judge is shown it: each message with its role before it."""
    return [f"{role_of(turn)}: {message_text(turn)}" for turn in turns]


def compact(turns: Sequence[Turn]) -> str | list[dict[str, Any]]:
    """A conversation as ids are made of it: one plain message is its text, so that rows of texts keep their ids."""
    lean = lean_turns(turns)
    return lean[0]["content"] if len(lean) == 1 and lean[0].keys() == {"role", "content"} else lean


def speaker(turn: Turn) -> str:
    """Who speaks, as people are shown it: the role, and of a tool's result the tool."""
    fields = lean(turn)
    return " ".join(filter(None, (str(fields.get("role", "")), fields.get("name"))))


def shown(turn: Turn) -> str:
    """All that a message holds, as people are shown it: its reasoning, then what it says (`message_text`)."""
    reasoning = lean(turn).get("reasoning")
    return "\n".join(filter(None, [f"(reasoning) {reasoning}" if reasoning else "", message_text(turn)]))
