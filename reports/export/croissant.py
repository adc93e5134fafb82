"""Croissant 1.1 metadata of an export (MLCommons, docs.mlcommons.org/croissant): its files, and the fields of its rows."""

from pathlib import PurePath
from typing import Any

from cultivar.outgoing.redaction import redacted
from reports.export.card import Export
from reports.export.features import JSON
from reports.export.licences import licence_urls

CONFORMS_TO = "http://mlcommons.org/croissant/1.1"
CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "dct": "http://purl.org/dc/terms/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "sc": "https://schema.org/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "description": {"@container": "@language"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "name": {"@container": "@language"},
} | {
    name: f"cr:{name}"
    for name in (
        "arrayShape citeAs column containedIn equivalentProperty extract field fileObject fileProperty fileSet format includes "
        "isArray isLiveDataset jsonPath key md5 parentField path recordSet references regex repeated replace samplingRate "
        "separator source subField transform"
    ).split()
}
ENCODINGS = {".jsonl": "application/jsonlines", ".parquet": "application/x-parquet", ".csv": "text/csv"}
TYPES = {"string": "sc:Text", "int64": "sc:Integer", "float64": "sc:Float", "bool": "sc:Boolean"}

TURN = dict.fromkeys(
    ("role", "content", "reasoning_content", "tool_call_id", "name"), {"dtype": "string", "_type": "Value"}
)
"""What a message may hold besides calls of tools."""


def croissant(export: Export) -> dict[str, Any]:
    """The metadata as a JSON-LD object. A split is a record set of its file's rows."""
    told = export.provenance
    license_of = [redacted(one) for one in licence_urls(export.tally.counts["license"])] if export.tally.rows else []
    found: dict[str, Any] = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS_TO,
        "name": f"cultivar-{'demonstrations' if export.product.name == 'D' else 'preferences'}-{export.format.name}",
        "description": f"{export.tally.rows:,} {export.title}, made by Cultivar {told['cultivar']}; simulated rows: "
        f"{export.tally.simulated:,}",
        "version": "1.0.0+" + str(told["md5"] or "unknown"),
        "citeAs": f"{export.title}, made by Cultivar {told['cultivar']}, data version {told['revision'] or told['md5']}",
    }
    if license_of:
        found["license"] = license_of[0] if len(license_of) == 1 else license_of
    if told["date"]:
        found["datePublished"] = told["date"]
    found["distribution"] = [
        {
            "@type": "cr:FileObject",
            "@id": one.name,
            "name": one.name,
            "contentUrl": one.name,
            "contentSize": f"{one.size} B",
            "encodingFormat": ENCODINGS[PurePath(one.name).suffix],
            "sha256": one.sha256,
        }
        for one in export.files
    ]
    found["recordSet"] = [
        {
            "@type": "cr:RecordSet",
            "@id": one.split,
            "name": one.split,
            "description": f"{one.rows:,} rows",
            "field": fields_of(one.split, one.name, export.columns),
            **({"key": {"@id": f"{one.split}/id"}} if "id" in export.columns else {}),
        }
        for one in export.files
    ]
    return found


def fields_of(split: str, file: str, columns: dict[str, Any]) -> list[dict[str, Any]]:
    """The fields of a record set. Croissant has no type for objects of free keys: `tools` and `tool_calls` are none of them,
    but in Parquet and CSV, where they are text.
    """
    is_text = not file.endswith(".jsonl")
    found = [field(f"{split}/{name}", name, kind, file, is_text) for name, kind in columns.items()]
    return [one for one in found if one is not None]


def field(at: str, column: str, kind: Any, file: str, is_text: bool) -> dict[str, Any] | None:
    """A column of a file as a field: a value, a list of values, or a list of objects with values."""
    found: dict[str, Any] = {"@type": "cr:Field", "@id": at, "name": at}
    source = {"fileObject": {"@id": file}, "extract": {"column": column}}
    if kind.get("_type") == "List":
        found |= {"repeated": True}
        kind = kind["feature"]
    if kind == JSON and "repeated" in found and not is_text:
        kind = TURN
    if "_type" not in kind:
        return found | {
            "subField": [
                {"@type": "cr:Field", "@id": f"{at}/{name}", "name": f"{at}/{name}", "dataType": TYPES[part["dtype"]]}
                | {"source": source | {"transform": {"jsonPath": name}}}
                for name, part in kind.items()
                if part.get("_type") == "Value"
            ]
        }
    if kind == JSON and not is_text:
        return None
    while kind["_type"] == "List":
        kind = kind["feature"]
    return found | {"dataType": TYPES[kind.get("dtype", "string")], "source": source}
