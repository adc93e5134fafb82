"""What each page shows, from the address to the template."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from markupsafe import Markup, escape

from reports.browse.catalog import Catalog, Choice, table_name
from reports.browse.columns import Column
from reports.browse.comparison import compare_row
from reports.browse.patterns import any_word, words_of
from reports.browse.query import Query, parse
from reports.browse.rows import ENDS, ROW_ID, RowPage, Rows
from reports.browse.table import FACET_VALUES
from reports.browse.values import NARROW_ORDER, as_json, list_columns, marked, preview, whole_text
from reports.diff.words import word_diff
from reports.page.render import render
from reports.page.values import is_conversation
from reports.versions.version import Version

PRODUCTS = {"demonstrations": "D: prompts with a completion", "preferences": "P: prompts with two, one preferred"}
FACTS = ("domain", "strategy", "label_source", "quality", "margin", "license", "engine", "split", "source")
DRAWN = ("prompt", "chosen", "rejected", "completion")
"""Columns that the conversation shows."""
Pairs = Sequence[tuple[str, str]]


class Pages:
    """The pages over one catalog."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog

    def show(self, template: str, at: str, action: str, context: dict[str, Any], kept: Pairs = ()) -> str:
        """A page; `action` is where the form of versions leads, with the parameters `kept`."""
        names = {
            "at": at,
            "action": action,
            "kept": kept,
            "choices": self.catalog.choices(),
            "grouped": grouped,
            "link": lambda version, **more: "?" + urlencode({"at": version, **more}),
            "raw": as_attribute,
            "as_value": as_value,
            "marked": marked,
            "is_id": is_id,
            "is_scores": is_scores,
        }
        return render(f"browse/{template}.html.jinja", names | context)

    def error(self, heading: str, message: str) -> str:
        return self.show("error", self.catalog.default, "/", {"heading": heading, "message": message})

    # ---- the version

    def overview(self, at: str) -> str:
        """The tables of a version by stage, with what was dropped and quarantined."""
        at = at or self.catalog.default
        version = self.catalog.version(at)
        files = self.catalog.readable(version)
        counts, rules = self.catalog.row_counts(files), self.catalog.rules(files)
        listed: dict[str, dict[str, Any]] = {
            table_name(path): {
                "name": table_name(path),
                "stage": out.stage.partition("@")[0],
                "rows": counts.get(path),
                "reasons": rules.get(path, []),
            }
            for path, out in version.tables().items()
        }
        stages: dict[str, dict[str, Any]] = {}
        for name, one in listed.items():
            stage = stages.setdefault(
                one["stage"], {"name": one["stage"], "tables": [], "dropped": None, "quarantined": None}
            )
            if name.startswith("dropped/"):
                stage["dropped"] = one
            elif name.startswith("quarantine/"):
                stage["quarantined"] = one
            else:
                stage["tables"].append(one)
        products = [listed[name] | {"words": words} for name, words in PRODUCTS.items() if name in listed]
        total = sum(counts.values())
        context = {"version": version, "tables": listed, "total": total, "stages": list(stages.values())}
        return self.show("overview", at, "/", context | {"products": products})

    # ---- a table

    def table(self, name: str, pairs: Pairs) -> str:
        """The rows of a table that a query finds, its facets, and the forms that narrow it down."""
        at = dict(pairs).get("at") or self.catalog.default
        version = self.catalog.version(at)
        table = self.catalog.open(version, name)
        database = self.catalog.database.cursor()
        query = parse([*((one, value) for one, value in pairs if one != "at"), ("at", at)], table.columns)
        total, facets = table.counts(database, query)
        page = table.page(database, query)
        wanted = any_word(words_of(query.words))
        texts, narrow = list_columns(list(table.columns.values()), table.rows)
        rows = [
            {
                "id": row["id"],
                "address": f"/row/{quote(row['id'])}?{urlencode({'at': at, 'table': name})}",
                "previews": {column.name: preview(row.get(column.name), wanted) for column in texts},
                "cells": row,
                "origin": None,
            }
            for row in page.rows
        ]
        if name.startswith(ENDS):
            self.add_origins(version, name, rows)
        hidden = [(one, value) for one, value in query.parameters() if one not in ("q", "after", "before")]
        ranged = [one for one in table.columns.values() if is_ranged(one)]
        names = {f"{one.name}.{condition}" for one in ranged for condition in ("from", "to", "has", "is")}
        context = {
            "version": version,
            "name": name,
            "table": table,
            "query": query,
            "total": total,
            "facets": sorted(
                (one for one in facets if one.values and one.values[0][0] is not None or len(one.values) > 1),
                key=lambda one: (one.column.distinct < 2, NARROW_ORDER.get(one.column.name, 50)),
            ),
            "largest": lambda facet: max(rows for _, rows in facet.values),
            "facet_address": facet_address,
            "page": page,
            "rows": rows,
            "texts": texts,
            "shown_columns": [table.columns["id"], *texts, *narrow],
            "hidden": hidden,
            "ranged": ranged,
            "kept_by_form": [
                (one, value) for one, value in query.parameters() if one not in ("after", "before") and one not in names
            ],
        }
        kept = [(one, value) for one, value in query.parameters() if one not in ("at", "after", "before")]
        return self.show("table", at, f"/table/{name}", context, kept)

    def add_origins(self, version: Version, name: str, rows: list[dict[str, Any]]) -> None:
        """Under rows that were dropped or quarantined, the beginning of what they were, where a table holds that."""
        found = Rows(self.catalog, version)
        ids = [one for row in rows for one in (row["id"], *(row["cells"].get("parents") or []))]
        known = found.relatives(ids, {}, standing=True)
        for row in rows:
            candidates = (known[one] for one in (row["id"], *(row["cells"].get("parents") or [])))
            origin = next((one for one in candidates if one.tables), None)
            if origin is not None:
                row["origin"], row["origin_preview"] = origin, preview(origin.beginning, None)
                row["origin_kind"] = "" if origin.id == row["id"] else "made from "

    # ---- a row

    def row(self, given: str, pairs: Pairs) -> str:
        """A row with its conversation, its lineage and all its columns."""
        asked = dict(pairs)
        at = asked.get("at") or self.catalog.default
        version = self.catalog.version(at)
        rows = Rows(self.catalog, version)
        found = rows.page(rows.find(given), asked.get("table", ""))
        whole, talk_of = (found.origin, found.origin_table) if found.origin else (found.row, "")
        context = {
            "version": version,
            "found": found,
            "talk": talk_of_row(whole),
            "talk_of": talk_of,
            "facts": [(name, as_value(value)) for name in FACTS if (value := found.row.get(name)) not in (None, "")],
            "comparison": self.comparison(found, asked.get("against", "")),
            "others": {
                name: value for name, value in found.row.items() if talk_of or name not in DRAWN or not is_drawn(value)
            },
            "json": as_json(found.row),
            "row_address": lambda table: f"/row/{found.id}?{urlencode({'at': at, 'table': table})}",
        }
        return self.show("row", at, f"/row/{found.id}", context)

    def comparison(self, found: RowPage, against: str) -> Any:
        if not against:
            return None
        return compare_row(Rows(self.catalog, self.catalog.version(against)), against, found)

    def row_json(self, given: str, pairs: Pairs) -> str:
        asked = dict(pairs)
        rows = Rows(self.catalog, self.catalog.version(asked.get("at", "")))
        return as_json(rows.page(rows.find(given), asked.get("table", "")).row)


def talk_of_row(row: Mapping[str, Any]) -> dict[str, Any] | None:
    """The conversation of a row: its turns in order, and the two sides of a preference as a word diff."""
    turns = [*turns_of(row.get("prompt"), "user")]
    pieces: Sequence[Any] = ()
    if row.get("chosen") and row.get("rejected"):
        pieces = word_diff(whole_text(row["rejected"]), whole_text(row["chosen"]))
    answer = next((row[name] for name in ("completion", "reference", "solution") if row.get(name)), None)
    turns += turns_of(answer, "assistant")
    return {"turns": turns, "pieces": pieces} if turns or pieces else None


def is_drawn(value: Any) -> bool:
    """Whether the conversation shows all of a value: not where a side of a preference has several turns."""
    return not is_conversation(value) or len(value) == 1 or value[0]["role"] != "assistant"


def turns_of(value: Any, role: str) -> list[Any]:
    """A conversation as it is; a text as one turn of that role."""
    return value if is_conversation(value) else [{"role": role, "content": str(value)}] if value else []


def facet_address(query: Query, column: Column, value: Any) -> str:
    """The address with a value of a facet added, or taken off."""
    if value is None:
        now = query.selected(column.name, "is")
        return query.with_values(column.name, "is", () if now else ("empty",)).address()
    return query.toggled(column.name, as_value(value)).address()


def is_ranged(column: Column) -> bool:
    """Whether a form asks for a range or a part of the text."""
    is_long = column.distinct > FACET_VALUES or not column.is_facet
    return column.distinct > 1 and (column.kind == "number" or (column.kind in ("label", "tags") and is_long))


def grouped(choices: Iterable[Choice]) -> list[tuple[str, list[Choice]]]:
    found: dict[str, list[Choice]] = {}
    for one in choices:
        found.setdefault(one.group, []).append(one)
    return list(found.items())


def as_value(value: Any) -> str:
    """A narrow value in words, which an address gives back."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    return "" if value is None else str(value)


def as_attribute(value: Any) -> Markup:
    """What goes back to the server as it came; it is never shown."""
    return Markup(escape(str(value)))


def is_id(value: Any) -> bool:
    return isinstance(value, str) and ROW_ID.fullmatch(value) is not None


def is_scores(value: Any) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(one, dict) and set(one) == {"name", "value"} for one in value)
    )
