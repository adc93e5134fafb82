"""Rows of CSV with any delimiter, as records; broken ones with the reason."""

import csv
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from stages.curation.params import NO_DELIMITERS
from stages.curation.readers.cells import value_of_cell
from stages.curation.readers.lines import Line, kind_of, lines_of, shown
from stages.curation.readers.record import FormatError, Reading, Record

LONGEST_FIELD = 2**26
"""Characters of a CSV field."""
REREAD = 2**23
"""Characters of a CSV file that are read again because a record before them was broken."""
DELIMITERS = ",;\t|"
DELIMITER_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", " ": "spaces"}
SAMPLE_LINES, SAMPLE_CHARS = 100, 2**18
"""At most so much of a file tells its delimiter."""


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

    def look_ahead(self, most: int) -> None:
        """Have so many of the next lines waiting, or as many as are SAMPLE_CHARS long."""
        held = sum(len(line.text) for line in self.waiting)
        while len(self.waiting) < most and held < SAMPLE_CHARS and (line := next(self.lines, None)) is not None:
            self.waiting.append(line)
            held += len(line.text)

    def give_back(self) -> None:
        """All lines that were taken but the first."""
        self.left -= sum(len(line.text) for line in self.taken[1:])
        self.waiting.extendleft(reversed(self.taken[1:]))
        del self.taken[1:]


def csv_records(path: Path, reading: Reading) -> Iterator[Record]:
    """Rows of a CSV file with a header. A row with too few or too many fields is broken, and every row below a broken header.

    After a row that is no CSV (a quotation mark that nothing closes) reading goes on with the next line; in a file of many
    such rows the later ones are lines. Excel's first line `sep=;` tells the delimiter. Raises FormatError for a header that
    names a column twice.
    """
    csv.field_size_limit(LONGEST_FIELD)
    feed = Feed(lines_of(path, reading.encoding, keep_ends=True))
    delimiter = delimiter_of(feed, reading.delimiter or announced(feed), path)
    reading.tried = f"CSV parted by {DELIMITER_NAMES.get(delimiter, delimiter)}, {reading.encoding or 'UTF-8'}"
    reader = csv.reader(feed, delimiter=delimiter, strict=True)
    header: list[str] | None = None
    no_header = ""
    while True:
        feed.taken.clear()
        fault = ""
        try:
            fields = next(reader, None)
        except csv.Error as error:
            feed.give_back()
            fields, fault = [], f"not CSV: {error}"
        if fields is None:
            return
        start, raw = feed.taken[0].number, shown("".join(line.text for line in feed.taken).strip("\r\n"))
        fault = next((line.error for line in feed.taken if line.error), fault)
        if fault and header is None and not no_header:
            no_header = f"its header (line {start}) is broken: {fault}"
        if fault or (no_header and fields):
            yield Record(start, None, raw, fault or no_header)
        elif header is None:
            header = column_names(path, fields) if fields else None  # an empty line above it
            reading.columns.update(header or ())
        elif len(fields) == len(header):
            yield Record(start, dict(zip(header, map(value_of_cell, fields), strict=True)))
        elif fields:
            yield Record(start, None, raw, f"{len(fields)} fields, the header has {len(header)}")


def announced(feed: Feed) -> str | None:
    """The delimiter that a first line `sep=;` names, as Excel writes and reads it; the line is taken."""
    feed.look_ahead(1)
    first = feed.waiting[0].text.removeprefix("\ufeff").rstrip("\r\n") if feed.waiting else ""
    if len(first) != 5 or first[:4].lower() != "sep=" or first[4] in NO_DELIMITERS:
        return None
    feed.waiting.popleft()
    return first[4]


def delimiter_of(feed: Feed, named: str | None, path: Path) -> str:
    """What parts the fields: as `named`, else the mark with which the most of the first rows have the header's fields.

    Of equal ones the first of DELIMITERS (a tab in .tsv). A mark that parts no header is none.
    """
    feed.look_ahead(SAMPLE_LINES)
    if named:
        return named
    usual = "\t" if kind_of(path) == ".tsv" else DELIMITERS[0]
    sample = [line.text for line in feed.waiting if line.text.strip()]
    marks = [usual, *(mark for mark in DELIMITERS if mark != usual)]
    return max(marks, key=lambda mark: fit(sample, mark))  # the first of equal ones


def fit(sample: list[str], delimiter: str) -> tuple[bool, float]:
    """Whether a mark parts the header, and the share of the rows behind that have its number of fields."""
    rows: list[int] = []
    reader = csv.reader(iter(sample), delimiter=delimiter)
    while True:
        try:
            fields = next(reader, None)
        except csv.Error:
            continue
        if fields is None:
            break
        rows.append(len(fields))
    if not rows or rows[0] < 2:
        return False, 0.0
    share = rows[1:].count(rows[0]) / max(1, len(rows) - 1)
    return share > 0 or len(rows) == 1, share


def column_names(path: Path, fields: list[str]) -> list[str]:
    """The header's names; a column without one goes by its number. Raises FormatError where two columns have one name."""
    names = [name.strip() or f"column {number}" for number, name in enumerate(fields, 1)]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise FormatError(f"{path}: the header names {', '.join(twice)} twice; give each column its own name")
    return names
