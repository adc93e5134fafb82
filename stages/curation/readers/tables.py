"""Records of Parquet and Arrow files, one by one; what is damaged or has no value in Python is broken, with the reason."""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl
from pyarrow import parquet

from schemas.parsing import Unreadable, parsed
from stages.curation.readers.arrow import NotArrow, arrow_frames, frame_of
from stages.curation.readers.record import Reading, Record

BATCH = 16_384
"""Rows of a Parquet file that are read at once."""
ROWS = 512
"""Rows of a table that are turned into records at once."""


def parquet_frames(path: Path) -> Iterator[pl.DataFrame]:
    """Rows of a Parquet file, some thousands in a frame. Raises Unreadable before the first, wherever the file is damaged.

    So all of it is read before, unless it is small: of a damaged file nothing is taken, and no more than a frame of a sound
    one is held. Polars ends the process over some damaged files (a flipped bit in a length is enough); pyarrow reports an
    error. Only Polars reads the integers of 128 bits that it writes.
    """
    try:
        first = list(islice(frames := batch_frames(path), 2))
        if len(first) < 2:
            yield from first
            return
        for _ in frames:
            pass
    except Unreadable as error:
        if "more than 64 bits not implemented" not in str(error):
            raise
        yield parsed(pl.read_parquet, path)
        return
    first.clear()
    yield from batch_frames(path)


def batch_frames(path: Path) -> Iterator[pl.DataFrame]:
    """The batches of a Parquet file, an empty one where it has no rows. Raises Unreadable."""
    is_empty = True
    with parsed(parquet.ParquetFile, path, page_checksum_verification=True) as file:
        batches = file.iter_batches(batch_size=BATCH)
        while (batch := parsed(next, batches, None)) is not None:
            yield frame_of(batch)
            is_empty = False
        if is_empty:
            yield frame_of(file.schema_arrow.empty_table())


def parquet_records(path: Path, reading: Reading) -> Iterator[Record]:
    """Rows of a Parquet file; of a damaged one nothing but a record that says so."""
    reading.tried = "Parquet"
    try:
        yield from frames_records(parquet_frames(path), reading)
    except Unreadable as error:
        yield damaged(error)


def damaged(error: Unreadable) -> Record:
    """The one record of a damaged Parquet file."""
    reason = f"not Parquet, or damaged: {error}; write the file anew, or exclude it in params.yaml"
    return Record(1, None, "", reason)


def frames_records(frames: Iterable[pl.DataFrame], reading: Reading) -> Iterator[Record]:
    """Records of the rows of frames that follow one another."""
    first = 1
    for frame in frames:
        reading.columns.update(frame.columns)
        yield from frame_records(frame, first)
        first += len(frame)


def arrow_records(path: Path, reading: Reading) -> Iterator[Record]:
    reading.tried = "Arrow"
    number = 0
    try:
        for frame in arrow_frames(path):
            reading.columns.update(frame.columns)
            yield from frame_records(frame, number + 1)
            number += len(frame)
    except NotArrow as error:
        yield Record(number + 1, None, "", str(error))


def frame_records(frame: pl.DataFrame, first: int = 1) -> Iterator[Record]:
    """Records of a table's rows without their nulls. Bytes that are UTF-8 are text, 0.1 of 32 bits is 0.1.

    A row with a value that Python has no object for (a date after the year 9999) is broken.
    """
    frame = frame.with_columns(pl.col(pl.Float32).cast(pl.String).cast(pl.Float64))
    for start in range(0, len(frame), ROWS):
        part = frame.slice(start, ROWS)
        try:
            rows: list[Any] = parsed(lambda part: part.rows(named=True), part)
        except Unreadable:
            rows = [row_or_reason(part, place) for place in range(len(part))]
        for number, row in enumerate(rows, first + start):
            if isinstance(row, str):
                yield Record(number, None, "", row)
            else:
                yield Record(number, {name: as_text(value) for name, value in row.items() if value is not None})


def row_or_reason(frame: pl.DataFrame, place: int) -> dict[str, Any] | str:
    """A row of a table, or why it cannot be read."""
    try:
        return parsed(lambda: frame.row(place, named=True))
    except Unreadable as error:
        return f"a value that cannot be read: {error}"


def as_text(value: Any) -> Any:
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return value
    return value
