"""Reference answers as rows of D: what people wrote behind the prompts of a source, as columns, since there may be many.

A row's id is that of `schemas.products.demonstration_row`. Conversations of text alone are most; theirs are hashed from JSON
that Polars writes, letter by letter as orjson does.
"""

import hashlib
from typing import Any

import polars as pl

from schemas.conversations import lean_turns
from schemas.ids import content_id
from schemas.rows import SOURCE, Demonstration, Message, Strategy
from schemas.table import polars_schema

MESSAGE = polars_schema(Message)
SLICE = 16_384
"""Rows whose texts are hashed at once: as JSON they are in memory once more."""
PLAIN = ("content", "role")
"""What a message of text alone has, in the order of canonical JSON."""


def reference_demonstrations(rows: pl.DataFrame, strategy: Strategy) -> pl.DataFrame:
    """Rows of Demonstration: the references of rows of Instruction or SafetyPrompt, each with its prompt's row as parent.

    Messages of `rows` may lack fields that none of them holds; a table adds them.
    """
    parts = [rows.clear(), *rows.iter_slices(SLICE)]
    return pl.concat(demonstrations(part, strategy) for part in parts)


def demonstrations(rows: pl.DataFrame, strategy: Strategy) -> pl.DataFrame:
    answered = rows.filter(pl.col("reference").list.len() > 0)
    if "harmful" in answered.columns:
        answered = answered.with_columns(
            prompt=pl.concat_list(message("user", pl.col("prompt"))),
            domain=pl.lit("safety"),
            tags=pl.concat_list("area"),
            scores=pl.concat_list(pl.struct(name=pl.lit("harmful"), value=pl.col("harmful").cast(pl.Float64))),
        )
    columns: dict[str, Any] = {
        "id": pl.Series(ids_of(answered), dtype=pl.String),
        "parents": pl.concat_list("id"),
        "completion": pl.col("reference"),
        "strategy": pl.lit(strategy),
        "label_source": pl.lit("given"),
        "quality": pl.lit(1.0),
        "engine": pl.lit(SOURCE),
        "simulated": pl.lit(False),
    }
    made = answered.with_columns(**columns)
    absent = {
        name: pl.lit([] if isinstance(dtype, pl.List) else None, dtype)
        for name, dtype in polars_schema(Demonstration).items()
        if name not in made.columns
    }
    return made.with_columns(**absent).select(*polars_schema(Demonstration))


def message(role: str, content: pl.Expr) -> pl.Expr:
    """A message of text alone, with all fields."""
    values = {"role": pl.lit(role), "content": content}
    return pl.struct(values.get(name, pl.lit(None)).cast(dtype).alias(name) for name, dtype in MESSAGE.items())


def ids_of(rows: pl.DataFrame) -> list[str]:
    """The id of each row's demonstration, of its prompt, its reference and itself."""
    texts = rows.select(
        "id",
        *(canonical(name).alias(name) for name in ("prompt", "reference")),
        plain=pl.all_horizontal(is_plain(rows, "prompt"), is_plain(rows, "reference")),
    )
    ids = []
    for place, (row_id, prompt, reference, plain) in enumerate(texts.iter_rows()):
        if plain:
            text = f'["demonstration",[{prompt},{reference}],["{row_id}"]]'
            ids.append(hashlib.sha256(text.encode()).hexdigest()[:32])
        else:
            row = rows.row(place, named=True)
            turns = [lean_turns(row[name]) for name in ("prompt", "reference")]
            ids.append(content_id("demonstration", turns, [row_id]))
    return ids


def canonical(column: str) -> pl.Expr:
    """A list of messages of text alone as canonical JSON."""
    plain = pl.struct(pl.element().struct.field(name) for name in PLAIN)
    text = pl.struct(turns=pl.col(column).list.eval(plain)).struct.json_encode()
    return text.str.strip_prefix('{"turns":').str.strip_suffix("}")


def is_plain(rows: pl.DataFrame, column: str) -> pl.Expr:
    """Whether all messages of a list are text alone; structs may lack what no row has."""
    fields = [field.name for field in rows.schema[column].inner.fields]  # type: ignore[attr-defined]
    others = [pl.element().struct.field(name).is_not_null() for name in fields if name not in PLAIN]
    return ~pl.col(column).list.eval(pl.any_horizontal(others)).list.any() if others else pl.lit(True)
