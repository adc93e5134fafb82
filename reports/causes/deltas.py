"""Rows of every table that differ between two versions, by id alone, and what the walk needs to know of them."""

from collections.abc import Iterable

import duckdb
import polars as pl

from reports.causes.stages import DataStage
from reports.diff.model import Diff
from reports.versions.database import parquet
from reports.versions.version import Version

ROW = {"id": pl.String(), "kind": pl.String(), "columns": pl.List(pl.String())}
LINKS = {"id": pl.String(), "parent": pl.String()}
EVIDENCE = ("domain", "strategy", "response_strategy", "role", "engine", "tags", "source", "verdicts", "license")
"""Columns that tell which of several changes at one stage touched a row, where a table has them."""


def by_id(diff: Diff, table: str) -> pl.DataFrame:
    """The rows of a table that differ: `id`, `kind` (added, removed, changed) and, of changed ones, the `columns` touched.

    A row with another id and the same natural key, which the diff pairs, is one removed and one added here.
    """
    found = diff.table(table)
    if found is None:
        return pl.DataFrame(schema=ROW)
    ids = found.ids
    whole = ids.filter((pl.col("kind") != "changed") | (pl.col("id_old") == pl.col("id_new")))
    paired = ids.filter((pl.col("kind") == "changed") & (pl.col("id_old") != pl.col("id_new")))
    return pl.concat(
        [
            whole.select(id=pl.coalesce("id_new", "id_old"), kind="kind", columns="columns"),
            paired.select(id="id_old", kind=pl.lit("removed"), columns=pl.lit([], dtype=pl.List(pl.String))),
            paired.select(id="id_new", kind=pl.lit("added"), columns=pl.lit([], dtype=pl.List(pl.String))),
        ]
    ).cast(ROW)  # type: ignore[arg-type]


class Tables:
    """The tables of both versions, asked for a few rows at a time."""

    def __init__(self, old: Version, new: Version, database: duckdb.DuckDBPyConnection) -> None:
        self.versions, self.database = (old, new), database

    def read(self, table: str, version: Version, ids: pl.Series, columns: Iterable[str]) -> pl.DataFrame:
        """Rows of these ids with `id` and those of the columns that the table has; none where the version has no such table.

        Raises MissingObject.
        """
        if table not in version.tables():
            return pl.DataFrame(schema={"id": pl.String()})
        source = parquet(version.files(table))
        self.database.register("wanted", ids.unique().to_frame("id").to_arrow())
        try:
            there = [row[0] for row in self.database.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()]
            chosen = ", ".join(f'"{name}"' for name in dict.fromkeys(["id", *(c for c in columns if c in there)]))
            query = f"SELECT {chosen} FROM {source} SEMI JOIN wanted USING (id)"
            return pl.DataFrame(self.database.sql(query).to_arrow_table())
        finally:
            self.database.unregister("wanted")

    def both(self, table: str, ids: pl.Series, columns: Iterable[str]) -> pl.DataFrame:
        """Such rows of either version, those of the new one first, each id once."""
        old, new = self.versions
        columns = list(columns)
        frames = [self.read(table, version, ids, columns) for version in (new, old)]
        return pl.concat(frames, how="diagonal_relaxed").unique("id", keep="first", maintain_order=True)

    def parents(self, table: str, ids: pl.Series) -> pl.DataFrame:
        """Edges (id, parent) of rows in either version."""
        frames = [self.read(table, version, ids, ["parents"]) for version in self.versions]
        frames = [frame.select("id", parent="parents") for frame in frames if frame.height]
        if not frames:
            return pl.DataFrame(schema=LINKS)
        return pl.concat(frames).explode("parent").drop_nulls().unique()

    def ended(self, stage: DataStage, ids: pl.Series) -> pl.DataFrame:
        """Why rows ended at a stage: `id`, `version` (0 old, 1 new), `rule`, `detail`."""
        table = f"data/dropped/{stage.name}.parquet"
        schema = {"id": pl.String(), "version": pl.Int64(), "rule": pl.String(), "detail": pl.String()}
        frames = [pl.DataFrame(schema=schema)]
        if table in stage.outs:
            for place, version in enumerate(self.versions):
                frame = self.read(table, version, ids, ["rule", "detail"])
                if frame.height:
                    frames.append(frame.with_columns(version=pl.lit(place, dtype=pl.Int64)).select(list(schema)))
        return pl.concat(frames)
