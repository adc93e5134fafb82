"""The line with which a stage ends."""

from schemas.table import Table


def closing_line(
    name: str,
    states: dict[str, int],
    tables: dict[str, Table],
    usage: dict[str, dict],
    rows_changed: dict | None,
    seconds: float,
    not_taken: dict[str, int] | None = None,
) -> str:
    """What a stage did: rows by state, rows of its tables, rows changed, requests and programs, seconds.

    `not_taken` (ingest): what the sources hold besides, counts by name; the largest are shown.
    """
    ends = ("dropped", "quarantine")
    parts = []
    if states["in"]:
        kept, dropped, quarantined = (states[state] for state in ("kept", "dropped", "quarantined"))
        parts.append(f"{states['in']:,} rows in: {kept:,} kept, {dropped:,} dropped, {quarantined:,} quarantined")
    parts += [f"{field} {len(table):,}" for field, table in tables.items() if field not in ends]
    if not states["in"]:  # ingest: its rows come from files
        parts += [f"{field} {len(tables[field]):,}" for field in ends if len(tables.get(field, ()))]
    if not_taken:
        parts.append(not_taken_part(not_taken))
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


SHOWN = 6
"""Kinds of what was not taken that the closing line names."""


def not_taken_part(not_taken: dict[str, int]) -> str:
    """The largest counts by name, and how many more there are."""
    largest = sorted(not_taken, key=lambda name: (-not_taken[name], name))
    named = [f"{name} {not_taken[name]:,}" for name in largest[:SHOWN]]
    more = [f"{len(largest) - SHOWN} more in metrics/ingest.json"] if len(largest) > SHOWN else []
    return "not taken: " + ", ".join(named + more)
