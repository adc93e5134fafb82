"""Records of JSONL, JSON, CSV, Parquet and plain line files, one by one, broken ones with the reason."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import polars as pl

from schemas.errors import UserError

LOST, NOT_UTF8 = "\ufffd", "not UTF-8: save the file as UTF-8 (`iconv -f latin1 -t utf8`)"
SUFFIXES = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet", ".txt")


class FormatError(UserError, ValueError):
    """A file's format cannot be detected; the message lists what was tried and why each does not fit."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a file. `line` is its line (JSONL, CSV, text) or its number (JSON, Parquet), from 1.

    `value` is None where the record is broken; `error` then says why and `raw` holds its text.
    """

    line: int
    value: dict[str, Any] | None
    raw: str = ""
    error: str = ""


def read_records(path: Path) -> Iterator[Record]:
    """Records of one file. Raises FormatError for a suffix that no reader knows."""
    match path.suffix.lower():
        case ".jsonl" | ".ndjson":
            yield from json_lines(path)
        case ".json":
            yield from json_records(path)
        case ".csv":
            yield from csv_records(path, ",")
        case ".tsv":
            yield from csv_records(path, "\t")
        case ".parquet":
            yield from parquet_records(path)
        case ".txt":
            yield from text_lines(path)
        case suffix:
            raise FormatError(
                f"{path}: no reader for {suffix or 'a file without suffix'}; tried {', '.join(SUFFIXES)}. "
                "Rename or convert the file, or exclude it from the path in params.yaml"
            )


def json_lines(path: Path) -> Iterator[Record]:
    with path.open("rb") as handle:
        for number, line in enumerate(handle, 1):
            if number == 1:
                line = line.removeprefix(b"\xef\xbb\xbf")
            if line.strip():
                yield parse_line(number, line)


def parse_line(number: int, line: bytes) -> Record:
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return Record(number, None, line.decode("utf-8", "replace").strip(), f"not JSON: {error}")
    return object_record(number, value)


def object_record(number: int, value: Any) -> Record:
    """A record of a JSON value, broken where this is no object."""
    if isinstance(value, dict):
        return Record(number, value)
    raw = orjson.dumps(value, default=str).decode()
    return Record(number, None, raw, f"a JSON {type(value).__name__}, not an object")


def json_records(path: Path) -> Iterator[Record]:
    """An array of objects, one object, or an object whose only list of objects is the data."""
    try:
        value = orjson.loads(path.read_bytes().removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        yield Record(1, None, path.read_text("utf-8", "replace"), f"not JSON: {error}")
        return
    if isinstance(value, dict):
        lists = [item for item in value.values() if isinstance(item, list) and item and isinstance(item[0], dict)]
        wrapped = len(lists) == 1 and set(value) & {"data", "rows", "examples", "instances"} and "prompt" not in value
        value = lists[0] if wrapped and "instruction" not in value else [value]
    for number, item in enumerate(value if isinstance(value, list) else [value], 1):
        yield object_record(number, item)


def csv_records(path: Path, delimiter: str) -> Iterator[Record]:
    """Rows of a CSV file with a header. A row with too few or too many fields is broken."""
    text = path.read_bytes().decode("utf-8-sig", "replace")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header: list[str] | None = None
    while True:
        start = reader.line_num + 1
        try:
            fields = next(reader, None)
        except csv.Error as error:
            yield Record(start, None, "\n".join(text.splitlines()[start - 1 : reader.line_num]), f"not CSV: {error}")
            continue
        if fields is None:
            return
        if header is None:
            header = [name.strip() for name in fields]
        elif LOST in "".join(fields):
            yield Record(start, None, delimiter.join(fields), NOT_UTF8)
        elif len(fields) == len(header):
            yield Record(start, dict(zip(header, fields, strict=True)))
        elif fields:
            raw = delimiter.join(fields)
            yield Record(start, None, raw, f"{len(fields)} fields, the header has {len(header)}")


def parquet_records(path: Path) -> Iterator[Record]:
    try:
        frame = pl.read_parquet(path)
    except pl.exceptions.PolarsError as error:
        yield Record(1, None, "", f"not Parquet: {error}")
        return
    for number, row in enumerate(frame.iter_rows(named=True), 1):
        yield Record(number, {name: value for name, value in row.items() if value is not None})


def text_lines(path: Path) -> Iterator[Record]:
    text = path.read_bytes().decode("utf-8-sig", "replace")
    for number, line in enumerate(text.splitlines(), 1):
        if LOST in line:
            yield Record(number, None, line, NOT_UTF8)
        elif line.strip():
            yield Record(number, {"text": line.strip()})
