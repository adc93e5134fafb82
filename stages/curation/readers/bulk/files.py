"""One file: its records, and its batches where its kind and its shape allow them."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import polars as pl

from schemas.parsing import Unreadable
from stages.curation.readers.bulk.batch import Batch, NotInBulk
from stages.curation.readers.bulk.json_lines import json_line_batches
from stages.curation.readers.bulk.names import FIELDS
from stages.curation.readers.bulk.tables import frame_batches
from stages.curation.readers.json_records import is_json_lines
from stages.curation.readers.record import Reading, Record
from stages.curation.readers.records import disguised, read_records
from stages.curation.readers.tables import damaged, frames_records, parquet_frames


class RecordFile:
    """The records of a file, and after the first of them all of it as batches."""

    def __init__(self, path: Path, reading: Reading):
        self.path, self.reading = path, reading
        self.begin: list[pl.DataFrame] | None = []
        self.frames: Iterator[pl.DataFrame] = iter(())
        self.records = self.table_records() if path.suffix.lower() == ".parquet" else read_records(path, reading)

    def table_records(self) -> Iterator[Record]:
        """`read_records` of a Parquet file, whose first frames are kept."""
        if disguised(self.path):
            yield from read_records(self.path, self.reading)
            return
        self.reading.tried = "Parquet"
        self.frames = parquet_frames(self.path)
        try:
            yield from frames_records(self.noted(), self.reading)
        except Unreadable as error:
            yield damaged(error)

    def noted(self) -> Iterator[pl.DataFrame]:
        for frame in self.frames:
            if self.begin is not None:
                self.begin.append(frame)
            yield frame

    def batches(self, shape: str) -> Iterator[Batch[Any]] | None:
        """The whole file, with plain records of `shape` in bulk, once; None where it is to be read record by record."""
        begin, self.begin = self.begin, None
        field = FIELDS.get(shape)
        if field is None:
            return None
        if begin:
            return frame_batches(chain(begin, self.frames), field)
        if not is_json_lines(self.path, self.reading):
            return None
        try:
            return drained(json_line_batches(self.path, self.reading.encoding, field))
        except NotInBulk:
            return None


def drained(items: list[Any]) -> Iterator[Any]:
    """The items of a list, which forgets each of them."""
    items.reverse()
    while items:
        yield items.pop()
