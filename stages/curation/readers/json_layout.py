"""Where the records of one JSON value stand: in an array, an object around one, an array a split, or an array a column."""

from collections.abc import Callable
from typing import Any, NamedTuple

from stages.curation.readers.json_text import NotJSON, Repeated
from stages.curation.readers.record import FormatError

WRAPPERS = frozenset({"data", "rows", "examples", "instances", "items", "records"})
SPLITS = frozenset(
    {
        *("train", "training", "test", "testing", "validation", "valid", "val", "dev", "eval", "evaluation", "heldout"),
        *("train_sft", "test_sft", "train_prefs", "test_prefs", "train_gen", "test_gen"),
    }
)
RECORD_FIELDS = frozenset({"prompt", "instruction", "question", "messages", "conversations", "problem", "text"})
"""An object with one of them that is no list of texts is a record, whatever lists it holds besides."""


class Layout(NamedTuple):
    """The records of a JSON value. `left`: what of it is in none of them, counts by name."""

    records: list[Any]
    left: dict[str, int]


def layout_of(value: Any, split: str) -> Layout:
    """The records of a JSON value: an array's items, those of the array that an object is around, or the value itself.

    Of an object of splits the one named `split`; of columns a record for each place. Raises FormatError for a split that
    is not there, NotJSON for columns of different lengths and for a key around records that stands twice.
    """
    if isinstance(value, list):
        return Layout(value, {})
    if not isinstance(value, dict) or not value:
        return Layout([value], {})
    for form in (wrapped, of_splits, of_columns):
        if (found := form(value, split)) is not None:
            if isinstance(value, Repeated):
                raise NotJSON(f"the key `{value.key}` stands twice, with different values")
            return found
    return Layout([value], {})


def wrapped(value: dict[str, Any], _: str) -> Layout | None:
    """The records of {"data": [{…}, …]}, maybe with a version, a name and the like beside."""
    lists = [name for name, item in value.items() if is_objects(item) and item]
    if len(lists) != 1 or lists[0] not in WRAPPERS or not RECORD_FIELDS.isdisjoint(value):
        return None
    others = {
        f"field {name} beside the records": 1 for name in value if name != lists[0] and value[name] not in (None, "")
    }
    return Layout(value[lists[0]], others)


def of_splits(value: dict[str, Any], split: str) -> Layout | None:
    """The records of {"train": [{…}, …], "test": […]}, of objects or of columns.

    What stands beside the splits (a version, a licence) is left.
    """
    if not RECORD_FIELDS.isdisjoint(value):
        return None
    splits: dict[str, list[Any]] = {}
    for name, item in value.items():
        if name in SPLITS or name == split:
            rows = item if is_objects(item) else rows_of_columns(item)
            if rows is not None:
                splits[name] = rows
    others = [name for name in value if name not in splits]
    if not any(splits.values()) or any(is_objects(value[name]) and value[name] for name in others):
        return None
    if split not in splits and len(splits) == 1 and others:  # a record with tests, say
        return None
    if split not in splits:
        raise FormatError(
            f"the file holds the splits {', '.join(splits)}, not {split}; name one as the source's `split` in params.yaml"
        )
    left = {f"rows of split {name}": len(rows) for name, rows in splits.items() if name != split}
    return Layout(splits[split], left | {f"field {name} beside the splits": 1 for name in others})


def of_columns(value: dict[str, Any], _: str) -> Layout | None:
    rows = rows_of_columns(value)
    return None if rows is None else Layout(rows, {})


def rows_of_columns(value: Any) -> list[dict[str, Any]] | None:
    """The rows of {"prompt": ["a", …], "answer": ["b", …]}, or of pandas' {"prompt": {"0": "a", …}, …}; None for others.

    Raises NotJSON for columns of different lengths.
    """
    if not isinstance(value, dict) or not value:
        return None
    columns = list(value.values())
    if any(is_objects(column) and column for name, column in value.items() if name in RECORD_FIELDS):
        return None  # one conversation, with lists beside its messages
    if all(isinstance(column, list) for column in columns):
        if not any(map(is_values, columns)):  # messages of one conversation, or nothing
            return None
        lengths = [len(column) for column in columns]
        if len(set(lengths)) > 1:
            named = ", ".join(f"{name} {length}" for name, length in zip(value, lengths, strict=True))
            raise NotJSON(f"columns of different lengths ({named}), so which values are of one row is unsure")
    elif all(isinstance(column, dict) and column.keys() == columns[0].keys() for column in columns):
        if not columns[0] or not all(key.isdecimal() for key in columns[0]):
            return None
        columns = [list(column.values()) for column in map(in_order, columns)]
    else:
        return None
    return [dict(zip(value, row, strict=True)) for row in zip(*columns, strict=True)]


def in_order(column: dict[str, Any]) -> dict[str, Any]:
    number: Callable[[str], tuple[int, str]] = lambda key: (len(key), key)  # noqa: E731
    return {key: column[key] for key in sorted(column, key=number)}


def is_objects(value: Any) -> bool:
    """Whether a value is a list with an object among its first items (others are broken records); an empty list is one."""
    return isinstance(value, list) and (not value or any(isinstance(item, dict) for item in value[:10]))


def is_values(column: list[Any]) -> bool:
    """Whether a list holds what cells hold: texts, numbers or lists, no objects."""
    return (
        bool(column) and not any(isinstance(item, dict) for item in column) and any(item is not None for item in column)
    )
