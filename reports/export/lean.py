"""Columns of any type as JSON text: whole batches at once, without keys that say nothing.

Within a column a null or an empty list has no key: chat templates ask whether there is a key `tool_calls`.
Text that is JSON already (arguments of a call, definitions of tools) is put in as it is.
"""

from collections.abc import Collection
from typing import Any

import polars as pl

NONE: frozenset[str] = frozenset()
OPTIONAL = frozenset({"tools"})
"""Columns that OpenAI's readers want to be absent where there is nothing in them."""


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


def object_of(fields: dict[str, tuple[pl.Expr, pl.DataType]], raw: Collection[str] = NONE) -> pl.Expr:
    """An object of fields (value, type) without those that say nothing."""
    parts = []
    for name, (value, kind) in fields.items():
        says = value.is_not_null()
        if isinstance(kind, pl.List):
            says = says & (value.list.len() > 0)
        text = pl.concat_str(pl.lit(f',"{name}":'), json_of(value, kind, raw, name))
        parts.append(pl.when(says).then(text).otherwise(pl.lit("")))
    return pl.concat_str(pl.lit("{"), pl.concat_str(parts).str.strip_prefix(","), pl.lit("}"))


def lines(frame: pl.DataFrame, raw: Collection[str] = NONE) -> pl.DataFrame:
    """`line`: each row as one line of JSON Lines. Every line has every column, but for OPTIONAL ones that are null: readers
    take the columns of a file from its first lines."""
    parts = []
    for name, kind in frame.schema.items():
        text = pl.concat_str(pl.lit(f',"{name}":'), json_of(pl.col(name), kind, raw, name))
        parts.append(text.fill_null("" if name in OPTIONAL else f',"{name}":null'))
    return frame.select(line=pl.concat_str(pl.lit("{"), pl.concat_str(parts).str.strip_prefix(","), pl.lit("}")))
