"""Rows of a version's tables by their place, and the lines of the files that people brought."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from reports.versions.version import Version
from schemas.conversations import shown

SMALL = 4 * 2**20
"""Bytes of a table's files up to which it is read whole, once."""
LINE_CHARS = 2_000
"""Of a line that is quoted."""


class RowReader:
    """Reads rows of a version's tables; small tables are kept. Texts of large ones cost some 0.1 s a row group."""

    def __init__(self, version: Version) -> None:
        self.version = version
        self.files: dict[str, list[Path]] = {}
        self.frames: dict[str, pl.DataFrame] = {}

    def read(self, table: str, positions: Sequence[int]) -> list[dict[str, Any]]:
        """The rows at these places of a table, in their order. Raises MissingObject."""
        if table not in self.files:
            self.files[table] = self.version.files(table)
        files = self.files[table]
        if table not in self.frames and sum(file.stat().st_size for file in files) <= SMALL:
            self.frames[table] = pl.read_parquet(files)
        if table in self.frames:
            return self.frames[table][list(positions)].to_dicts()
        return [pl.scan_parquet(files).slice(position, 1).collect().to_dicts()[0] for position in positions]

    def is_small(self, table: str) -> bool:
        """Whether reading all of a table's texts costs nothing."""
        return table in self.frames or sum(file.stat().st_size for file in self.version.files(table)) <= SMALL

    def narrow(self, table: str, position: int) -> dict[str, Any]:
        """A row without its long texts, which stand apart in a Parquet file and are not touched."""
        scan = pl.scan_parquet(self.version.files(table))
        names = [name for name in scan.collect_schema().names() if name not in LONG]
        return scan.select(names).slice(position, 1).collect().to_dicts()[0]

    def sources(self, table: str, positions: Sequence[int]) -> list[str]:
        """The `source` of rows, "" where they have none; of rows that ingest dropped, the place that their detail names."""
        scan = pl.scan_parquet(self.version.files(table))
        names = scan.collect_schema().names()
        column = "source" if "source" in names else None
        if table == "data/dropped/ingest.parquet":
            found = scan.select(pl.col("detail").str.extract(r"^(.+?:\d+): ")).collect().to_series()
        elif column is None:
            return [""] * len(positions)
        else:
            found = scan.select(column).collect()[column]
        return [one or "" for one in found[list(positions)]]


LONG = frozenset(
    "prompt completion chosen rejected text reference context solution raw article tests setup explanation".split()
)
"""Columns of texts."""


class SourceLine(NamedTuple):
    """A place in a file that people brought, and what stands there. `text` is None where the file is not to be had."""

    file: str
    number: int
    text: str | None

    @property
    def place(self) -> str:
        return f"{self.file}:{self.number}"


def source_line(version: Version, source: str, contents: dict[str, list[bytes]] | None = None) -> SourceLine | None:
    """The line that a row's `source` names (file:line), as it is at the version; None for another text.

    `contents` keeps files that were read. Records of a file without lines (Parquet, Arrow) have a number and no text.
    """
    file, _, number = source.rpartition(":")
    if not file or not number.isdecimal():
        return None
    contents = {} if contents is None else contents
    if file not in contents:
        try:
            content = version.content(file)
        except (OSError, ValueError):
            content = None
        contents[file] = [] if content is None or b"\0" in content[:4096] else content.split(b"\n")
    lines, place = contents[file], int(number)
    if not 0 < place <= len(lines):
        return SourceLine(file, place, None)
    return SourceLine(
        file, place, lines[place - 1][: LINE_CHARS * 4].decode("utf-8", errors="replace")[:LINE_CHARS].rstrip("\r")
    )


def text_of(row: Mapping[str, Any]) -> str:
    """What a row says, in one text: its prompt or its own text, the last turn of a conversation."""
    for name in ("prompt", "text", "raw", "name", "detail"):
        value = row.get(name)
        if isinstance(value, list) and value:
            return shown(value[-1])
        if isinstance(value, str) and value:
            return value
    return ""
