"""Records of Parquet and Arrow files, one by one; what is damaged or has no value in Python is broken, with the reason."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
from pyarrow import parquet

from schemas.parsing import Unreadable, parsed
from stages.curation.readers.arrow import NotArrow, arrow_frames, frame_of
from stages.curation.readers.record import Record

BATCH = 16_384
"""Rows of a Parquet file that are read at once."""
ROWS = 512
"""Rows of a table that are turned into records at once."""


def parquet_frames(path: Path) -> list[pl.DataFrame]:
    """Rows of a Parquet file, some thousands in a frame. Raises Unreadable for a damaged file, wherever the damage is.

    Polars ends the process over some damaged files (a flipped bit in a length is enough); pyarrow reports an error. Only
    Polars reads the integers of 128 bits that it writes.
    """
    try:
        with parsed(parquet.ParquetFile, path, page_checksum_verification=True) as file:
            batches = file.iter_batches(batch_size=BATCH)
            frames = []
            while (batch := parsed(next, batches, None)) is not None:
                frames.append(frame_of(batch))
            return frames
    except Unreadable as error:
        if "more than 64 bits not implemented" not in str(error):
            raise
        return [parsed(pl.read_parquet, path)]


def parquet_records(path: Path) -> Iterator[Record]:
    """Rows of a Parquet file; of a damaged one nothing but a record that says so."""
    try:
        frames = parquet_frames(path)
    except Unreadable as error:
        yield damaged(error)
        return
    yield from frames_records(frames)


def damaged(error: Unreadable) -> Record:
    return Record(1, None, "", f"not Parquet, or damaged: {error}; write the file anew, or exclude it in params.yaml")


def frames_records(frames: Iterable[pl.DataFrame]) -> Iterator[Record]:
    """Records of the rows of frames that follow one another."""
    first = 1
    for frame in frames:
        yield from frame_records(frame, first)
        first += len(frame)


def arrow_records(path: Path) -> Iterator[Record]:
    number = 0
    try:
        for frame in arrow_frames(path):
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
