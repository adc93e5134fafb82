"""Records of a file, one by one, whatever its kind; broken ones with the reason."""

from collections.abc import Iterator
from pathlib import Path

from stages.curation.readers.arrow import ARROW
from stages.curation.readers.csv_records import csv_records
from stages.curation.readers.databases import DATABASES, database_records
from stages.curation.readers.json_records import json_records
from stages.curation.readers.lines import COMPRESSED, broken, kind_of, lines_of
from stages.curation.readers.record import FormatError, Reading, Record
from stages.curation.readers.tables import arrow_records, parquet_records

TEXTS = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".txt")
BINARY = (".parquet", *ARROW, *DATABASES)
SUFFIXES = (*TEXTS, *BINARY)
ARCHIVE = ".zip"


def read_records(path: Path, reading: Reading | None = None) -> Iterator[Record]:
    """Records of one file, read as `reading` says, where what is in no record is counted.

    Raises FormatError for a suffix that no reader knows, for a file that is none of its suffix, for a CSV header that names
    a column twice, and for a split or table that is not there.
    """
    reading = reading or Reading()
    if what := disguised(path):
        raise FormatError(f"{path} is {what}")
    kind = kind_of(path)
    if kind in BINARY and path.suffix.lower() != kind:
        kind = ""  # a compressed table
    match kind:
        case ".jsonl" | ".ndjson" | ".json":
            yield from json_records(path, reading)
        case ".csv" | ".tsv":
            yield from csv_records(path, reading)
        case ".txt":
            yield from text_lines(path, reading)
        case ".parquet":
            yield from parquet_records(path, reading)
        case kind if kind in ARROW:
            yield from arrow_records(path, reading)
        case kind if kind in DATABASES:
            yield from database_records(path, reading)
        case _:
            raise FormatError(
                f"{path}: {no_reader(path)}. Rename, unpack or convert the file, or exclude it from the path in params.yaml"
            )


def no_reader(path: Path) -> str:
    """Why a file is not read, "" where its suffix is one that a reader takes."""
    kind = kind_of(path)
    if kind in TEXTS or (kind in BINARY and path.suffix.lower() == kind):
        return ""
    return (
        f"no reader for {path.suffix or 'a file without suffix'}; tried {', '.join(SUFFIXES)}, texts with "
        f"{', '.join(COMPRESSED)} behind, and {ARCHIVE} around them"
    )


def disguised(path: Path) -> str:
    """What a file is that its name does not say, with the remedy; "" for any other."""
    with path.open("rb") as file:
        head = file.read(40)
    if head.startswith(b"PK\3\4") and kind_of(path) in SUFFIXES:
        return "a zip archive or an Excel workbook, whatever its name says; name it .zip, or save the workbook as CSV or Parquet"
    if head.startswith(b"version https://git-lfs.github.com/"):
        return "a pointer of Git LFS, not the file; call `git lfs pull` where it comes from"
    return ""


def text_lines(path: Path, reading: Reading) -> Iterator[Record]:
    reading.tried = f"text, a record a line, {reading.encoding or 'UTF-8'}"
    for line in lines_of(path, reading.encoding):
        if line.error:
            yield broken(line)
        elif text := line.text.strip():
            yield Record(line.number, {"text": text})
