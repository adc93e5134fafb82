"""Rows by the source that people brought them in: a row's `source` is a place, "file:line", and files belong to sources."""

from collections import defaultdict

import polars as pl

UNKNOWN = "unknown source"
"""What stands for the source of a row whose file no source of this version has read."""


def source_names(places: pl.Series, sources: pl.DataFrame) -> pl.Series:
    """The source of each place, by its name in params.yaml. A file that several sources read stands for all: "a + b"."""
    readers: dict[str, list[str]] = defaultdict(list)
    for name, files in sources.sort("name").select("name", "files").iter_rows():
        for file in files:
            readers[file].append(name)
    named = {file: " + ".join(names) for file, names in readers.items()}
    files = places.str.replace(r":[^:]*$", "")
    return files.replace_strict(named, default=UNKNOWN, return_dtype=pl.String).alias("source")


def rows_by_source(rows: pl.DataFrame, sources: pl.DataFrame) -> dict[str, int]:
    """The number of rows of each source."""
    names = source_names(rows["source"], sources)
    return dict(names.value_counts().sort("source").iter_rows())
