"""Lines of a text file: expanded where it is compressed, in its own encoding, each with the reason where it is broken.

Only \\n, \\r\\n and \\r end a line: U+2028, vertical tabs, form feeds and their like are text.
"""

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from cultivar.outgoing.redaction import without_secrets
from stages.curation.readers.encodings import HEAD, LOST, encoding_of, fault_of
from stages.curation.readers.record import Record

COMPRESSED = (".gz", ".bz2", ".xz", ".zst")
LONGEST = 2**26
"""Characters of a line; a longer one is broken."""
RAW_CHARS = 10_000
"""Characters of a broken record that are kept."""
LEAST_EXPANDED, MOST_FOLD = 2**28, 200
"""A file that grows beyond the first (bytes) by more than the second is taken for a decompression bomb."""


class Line(NamedTuple):
    """A line with its end (\\n). `error` says why it is broken; bytes that are no text then stand as LOST."""

    number: int
    text: str
    error: str = ""


def kind_of(path: Path) -> str:
    """The suffix that tells the format, in lower case: `.jsonl` of a.jsonl and of a.JSONL.gz."""
    suffix = path.suffix.lower()
    return Path(path.stem).suffix.lower() if suffix in COMPRESSED else suffix


def stem_of(path: Path) -> str:
    """The name without its suffixes: `a` of a.txt and of a.txt.gz."""
    return Path(path.stem).stem if path.suffix.lower() in COMPRESSED else path.stem


class Expanded(io.RawIOBase):
    """The decompressed bytes of a stream. They end early where it is damaged or grows too far; `fault` says so."""

    def __init__(self, stream: Any, size: int):
        self.stream, self.size = stream, size
        self.expanded, self.fault = 0, ""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            chunk = self.stream.read(min(len(buffer), 2**20))
        except (EOFError, OSError, ValueError, zlib.error, lzma.LZMAError) as error:
            self.fault = f"the compressed file is damaged or cut short here: {error}"
            return 0
        self.expanded += len(chunk)
        if self.expanded > max(LEAST_EXPANDED, MOST_FOLD * self.size):
            self.fault = f"the file expands to more than {MOST_FOLD} times its size; if that is right, decompress it"
            return 0
        buffer[: len(chunk)] = chunk
        return len(chunk)


@contextmanager
def expanded(path: Path) -> Iterator[Expanded]:
    """The bytes of a file, decompressed where its first bytes say that it is compressed (the name may not)."""
    with path.open("rb") as file:
        size = path.stat().st_size
        head = file.peek(10)[:10]
        stream: Any = file
        if head.startswith(b"\x1f\x8b"):
            stream = gzip.GzipFile(fileobj=file)
        elif head.startswith(b"BZh") and head[4:10] in (b"1AY&SY", b"\x17rE8P\x90"):
            stream = bz2.BZ2File(file)
        elif head.startswith(b"\xfd7zXZ\0"):
            stream = lzma.LZMAFile(file)  # noqa: SIM115  (it closes nothing but the file)
        elif head.startswith(b"\x28\xb5\x2f\xfd") or (head[1:4] == b"\x2a\x4d\x18" and head[0] & 0xF0 == 0x50):
            stream = pa.CompressedInputStream(pa.PythonFile(file), "zstd")
        else:
            size = 2**62  # nothing to expand
        yield Expanded(stream, size)


def lines_of(path: Path, encoding: str | None = None, keep_ends: bool = False) -> Iterator[Line]:
    """Lines of a file, one by one. `keep_ends`: \\r\\n and \\r stay as they are, else they become \\n."""
    with expanded(path) as stream:
        binary = io.BufferedReader(stream, 2**18)
        name = encoding_of(binary.peek(HEAD)[:HEAD], encoding)
        newline = "" if keep_ends else None
        text = io.TextIOWrapper(binary, name, errors="cultivar-lost", newline=newline)
        last = Line(0, "\n")
        while part := text.readline(LONGEST):
            if last.number:
                yield last
            number, error = last.number + 1, ""
            if len(part) == LONGEST and not part.endswith(("\n", "\r")):
                error = f"a line of more than {LONGEST:,} characters"
                skip_line(text)
            last = Line(number, part if number > 1 else part.removeprefix("\ufeff"), error or fault_of(part, name))
        if stream.fault and last.text.endswith(("\n", "\r")):
            yield from [last] if last.number else []
            yield Line(last.number + 1, "", stream.fault)
        elif last.number:
            yield last._replace(error=stream.fault or last.error)


def skip_line(text: io.TextIOWrapper) -> None:
    while (rest := text.readline(LONGEST)) and not rest.endswith(("\n", "\r")):
        pass


def whole_text(path: Path, encoding: str | None = None) -> tuple[str, str]:
    """(text, error) of an entire file; the error as in `Line`."""
    with expanded(path) as stream:
        content = stream.read() or b""
        name = encoding_of(content[:HEAD], encoding)
        text = content.decode(name, "cultivar-lost").removeprefix("\ufeff")
        return text, stream.fault or fault_of(text, name)


def shown(text: str) -> str:
    """A broken text as it is kept: lost bytes as U+FFFD, and no more than RAW_CHARS of it."""
    text = text.replace(LOST, "\ufffd")
    if len(text) <= RAW_CHARS:
        return text
    text = without_secrets(text)  # of half a key nobody knows what it is
    return f"{text[:RAW_CHARS]}… ({len(text) - RAW_CHARS:,} more characters)"


def broken(line: Line) -> Record:
    return Record(line.number, None, shown(line.text.strip()), line.error)
