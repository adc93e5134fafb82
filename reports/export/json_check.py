"""Text that is to be JSON: rows whose arguments or tools are not are refused, since their file could not be read."""

import orjson
import polars as pl

from reports.export.rows import Product

JSON_FIELDS = frozenset({"arguments", "tools"})
"""Fields of rows that hold JSON text."""


def broken_json(frame: pl.DataFrame, chosen: Product) -> pl.Series:
    """Why the JSON text of a row is none; null where it is."""
    reasons = [pl.when(~is_json(frame["tools"], list)).then(pl.lit("tools are not a JSON list"))]
    for name in ("prompt", *chosen.answers):
        texts = (
            frame.select(row=pl.int_range(pl.len()), turn=pl.col(name))
            .explode("turn")
            .select("row", call=pl.col("turn").struct.field("tool_calls"))
            .filter(pl.col("call").list.len() > 0)
            .explode("call")
            .select("row", text=pl.col("call").struct.field("function").struct.field("arguments"))
        )
        if texts.height:
            broken = texts.filter(~is_json(texts["text"], dict))["row"].unique()
            at = pl.int_range(pl.len()).is_in(broken.implode())
            reasons.append(pl.when(at).then(pl.lit("arguments of a tool call are not a JSON object")))
    return frame.select(reason=pl.coalesce(reasons))["reason"]


def is_json(texts: pl.Series, kind: type) -> pl.Series:
    """Whether each text is JSON of that kind; true of null."""
    distinct = texts.drop_nulls().unique()
    broken = [text for text in distinct if not holds(text, kind)]
    return ~texts.is_in(broken).fill_null(False)


def holds(text: str, kind: type) -> bool:
    try:
        return isinstance(orjson.loads(text), kind)
    except orjson.JSONDecodeError:
        return False
