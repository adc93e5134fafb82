"""Plain conversations of a JSON Lines file in columns; every other line is left as it is.

A line is parsed by orjson. It is taken where that is all that `json_text.decode` would do: no key can stand twice, since
there are no more marks of keys in the line than keys in its value.
"""

import codecs
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import orjson
import polars as pl

from stages.curation.readers.bulk.batch import Batch, NotInBulk
from stages.curation.readers.bulk.chats import Turns, plain_conversations
from stages.curation.readers.bulk.names import OPENAI, SHAREGPT, UNREAD
from stages.curation.readers.fields import field_name, holds
from stages.curation.readers.lines import LONGEST, Line, expanded, fault_of
from stages.curation.readers.records import line_record

CHUNK = 2**23
"""Bytes of a file that are read at once."""
KEY = re.compile(rb'"\s*:')
SPACED = tuple(b'"' + space for space in (b" ", b"\t", b"\n", b"\r"))
TEXTS = {str}
SIMPLE = {str, int, float, bool, type(None)}


def json_line_batches(path: Path, field: str) -> list[Batch[Line]]:
    """The lines of a UTF-8 file with conversations in `field`. Raises NotInBulk: damaged, another encoding, one long line."""
    return [read_lines(lines, field) for lines in line_chunks(path)]


class Lines(NamedTuple):
    """Consecutive lines without their ends, and the number of the first; `is_cut`: the last one has no end."""

    first: int
    lines: list[bytes]
    is_cut: bool = False

    def line(self, place: int) -> Line | None:
        """A line as `lines.lines_of` gives it; None for an empty one."""
        number, line = self.first + place, self.lines[place]
        is_last = self.is_cut and place == len(self.lines) - 1
        text = (line if is_last else line + b"\n").decode("utf-8", "cultivar-lost")
        text = text.removeprefix("\ufeff") if number == 1 else text
        error = fault_of(text, "utf-8")
        return Line(number, text, error) if error or not text.isspace() else None


def line_chunks(path: Path) -> Iterator[Lines]:
    """All lines of a file. \\n, \\r\\n and \\r end one. Raises NotInBulk."""
    number, rest = 1, b""
    with expanded(path) as stream:
        file = io.BufferedReader(stream, 2**18)
        head = file.peek(4)[:4]
        if head.startswith(codecs.BOM_UTF8):
            file.read(len(codecs.BOM_UTF8))
        elif head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)):
            raise NotInBulk
        while chunk := file.read(CHUNK):
            whole, end, after = chunk.rpartition(b"\n")
            if not end:
                rest += after
            else:
                lines = split(rest + whole)
                yield Lines(number, lines)
                number, rest = number + len(lines), after
            if len(rest) > LONGEST - 2 * CHUNK:
                raise NotInBulk
        if stream.fault:
            raise NotInBulk
    if rest:
        yield Lines(number, split(rest), not rest.endswith(b"\r"))


def split(text: bytes) -> list[bytes]:
    """The lines of a text without its last line's end, or without \\n of that."""
    if b"\r" in text:
        text = text.replace(b"\r\n", b"\n").removesuffix(b"\r").replace(b"\r", b"\n")
    return text.split(b"\n")


def read_lines(chunk: Lines, field: str) -> Batch[Line]:
    """The lines as a batch of which those with a plain conversation in `field` are read."""
    lines = chunk.lines
    roles: list[str] = []
    contents: list[str] = []
    lengths = np.zeros(len(lines), np.int64)
    left: dict[int, tuple[str, ...]] = {}
    for place, line in enumerate(lines):
        try:
            value = orjson.loads(line)
            turns = value[field]
            speaker, says = OPENAI if "role" in turns[0] else SHAREGPT
            spoken, said = [turn[speaker] for turn in turns], [turn[says] for turn in turns]
            keys = sum(map(len, turns))
        except (ValueError, KeyError, TypeError, IndexError):
            continue
        if keys != 2 * len(turns) or {*map(type, spoken), *map(type, said)} != TEXTS or type(turns) is not list:
            continue
        if len(value) > 1:
            rest = {name: item for name, item in value.items() if name != field}
            if not (UNREAD.issuperset(rest) and SIMPLE.issuperset(map(type, rest.values()))):
                continue
            left[place] = tuple(field_name(name) for name, item in rest.items() if holds(item))
        if marks_of_keys(line) != keys + len(value):
            continue
        roles += spoken
        contents += said
        lengths[place] = len(turns)
    read = Turns(pl.Series(roles, dtype=pl.String), pl.Series(contents, dtype=pl.String), lengths)
    is_plain, rows = plain_conversations(read)
    numbers = pl.Series("line", chunk.first + np.flatnonzero(is_plain))

    return Batch.of(is_plain, rows.select(numbers, pl.all()), left, chunk.line, line_record)


def marks_of_keys(line: bytes) -> int:
    """Quotation marks with a colon behind: as many as a JSON text has keys, or more."""
    if any(mark in line for mark in SPACED):
        return len(KEY.findall(line))
    return line.count(b'":')
