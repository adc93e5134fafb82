"""Records of JSON and JSON Lines, however they are laid out; broken ones with the reason."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from stages.curation.readers.encodings import LOST
from stages.curation.readers.json_layout import layout_of
from stages.curation.readers.json_text import NotJSON, as_json, check, check_depth, decode, decode_values, parse_json
from stages.curation.readers.lines import Line, broken, kind_of, lines_of, shown, whole_text
from stages.curation.readers.record import FormatError, Reading, Record


def json_records(path: Path, reading: Reading) -> Iterator[Record]:
    """Objects of a JSON or JSON Lines file, whatever its name says.

    A file may hold an object a line, one value that is laid out as json_layout says, or objects that follow one another
    over any number of lines. Raises FormatError for a split that is not there.
    """
    encoding = reading.encoding
    begin = list(islice(filled_lines(path, encoding), 2))
    by_line = kind_of(path) != ".json"
    reading.tried = f"JSON{' Lines' if by_line else ''}, {encoding or 'UTF-8'}"
    if not begin or (by_line and is_object_a_line(begin, reading.split)):
        yield from map(line_record, filled_lines(path, encoding))
        return
    text, error = whole_text(path, encoding)
    try:
        if error and LOST not in text:
            raise NotJSON(error)
        yield from list(whole_records(path, text, error, reading))
        return
    except NotJSON as fault:
        reason = str(fault)
    if begin[0].text.lstrip().startswith("["):
        found = [record for line in filled_lines(path, encoding) if (record := array_line(line))]
    else:
        found = [line_record(line) for line in filled_lines(path, encoding)]
    has_object = any(record.value is not None for record in found)
    yield from found if by_line or has_object else [Record(1, None, shown(text.strip()), reason)]


def is_json_lines(path: Path, reading: Reading) -> bool:
    """Whether a file is read as an object a line, and is not empty."""
    begin = list(islice(filled_lines(path, reading.encoding), 2)) if kind_of(path) in (".jsonl", ".ndjson") else []
    return bool(begin) and is_object_a_line(begin, reading.split)


def is_object_a_line(begin: list[Line], split: str) -> bool:
    """Whether the first two lines of a file are those of JSON Lines, though the first may be broken.

    One line alone may be an object around all records.
    """
    first = line_record(begin[0])
    if len(begin) == 1:
        return bool(begin[0].error) or (first.value is not None and is_one_record(first.value, split))
    if begin[0].error or first.value is not None:
        return True
    return begin[0].text.strip() not in ("[", "{") and any(line_record(line).value is not None for line in begin[1:])


def is_one_record(value: dict[str, Any], split: str) -> bool:
    try:
        return layout_of(value, split).records == [value]
    except (FormatError, NotJSON):
        return False


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


def whole_records(path: Path, text: str, error: str, reading: Reading) -> Iterator[Record]:
    """Records of a text that is one JSON value, or several in a row. Raises NotJSON."""
    try:
        value, is_sound = decode(text)
    except NotJSON:
        items, is_sound = list(decode_values(text)), False
    else:
        try:
            layout = layout_of(value, reading.split)
        except NotJSON as fault:
            yield Record(1, None, shown(as_json(value)), str(fault))
            return
        except FormatError as fault:
            raise FormatError(f"{path}: {fault}") from fault
        items = list(enumerate(layout.records, 1))
        reading.left |= layout.left
    for number, item in items:
        try:
            check_depth(item)
            if error or not is_sound:
                check(item, error)
        except NotJSON as fault:
            yield Record(number, None, shown(as_json(item)), str(fault))
        else:
            yield object_record(number, item)


def object_record(number: int, value: Any) -> Record:
    """A record of a JSON value, broken where this is no object."""
    if isinstance(value, dict):
        return Record(number, value)
    return Record(number, None, shown(as_json(value)), f"a JSON {type(value).__name__}, not an object")
