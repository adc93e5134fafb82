"""Evaluation prompts among the rows of training sources: texts that differ only in what a reader does not see."""

from collections.abc import Iterable

import polars as pl

from cultivar.text.tokens import comparison_key

SLICE = 50_000
"""Rows whose texts are compared at once."""


def user_turns(frame: pl.DataFrame) -> pl.DataFrame:
    """(id, text) of what the user asks in rows: their prompt, or each user turn of it; none for rows without a prompt."""
    if "prompt" not in frame.columns:
        return pl.DataFrame(schema={"id": pl.String, "text": pl.String})
    if frame.schema["prompt"] == pl.String:
        return frame.select("id", text="prompt")
    turns = frame.select("id", turn="prompt").explode("turn")
    return turns.filter(pl.col("turn").struct.field("role") == "user").select(
        "id", text=pl.col("turn").struct.field("content")
    )


def asked_by(frames: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """(id, key) of the user turns of rows; texts with one key differ only in what a reader does not see."""
    found = [pl.DataFrame(schema={"id": pl.String, "key": pl.String})]
    for frame in frames:
        for part in frame.iter_slices(SLICE):
            turns = user_turns(part)
            found.append(turns.select("id", key=comparison_key(turns["text"])))
    return pl.concat(found)


def evaluation_prompts(frame: pl.DataFrame, held_out: pl.DataFrame) -> pl.DataFrame:
    """(id, item) of the rows that ask what an evaluation item asks, with the first such item; `held_out` is of `asked_by`."""
    none = pl.DataFrame(schema={"id": pl.String, "item": pl.String})
    if held_out.is_empty():
        return none
    items = held_out.unique("key", keep="last", maintain_order=True).rename({"id": "item"})
    met = [none]
    for part in frame.iter_slices(SLICE):
        asked = asked_by([part])
        met.append(
            asked.join(items, on="key", maintain_order="left")
            .unique("id", keep="first", maintain_order=True)
            .select("id", "item")
        )
    return pl.concat(met)
