"""The lineage of rows over all tables of a version: one walk for any number of rows, by joins.

A row keeps its id through stages that only pass it on, so one id may stand in several tables; its parents are what any of
them names. A parent that stands in no table is a key of the generation store or of the verdicts' store.
"""

from collections.abc import Callable, Iterable

import duckdb
import polars as pl

from reports.versions.database import parquet, quoted
from reports.versions.version import Version

IDS = {"id": pl.String()}
EDGES = {"id": pl.String(), "parent": pl.String(), "table": pl.String(), "depth": pl.Int64()}
MAX_DEPTH = 64
"""Steps of a walk; a family is some ten deep."""


class Lineage:
    """The rows of all tables of a version and what they name as parents."""

    def __init__(
        self, version: Version, database: duckdb.DuckDBPyConnection, tables: Iterable[str] | None = None
    ) -> None:
        """`tables`: paths of those to look into; all of the version's by default. Raises MissingObject."""
        self.version, self.database = version, database
        self.tables = list(version.tables() if tables is None else tables)
        parts = [
            f'SELECT {quoted(path)} AS "table", id, parents FROM {parquet(version.files(path))}' for path in self.tables
        ]
        nothing = """SELECT '' AS "table", '' AS id, []::VARCHAR[] AS parents WHERE false"""
        self.rows = " UNION ALL ".join([*parts, nothing])

    def places(self, ids: Iterable[str]) -> pl.DataFrame:
        """Tables that hold rows of these ids: `id`, `table`, a line for each; by id, tables in the graph's order."""
        found = self._select(ids, 'SELECT DISTINCT r.id, r."table" FROM rows r SEMI JOIN wanted w ON r.id = w.id')
        return self._ordered(found, ["id"])

    def parents(self, ids: Iterable[str]) -> pl.DataFrame:
        """What rows name as parents: `id`, `parent`, the `table` that says so, `depth` 1."""
        found = self._select(
            ids,
            'SELECT DISTINCT r.id, unnest(r.parents) AS parent, r."table", 1::BIGINT AS depth '
            "FROM rows r SEMI JOIN wanted w ON r.id = w.id",
        )
        return self._ordered(found, ["id", "parent"])

    def children(self, ids: Iterable[str]) -> pl.DataFrame:
        """Rows that name these as parents: `id` is the child, `parent` one of `ids`."""
        found = self._select(
            ids,
            'SELECT DISTINCT c.id, c.parent, c."table", 1::BIGINT AS depth FROM '
            '(SELECT id, unnest(parents) AS parent, "table" FROM rows) c SEMI JOIN wanted w ON c.parent = w.id',
        )
        return self._ordered(found, ["parent", "id"])

    def ancestors(self, ids: Iterable[str]) -> pl.DataFrame:
        """Every edge from these rows back to what they were made from; `depth` counts from 1, the nearest of several ways."""
        return self._walk(ids, self.parents, "parent")

    def descendants(self, ids: Iterable[str]) -> pl.DataFrame:
        """Every edge from these rows on to what was made from them."""
        return self._walk(ids, self.children, "id")

    def _walk(self, ids: Iterable[str], step: Callable[..., pl.DataFrame], onward: str) -> pl.DataFrame:
        frontier = pl.DataFrame({"id": list(ids)}, schema=IDS).unique()
        seen, edges = frontier, []
        for depth in range(1, MAX_DEPTH + 1):
            if not frontier.height:
                break
            found = step(frontier["id"]).with_columns(depth=pl.lit(depth, dtype=pl.Int64))
            edges.append(found)
            frontier = found.select(id=onward).unique().join(seen, on="id", how="anti")
            seen = pl.concat([seen, frontier])
        walked = pl.concat(edges) if edges else pl.DataFrame(schema=EDGES)
        return walked.unique(["id", "parent", "table"], keep="first", maintain_order=True)

    def _select(self, ids: Iterable[str], query: str) -> pl.DataFrame:
        wanted = pl.DataFrame({"id": list(ids)}, schema=IDS).unique().to_arrow()
        self.database.register("wanted", wanted)
        try:
            return pl.DataFrame(self.database.sql(f"WITH rows AS ({self.rows}) {query}").to_arrow_table())
        finally:
            self.database.unregister("wanted")

    def _ordered(self, frame: pl.DataFrame, by: list[str]) -> pl.DataFrame:
        order = {path: place for place, path in enumerate(self.tables)}
        place = pl.col("table").replace_strict(order, default=len(order), return_dtype=pl.Int64)
        return frame.sort([*by, place])
