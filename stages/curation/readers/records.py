"""Records of JSONL, JSON, CSV, Parquet, Arrow and plain line files, one by one, broken ones with the reason."""

import csv
from collections import deque
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from stages.curation.readers.arrow import ARROW
from stages.curation.readers.json_text import NotJSON, as_json, check, check_depth, decode, decode_values, parse_json
from stages.curation.readers.lines import COMPRESSED, LOST, Line, kind_of, lines_of, shown, whole_text
from stages.curation.readers.record import FormatError, Record
from stages.curation.readers.tables import arrow_records, parquet_records

TEXTS = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".txt")
BINARY = (".parquet", *ARROW)
SUFFIXES = (*TEXTS, *BINARY)
LONGEST_FIELD = 2**26
"""Characters of a CSV field."""
REREAD = 2**23
"""Characters of a CSV file that are read again because a record before them was broken."""


def read_records(path: Path, encoding: str | None = None) -> Iterator[Record]:
    """Records of one file. `encoding`: of a text file without byte order mark, None for UTF-8.

    Raises FormatError for a suffix that no reader knows, for a file that is none of its suffix, and for a CSV header that
    names a column twice.
    """
    if what := disguised(path):
        raise FormatError(f"{path} is {what}")
    match kind_of(path):
        case ".jsonl" | ".ndjson" | ".json":
            yield from json_records(path, encoding)
        case ".csv":
            yield from csv_records(path, ",", encoding)
        case ".tsv":
            yield from csv_records(path, "\t", encoding)
        case ".txt":
            yield from text_lines(path, encoding)
        case ".parquet" if path.suffix.lower() == ".parquet":
            yield from parquet_records(path)
        case kind if kind in ARROW and path.suffix.lower() == kind:
            yield from arrow_records(path)
        case _:
            raise FormatError(
                f"{path}: no reader for {path.suffix or 'a file without suffix'}; tried {', '.join(SUFFIXES)}, and "
                f"texts with {', '.join(COMPRESSED)} behind. Rename, unpack or convert the file, or exclude it from "
                "the path in params.yaml"
            )


def disguised(path: Path) -> str:
    """What a file is that its name does not say, with the remedy; "" for any other."""
    with path.open("rb") as file:
        head = file.read(40)
    if head.startswith(b"PK\3\4") and kind_of(path) in SUFFIXES:
        return "a zip archive or an Excel workbook, whatever its name says; unpack it, or save it as CSV or Parquet"
    if head.startswith(b"version https://git-lfs.github.com/"):
        return "a pointer of Git LFS, not the file; call `git lfs pull` where it comes from"
    return ""


def broken(line: Line) -> Record:
    return Record(line.number, None, shown(line.text.strip()), line.error)


def json_records(path: Path, encoding: str | None = None) -> Iterator[Record]:
    """Objects of a JSON or JSON Lines file, whatever its name says.

    A file may hold an object a line, an array of objects, one object, an object whose only list of objects is the data,
    or objects that follow one another over any number of lines.
    """
    begin = list(islice(filled_lines(path, encoding), 2))
    by_line = kind_of(path) != ".json"
    if not begin or (by_line and is_object_a_line(begin)):
        yield from map(line_record, filled_lines(path, encoding))
        return
    text, error = whole_text(path, encoding)
    try:
        if error and LOST not in text:
            raise NotJSON(error)
        yield from list(whole_records(text, error))
        return
    except NotJSON as fault:
        reason = str(fault)
    if begin[0].text.lstrip().startswith("["):
        found = [record for line in filled_lines(path, encoding) if (record := array_line(line))]
    else:
        found = [line_record(line) for line in filled_lines(path, encoding)]
    has_object = any(record.value is not None for record in found)
    yield from found if by_line or has_object else [Record(1, None, shown(text.strip()), reason)]


def is_object_a_line(begin: list[Line]) -> bool:
    """Whether the first two lines of a file are those of JSON Lines, though the first may be broken."""
    if begin[0].error or line_record(begin[0]).value is not None:
        return True
    return begin[0].text.strip() not in ("[", "{") and any(line_record(line).value is not None for line in begin[1:])


def filled_lines(path: Path, encoding: str | None) -> Iterator[Line]:
    return (line for line in lines_of(path, encoding) if line.error or not line.text.isspace())


def line_record(line: Line) -> Record:
    """The record of a line that holds one JSON value."""
    if line.error:
        return broken(line)
    try:
        return object_record(line.number, parse_json(line.text))
    except NotJSON as error:
        return broken(line._replace(error=str(error)))


def array_line(line: Line) -> Record | None:
    """The record of a line of an array with an object a line: its commas and brackets go. None where nothing is left."""
    text = line.text.strip()
    if text in ("[", "]", "],", ","):
        return None
    record = line_record(line._replace(text=text.lstrip("[, \t").rstrip("], \t")))
    return record if record.value is not None else line_record(line)


def whole_records(text: str, error: str) -> Iterator[Record]:
    """Records of a text that is one JSON value, or several in a row. Raises NotJSON."""
    try:
        value, is_sound = decode(text)
        items = list(enumerate(items_of(value), 1))
    except NotJSON:
        items, is_sound = list(decode_values(text)), False
    for number, item in items:
        try:
            check_depth(item)
            if error or not is_sound:
                check(item, error)
        except NotJSON as fault:
            yield Record(number, None, shown(as_json(item)), str(fault))
        else:
            yield object_record(number, item)


def items_of(value: Any) -> list[Any]:
    """The records of a JSON value: an array's items, those of an object whose only list of objects is the data, or itself."""
    if isinstance(value, dict):
        lists = [item for item in value.values() if isinstance(item, list) and item and isinstance(item[0], dict)]
        wrapped = len(lists) == 1 and set(value) & {"data", "rows", "examples", "instances"} and "prompt" not in value
        return lists[0] if wrapped and "instruction" not in value else [value]
    return value if isinstance(value, list) else [value]


def object_record(number: int, value: Any) -> Record:
    """A record of a JSON value, broken where this is no object."""
    if isinstance(value, dict):
        return Record(number, value)
    return Record(number, None, shown(as_json(value)), f"a JSON {type(value).__name__}, not an object")


class Feed:
    """Lines for Python's CSV reader; those of a broken record can be given back.

    Once REREAD characters were, a record is one line: else a file of quotation marks would be read once for each of them.
    """

    def __init__(self, lines: Iterator[Line]):
        self.lines, self.waiting = lines, deque[Line]()
        self.taken: list[Line] = []
        self.left = REREAD

    def __iter__(self) -> "Feed":
        return self

    def __next__(self) -> str:
        if self.taken and self.left < 0:
            raise StopIteration
        line = self.waiting.popleft() if self.waiting else next(self.lines)
        self.taken.append(line)
        return line.text

    def give_back(self) -> None:
        """All lines that were taken but the first."""
        self.left -= sum(len(line.text) for line in self.taken[1:])
        self.waiting.extendleft(reversed(self.taken[1:]))
        del self.taken[1:]


def csv_records(path: Path, delimiter: str, encoding: str | None = None) -> Iterator[Record]:
    """Rows of a CSV file with a header. A row with too few or too many fields is broken.

    After a row that is no CSV (a quotation mark that nothing closes) reading goes on with the next line; in a file of many
    such rows the later ones are lines.
    """
    csv.field_size_limit(LONGEST_FIELD)
    feed = Feed(lines_of(path, encoding, keep_ends=True))
    if delimiter == ",":
        delimiter = delimiter_of(feed)
    reader = csv.reader(feed, delimiter=delimiter, strict=True)
    header: list[str] | None = None
    while True:
        feed.taken.clear()
        try:
            fields = next(reader, None)
        except csv.Error as error:
            feed.give_back()
            reason = feed.taken[0].error or f"not CSV: {error}"
            yield broken(feed.taken[0]._replace(error=reason))
            continue
        if fields is None:
            return
        start, raw = feed.taken[0].number, "".join(line.text for line in feed.taken).rstrip("\r\n")
        if fault := next((line.error for line in feed.taken if line.error), ""):
            yield Record(start, None, shown(raw), fault)
        elif header is None:
            header = column_names(path, fields)
        elif len(fields) == len(header):
            yield Record(start, dict(zip(header, fields, strict=True)))
        elif fields:
            yield Record(start, None, shown(raw), f"{len(fields)} fields, the header has {len(header)}")


def delimiter_of(feed: Feed) -> str:
    """What parts the fields of a header: a comma, or where it has none a semicolon (Excel in much of Europe) or a tab."""
    feed.waiting.extend(islice(feed.lines, 1))
    header = feed.waiting[0].text if feed.waiting else ""
    return "," if "," in header else next((mark for mark in ";\t" if mark in header), ",")


def column_names(path: Path, fields: list[str]) -> list[str]:
    """Raises FormatError where two columns have one name."""
    names = [name.strip() for name in fields]
    if twice := sorted({name for name in names if name and names.count(name) > 1}):
        raise FormatError(f"{path}: the header names {', '.join(twice)} twice; give each column its own name")
    return names


def text_lines(path: Path, encoding: str | None = None) -> Iterator[Record]:
    for line in lines_of(path, encoding):
        if line.error:
            yield broken(line)
        elif text := line.text.strip():
            yield Record(line.number, {"text": text})
