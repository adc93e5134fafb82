"""The diff as JSON: everything of it, the ids of all touched rows, samples without secrets. Equal versions give equal bytes."""

import dataclasses
import math
from typing import Any

import orjson
import polars as pl

from cultivar.outgoing.redaction import redacted
from reports.diff.model import Diff
from reports.versions.version import Version

LEFT_OUT = {("CellDiff", "old"), ("CellDiff", "new")}
"""The words of a difference say it; whole texts would be there twice."""


def diff_json(diff: Diff) -> bytes:
    """UTF-8, keys in the order of the model, indented."""
    return orjson.dumps(plain(diff), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS)


def plain(value: Any) -> Any:
    """What JSON can say of a value."""
    if isinstance(value, Version):
        return {"name": value.name, "commit": value.commit, "title": redacted(value.title), "date": value.date}
    if isinstance(value, pl.DataFrame):  # ids and names of columns: many, and no texts of rows
        return {name: column.to_list() for name, column in value.to_dict().items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        name = type(value).__name__
        fields = [one.name for one in dataclasses.fields(value) if (name, one.name) not in LEFT_OUT]
        return {"type": name} | {field: plain(getattr(value, field)) for field in fields}
    if isinstance(value, dict) or hasattr(value, "items"):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(one) for one in (sorted(value) if isinstance(value, set | frozenset) else value)]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str):
        return redacted(value)
    return value if value is None or isinstance(value, bool | int) else redacted(str(value))
