"""The diff of two versions, put together: rows, schema, shifts, samples, what was edited, alerts, class."""

from collections.abc import Iterator, Mapping, Sequence

import duckdb
import polars as pl

from reports.diff.alerts import with_alerts
from reports.diff.cells import draw_samples
from reports.diff.changes import find_changes, pending_stages
from reports.diff.levels import class_shares, classed, level_of
from reports.diff.model import PRODUCTS, Diff, Samples, SchemaDiff, TableDiff
from reports.diff.rows import RowDiffer, TableRows, tables_in_order
from reports.diff.shifts import distributions, shares
from reports.versions.database import connect
from reports.versions.version import Version

SAMPLES = 8
"""Rows of each kind that a table shows."""


def build_diff(
    old: Version,
    new: Version,
    *,
    database: duckdb.DuckDBPyConnection | None = None,
    samples: int = SAMPLES,
    details: bool = True,
    only: Sequence[str] | None = None,
) -> Diff:
    """What differs between two versions. Tables whose bytes are not to be had are named in it and left out.

    `details`: shifts, distributions, samples and alerts, which counting and pairing rows does not need. `only`: paths of
    tables whose details are wanted, all by default; rows of all tables are compared, since they are paired by their parents.
    """
    database = database or connect()
    differing, same = tables_in_order(old, new)
    # of equal tables only ids are read, to tell whether a row stands somewhere else as well
    absent = [frozenset(version.lacking(version.tables())) if differing else frozenset() for version in (old, new)]
    missing = [table for table, _ in differing if any(table in tables for tables in absent)]
    differing = [(table, stage) for table, stage in differing if table not in missing]
    compared = RowDiffer(database, old, new, *absent).compare(differing)
    versions = {"old": old, "new": new} if details else None
    tables = [
        table_diff(database, rows, samples, versions if only is None or rows.files.table in only else None)
        for rows in compared
    ]
    products = [table for table in PRODUCTS if table in old.tables() or table in new.tables()]
    judged = classed(tables, products)
    diff = Diff(
        old=old,
        new=new,
        tables=tuple(tables),
        same=tuple(same),
        alerts=(),
        level=level_of(judged),
        classes=class_shares(judged),
        changes=find_changes(old, new),
        pending=pending_stages(new),
        missing=tuple(missing),
        notes=tuple(notes_of(old, new, missing, *absent)),
    )
    return with_alerts(diff) if details else diff


def notes_of(old: Version, new: Version, missing: Sequence[str], *absent: frozenset[str]) -> Iterator[str]:
    """What a version lacks, for which reason no causes can be named."""
    for version, tables in zip((old, new), absent, strict=True):
        if not version.tables():
            place = "its dvc.lock records none" if version.commit is not None else "none is on disk"
            yield f"{version.label} has no tables ({place}; `dvc repro` makes them, `dvc checkout` restores them)"
        if other := [table for table, out in version.tables().items() if version.current()[table] != out.md5]:
            yield (
                f"{len(other)} tables on disk ({short(other[0])} …) are not those that dvc.lock records: no causes are named; "
                "`dvc checkout` restores them, `dvc repro` makes them again"
            )
        if lost := [short(table) for table in missing if table in tables]:
            yield (
                f"{version.label}: neither DVC's cache nor its remote has {', '.join(lost)}, which is not compared; "
                "`dvc fetch --all-commits` where a remote has it, or check that version out and `dvc repro`"
            )


def short(table: str) -> str:
    """A table's name without its folder and ending."""
    return table.removeprefix("data/").removesuffix(".parquet")


def table_diff(
    database: duckdb.DuckDBPyConnection, rows: TableRows, samples: int, versions: Mapping[str, Version] | None
) -> TableDiff:
    """One table's rows as the result has them; its details where the `versions` (by side) are given."""
    details = versions is not None
    compared, ids = rows.compared, rows.ids
    count = {kind: ids.filter(pl.col("kind") == kind).height for kind in ("added", "removed", "changed")}
    touched = ids["columns"].explode(empty_as_null=False).drop_nulls().value_counts(sort=False)
    columns = dict(sorted(touched.rows(), key=lambda item: (-item[1], item[0])))
    is_both = rows.files.old is not None and rows.files.new is not None
    return TableDiff(
        table=rows.files.table,
        stage=rows.files.stage,
        rows_old=compared.rows["old"],
        rows_new=compared.rows["new"],
        **count,
        moved=compared.moved,
        unchanged=compared.unchanged,
        rewritten=rows.rewritten,
        schema=compared.columns.schema if is_both else SchemaDiff(),
        columns=columns,
        shifts=shares(database, compared, versions) if versions is not None else (),
        distributions=tuple(distributions(database, compared)) if details else (),
        samples=draw_samples(database, rows, samples) if details else Samples(),
        ids=ids,
        is_new=rows.files.old is None,
        is_gone=rows.files.new is None,
        duplicates=(compared.duplicates["old"], compared.duplicates["new"]),
    )
