"""Rows of a new source that the project has already, by the tables of its last build."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import polars as pl

FOLDER = Path("data")
SHOWN = 3
"""Places of the project's rows that are named."""


def repeated(ids: Mapping[str, pl.Series]) -> Iterator[str]:
    """A line for each table of ingest that holds some of these rows (table -> ids); none where nothing is built yet.

    `ingest` drops an exact duplicate of a source that stands before it, and the answers of such a row with it. Raises what
    Polars raises for a table that cannot be read.
    """
    for name, own in ids.items():
        path = FOLDER / f"{name}.parquet"
        if not len(own) or not path.is_file():
            continue
        wanted = own.unique().to_frame("id").lazy()
        found = pl.scan_parquet(path).select("id", "source").join(wanted, on="id", how="semi").collect()
        if len(found):
            places = ", ".join(found["source"].sort()[:SHOWN])
            yield f"Of these the project has {len(found):,} of {name} already ({places}{', …' if len(found) > SHOWN else ''}): dropped as exact duplicates"
