"""Alpaca as LLaMA-Factory reads it: an instruction with its output, the system prompt and earlier exchanges beside them."""

import polars as pl

from reports.export.refusals import Converted, first_reason
from reports.export.rows import Product
from reports.export.turns import anywhere, has_calls, long, lost_fields


def alpaca(frame: pl.DataFrame, chosen: Product) -> Converted:
    """`instruction`, `input` (empty), `output` or `chosen` and `rejected`, `system`, `history` ([[user, assistant], …])."""
    columns = ("prompt", *chosen.answers)
    turns = long(frame, pl.col("prompt")).select("row", "place", "role", "content")
    system = turns.filter((pl.col("place") == 0) & (pl.col("role") == "system")).select("row", system="content")
    rest = turns.join(system.select("row", place=pl.lit(0, dtype=pl.UInt32)), on=["row", "place"], how="anti")
    rest = rest.with_columns(at=pl.int_range(pl.len()).over("row"))
    expected = pl.when(pl.col("at") % 2 == 0).then(pl.lit("user")).otherwise(pl.lit("assistant"))
    exchanges = rest.group_by("row", pair=pl.col("at") // 2, maintain_order=True).agg(
        "content", in_turn=(pl.col("role") == expected).all(), late=(pl.col("role") == "system").any()
    )
    rows = exchanges.group_by("row", maintain_order=True).agg(
        history=pl.col("content").head(pl.len() - 1),
        last=pl.col("content").last(),
        in_turn=pl.col("in_turn").all(),
        late=pl.col("late").any(),
    )
    joined = frame.select("id", row=pl.int_range(pl.len(), dtype=pl.UInt32)).join(
        rows, on="row", how="left", maintain_order="left"
    )
    joined = joined.join(system, on="row", how="left", maintain_order="left")
    is_tool = pl.element().struct.field("role") == "tool"
    joined = joined.with_columns(
        frame.select(
            has_tools=pl.col("tools").is_not_null(),
            calls=anywhere(columns, has_calls() | is_tool),
            several=pl.any_horizontal(pl.col(name).list.len() != 1 for name in chosen.answers),
            foreign=pl.any_horizontal(
                pl.col(name).list.last().struct.field("role") != "assistant" for name in chosen.answers
            ),
            **{
                ("output" if name == "completion" else name): pl.col(name).list.last().struct.field("content")
                for name in chosen.answers
            },
        )
    )
    reason = joined.select(
        reason=first_reason(
            {
                "tool calls": pl.col("calls"),
                "tools": pl.col("has_tools"),
                "a system turn after the first": pl.col("late"),
                "turns of user and assistant do not alternate": ~pl.col("in_turn").fill_null(False)
                | (pl.col("last").list.len() != 1),
                "several turns in the completion": pl.col("several") | pl.col("foreign"),
            }
        )
    )["reason"]
    sides = ["output"] if chosen.name == "D" else list(chosen.answers)
    own = joined.select(
        "id",
        pl.col("last").list.first().alias("instruction"),
        pl.lit("").alias("input"),
        *sides,
        pl.col("system").fill_null(""),
        "history",
    )
    return Converted(own, reason, lost_fields(columns, "reasoning"))
