"""Conversations in DuckDB: which columns hold them, and the texts of their turns, of this version and of earlier ones."""

from typing import Any

import duckdb

PLAIN = 'STRUCT("role" VARCHAR, "content" VARCHAR'
"""How the type of a message begins; versions differ in what stands behind it."""


def is_messages(kind: str) -> bool:
    """Whether a DuckDB type is that of a column of conversations."""
    return kind.startswith(PLAIN) and kind.endswith(")[]")


def turn_text(turn: str, kind: str) -> str:
    """SQL: all that a turn of a column of this type holds (`schemas.conversations.shown`): reasoning, text, calls of tools."""
    of_list: dict[str, Any] = dict(duckdb.type(kind).children)
    fields = {name for name, _ in of_list["child"].children}
    calls = 'lambda call: concat(call."function"."name", \'(\', call."function".arguments, \')\')'
    parts = {
        "reasoning": f"'(reasoning) ' || nullif({turn}.reasoning, '')",
        "content": f"nullif({turn}.content, '')",
        "tool_calls": f"nullif(array_to_string(list_transform({turn}.tool_calls, {calls}), chr(10)), '')",
    }
    return f"concat_ws(chr(10), {', '.join(sql for name, sql in parts.items() if name in fields)})"
