"""What a table's file says of its columns: Arrow types, and for Hugging Face's `datasets` where a text is JSON.

The arguments of tool calls and the tools of a row differ from row to row, so no Parquet type holds their parts: they are
JSON texts. Their columns have Arrow's type `arrow.json`, and the file's metadata names them in the way that `load_dataset`
reads (`datasets.Json`): chat templates are then given objects, as TRL expects. DuckDB reads them as JSON, Polars here as
texts.
"""

from functools import lru_cache
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import orjson
import polars as pl
import pyarrow as pa
from pydantic import BaseModel

from schemas.rows import JSON

pl.register_extension_type("arrow.json", as_storage=True)
SCALARS: dict[type, pa.DataType] = {
    str: pa.large_string(),
    int: pa.int64(),
    float: pa.float64(),
    bool: pa.bool_(),
}
"""Python's types -> those of a file, as Polars writes them."""
NAMES = {pa.large_string(): "large_string", pa.int64(): "int64", pa.float64(): "float64", pa.bool_(): "bool"}
"""Types of a file -> those of `datasets.Value`."""


@lru_cache
def file_schema(model: type[BaseModel]) -> pa.Schema:
    """The Arrow schema of the model's files."""
    fields = [(name, arrow_type(field.annotation, field.metadata)) for name, field in model.model_fields.items()]
    features = {name: feature_of(kind) for name, kind in fields}
    return pa.schema(fields, metadata={"huggingface": orjson.dumps({"info": {"features": features}})})


def arrow_type(annotation: Any, metadata: Any = ()) -> pa.DataType:
    """The type of a field annotation. Raises TypeError for what a table cannot hold."""
    origin, args = get_origin(annotation), get_args(annotation)
    if any(mark is JSON for mark in metadata):
        return pa.json_()
    if origin is Annotated:
        return arrow_type(args[0], args[1:])
    if origin is Literal:
        return SCALARS[type(args[0])]
    if origin in (Union, UnionType):
        return arrow_type(next(arg for arg in args if arg is not type(None)))
    if origin is list:
        return pa.large_list(arrow_type(args[0]))
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        fields = annotation.model_fields.items()
        return pa.struct([(name, arrow_type(field.annotation, field.metadata)) for name, field in fields])
    if annotation in SCALARS:
        return SCALARS[annotation]
    raise TypeError(f"{annotation} has no Parquet type; use str, int, float, bool, Literal, list or a Part")


def feature_of(kind: pa.DataType) -> dict[str, Any]:
    """The feature of a type, as `datasets.Features.to_dict` writes it."""
    if kind == pa.json_():
        return {"_type": "Json"}
    if pa.types.is_large_list(kind):
        return {"feature": feature_of(kind.value_type), "_type": "LargeList"}
    if pa.types.is_struct(kind):
        return {field.name: feature_of(field.type) for field in kind}
    return {"dtype": NAMES[kind], "_type": "Value"}
