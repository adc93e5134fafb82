"""One record of a file that people brought, and the error of a file that no reader takes."""

from typing import Any, NamedTuple

from schemas.errors import UserError


class FormatError(UserError, ValueError):
    """A file's format cannot be detected; the message lists what was tried and why each does not fit."""


class Record(NamedTuple):
    """One record of a file. `line` is its line (JSONL, CSV, text) or its number (JSON, Parquet, Arrow), from 1.

    `value` is None where the record is broken; `error` then says why and `raw` holds its text.
    """

    line: int
    value: dict[str, Any] | None
    raw: str = ""
    error: str = ""
