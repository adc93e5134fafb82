"""JSON schemas of answers: as they stand in a request, and as they are sent for guided decoding.

What a request holds is written for the model. Pydantic puts class names (as titles and as names of definitions) and
docstrings into a schema, which are written for the reader of the code: they are left out, so that renaming an answer
model or rewording its docstring changes no request. `Field(description=…)` is for the model and stays.
"""

from functools import cache
from typing import Any

from pydantic import BaseModel

SCHEMA_MAPS = frozenset({"properties", "patternProperties", "dependentSchemas"})
"""Keywords whose values map names to schemas."""
PLAIN_VALUES = frozenset({"default", "const", "enum", "examples"})
"""Keywords whose values are data, not schemas."""
DEFINITIONS = "#/$defs/"


@cache
def schema_of(answer: type[BaseModel]) -> dict[str, Any]:
    """JSON schema of an answer model without titles, docstrings and names of classes.

    Nested models stand where they are used. One that contains itself refers to the place where it stands first ("#" is
    the complete answer). What the model should know of the complete answer belongs in the prompt.
    """
    schema = answer.model_json_schema()
    definitions = schema.pop("$defs", {})
    return inline(undescribed(schema), definitions, "#", {})


def inline(schema: dict[str, Any], definitions: dict[str, Any], path: str, places: dict[str, str]) -> dict[str, Any]:
    """`schema`, which stands at the JSON pointer `path`, without titles and with its definitions in their places.

    `places` gives the pointer of every definition that is around it.
    """
    result: dict[str, Any] = {}
    if (reference := schema.get("$ref")) is not None:
        name = reference.removeprefix(DEFINITIONS)
        if name in places:
            result["$ref"] = places[name]
        else:
            result = inline(undescribed(definitions[name]), definitions, path, {**places, name: path})
    for keyword, value in schema.items():
        here = f"{path}/{keyword}"
        match value:
            case _ if keyword in ("title", "$ref"):
                continue
            case _ if keyword in PLAIN_VALUES:
                result[keyword] = value
            case dict() if keyword == "discriminator":  # its mapping repeats, by class name, what the variants say
                result[keyword] = {"propertyName": value["propertyName"]}
            case dict() if keyword in SCHEMA_MAPS:
                result[keyword] = {
                    name: inline(inner, definitions, f"{here}/{escape(name)}", places) for name, inner in value.items()
                }
            case dict():
                result[keyword] = inline(value, definitions, here, places)
            case list():
                result[keyword] = [
                    inline(item, definitions, f"{here}/{index}", places) if isinstance(item, dict) else item
                    for index, item in enumerate(value)
                ]
            case _:
                result[keyword] = value
    return result


def undescribed(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a class without its description, which is the docstring."""
    return {keyword: value for keyword, value in schema.items() if keyword != "description"}


def escape(name: str) -> str:
    """A name as part of a JSON pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")


def strict_schema(schema: Any, string_lengths: bool = True) -> Any:
    """The schema as it is sent for guided decoding: objects take no keys but their own.

    Without `string_lengths` the bounds on strings are left out: xgrammar, many servers' default, compiles them to
    invalid JSON. Pydantic holds the answer to them all the same.
    """
    match schema:
        case {"type": "string"} if not string_lengths:
            return {key: value for key, value in schema.items() if key not in ("minLength", "maxLength")}
        case dict():
            inner = {key: strict_schema(value, string_lengths) for key, value in schema.items()}
            if schema.get("type") == "object" and isinstance(schema.get("properties"), dict):
                inner.setdefault("additionalProperties", False)
            return inner
        case list():
            return [strict_schema(value, string_lengths) for value in schema]
    return schema
