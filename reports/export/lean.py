"""Columns of any type as JSON text: whole batches at once, without keys that say nothing.

A null has no key. Within an object an empty list has none either: chat templates ask whether there is a key `tool_calls`.
Text that is JSON already (arguments of a call, definitions of tools) is put in as it is.
"""

from collections.abc import Collection
from typing import Any

import polars as pl

NONE: frozenset[str] = frozenset()


def json_of(value: pl.Expr, kind: pl.DataType, raw: Collection[str] = NONE, name: str = "") -> pl.Expr:
    """A value as JSON text, null where it is null. `raw`: names of fields that hold JSON text; `name`: this one's."""
    match kind:
        case pl.Struct():
            return pl.when(value.is_not_null()).then(
                object_of(
                    {part.name: (value.struct.field(part.name), instance(part.dtype)) for part in kind.fields}, raw
                )
            )
        case pl.List():
            inner = json_of(pl.element(), kind.inner, raw, name).fill_null("null")  # type: ignore[arg-type]
            return pl.concat_str(pl.lit("["), value.list.eval(inner).list.join(","), pl.lit("]"))
        case pl.String() if name in raw:
            return value.str.replace_all("[\r\n]", " ")  # between tokens: within a text of JSON they are escapes
        case pl.Boolean() | pl.Int64():
            return value.cast(pl.String).str.to_lowercase()
    return encoded(value)


def instance(kind: Any) -> pl.DataType:
    """A type as an object: `pl.String` itself would match no case."""
    return kind() if isinstance(kind, type) else kind


def encoded(value: pl.Expr) -> pl.Expr:
    """Text or a float as JSON: what Polars writes of an object with one key, without that key."""
    text = pl.struct(value.alias("v")).struct.json_encode()
    return pl.when(value.is_not_null()).then(text.str.slice(5).str.strip_suffix("}"))


def object_of(
    fields: dict[str, tuple[pl.Expr, pl.DataType]], raw: Collection[str] = NONE, keep_empty: bool = False
) -> pl.Expr:
    """An object of fields (value, type). `keep_empty`: also lists without items, as columns of a table have them."""
    parts = []
    for name, (value, kind) in fields.items():
        says = value.is_not_null()
        if isinstance(kind, pl.List) and not keep_empty:
            says = says & (value.list.len() > 0)
        text = pl.concat_str(pl.lit(f',"{name}":'), json_of(value, kind, raw, name))
        parts.append(pl.when(says).then(text).otherwise(pl.lit("")))
    return pl.concat_str(pl.lit("{"), pl.concat_str(parts).str.strip_prefix(","), pl.lit("}"))


def lines(frame: pl.DataFrame, raw: Collection[str] = NONE) -> pl.DataFrame:
    """`line`: each row as one line of JSON Lines."""
    fields = {name: (pl.col(name), kind) for name, kind in frame.schema.items()}
    return frame.select(line=object_of(fields, raw, keep_empty=True))
