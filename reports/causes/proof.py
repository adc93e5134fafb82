"""What replays say of the rows that differ: which change alone moves each, which only several together."""

import itertools
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import polars as pl

from reports.causes.change import Change
from reports.causes.replay import NotReplayed, Replays
from reports.causes.stages import DataStage
from reports.diff.model import Diff
from reports.versions.database import parquet
from reports.versions.version import Version

MOST_CHANGES = 5
"""Groups of changes up to which each is applied alone."""
LIMIT_S = 300.0
"""Seconds after which no further replay begins."""
STATES = {"table": pl.String(), "id": pl.String(), "state": pl.UInt64()}
Group = tuple[int, ...]
"""Places of changes that are applied together."""


@dataclass
class Proof:
    """`moves`: of each group (or pair of groups) that was replayed, the rows that differ from the old version under it alone
    (table, id, `reached`: whether they are then as in the new version). `failed`: of each that was not, why. `notes`: the rest.
    """

    groups: list[Group]
    moves: dict[tuple[Group, ...], pl.DataFrame] = field(default_factory=dict)
    failed: dict[tuple[Group, ...], str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def groups_of(changes: Sequence[Change], used: Sequence[int]) -> list[Group] | None:
    """Changes as they are applied alone, `used` alone where all are too many; None where even these are.

    Records of one file of human/ go together, as do stages of dvc.yaml, and the rows of one source where there would be too many.
    """
    for wanted in (range(len(changes)), used):
        for merged in (("human", "graph"), ("human", "graph", "source row")):
            found: dict[str, list[int]] = {}
            for place in wanted:
                change = changes[place]
                found.setdefault(change.unit if change.kind in merged else change.name, []).append(place)
            if len(found) <= MOST_CHANGES:
                return [tuple(places) for places in found.values()]
    return None


def prove(
    diff: Diff,
    changes: Sequence[Change],
    stages: dict[str, DataStage],
    rows: Mapping[str, pl.Series],
    groups: list[Group],
    database: duckdb.DuckDBPyConnection,
    limit_s: float = LIMIT_S,
) -> Proof:
    """Apply each group alone, and pairs, then all, while rows are left that nothing moves. `rows`: table of a product -> ids that differ."""
    proof, began = Proof(groups), time.monotonic()
    before, after = (states(version, rows, database) for version in (diff.old, diff.new))
    with Replays(diff.old, diff.new, stages) as replays:

        def attempt(together: tuple[Group, ...]) -> None:
            try:
                if time.monotonic() - began > limit_s:
                    raise NotReplayed(f"{limit_s:.0f} s of replays were spent before")
                folder = replays.run([changes[place] for group in together for place in group])
            except NotReplayed as error:
                proof.failed[together] = str(error)
                return
            here = states_in(folder, rows, database)
            proof.moves[together] = moved(before, after, here)

        for group in groups:
            attempt((group,))
        if len(groups) > 1 and not proof.failed:
            together = [*itertools.combinations(groups, 2), *([tuple(groups)] if len(groups) > 2 else [])]
            for several in together:
                if not unmoved(rows, proof).height:
                    break
                attempt(several)
    return proof


def unmoved(rows: Mapping[str, pl.Series], proof: Proof) -> pl.DataFrame:
    """Rows (table, id) that no replay moved."""
    listed = pl.concat([pl.DataFrame({"id": ids}).select(table=pl.lit(table), id="id") for table, ids in rows.items()])
    for found in proof.moves.values():
        listed = listed.join(found, on=["table", "id"], how="anti")
    return listed


def moved(before: pl.DataFrame, after: pl.DataFrame, here: pl.DataFrame) -> pl.DataFrame:
    """Rows whose state `here` differs from `before`: a row that comes or goes counts where it is there or away as in `after`."""
    key = ["table", "id"]
    together = (
        before.rename({"state": "before"})
        .join(after.rename({"state": "after"}), on=key, how="full", coalesce=True)
        .join(here.rename({"state": "here"}), on=key, how="left")
    )
    was, becomes, stands = (pl.col(name).is_not_null() for name in ("before", "after", "here"))
    changed = was & becomes & pl.col("here").ne_missing(pl.col("before"))
    came, went = ~was & becomes & stands, was & ~becomes & ~stands
    reached = pl.col("here").eq_missing(pl.col("after"))
    return together.filter(changed | came | went).select(*key, reached=reached)


def states(version: Version, rows: Mapping[str, pl.Series], database: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """The rows of these ids that a version has, with a hash of all that they hold but the line of their source."""
    found = []
    for table, ids in rows.items():
        if table in version.tables():
            found.append(hashes(table, version.files(table), ids, database))
    return pl.concat([pl.DataFrame(schema=STATES), *found])


def states_in(folder: Path, rows: Mapping[str, pl.Series], database: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """The same of the tables in a folder."""
    there = {table: ids for table, ids in rows.items() if (folder / table).is_file()}
    found = [hashes(table, [folder / table], ids, database) for table, ids in there.items()]
    return pl.concat([pl.DataFrame(schema=STATES), *found])


def hashes(table: str, files: Sequence[Path], ids: pl.Series, database: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    database.register("wanted", ids.unique().to_frame("id").to_arrow())
    try:
        query = (
            "SELECT id, hash(to_json(r)::VARCHAR) AS state FROM (SELECT * REPLACE (regexp_replace(source, ':[0-9]+$', '') "
            f"AS source) FROM {parquet(files)} SEMI JOIN wanted USING (id)) r"
        )
        frame = pl.DataFrame(database.sql(query).to_arrow_table())
    finally:
        database.unregister("wanted")
    return frame.select(pl.lit(table).alias("table"), "id", pl.col("state").cast(pl.UInt64))
