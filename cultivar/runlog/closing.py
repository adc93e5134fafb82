"""The line with which a stage ends: what mattered, each list with its largest entries."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from cultivar.runlog.domains import missing
from schemas.table import Table

SHOWN = 6
"""Entries of a list that the closing line names."""
KINDS = 3
"""Kinds of errors that it names."""
KIND_CHARS = 60


def closing_line(
    name: str,
    states: dict[str, int],
    tables: dict[str, Table],
    usage: dict[str, dict],
    rows_changed: dict | None,
    seconds: float,
    metrics: Mapping[str, Any] | None = None,
    quarantine: Path | None = None,
) -> str:
    """What a stage did: rows by state, rows of its tables, rows changed, requests and programs, seconds.

    `metrics` of the stage: of ingest, rows by source and what the sources hold besides; it also names the domains without rows; of rank, what people ranked.
    `quarantine` is the file of its quarantined rows.
    """
    ends = ("dropped", "quarantine")
    told = metrics or {}
    parts = []
    if states["in"]:
        kept, dropped, quarantined = (states[state] for state in ("kept", "dropped", "quarantined"))
        parts.append(f"{states['in']:,} rows in: {kept:,} kept, {dropped:,} dropped, {quarantined:,} quarantined")
    parts += [f"{field} {len(table):,}" for field, table in tables.items() if field not in ends]
    if not states["in"]:  # ingest: its rows come from files
        parts += [f"{field} {len(tables[field]):,}" for field in ends if len(tables.get(field, ()))]
    if len(tables.get("quarantine", ())) and quarantine is not None:
        parts.append(f"quarantined rows are in {quarantine}: {error_kinds(tables['quarantine'].frame['error'])}")
    if told.get("rows_by_source"):
        parts.append("sources: " + largest(rows_of_sources(told["rows_by_source"]), "metrics/ingest.json"))
    if not states["in"] and (domains := missing(tables)):
        parts.append("nobody brought " + ", ".join(domains))
    if told.get("not_taken"):
        parts.append("not taken: " + largest(told["not_taken"], "metrics/ingest.json"))
    if "ranked_by_people" in told:
        parts.append(ranked_part(told["ranked_by_people"], told.get("stale_items", 0)))
    if rows_changed and rows_changed["out"] is not None:
        changed_in = rows_changed["in"]
        parts.append(
            (f"{changed_in:,} rows changed in, " if changed_in is not None else "") + f"{rows_changed['out']:,} out"
        )
    for what, roles in (("requests", usage.keys() - {"sandbox"}), ("programs", usage.keys() & {"sandbox"})):
        if roles:
            number, cached = (sum(usage[role][field] for role in roles) for field in ("requests", "hits"))
            parts.append(f"{number:,} {what} ({cached:,} cached)")
    return f"{name}: " + " · ".join([*parts, f"{seconds:.1f} s"])


def largest(counts: Mapping[str, int], rest: str, shown: int = SHOWN) -> str:
    """The largest counts by name, and how many more there are in the file `rest`."""
    order = sorted(counts, key=lambda name: (-counts[name], name))
    named = [f"{name} {counts[name]:,}" for name in order[:shown]]
    return ", ".join(named + ([f"{len(order) - shown} more in {rest}"] if len(order) > shown else []))


def rows_of_sources(by_source: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    """Source -> rows that were taken of it; an answer that became a row of D as well counts once, with its prompt."""
    return {
        source: sum(rows for table, rows in tables.items() if table != "given_demonstrations" or len(tables) == 1)
        for source, tables in by_source.items()
    }


def error_kinds(errors: pl.Series) -> str:
    """The most frequent errors, cut short and with # for numbers, and how many other kinds there are."""
    kinds = errors.str.replace_all(r"\s+", " ").str.replace_all(r"\d+", "#").str.slice(0, KIND_CHARS)
    counts = dict(kinds.value_counts(name="rows").iter_rows())
    order = sorted(counts, key=lambda kind: (-counts[kind], kind))
    named = [f"{kind} ({counts[kind]:,})" for kind in order[:KINDS]]
    return ", ".join(named + ([f"{len(order) - KINDS} other kinds"] if len(order) > KINDS else []))


def ranked_part(prompts: int, stale: int) -> str:
    """Prompts that people ranked, and rankings of theirs that fit no prompt of this version."""
    return f"{prompts:,} prompts ranked by people" + (f" ({stale:,} of their rankings fit none)" if stale else "")
