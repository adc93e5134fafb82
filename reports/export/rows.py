"""Rows of D or P of a data version, in batches and in today's columns, whatever version wrote them."""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Literal, NamedTuple

import polars as pl

from reports.versions.version import Version
from schemas.errors import UserError
from schemas.rows import FinalDemonstration, FinalPreference, Message
from schemas.table import polars_schema

BATCH = 20_000
"""Rows that are held at once."""
SPLITS = ("train", "heldout")
MESSAGE = pl.Struct(polars_schema(Message))
"""A turn; in data versions from before a field was there it is null."""
MESSAGES = pl.List(MESSAGE)
Name = Literal["D", "P"]


class Product(NamedTuple):
    """D or P: its table's path, the columns of messages that answer the prompt, and all columns with their types."""

    name: Name
    path: str
    answers: tuple[str, ...]
    columns: dict[str, pl.DataType]


def product(name: str) -> Product:
    """The product of a name: D, demonstrations, P or preferences. Raises UserError."""
    match name.lower().removeprefix("data/").removesuffix(".parquet"):
        case "d" | "demonstrations":
            return Product("D", "data/demonstrations.parquet", ("completion",), polars_schema(FinalDemonstration))
        case "p" | "preferences":
            return Product("P", "data/preferences.parquet", ("chosen", "rejected"), polars_schema(FinalPreference))
    raise UserError(f"{name} is neither D (demonstrations) nor P (preferences); only these two are exported")


class Selection:
    """The rows of a product that go out: those of `files`, in their order, for which `where` holds.

    `total`: all rows. Raises UserError where the table lacks what every row has, and for a condition that is no SQL.
    """

    def __init__(self, chosen: Product, files: list[Path], where: str = "") -> None:
        self.product = chosen
        self.scan = pl.scan_parquet(files)
        self.held = self.scan.collect_schema()
        needed = ("id", "prompt", *chosen.answers, "split")
        if missing := [name for name in needed if name not in self.held]:
            raise UserError(f"{chosen.path} has no column {', '.join(missing)}: its version is too old to be exported")
        self.total = self.scan.select(pl.len()).collect().item()
        self.mask = self.holds_of(condition(where, chosen.columns)) if where else None

    def batches(self) -> Iterator[tuple[int, pl.DataFrame]]:
        """How many rows have been read so far, and those of them that go out."""
        for start in range(0, self.total, BATCH):
            frame = self.scan.slice(start, BATCH).select(map(self.column, self.product.columns)).collect()
            if self.mask is not None:
                frame = frame.filter(self.mask.slice(start, BATCH))
            yield min(start + BATCH, self.total), frame

    def holds_of(self, where: pl.Expr) -> pl.Series:
        """Whether a condition holds, of each row; worked out at once, since an average in it is that of all rows."""
        rows = self.scan.select(map(self.column, self.product.columns))
        return rows.with_columns(where.fill_null(False).alias("where")).select("where").collect()["where"]

    def column(self, name: str) -> pl.Expr:
        kind = self.product.columns[name]
        if name not in self.held:
            empty = pl.lit([], dtype=kind) if isinstance(kind, pl.List) else pl.lit(None, dtype=kind)
            return empty.alias(name)
        return pl.col(name).cast(kind)


def condition(where: str, columns: dict[str, pl.DataType]) -> pl.Expr:
    """A condition in SQL over a row's columns. Raises UserError."""
    try:
        expression = pl.sql_expr(where)
        unknown = [name for name in expression.meta.root_names() if name not in columns]
        if not unknown:
            kind = pl.LazyFrame(schema=columns).select(expression).collect_schema().dtypes()
            if kind != [pl.Boolean()]:
                raise UserError(f"--where {where}: it is no condition, but {kind[0]}; compare it with something")
            return expression
    except pl.exceptions.PolarsError as error:
        raise UserError(
            f"--where {where}: {error}; write a condition as in SQL: quality >= 0.5 AND domain = 'math'"
        ) from error
    raise UserError(f"--where {where}: there is no column {did_you_mean(unknown[0], columns)}")


def did_you_mean(name: str, known: Sequence[str] | dict[str, pl.DataType]) -> str:
    """A name that is not known, with the most similar one that is."""
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    return f"{name}; did you mean {near[0]}?" if near else f"{name}; there are {', '.join(known)}"


def table_files(version: Version, chosen: Product) -> list[Path]:
    """The Parquet files of the table at a version. Raises MissingObject."""
    return [file for file in version.files(chosen.path) if file.stat().st_size]
