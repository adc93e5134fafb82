"""One record of a file that people brought, how the file is read, and the error of a file that no reader takes."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from schemas.errors import UserError


class FormatError(UserError, ValueError):
    """A file's format cannot be detected; the message lists what was tried and why each does not fit."""


class Record(NamedTuple):
    """One record of a file. `line` is its line (JSONL, CSV, text) or its number (JSON, Parquet, Arrow, SQLite), from 1.

    `value` is None where the record is broken; `error` then says why and `raw` holds its text.
    """

    line: int
    value: dict[str, Any] | None
    raw: str = ""
    error: str = ""


@dataclass(slots=True)
class Reading:
    """How one file is read, as its source says, and what is noted meanwhile.

    `encoding`: of a text without byte order mark; `delimiter`: of CSV; `table`: of SQLite; `split`: of a JSON file of
    several. `left`: what of the file is in no record, counts by name. `columns`: those of a table, also where they hold
    nothing. `tried`: what the file was read as, for errors.
    """

    encoding: str | None = None
    delimiter: str | None = None
    table: str | None = None
    split: str = "train"
    left: dict[str, int] = field(default_factory=dict)
    columns: set[str] = field(default_factory=set)
    tried: str = ""
