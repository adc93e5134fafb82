"""Tables: rows of one pydantic model in one Parquet file whose bytes depend on the rows alone.

The row model is the contract. From it come the Polars schema and, for the constraints that a column expression can
say (nulls, bounds, lengths, patterns, literals), a check over all rows at once; the first offending rows are then
explained by pydantic itself. Files are zstd Parquet, sorted by id, with a fixed row-group size and no timestamps.
"""

import os
import types
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, TypeVar, Union, cast, get_args, get_origin

import annotated_types
import polars as pl
import pyarrow as pa
from pyarrow import parquet
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from schemas.characters import beginning
from schemas.errors import UserError
from schemas.features import file_schema
from schemas.rows import JSON, Row
from schemas.writing import Drafts, naming

R = TypeVar("R", bound=Row)
M = TypeVar("M", bound=BaseModel)
SCALARS: dict[type, pl.DataType] = {
    str: pl.String(),
    int: pl.Int64(),
    float: pl.Float64(),
    bool: pl.Boolean(),
}
ROW_GROUP = 50_000
SHOWN_CHARS = 80
"""Of a value that a row model refuses, in the error."""


class TableError(UserError, ValueError):
    """A table does not hold what its row model says; the message names the table, the rows and the remedy."""


class Table(Generic[R]):
    """Rows of one model as a Polars frame: `frame` in the model's schema, sorted by id. Ids are unique."""

    def __init__(self, model: type[R], frame: pl.DataFrame, name: str = ""):
        """Cast `frame` to the schema of `model` and sort it by id. Raises TableError on wrong columns or types."""
        self.model, self.name = model, name or model.__name__
        schema = polars_schema(model)
        if missing := [column for column in schema if column not in frame.columns]:
            raise TableError(f"table {self.name}: columns {missing} are missing; {model.__name__} needs {list(schema)}")
        if unknown := [column for column in frame.columns if column not in schema]:
            raise TableError(
                f"table {self.name}: columns {unknown} are not in {model.__name__}; drop them or declare them"
            )
        try:
            in_order = frame.with_columns(pl.col("id").cast(pl.String)).sort(
                "id"
            )  # of little, before the cast adds to it
            self.frame = in_order.select(pl.col(name).cast(dtype) for name, dtype in schema.items())
        except pl.exceptions.PolarsError as error:
            raise TableError(f"table {self.name}: a column does not fit {model.__name__}: {error}") from error

    @classmethod
    def of(cls, model: type[R], rows: Iterable[R | dict[str, Any]], name: str = "") -> "Table[R]":
        """A table from row objects or dicts (a dict may leave out fields that have a default)."""
        return cls(model, rows_frame(model, rows, name), name)

    @classmethod
    def read(cls, model: type[R], path: Path) -> "Table[R]":
        """Read a Parquet file (or every shard of a folder). Raises TableError when it cannot be read as `model`."""
        try:
            frame = pl.read_parquet(path / "*.parquet" if path.is_dir() else path)
        except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
            raise TableError(
                f"{path} cannot be read: {error}; run `dvc repro` (or `dvc checkout`) to restore it"
            ) from error
        return cls(model, frame, path.stem)

    def __len__(self) -> int:
        return self.frame.height

    def __iter__(self) -> Iterator[R]:
        """Rows as model objects, without validating them again."""
        for row in self.frame.iter_rows(named=True):
            yield build(self.model, row)

    @property
    def ids(self) -> pl.Series:
        return self.frame["id"]

    def check(self) -> None:
        """Raise TableError unless every row satisfies the model and ids are unique."""
        duplicated = self.ids.filter(self.ids.is_duplicated()).unique(maintain_order=True)
        if len(duplicated):
            raise TableError(
                f"table {self.name}: {len(duplicated)} ids occur more than once, first {duplicated[0]}; "
                "ids are content hashes, so the stage emitted the same row twice"
            )
        broken = violations(self.model)
        if not broken or not len(self):
            return
        bad = self.frame.filter(pl.any_horizontal(broken))
        if bad.height:
            reasons = [explain_rejection(self.model, row) for row in bad.head(3).iter_rows(named=True)]
            raise TableError(
                f"table {self.name}: {bad.height} of {len(self)} rows break {self.model.__name__}:\n"
                + "\n".join(reasons)
            )

    def write(self, path: Path) -> None:
        """Check, then write atomically (temporary file, fsync, rename): equal rows give equal bytes. Raises DiskFull."""
        with Drafts() as drafts:
            self.write_draft(drafts.add(path), path)
            drafts.publish()

    def write_draft(self, draft: Path, path: Path) -> None:
        """Check and write to disk, in a file that is to be `path`. Raises DiskFull, which names that."""
        self.check()
        with naming(path):
            write_parquet(self.frame, draft, file_schema(self.model))
            with draft.open("rb") as handle:
                os.fsync(handle.fileno())


def write_parquet(frame: pl.DataFrame, path: Path, schema: pa.Schema) -> None:
    """A file of row groups of `ROW_GROUP` rows. PyArrow writes it: Polars drops a schema's metadata beside nested columns."""
    with parquet.ParquetWriter(path, schema, compression="zstd", compression_level=3) as writer:
        for start in range(0, max(1, frame.height), ROW_GROUP):
            writer.write_table(frame.slice(start, ROW_GROUP).to_arrow().cast(schema), ROW_GROUP)


def rows_frame(model: type[Row], rows: Iterable[Row | dict[str, Any]], name: str = "") -> pl.DataFrame:
    """Rows as a frame in the model's schema, in their order. Raises TableError for a field that the model does not have."""
    defaults = {
        key: field.get_default(call_default_factory=True)
        for key, field in model.model_fields.items()
        if not field.is_required()
    }
    data = [row.model_dump() if isinstance(row, BaseModel) else defaults | row for row in rows]
    schema = polars_schema(model)
    if data and (unknown := set().union(*data) - set(schema)):
        raise TableError(f"table {name or model.__name__}: {sorted(unknown)} are not fields of {model.__name__}")
    return pl.DataFrame(data, schema=schema, strict=True)


class Context(Table[R]):
    """A table that a stage consults (annotations, evaluation items): its rows need not end in a state there."""


def concat(model: type[R], tables: Sequence[Table[R]]) -> Table[R]:
    """All rows of tables of one model; a row that several hold stands once."""
    frame = pl.concat([table.frame for table in tables]) if tables else pl.DataFrame(schema=polars_schema(model))
    return Table(model, frame.unique("id", keep="first", maintain_order=True))


@lru_cache
def polars_schema(model: type[BaseModel]) -> dict[str, pl.DataType]:
    """Column -> Polars type, in the order of the model's fields."""
    return {name: polars_type(field.annotation) for name, field in model.model_fields.items()}


def polars_type(annotation: Any) -> pl.DataType:
    """The Polars type of a field annotation. Raises TypeError for what a table cannot hold."""
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return polars_type(args[0])
    if origin is Literal:
        return SCALARS[type(args[0])]
    if origin in (Union, types.UnionType):
        (inner,) = [arg for arg in args if arg is not type(None)]
        return polars_type(inner)
    if origin is list:
        return pl.List(polars_type(args[0]))
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return pl.Struct(polars_schema(annotation))
    if annotation in SCALARS:
        return SCALARS[annotation]
    raise TypeError(f"{annotation} has no Parquet type; use str, int, float, bool, Literal, list or a Part")


@lru_cache
def violations(model: type[BaseModel]) -> list[pl.Expr]:
    """One boolean expression per constraint of a field, true where a row breaks it."""
    return [
        broken.fill_null(False)
        for name, field in model.model_fields.items()
        for broken in broken_by(pl.col(name), field.annotation, constraints_of(field))
    ]


def constraints_of(field: FieldInfo) -> list[Any]:
    return list(field.metadata)


def broken_by(value: pl.Expr, annotation: Any, metadata: list[Any]) -> Iterator[pl.Expr]:
    """Expressions that are true where `value` is not what `annotation` with `metadata` allows."""
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        extra = [item for given in args[1:] for item in (given.metadata if isinstance(given, FieldInfo) else [given])]
        yield from broken_by(value, args[0], metadata + extra)
    elif origin in (Union, types.UnionType):
        (inner,) = [arg for arg in args if arg is not type(None)]
        yield from (value.is_not_null() & broken for broken in broken_by(value, inner, metadata))
    else:
        yield value.is_null()
        if annotation is float:
            yield ~value.is_finite()
        if origin is Literal:
            yield ~value.is_in(list(args))
        for limit in metadata:
            yield from broken_limit(value, limit, listed=origin is list)
        if origin is list:
            for broken in broken_by(pl.element(), args[0], []):
                yield value.list.eval(broken.fill_null(False)).list.any()
        elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
            for name, field in annotation.model_fields.items():
                yield from broken_by(value.struct.field(name), field.annotation, constraints_of(field))


def broken_limit(value: pl.Expr, limit: Any, listed: bool) -> Iterator[pl.Expr]:
    """The expression of one bound, length or pattern; raises TypeError for constraints that it does not know."""
    length = value.list.len() if listed else value.str.len_chars()
    match limit:
        case annotated_types.Ge():
            yield value < cast(Any, limit.ge)
        case annotated_types.Gt():
            yield value <= cast(Any, limit.gt)
        case annotated_types.Le():
            yield value > cast(Any, limit.le)
        case annotated_types.Lt():
            yield value >= cast(Any, limit.lt)
        case annotated_types.MinLen():
            yield length < limit.min_length
        case annotated_types.MaxLen():
            yield length > limit.max_length
        case _ if limit is JSON:
            pass
        case _ if getattr(limit, "pattern", None):
            yield ~value.str.contains(limit.pattern)
        case _:
            raise TypeError(f"constraint {limit!r} cannot be checked over a column")


def explain_rejection(model: type[BaseModel], row: dict[str, Any]) -> str:
    """Why pydantic refuses a row, in one line with the row's id."""
    try:
        model.model_validate(row)
    except ValidationError as error:
        reasons = "; ".join(
            f"{'.'.join(map(str, e['loc']))}: {e['msg']}, got {beginning(str(e['input']), SHOWN_CHARS)!r}"
            for e in error.errors()
        )
        return f"  row {row.get('id')}: {reasons}"
    return f"  row {row.get('id')}: holds a null, NaN or infinite number"


def build(model: type[M], row: dict[str, Any]) -> M:
    """A model object from checked data, nested parts included, without the cost of validation."""
    for name, kind, listed in parts_of(model):
        value = row.get(name)
        if value is not None:
            row = row | {name: [build(kind, item) for item in value] if listed else build(kind, value)}
    return model.model_construct(**row)


@lru_cache
def parts_of(model: type[BaseModel]) -> list[tuple[str, type[BaseModel], bool]]:
    """The fields that hold nested models: name, model, whether it is a list of them."""
    parts = ((name, model_within(field.annotation)) for name, field in model.model_fields.items())
    return [(name, *part) for name, part in parts if part is not None]


def model_within(annotation: Any) -> tuple[type[BaseModel], bool] | None:
    """The model that an annotation holds and whether in a list; None for plain values."""
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return model_within(args[0])
    if origin in (Union, types.UnionType):
        return model_within(next(arg for arg in args if arg is not type(None)))
    if origin is list:
        inner = model_within(args[0])
        return None if inner is None else (inner[0], True)
    return (annotation, False) if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None
