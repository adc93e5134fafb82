"""Which source files a row of D or P goes back to, over its parents."""

import duckdb
import polars as pl

from reports.diff.compare import LINE_END, select
from reports.versions.database import parquet, quoted
from reports.versions.version import Version

STEPS = 4
"""Of a walk from a product back to what people brought; instructions are evolved a few times at most."""
COUNTED = pl.Schema({"column": pl.String(), "value": pl.String(), "rows": pl.Int64()})


def origin_counts(database: duckdb.DuckDBPyConnection, version: Version, table: str) -> pl.DataFrame:
    """`column` (source), `value` (a file), `rows` of the product that go back to it; a row of several files counts for each.

    Source rows name no parents and say where they stand. What lies between has a licence, as all text has that goes on.
    """
    tables = version.tables()
    if table not in tables:
        return pl.DataFrame(schema=COUNTED)
    brought, made = [], []
    for path in tables:
        described = database.sql(f"DESCRIBE SELECT * FROM {parquet(version.files(path))}").fetchall()
        types = {name: kind for name, kind, *_ in described}
        if types.get("parents") != "VARCHAR[]" or "license" not in types or path in LATER:
            continue
        if types.get("source") == "VARCHAR":
            brought.append(parquet(version.files(path)))
        made.append(parquet(version.files(path)))
    if not brought:
        return pl.DataFrame(schema=COUNTED)
    file = f"regexp_replace(source, {quoted(LINE_END)}, '')"
    whole = parquet(version.files(table))
    database.execute(
        "CREATE OR REPLACE TEMP TABLE brought AS SELECT DISTINCT id, file FROM ("
        + " UNION ALL ".join(
            f"SELECT id, {file} AS file FROM {one} WHERE len(parents) = 0 AND source <> ''" for one in brought
        )
        + ")"
    )
    database.execute(
        f"CREATE OR REPLACE TEMP TABLE reached AS SELECT DISTINCT id, unnest(parents) AS ancestor FROM {whole} "
        f"UNION SELECT id, id AS ancestor FROM {whole} WHERE len(parents) = 0"
    )
    edges = " UNION ALL ".join(f"SELECT id, parents FROM {one}" for one in made)
    for _ in range(STEPS):
        before = database.sql("SELECT count(*) FROM reached").fetchall()[0][0]
        database.execute(
            "CREATE OR REPLACE TEMP TABLE reached AS SELECT id, ancestor FROM reached UNION "
            "SELECT id, unnest(parents) AS ancestor FROM (SELECT r.id, e.parents FROM "
            "(SELECT * FROM reached ANTI JOIN brought ON reached.ancestor = brought.id) r "
            f"JOIN ({edges}) e ON e.id = r.ancestor)"
        )
        if database.sql("SELECT count(*) FROM reached").fetchall()[0][0] == before:
            break
    return select(
        database,
        'SELECT \'source\' AS "column", file AS "value", count(DISTINCT reached.id)::BIGINT AS "rows" '
        "FROM reached JOIN brought ON reached.ancestor = brought.id GROUP BY file",
    )


LATER = (
    *("data/demonstrations.parquet", "data/preferences.parquet"),
    *("data/filtered_demonstrations.parquet", "data/filtered_preferences.parquet"),
)
"""Products, and what they are filtered from: nothing that a product goes back to."""
