"""ShareGPT as LLaMA-Factory reads it: turns of `from` and `value`, the system prompt and the tools beside them.

It takes turns of people (human, observation) and of the model (gpt, function_call) in turn only, and one message as each
side of a preference; another row it would skip, so this refuses it.
"""

import polars as pl

from reports.export.lean import json_of
from reports.export.refusals import Converted, first_reason
from reports.export.rows import Product
from reports.export.turns import anywhere, has_calls, has_text, long, lost_fields

CALLED = pl.Struct({"name": pl.String(), "arguments": pl.String()})


def sharegpt(frame: pl.DataFrame, chosen: Product) -> Converted:
    """`conversations`, `system`, `tools`; of a preference `conversations`, `chosen`, `rejected`."""
    columns = ("prompt", *chosen.answers)
    is_pair = chosen.name == "P"
    whole = pl.col("prompt") if is_pair else pl.concat_list("prompt", "completion")
    turns = named(long(frame, whole))
    system = turns.filter((pl.col("place") == 0) & (pl.col("from") == "system")).select("row", system="value")
    rest = turns.join(system.select("row", place=pl.lit(0, dtype=pl.UInt32)), on=["row", "place"], how="anti")
    rest = rest.sort("row", "place").with_columns(at=pl.int_range(pl.len()).over("row"))
    expected = pl.when(pl.col("at") % 2 == 0).then(pl.lit("user")).otherwise(pl.lit("model"))
    rows = rest.group_by("row", maintain_order=True).agg(
        conversations=pl.struct("from", "value"),
        in_turn=(pl.col("side") == expected).all(),
        has_late_system=(pl.col("from") == "system").any(),
        results=((pl.col("from") == "observation") & (pl.col("from").shift(1) == "observation")).any(),
        size=pl.len(),
    )
    joined = frame.select("id", "tools", row=pl.int_range(pl.len(), dtype=pl.UInt32)).join(
        rows, on="row", how="left", maintain_order="left"
    )
    joined = joined.join(system, on="row", how="left", maintain_order="left")
    reasons = {
        "a system turn after the first": pl.col("has_late_system"),
        "several tool results in a row": pl.col("results"),
        "turns of user and assistant do not alternate": ~pl.col("in_turn")
        | (pl.col("size") % 2 == (0 if is_pair else 1))
        | pl.col("size").is_null(),
    }
    own = ["conversations"]
    if is_pair:
        for side in chosen.answers:
            last = (
                named(long(frame, pl.col(side)))
                .group_by("row")
                .agg(
                    pl.struct("from", "value").last().alias(side),
                    (pl.len() > 1).alias(f"several_{side}"),
                    (pl.col("side").last() != "model").alias(f"foreign_{side}"),
                )
            )
            joined = joined.join(last, on="row", how="left", maintain_order="left")
            reasons |= {
                f"several turns in {side}": pl.col(f"several_{side}"),
                f"{side} is not the assistant's": pl.col(f"foreign_{side}").fill_null(True),
            }
            own.append(side)
    lost = lost_fields(columns, "reasoning", "tool_call_id", "tool_calls.id", "name")
    lost["text beside tool calls"] = anywhere(columns, has_calls() & has_text("content"))
    return Converted(
        joined.select("id", *own, pl.col("system", "tools").fill_null("")),
        joined.select(reason=first_reason(reasons))["reason"],
        lost,
    )


def named(turns: pl.DataFrame) -> pl.DataFrame:
    """Turns with `from`, `value` and `side` (user, model or none)."""
    called = pl.col("tool_calls").list.len().fill_null(0)
    function = pl.element().struct.field("function").struct
    calls = pl.col("tool_calls").list.eval(pl.struct(function.field("name"), function.field("arguments")))
    every = json_of(calls, pl.List(CALLED), {"arguments"})
    one = every.str.strip_prefix("[").str.strip_suffix("]")
    speaker = (
        pl.when(called > 0)
        .then(pl.lit("function_call"))
        .otherwise(
            pl.col("role").replace_strict(
                {"user": "human", "assistant": "gpt", "tool": "observation"}, default=pl.col("role")
            )
        )
    )
    value = pl.when(called > 1).then(every).when(called == 1).then(one).otherwise(pl.col("content").fill_null(""))
    side = speaker.replace_strict(
        {"human": "user", "observation": "user", "gpt": "model", "function_call": "model"}, default=pl.lit("none")
    )
    return turns.select("row", "place", value=value, side=side, **{"from": speaker})
