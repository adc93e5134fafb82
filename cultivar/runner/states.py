"""Row states: every row that a stage consumes ends in exactly one of kept, dropped, quarantined."""

from collections.abc import Mapping

import polars as pl

from schemas.errors import UserError
from schemas.table import Table

EVIDENCE = ("_verdicts", "overlaps")
"""Outputs that say something of rows without keeping them."""


class StateError(UserError, AssertionError):
    """A row ended in no state or in several; the message names the table, rows and states."""


def close(stage: str, consumed: Mapping[str, Table], outputs: Mapping[str, Table]) -> dict[str, int]:
    """Count the consumed rows by state.

    Kept: the row's id is an id or a parent in an output table. Dropped, quarantined: its id is the id of a row of
    those tables. Raises StateError unless every consumed id has exactly one state and every row that the stage
    created has at most one.
    """
    kept_tables = {
        name: table
        for name, table in outputs.items()
        if name not in ("dropped", "quarantine") and not name.endswith(EVIDENCE)
    }
    empty = pl.Series([], dtype=pl.String)
    output_ids = [table.ids for table in kept_tables.values()] or [empty]
    parents = [table.frame["parents"].explode().drop_nulls() for table in kept_tables.values()] or [empty]
    kept = pl.concat([*output_ids, *parents]).unique().to_frame("id").with_columns(kept=True)
    gone = {
        state: (outputs[name].ids if name in outputs else empty)
        for name, state in (("dropped", "dropped"), ("quarantine", "quarantined"))
    }
    twice = set(gone["dropped"]) & set(gone["quarantined"]) | (
        set(pl.concat(output_ids)) & (set(gone["dropped"]) | set(gone["quarantined"]))
    )
    if twice:
        raise StateError(f"stage {stage}: {len(twice)} rows are in more than one state, first {min(twice)}")

    counts = {"in": 0, "kept": 0, "dropped": 0, "quarantined": 0}
    for name, table in consumed.items():
        states = (
            table.frame.select("id")
            .join(kept, on="id", how="left")
            .with_columns(
                pl.col("kept").fill_null(False),
                dropped=pl.col("id").is_in(gone["dropped"].implode()),
                quarantined=pl.col("id").is_in(gone["quarantined"].implode()),
            )
        )
        total = pl.col("kept").cast(pl.Int8) + pl.col("dropped") + pl.col("quarantined")
        lost, several = states.filter(total == 0)["id"], states.filter(total > 1)["id"]
        if len(lost) or len(several):
            where = (
                f"{len(lost)} rows of {name} ended nowhere"
                if len(lost)
                else f"{len(several)} rows of {name} ended twice"
            )
            raise StateError(
                f"stage {stage}: {where}, first {(lost if len(lost) else several)[0]}; "
                "every consumed row must be kept, dropped or quarantined, exactly once"
            )
        counts["in"] += len(table)
        for state in ("kept", "dropped", "quarantined"):
            counts[state] += int(states[state].sum())
    return counts
