"""DuckDB over Parquet: joins that may be larger than memory, and nothing from the network."""

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb

from cultivar.runlog.folders import cache_folder, remove_expired

MEMORY = "2GB"
"""What a query may hold before it goes to disk."""


@contextmanager
def interruptible() -> Iterator[None]:
    """Ctrl-C within a query is Ctrl-C: DuckDB makes an error of its own of it."""
    try:
        yield
    except (RuntimeError, duckdb.Error) as error:
        if "Query interrupted" not in str(error) and "KeyboardInterrupt" not in str(error):
            raise
        raise KeyboardInterrupt from error


def connect(memory: str = MEMORY, threads: int | None = None) -> duckdb.DuckDBPyConnection:
    """A database in memory whose larger joins go to a folder below .cache; equal queries give equal rows.

    No extension is looked for or loaded: what this needs is built in.
    """
    cache = cache_folder()
    cache.mkdir(parents=True, exist_ok=True)
    remove_expired(cache, "duckdb-*")  # of killed processes
    folder = tempfile.mkdtemp(prefix="duckdb-", dir=cache)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return duckdb.connect(
        config={
            "memory_limit": memory,
            "threads": str(threads or os.cpu_count() or 1),
            "temp_directory": folder,
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "preserve_insertion_order": "false",
        }
    )


def quoted(text: str) -> str:
    """A text as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"


def name_of(column: str) -> str:
    """A column's name as SQL reads it."""
    return '"' + column.replace('"', '""') + '"'


def parquet(files: Sequence[Path]) -> str:
    """A table function over Parquet files, which need no suffix, as an object of DVC's cache has none."""
    return f"read_parquet([{', '.join(quoted(str(file)) for file in files)}], union_by_name = true)"
