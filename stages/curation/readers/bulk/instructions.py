"""Rows of instructions from plain conversations; their ids are those of `schemas.ids.content_id`, worked out from JSON text."""

import hashlib
from collections.abc import Iterable
from typing import Any

import polars as pl

from schemas.rows import Instruction
from schemas.table import polars_schema
from stages.curation.params import SourceFile


def instruction_rows(plain: pl.DataFrame, file: str, source: SourceFile) -> pl.DataFrame:
    """Rows of `plain` (`line`, `prompt` and `reference`, of one message) in the columns of Instruction."""
    columns: dict[str, Any] = {
        "id": pl.Series(ids_of(plain, source.domain), dtype=pl.String),
        "source": pl.format("{}:{}", pl.lit(file), "line"),
        "license": pl.lit(source.license),
        "split": pl.lit(source.split),
        "domain": pl.lit(source.domain),
    }
    schema = polars_schema(Instruction)
    rows = plain.with_columns(**columns).with_columns(
        pl.lit([] if isinstance(dtype, pl.List) else None, dtype).alias(name)
        for name, dtype in schema.items()
        if name not in (*plain.columns, *columns)
    )
    return rows.select(pl.col(name).cast(dtype) for name, dtype in schema.items())


def ids_of(plain: pl.DataFrame, domain: str) -> Iterable[str]:
    """The id of each row, as `content_id` makes it of the row's fields (`stages.curation.ingest.identity`).

    Polars writes a text as orjson does, character by character.
    """
    asked = pl.col("prompt").list.last().struct.field("content")
    fields = pl.struct(
        context=pl.col("prompt").list.head(pl.col("prompt").list.len() - 1),
        domain=pl.lit(domain),
        prompt=asked,
        reference=pl.col("reference").list.last().struct.field("content"),
    )
    text = fields.struct.json_encode()
    no_context = '{"context":[],'
    canonical = pl.when(text.str.starts_with(no_context)).then("{" + text.str.strip_prefix(no_context)).otherwise(text)
    for content in plain.select(canonical.cast(pl.Binary)).to_series().to_list():
        yield hashlib.sha256(b'["instruction",%b,[]]' % content).hexdigest()[:32]
