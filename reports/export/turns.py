"""Expressions over a column of messages."""

import polars as pl

from reports.export.rows import MESSAGE


def without_empty_calls(messages: pl.Expr) -> pl.Expr:
    """Messages whose empty `tool_calls` are null: templates ask whether there are any."""
    calls = pl.element().struct.field("tool_calls")
    return messages.list.eval(pl.element().struct.with_fields(tool_calls=pl.when(calls.list.len() > 0).then(calls)))


def with_reasoning_content(messages: pl.Expr) -> pl.Expr:
    """Messages with `reasoning` under the name that chat templates look for (Qwen3, DeepSeek, GLM)."""
    names = ["reasoning_content" if part.name == "reasoning" else part.name for part in MESSAGE.fields]
    return messages.list.eval(pl.element().struct.rename_fields(names))


def anywhere(columns: tuple[str, ...], says: pl.Expr) -> pl.Expr:
    """Whether `says` (over one message, an element) is true of a message of a row in any of the columns."""
    return pl.any_horizontal(pl.col(name).list.eval(says.fill_null(False)).list.any() for name in columns)


def has_calls() -> pl.Expr:
    """Of an element: whether the message calls a tool."""
    return pl.element().struct.field("tool_calls").list.len() > 0


def has_text(name: str) -> pl.Expr:
    """Of an element: whether a field of the message holds a text."""
    return pl.element().struct.field(name).str.len_bytes() > 0


def lost_fields(columns: tuple[str, ...], *names: str) -> dict[str, pl.Expr]:
    """Fields of messages that a format has no place for: name -> whether a row has some."""
    found = {f"{name} of messages": anywhere(columns, has_text(name)) for name in names if name != "tool_calls.id"}
    if "tool_calls.id" in names:
        ids = pl.element().struct.field("tool_calls").list.eval(pl.element().struct.field("id").is_not_null())
        found["id of tool calls"] = anywhere(columns, ids.list.any())
    return found


def long(frame: pl.DataFrame, messages: pl.Expr) -> pl.DataFrame:
    """A row for each message: `row` (its row's place in the frame), `place` in the conversation, and its fields."""
    turns = frame.select(row=pl.int_range(pl.len(), dtype=pl.UInt32), turn=messages)
    turns = turns.filter(pl.col("turn").list.len() > 0).explode("turn")
    turns = turns.with_columns(place=pl.int_range(pl.len(), dtype=pl.UInt32).over("row"))
    return turns.unnest("turn")


def plain(messages: pl.Expr) -> pl.Expr:
    """Messages of role and content alone."""
    part = pl.element().struct
    return messages.list.eval(pl.struct(part.field("role"), part.field("content")))
