"""One file: its records, and its batches where its kind and its shape allow them."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl

from schemas.parsing import Unreadable
from stages.curation.readers.bulk.batch import Batch, NotInBulk
from stages.curation.readers.bulk.json_lines import json_line_batches
from stages.curation.readers.bulk.names import FIELDS
from stages.curation.readers.bulk.tables import frame_batches
from stages.curation.readers.lines import kind_of
from stages.curation.readers.record import Record
from stages.curation.readers.records import disguised, filled_lines, is_object_a_line, read_records
from stages.curation.readers.tables import damaged, frames_records, parquet_frames


class RecordFile:
    """The records of a file, and after some of them all of it as batches."""

    def __init__(self, path: Path, encoding: str | None = None):
        self.path, self.encoding = path, encoding
        self.frames: list[pl.DataFrame] = []
        self.records: Iterator[Record] = read_records(path, encoding)
        if path.suffix.lower() == ".parquet" and not disguised(path):
            try:
                self.frames = parquet_frames(path)
                self.records = frames_records(self.frames)
            except Unreadable as error:
                self.records = iter([damaged(error)])

    def batches(self, shape: str) -> Iterator[Batch[Any]] | None:
        """The whole file, with plain records of `shape` in bulk, once; None where it is to be read record by record."""
        field = FIELDS.get(shape)
        if field is None:
            return None
        if self.frames:
            return frame_batches(drained(self.frames), field)
        if self.encoding not in (None, "utf-8") or kind_of(self.path) not in (".jsonl", ".ndjson"):
            return None
        begin = list(islice(filled_lines(self.path, self.encoding), 2))
        if not begin or not is_object_a_line(begin):
            return None
        try:
            return drained(json_line_batches(self.path, field))
        except NotInBulk:
            return None


def drained(items: list[Any]) -> Iterator[Any]:
    """The items of a list, which forgets each of them."""
    items.reverse()
    while items:
        yield items.pop()
