"""By what rows of D and P compete for a place, whatever strategy made them (docs/methods.md, section 8.1)."""

from typing import get_args

import polars as pl

from schemas.rows import LabelSource

WORTH = ("authority", "quality", "id")
"""Columns by which rows compete: the worthiest is first."""
DESCENDING = [False, True, False]
"""Which of them count downwards."""


def authority() -> pl.Expr:
    """The place of a row's label source in their order of precedence, 0 is the first."""
    places = {source: place for place, source in enumerate(get_args(LabelSource))}
    return pl.col("label_source").replace_strict(places, return_dtype=pl.Int64)
