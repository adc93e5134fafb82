"""What rows that were touched have in common: values that are much more frequent among them than in the whole table."""

import math
from dataclasses import dataclass

import duckdb
import polars as pl

from reports.diff.model import PRODUCTS, Diff, TableDiff
from reports.versions.database import connect, name_of, parquet, quoted
from reports.versions.objects import MissingObject
from reports.versions.version import Version

COLUMNS = ("domain", "strategy", "license", "label_source", "engine", "split", "source", "tags")
"""Of D and P; of `source` the file is taken."""
EMPTY = pl.DataFrame(
    schema={"group": pl.String, "column": pl.String, "value": pl.String, "rows": pl.Int64, "expected": pl.Float64}
)
LEAST_SHARE, LEAST_LIFT, LEAST_ROWS, MOST = 0.5, 2.0, 3, 2
"""What is worth a line: half of the touched rows have it, and so many times as often as all rows do; lines of a group."""


@dataclass(frozen=True)
class Trait:
    """`rows` of the touched rows of `group` (added, removed, changed, or the name of a cause) have this value.

    `share` is of the group's rows in that table, `base` of all rows of the table; both in [0, 1].
    """

    table: str
    group: str
    column: str
    value: str
    rows: int
    share: float
    base: float

    @property
    def lift(self) -> float:
        """How many times as frequent the value is among the touched rows."""
        return self.share / self.base if self.base else math.inf


def find_traits(diff: Diff) -> tuple[Trait, ...]:
    """Traits of the rows of D and P by what happened to them and, where causes are known, by cause; () without tables."""
    database = connect()
    found: list[Trait] = []
    for path in PRODUCTS:
        table = diff.table(path)
        if table is None or table.touched == 0:
            continue
        try:
            found += traits_of(database, diff, table)
        except MissingObject:
            continue
    return tuple(found)


def traits_of(database: duckdb.DuckDBPyConnection, diff: Diff, table: TableDiff) -> list[Trait]:
    """Traits of one table: removed rows are looked up in the old version, the others in the new one."""
    frame = touched(diff, table)
    counted = [
        count_values(database, version, table.table, frame.filter(pl.col("side") == side))
        for side, version, is_absent in (("old", diff.old, table.is_new), ("new", diff.new, table.is_gone))
        if not is_absent
    ]
    if not counted:
        return []
    totals = {(row[0], row[1]): row[2] for row in frame.group_by("group", "side").len().iter_rows()}
    merged = pl.concat(counted).group_by("group", "column", "value").agg(pl.col("rows").sum(), pl.col("expected").sum())
    found = []
    for group, column, value, rows, expected in merged.sort("group", "column", "value").iter_rows():
        total = sum(totals.get((group, side), 0) for side in ("old", "new"))
        trait = Trait(table.table, group, column, value, rows, rows / total, expected / total)
        if rows >= LEAST_ROWS and trait.share >= LEAST_SHARE and trait.lift >= LEAST_LIFT:
            found.append(trait)
    return [one for group in dict.fromkeys(t.group for t in found) for one in strongest(found, group)]


def strongest(found: list[Trait], group: str) -> list[Trait]:
    """The traits of a group that tell most, at first; of values that equally many rows have the one that is rarest elsewhere."""
    ranked = sorted(
        (t for t in found if t.group == group), key=lambda t: (-t.share * math.log(t.lift), t.column, t.value)
    )
    return list({trait.rows: trait for trait in reversed(ranked)}.values())[::-1][:MOST]


def touched(diff: Diff, table: TableDiff) -> pl.DataFrame:
    """Columns id, side (the version that has the row) and group, a line per row and group that it is in."""
    ids = table.ids.select("kind", "id_old", "id_new")
    by_kind = ids.with_columns(group=pl.col("kind"))
    frames = [by_kind]
    if diff.why is not None:
        rows = diff.why.rows.filter(pl.col("table") == table.table)
        frames.append(rows.select("kind", "id_old", "id_new", group=pl.col("cause")))
    is_removed = pl.col("kind") == "removed"
    return pl.concat(frames, how="vertical_relaxed").select(
        id=pl.when(is_removed).then("id_old").otherwise("id_new"),
        side=pl.when(is_removed).then(pl.lit("old")).otherwise(pl.lit("new")),
        group="group",
    )


def count_values(database: duckdb.DuckDBPyConnection, version: Version, path: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Columns group, column, value, rows and expected: the rows that as many rows of the whole table would have."""
    source = parquet(version.files(path))
    names = {row[0] for row in database.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}
    selects = " UNION ".join(
        f'SELECT id, {quoted(name)} AS "column", unnest({values_of(name)}) AS value FROM {source}'
        for name in COLUMNS
        if name in names
    )
    if not selects:
        return EMPTY
    database.register("touched", frame.to_arrow())
    counted = database.sql(
        f"""
        WITH facts AS MATERIALIZED ({selects}),
        base AS (SELECT "column", value, count(*) / (SELECT count(*) FROM {source}) AS share FROM facts GROUP BY ALL),
        asked AS (SELECT "group", count(*) AS n FROM touched GROUP BY ALL)
        SELECT "group", "column", value, count(*) AS rows, any_value(share) * any_value(n) AS expected
        FROM facts JOIN touched USING (id) JOIN base USING ("column", value) JOIN asked USING ("group")
        WHERE value IS NOT NULL AND value <> '' GROUP BY ALL
        """
    )
    return pl.DataFrame(counted.to_arrow_table(), schema=EMPTY.schema)


def values_of(column: str) -> str:
    """SQL: the values of a column as a list of texts."""
    name = name_of(column)
    if column == "tags":
        return f"CAST({name} AS VARCHAR[])"
    if column == "source":
        return f"[regexp_replace({name}, ':[0-9]+$', '')]"
    return f"[CAST({name} AS VARCHAR)]"
