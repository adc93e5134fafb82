"""The types of a file's columns in Hugging Face's words, in which `load_dataset` reads it.

They stand in the metadata of a Parquet file and in the header of the dataset card. Fields of JSON text are `Json`, which
gives objects with just the keys that were written.
"""

import json
from collections.abc import Collection
from typing import Any

import polars as pl

VALUES = {pl.String(): "string", pl.Int64(): "int64", pl.Float64(): "float64", pl.Boolean(): "bool"}
JSON = {"_type": "Json"}


def features_of(schema: dict[str, pl.DataType], json_text: Collection[str], as_json: Collection[str]) -> dict[str, Any]:
    """Column -> its feature. `json_text`: names of fields of JSON text; `as_json`: columns that are lists of objects."""
    return {
        name: {"feature": JSON, "_type": "List"} if name in as_json else feature(kind, name, json_text)
        for name, kind in schema.items()
    }


def feature(kind: pl.DataType, name: str, json_text: Collection[str]) -> Any:
    match kind:
        case pl.Struct():
            return {part.name: feature(part.dtype, part.name, json_text) for part in kind.fields}  # type: ignore[arg-type]
        case pl.List():
            return {"feature": feature(kind.inner, name, json_text), "_type": "List"}  # type: ignore[arg-type]
        case pl.String() if name in json_text:
            return JSON
    return {"dtype": VALUES[kind], "_type": "Value"}


def parquet_metadata(features: dict[str, Any]) -> dict[str, str]:
    """The entry of a Parquet file's metadata from which `datasets` takes the features."""
    return {"huggingface": json.dumps({"info": {"features": features}}, separators=(",", ":"))}


def card_features(features: dict[str, Any]) -> list[dict[str, Any]]:
    """The features as the header of a dataset card has them."""
    return [{"name": name, **card_feature(one)} for name, one in features.items()]


def card_feature(one: dict[str, Any]) -> dict[str, Any]:
    match one.get("_type"):
        case "Value":
            return {"dtype": one["dtype"]}
        case "Json":
            return {"dtype": "json"}
        case "List":
            inner = card_feature(one["feature"])
            return {"list": inner.get("struct", inner["dtype"] if set(inner) == {"dtype"} else inner)}
    return {"struct": [{"name": name, **card_feature(part)} for name, part in one.items()]}
