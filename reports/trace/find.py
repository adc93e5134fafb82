"""From what a person types to the id of a row: an id or its beginning, file:line of a source, or a text in quotes."""

import re
from typing import Any

import duckdb

from reports.lineage.index import LineageIndex
from reports.trace.family import Node
from reports.trace.requests import fill_answers
from reports.versions.database import connect, parquet
from reports.versions.version import Version
from schemas.errors import UserError

ID = re.compile(r"[0-9a-f]{4,32}")
PLACE = re.compile(r"(?s)(.+):(\d+)")
QUOTES = {'"': '"', "'": "'", "“": "”", "«": "»"}
LISTED = 20
"""Candidates of an ambiguous name that are listed."""


class Ambiguous(UserError):
    """Several rows go by the name that was given; the message lists them."""


def find_row(name: str, index: LineageIndex) -> str:
    """The id of the row that goes by this name. Raises UserError where there is none, Ambiguous where there are several."""
    version = index.version
    if ID.fullmatch(name):
        found = [name] if len(name) == 32 and is_known(name, index) else index.beginning_with(name)
        what = "no row's id begins so"
    elif name[:1] in QUOTES and name[-1:] == QUOTES[name[:1]] and len(name) > 1:
        found, what = with_prompt(name[1:-1], version, index), "no row has exactly this prompt"
    elif PLACE.fullmatch(name):
        found, what = from_source(name, version, index), "no row came from this line"
    else:
        raise UserError(
            f"{name}: no row is called so; give an id or its first characters (4 at least), file:line of a source, or the "
            "entire prompt in quotes ('\"…\"')"
        )
    if not found:
        if len(name) == 32 and ID.fullmatch(name) and (engine := remembered_by(name)):
            raise UserError(
                f"{name} is no row but an answer of {engine} that no row of {version.name} names: a tag set, a rating, or one "
                f"that did not parse; `cultivar forget --answer {name}` says what depends on it"
            )
        raise UserError(f"{name}: {what} in {version.name}; `cultivar trace ROW --at REV` looks into another version")
    if len(found) > 1:
        places = index.places(found[:LISTED])
        lines = [f"  {one}  {', '.join(table for table, _ in places[one])}" for one in found[:LISTED]]
        rest = f"\n  and {len(found) - LISTED:,} more" if len(found) > LISTED else ""
        raise Ambiguous(f"{name}: {len(found):,} rows; name one by its id:\n" + "\n".join(lines) + rest)
    return found[0]


def is_known(row_id: str, index: LineageIndex) -> bool:
    """Whether any table holds a row of this id, or names it as a parent."""
    return bool(index.places([row_id])[row_id]) or bool(index.descendants([row_id]).counts)


def from_source(place: str, version: Version, index: LineageIndex) -> list[str]:
    """Ids of rows whose source is this file and line, sorted; of a record that `ingest` dropped that of its end."""
    brought = "source = $1 AND coalesce(len(parents), 0) = 0"  # what is made of a row carries its place, too
    found = matching(version, index, "source", brought, place, ("parents",))
    return found or matching(
        version, index, "detail", "stage = 'ingest' AND starts_with(detail, $1 || ': ')", place, ("stage",)
    )


def remembered_by(key: str) -> str:
    """The model whose remembered answer has this key; "" where the store has none."""
    node = Node(key, 0)
    fill_answers([node])
    return str(node.answer["engine"]) if node.answer is not None else ""


def with_prompt(text: str, version: Version, index: LineageIndex) -> list[str]:
    """Ids of rows whose prompt is this text: of conversations, whose last turn is. Those of sources where there are any."""
    plain = matching(version, index, "prompt", "prompt = $1", text)
    return plain or matching(version, index, "prompt[]", "prompt[-1].content = $1", text)


def matching(
    version: Version, index: LineageIndex, column: str, condition: str, value: str, needs: tuple[str, ...] = ()
) -> list[str]:
    """Ids of rows of any table with such a column (`[]` behind the name: a list), and those that the condition `needs`."""
    name, is_list, _ = column.partition("[]")
    found: set[str] = set()
    with connect() as database:
        for table in index.tables:
            kinds = column_types(database, version, table)
            if name in kinds and {"id", *needs} <= set(kinds) and kinds[name].endswith("[]") == bool(is_list):
                query = f"SELECT id FROM {parquet(version.files(table))} WHERE {condition}"
                found |= {one for (one,) in database.execute(query, [value]).fetchall()}
    return sorted(found)


def column_types(database: duckdb.DuckDBPyConnection, version: Version, table: str) -> dict[str, str]:
    """Column -> type of a table, as DuckDB calls them."""
    described: list[Any] = database.execute(f"DESCRIBE SELECT * FROM {parquet(version.files(table))}").fetchall()
    return {name: kind for name, kind, *_ in described}
