"""What a format makes of a batch, and the rows that it refuses by a rule."""

from typing import NamedTuple

import polars as pl

NO_REFUSALS = pl.DataFrame(schema={"id": pl.String, "split": pl.String, "reason": pl.String})


class Converted(NamedTuple):
    """`frame`: `id` and the format's columns, a row each in the batch's order. `reason`: why a row is refused, else null.

    `lost`: what of a row has no place in the format, by name; whether the row has some, over the batch's columns.
    """

    frame: pl.DataFrame
    reason: pl.Series | None = None
    lost: dict[str, pl.Expr] = {}  # noqa: RUF012


def refused_by(frame: pl.DataFrame, reason: pl.Series | None) -> pl.DataFrame:
    """`id`, `split`, `reason` of the rows of a batch for which there is a reason."""
    if reason is None:
        return NO_REFUSALS
    return frame.select("id", "split", reason=reason).drop_nulls("reason")


def first_reason(reasons: dict[str, pl.Expr]) -> pl.Expr:
    """The name of the first rule that is true of a row; null where none is."""
    return pl.coalesce(pl.when(broken).then(pl.lit(name)) for name, broken in reasons.items())
