"""How a table is made up in two versions: shares of values in percentage points, and columns of numbers."""

import math
from collections.abc import Iterator, Mapping, Sequence

import duckdb
import polars as pl

from cultivar.text.languages import languages_of
from reports.diff.columns import NUMBERS, Columns, text_of
from reports.diff.compare import LINE_END, SIDES, Comparison, select
from reports.diff.model import PRODUCTS, Distribution, Shift, Summary
from reports.diff.origins import origin_counts
from reports.versions.database import name_of, quoted
from reports.versions.objects import MissingObject
from reports.versions.version import Version

VALUES = (
    *(
        "domain",
        "strategy",
        "label_source",
        "license",
        "engine",
        "split",
        "stage",
        "rule",
        "error",
        "verifier",
        "outcome",
    ),
    *("role", "response_strategy", "model", "task", "step", "part", "area", "work"),
)
"""Columns of text that hold few values."""
FLAGS = ("simulated", "harmful", "removed", "finished", "correct", "meets_criteria")
MOST_VALUES = 100
"""Values of a column: those whose share has moved most."""
MOST_TEXTS = 20_000
"""Rows of D or P whose language is looked for: those of the least ids of each version."""
LANGUAGE_OF = ("chosen", "completion")
BINS = 24
PLAIN = {"depth", "episode", "sample", "seed", "pass_number"}
"""Numbers that name, not measure."""


def shares(
    database: duckdb.DuckDBPyConnection, compared: Comparison, versions: Mapping[str, Version]
) -> tuple[Shift, ...]:
    """The values of every column of few values, each column's by what their share has moved.

    Of D and P also the languages, and as source the files that their rows go back to. `versions`: by side, old and new.
    """
    counts = {side: value_counts(database, compared.columns, compared.source[side], side) for side in SIDES}
    if compared.table in PRODUCTS:
        try:
            files = [origin_counts(database, versions[side], compared.table) for side in SIDES]
        except MissingObject:  # of a table on the way back; shares of one version alone would be a shift that is none
            files = []
        for place, side in enumerate(SIDES):
            own = counts[side].filter(pl.col("column") != "source")
            counts[side] = pl.concat([own, *files[place : place + 1], language_counts(database, compared, side)])
    joined = counts["old"].join(counts["new"], on=["column", "value"], how="full", coalesce=True, suffix="_new")
    totals = compared.rows | {f"language {side}": min(MOST_TEXTS, compared.rows[side]) for side in SIDES}
    found = [
        shift_of(column, value, old or 0, new or 0, totals)
        for column, value, old, new in joined.select("column", "value", "rows", "rows_new").iter_rows()
    ]
    order = {name: place for place, name in enumerate(dict.fromkeys([*VALUES, *FLAGS]))}
    found.sort(key=lambda shift: (order.get(shift.column, -1), shift.column, -abs(shift.points), shift.value))
    kept: dict[str, int] = {}
    chosen = []
    for shift in found:
        kept[shift.column] = kept.get(shift.column, 0) + 1
        if kept[shift.column] <= MOST_VALUES:
            chosen.append(shift)
    return tuple(chosen)


def shift_of(column: str, value: str, old: int, new: int, totals: dict[str, int]) -> Shift:
    of = [totals[f"language {side}" if column == "language" else side] for side in SIDES]
    return Shift(column, value, old / of[0] if of[0] else 0.0, new / of[1] if of[1] else 0.0, old, new)


def value_counts(database: duckdb.DuckDBPyConnection, columns: Columns, source: str, side: str) -> pl.DataFrame:
    """`column`, `value`, `rows` of one side."""
    types: dict[str, str] = getattr(columns, side)
    values = {name: name_of(name) for name in VALUES if types.get(name) == "VARCHAR"}
    values |= {
        name: f"CASE WHEN {name_of(name)} THEN 'yes' ELSE 'no' END" for name in FLAGS if types.get(name) == "BOOLEAN"
    }
    if types.get("source") == "VARCHAR":
        values["source"] = f"regexp_replace(source, {quoted(LINE_END)}, '')"
    parts = [counted(name, value, source) for name, value in values.items()]
    if (kind := types.get("tags", "")).endswith("[]"):
        tags = "tags" if kind == "VARCHAR[]" else "list_transform(tags, lambda one: one.tag)"
        parts.append(counted("tags", "tag", f"(SELECT unnest(list_distinct({tags})) AS tag FROM {source})"))
    nothing = """SELECT '' AS "column", '' AS "value", 0::BIGINT AS "rows" WHERE false"""
    return select(database, " UNION ALL ".join([*parts, nothing]))


def counted(column: str, value: str, source: str) -> str:
    """SQL: how many rows have which value; empty ones are left out."""
    return (
        f'SELECT {quoted(column)} AS "column", {value} AS "value", count(*)::BIGINT AS "rows" FROM {source} '
        f"""WHERE {value} <> '' GROUP BY ALL"""
    )


def language_counts(database: duckdb.DuckDBPyConnection, compared: Comparison, side: str) -> pl.DataFrame:
    """`column` (language), `value`, `rows` among the texts of one side that are looked at."""
    types: dict[str, str] = getattr(compared.columns, side)
    name = next((name for name in LANGUAGE_OF if name in types), None)
    schema = {"column": pl.String(), "value": pl.String(), "rows": pl.Int64()}
    if name is None:
        return pl.DataFrame(schema=schema)
    source = compared.source[side]
    last = select(database, f"SELECT max(id) AS id FROM (SELECT id FROM {source} ORDER BY id LIMIT {MOST_TEXTS})")[
        "id"
    ][0]
    texts = select(
        database,
        f"SELECT left({text_of(name, types[name])}, 1000) AS text FROM {source} WHERE id <= {quoted(last or '')}",
    )["text"]
    distinct = texts.fill_null("").value_counts(name="rows", sort=False)
    languages = [
        language or (f"{script} script" if script else "")
        for script, language in languages_of(distinct[distinct.columns[0]])
    ]
    named = distinct.select(pl.col("rows").cast(pl.Int64), value=pl.Series(languages, dtype=pl.String))
    totals = named.filter(pl.col("value") != "").group_by("value").agg(pl.col("rows").sum())
    return totals.select(pl.lit("language").alias("column"), "value", "rows")


# ---------------------------------------------------------------- numbers


def numeric_columns(columns: Columns) -> dict[str, str]:
    """Column of numbers -> SQL of its value."""
    return {
        name: f"CAST({name_of(name)} AS DOUBLE)"
        for name in columns.compared
        if name not in PLAIN and all(getattr(columns, side)[name].lower() in NUMBERS for side in SIDES)
    }


def distributions(database: duckdb.DuckDBPyConnection, compared: Comparison) -> Iterator[Distribution]:
    """Every column of numbers, every score by its name, and the length of every text."""
    columns, source = compared.columns, compared.source
    for name, value in numeric_columns(columns).items():
        yield from distribution(
            database, name, "", {side: f"SELECT {value} AS x FROM {source[side]}" for side in SIDES}
        )
    kinds = [getattr(columns, side).get("scores", "") for side in SIDES]
    if all(kind.startswith("STRUCT") for kind in kinds):
        unnested = {side: f"(SELECT unnest(scores) AS s FROM {source[side]})" for side in SIDES}
        names = select(
            database,
            " UNION ".join(f"SELECT s.name AS name FROM {unnested[side]}" for side in SIDES) + " ORDER BY name",
        )["name"]
        for name in names:
            queries = {
                side: f"SELECT s.value AS x FROM {unnested[side]} WHERE s.name = {quoted(name)}" for side in SIDES
            }
            yield from distribution(database, f"scores.{name}", "", queries)
    for place, name in enumerate(columns.prose):
        queries = {side: f"SELECT length{place} AS x FROM {compared.lengths(side)}" for side in SIDES}
        yield from distribution(database, name, "characters", queries)


def distribution(
    database: duckdb.DuckDBPyConnection, column: str, unit: str, queries: dict[str, str]
) -> Iterator[Distribution]:
    """One column's numbers in both versions, if there are any; what is beyond the 99.5th percentile is in the last bin."""
    for side, query in queries.items():
        database.execute(
            f"CREATE OR REPLACE TEMP TABLE numbers_{side} AS SELECT x::DOUBLE AS x FROM ({query}) WHERE x IS NOT NULL"
        )
    found = {
        side: database.sql(
            "SELECT count(*), avg(x), median(x), quantile_cont(x, 0.95), min(x), quantile_cont(x, 0.995), max(x) "
            f"FROM numbers_{side}"
        ).fetchall()[0]
        for side in SIDES
    }
    known = [values for values in found.values() if values[0]]
    if not known:
        return
    low, high = min(values[4] for values in known), max(values[5] for values in known)
    edges = bin_edges(low, high)
    summaries = [
        Summary(values[0], *(math.nan if one is None else one for one in values[1:4])) for values in found.values()
    ]
    bins = [count_bins(database, side, edges) for side in SIDES]
    yield Distribution(column, unit, summaries[0], summaries[1], edges, bins[0], bins[1])


def bin_edges(low: float, high: float) -> tuple[float, ...]:
    """Edges of equally wide bins from the least to the greatest value; one bin where all are equal."""
    if not high > low:
        return (low, low)
    width = (high - low) / BINS
    return (*(low + place * width for place in range(BINS)), high)


def count_bins(database: duckdb.DuckDBPyConnection, side: str, edges: Sequence[float]) -> tuple[int, ...]:
    bins, width = len(edges) - 1, (edges[-1] - edges[0]) / (len(edges) - 1)
    place = f"least({bins - 1}, greatest(0, floor((x - ({edges[0]!r})) / {width!r})))::INTEGER" if width else "0"
    counted = dict(database.sql(f"SELECT {place} AS bin, count(*) FROM numbers_{side} GROUP BY ALL").fetchall())
    return tuple(int(counted.get(bin_, 0)) for bin_ in range(bins))
