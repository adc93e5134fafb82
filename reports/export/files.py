"""Files of rows that are written batch by batch: JSON Lines, Parquet and CSV."""

import hashlib
import os
from collections.abc import Collection
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import polars as pl
import pyarrow as pa
from pyarrow import parquet

from cultivar.outgoing.cells import safe_cells
from reports.export.features import parquet_metadata
from reports.export.lean import json_of, lines


class Written(NamedTuple):
    """A file of rows: its name in the folder, its size in bytes and sha256."""

    name: str
    split: str
    rows: int
    size: int
    sha256: str


class RowFile:
    """One file of rows of a split. `json_text`: names of fields of JSON text; `as_json`: columns of lists of objects."""

    def __init__(
        self, path: Path, split: str, features: dict[str, Any], json_text: Collection[str], as_json: Collection[str]
    ) -> None:
        self.path, self.split, self.rows = path, split, 0
        self.features, self.json_text, self.as_json = features, frozenset(json_text), frozenset(as_json)
        self.file: BinaryIO | None = None
        self.table: parquet.ParquetWriter | None = None

    def write(self, frame: pl.DataFrame) -> None:
        """Append a batch."""
        if not frame.height:
            return
        self.file = self.file or self.path.open("wb")
        match self.path.suffix:
            case ".jsonl":
                lines(frame, self.json_text).write_csv(self.file, include_header=False, quote_style="never")
            case ".csv":
                cells(frame, self.json_text).write_csv(self.file, include_header=not self.rows)
            case _:
                self.write_group(frame)
        self.rows += frame.height

    def write_group(self, frame: pl.DataFrame) -> None:
        texts = [
            pl.col(name).list.eval(json_of(pl.element(), frame.schema[name].inner, self.json_text))  # type: ignore[attr-defined]
            for name in self.as_json
        ]
        table = frame.with_columns(texts).to_arrow(compat_level=pl.CompatLevel.oldest())
        schema = pa.schema([pa.field(part.name, narrow(part.type)) for part in table.schema])
        if self.table is None:
            self.table = parquet.ParquetWriter(
                self.file, schema.with_metadata(parquet_metadata(self.features)), compression="zstd"
            )
        self.table.write_table(table.cast(schema))

    def close(self) -> Written | None:
        """Put it on disk; None where no row was written, and so no file."""
        if self.file is None:
            return None
        if self.table is not None:
            self.table.close()
        self.file.flush()
        os.fsync(self.file.fileno())
        self.file.close()
        with self.path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return Written(self.path.name, self.split, self.rows, self.path.stat().st_size, digest)

    def abandon(self) -> None:
        """Let go of the file after an error."""
        if self.file is not None:
            self.file.close()


def narrow(kind: pa.DataType) -> pa.DataType:
    """An Arrow type with 32-bit offsets, as `datasets` and others write it."""
    if pa.types.is_large_string(kind):
        return pa.string()
    if pa.types.is_large_list(kind) or pa.types.is_list(kind):
        return pa.list_(narrow(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(part.name, narrow(part.type)) for part in kind])
    return kind


def cells(frame: pl.DataFrame, json_text: Collection[str]) -> pl.DataFrame:
    """Rows for a spreadsheet: lists and objects as JSON text, no text that would be a formula."""
    texts = []
    for name, kind in frame.schema.items():
        match kind:
            case pl.List() | pl.Struct():
                texts.append(safe_cells(json_of(pl.col(name), kind, json_text)).alias(name))
            case pl.String():
                texts.append(safe_cells(pl.col(name)).alias(name))
    return frame.with_columns(texts)
