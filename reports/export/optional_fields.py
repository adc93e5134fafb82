"""Which optional fields of a table's rows hold something in any row, told from the columns of a Parquet file alone."""

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

COLUMNS = {"prompt", "completion", "chosen", "rejected"}
PLAIN = {"role", "content"}


def held_fields(files: Iterable[Path]) -> frozenset[str]:
    """Of `tools` and the fields of messages beside role and content, those that are not null everywhere.

    Fields of a call of a tool (`tool_calls.function.name` …) count as `tool_calls`.
    """
    found: set[str] = set()
    for path in files:
        with parquet.ParquetFile(path) as file:
            for number in range(file.metadata.num_columns):
                place = file.schema.column(number).path
                name = optional_field(place)
                if name is not None and name not in found and holds(file, number, place):
                    found.add(name)
    return frozenset(found)


def optional_field(place: str) -> str | None:
    """The optional field that a column of a Parquet file belongs to."""
    root, *rest = place.split(".")
    if root == "tools" and not rest:
        return "tools"
    if root not in COLUMNS or "tool_calls" in rest:
        return "tool_calls" if root in COLUMNS else None
    return rest[-1] if rest and rest[-1] not in PLAIN else None


def holds(file: parquet.ParquetFile, number: int, place: str) -> bool:
    """Whether a column has a value that is not null."""
    groups = []
    for group in range(file.metadata.num_row_groups):
        column = file.metadata.row_group(group).column(number)
        told = column.statistics if column.is_stats_set else None
        if told is None or not told.has_null_count or told.null_count < column.num_values:
            groups.append(group)
    return any(has_value(batch.column(0)) for batch in file.iter_batches(columns=[place], row_groups=groups))


def has_value(values: pa.Array) -> bool:
    while not isinstance(values, pa.StringArray | pa.LargeStringArray | pa.StringViewArray):
        if isinstance(values, pa.StructArray):
            values = values.flatten()[0]
        elif isinstance(values, pa.ListArray | pa.LargeListArray):
            values = values.flatten()
        else:
            break
    return values.null_count < len(values)
