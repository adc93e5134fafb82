"""Plain conversations of a Parquet file in columns; every other row is left as it is."""

from collections.abc import Iterator

import numpy as np
import polars as pl

from stages.curation.readers.bulk.batch import Batch
from stages.curation.readers.bulk.chats import Turns, plain_conversations
from stages.curation.readers.bulk.names import OPENAI, SHAREGPT, UNREAD
from stages.curation.readers.fields import field_name
from stages.curation.readers.record import Record
from stages.curation.readers.tables import frame_records

SIMPLE = (
    pl.String,
    pl.Boolean,
    pl.Int8,
    pl.Int16,
    pl.Int32,
    pl.Int64,
    pl.UInt8,
    pl.UInt16,
    pl.UInt32,
    pl.UInt64,
    pl.Float32,
    pl.Float64,
)
TEXT = (pl.String, pl.Categorical, pl.Enum)


def read_frame(frame: pl.DataFrame, first: int, field: str) -> Batch[tuple[pl.DataFrame, int]]:
    """Rows of a table as a batch of which those with a plain conversation in `field` are read; `first`: number of row 0."""

    def unread(place: int) -> tuple[pl.DataFrame, int]:
        return frame.slice(place, 1), first + place

    if (names := speaker_and_says(frame.schema.get(field))) is None:
        rows = pl.DataFrame(schema={"line": pl.Int64})
        return Batch.of(np.zeros(len(frame), bool), rows, {}, unread, read_row)
    turns = frame[field]
    is_sound = np.ones(len(frame), bool)
    left: dict[int, tuple[str, ...]] = {}
    for column in frame.drop(field):
        has_value = held(column)
        if not has_value.any():
            continue
        if column.name in UNREAD and column.dtype in SIMPLE:
            for place in has_value.arg_true().to_list():
                left[place] = (*left.get(place, ()), field_name(column.name))
        else:
            is_sound &= ~column.is_not_null().to_numpy()
    lengths = turns.list.len().fill_null(0).to_numpy().astype(np.int64)
    each = turns.filter(pl.Series(lengths > 0)).explode()
    fields = each.struct.unnest()
    for is_odd in [each.is_null(), *(column.is_not_null() for column in fields.drop(names))]:
        if is_odd.any():
            is_sound[np.repeat(np.arange(len(lengths)), lengths)[is_odd.to_numpy()]] = False
    speakers, texts = (fields[name].cast(pl.String) for name in names)
    read = Turns(speakers, texts, lengths)
    is_plain, rows = plain_conversations(read)
    if not is_sound.all():
        rows, is_plain = rows.filter(pl.Series(is_sound[is_plain])), is_plain & is_sound
    numbers = pl.Series("line", first + np.flatnonzero(is_plain))
    return Batch.of(is_plain, rows.select(numbers, pl.all()), left, unread, read_row)


def speaker_and_says(dtype: pl.DataType | None) -> tuple[str, str] | None:
    """The fields of a column's turns that name the speaker and the text; None where it is no column of conversations."""
    if not isinstance(dtype, pl.List) or not isinstance(dtype.inner, pl.Struct):
        return None
    fields = {field.name: field.dtype for field in dtype.inner.fields}
    names = OPENAI if "role" in fields else SHAREGPT
    return names if all(name in fields and fields[name] in TEXT for name in names) else None


def held(column: pl.Series) -> pl.Series:
    """`fields.holds` of a column's values."""
    return (column.str.len_bytes() > 0).fill_null(False) if column.dtype == pl.String else column.is_not_null()


def read_row(row: tuple[pl.DataFrame, int]) -> Record:
    """The record of a row that is read by itself."""
    (record,) = frame_records(*row)
    return record


def frame_batches(frames: Iterator[pl.DataFrame], field: str) -> Iterator[Batch[tuple[pl.DataFrame, int]]]:
    """The rows of frames that follow one another."""
    first = 1
    for frame in frames:
        yield read_frame(frame, first, field)
        first += len(frame)
