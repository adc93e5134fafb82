"""Tools and their calls, as data sets write them, in the one form that rows hold (OpenAI's and Hugging Face's).

Calls are checked against the schema of their tool (`schemas.tools`); a record without tools keeps its calls, since nobody
knows what they have to hold to.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from schemas.characters import beginning
from schemas.parsing import Unreadable, check_levels
from schemas.tools import ToolFault, call_fault, functions_of
from stages.curation.readers.fields import Left, Record, Refused, count_others, first_of, holds
from stages.curation.readers.json_text import NotJSON, parse_json

TOOLS = ("tools", "functions")
TOOLS_RULE = "tools are no functions with schemas"
CALL_RULE = "tool call does not fit its schema"
TYPES = {"str": "string", "int": "integer", "float": "number", "bool": "boolean", "dict": "object"}
"""Types of Python -> types of JSON Schema, for tools that are described by the former (xLAM)."""
LISTS = ("list", "tuple", "set")


def record_tools(record: Record) -> str | None:
    """The record's tools as rows hold them; None where it has none, or their names only. Raises Refused."""
    name = first_of(record, *TOOLS)
    if name is None or is_names(dict.get(record, name)):
        return None
    return tools_text(record[name])


def is_names(value: Any) -> bool:
    """Whether tools are told by their names, with no word of what they take."""
    return isinstance(value, list) and all(
        isinstance(tool, str) and not tool.lstrip().startswith("{") for tool in value
    )


def tools_text(value: Any) -> str | None:
    """Tools (a list, one, or either as JSON text) as a JSON list of OpenAI's function tools. Raises Refused."""
    tools = value if isinstance(value, list) else [value]
    try:
        if isinstance(value, str):
            found = parse_json(value)
            tools = found if isinstance(found, list) else [found]
        tools = [parse_json(tool) if isinstance(tool, str) else tool for tool in tools]
        check_levels(tools)
        text = dumps([function_tool(tool) for tool in tools])
        functions_of(text)
    except (NotJSON, ToolFault, Unreadable, ValueError) as error:
        raise Refused(TOOLS_RULE, str(error)) from error
    return text if tools else None


def function_tool(tool: Any) -> dict[str, Any]:
    """One tool in OpenAI's form: of OpenAI (with or without its wrapper), Anthropic or xLAM. Raises ToolFault."""
    wrapped = isinstance(tool, dict) and isinstance(tool.get("function"), dict)
    function = tool["function"] if wrapped else tool
    if not isinstance(function, dict) or (tool.get("type") not in (None, "function", "custom") and not wrapped):
        raise ToolFault(f"a tool is no function: {beginning(dumps(tool), 80)}")
    function = {name: value for name, value in without_nulls(function).items() if name != "type" or wrapped}
    schema = function.pop("input_schema", None)
    if schema is not None and "parameters" not in function:
        function["parameters"] = schema
    parameters = function.get("parameters")
    if isinstance(parameters, str):
        parameters = function["parameters"] = parse_json(parameters)
    if isinstance(parameters, dict) and is_by_argument(parameters):
        function["parameters"] = schema_of(parameters)
    others = {name: value for name, value in tool.items() if name not in ("type", "function")} if wrapped else {}
    return {"type": "function", "function": function, **without_nulls(others)}


def without_nulls(value: Any) -> Any:
    """The value without fields that are null, which a table writes for those of its other rows."""
    if isinstance(value, dict):
        return {
            key: without_nulls(item) for key, item in value.items() if item is not None or key in ("default", "const")
        }
    return [without_nulls(item) for item in value] if isinstance(value, list) else value


def is_by_argument(parameters: dict[str, Any]) -> bool:
    """Whether parameters are described argument by argument, not by a schema."""
    is_schema = isinstance(parameters.get("type"), str) or isinstance(parameters.get("properties"), dict)
    return bool(parameters) and not is_schema and all(map(is_argument, parameters.values()))


def is_argument(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("type"), str)


def schema_of(arguments: dict[str, Any]) -> dict[str, Any]:
    """The JSON Schema of arguments that are described one by one, by types of Python (xLAM).

    One with a default, or whose type says `optional`, may be left out. A type that is not known is any.
    """
    properties: dict[str, Any] = {}
    required = []
    for name, argument in arguments.items():
        kind, *marks = (part.strip() for part in argument["type"].split(","))
        is_optional = "optional" in marks or kind.lower().startswith("optional") or "default" in argument
        stem = kind.lower().partition("[")[0]
        known = "array" if stem in LISTS else TYPES.get(stem, stem if stem in TYPES.values() else None)
        rest = {key: value for key, value in argument.items() if key != "type"}
        properties[name] = ({"type": known} if known else {}) | rest
        required += [] if is_optional else [name]
    return {"type": "object", "properties": properties, "required": required}


def dumps(value: Any) -> str:
    """A value as JSON. Raises ValueError for NaN and infinity, which JSON does not have."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def turn_calls(turn: Mapping[str, Any], name: str, left: Left) -> list[dict[str, Any]]:
    """The calls of an assistant's turn: `tool_calls`, or OpenAI's earlier `function_call`. Raises Refused."""
    calls = turn.get("tool_calls")
    if holds(calls):
        return read_calls(calls, f"{name}.tool_calls", left)
    call = turn.get("function_call")
    return read_calls(call, f"{name}.function_call", left) if holds(call) else []


def read_calls(value: Any, name: str, left: Left) -> list[dict[str, Any]]:
    """Calls (a list, one, or either as JSON text) as messages hold them. Raises Refused."""
    if isinstance(value, str):
        try:
            value = parse_json(value)
        except NotJSON as error:
            raise Refused(CALL_RULE, f"the call is no JSON: {error}") from error
    return [read_call(call, name, left) for call in (value if isinstance(value, list) else [value])]


def read_call(call: Any, name: str, left: Left) -> dict[str, Any]:
    """One call: OpenAI's, or {"name", "arguments"} alone (`parameters`, `input` for `arguments`). Raises Refused."""
    function = call.get("function", call) if isinstance(call, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str) or not function["name"].strip():
        raise Refused(CALL_RULE, f"a call names no function: {beginning(str(call), 80)}")
    key = next((key for key in ("arguments", "parameters", "input") if holds(function.get(key))), "arguments")
    found: dict[str, Any] = {
        "type": "function",
        "function": {"name": function["name"].strip(), "arguments": arguments_text(function.get(key))},
    }
    if isinstance(identity := call.get("id"), str) and identity:
        found["id"] = identity
    if function is not call:
        count_others(left, name, call, ("id", "type", "function", "index"))
    count_others(left, name, function, ("name", key, "id", "type"))
    return found


def arguments_text(value: Any) -> str:
    """The arguments of a call as JSON text, as they stand where they are one already. Raises Refused."""
    if not holds(value) or value in ("null", "None"):
        return "{}"
    try:
        if not isinstance(value, str):
            check_levels(value)
            return dumps(value)
        found = parse_json(value)
        if isinstance(found, str):  # JSON in JSON
            value, found = found, parse_json(found)
        if not isinstance(found, dict):
            raise Refused(CALL_RULE, f"the arguments are no JSON object: {beginning(value, 80)}")
        try:
            orjson.loads(value)
            return value.strip()
        except orjson.JSONDecodeError:  # NaN, a comma at the end
            return dumps(found)
    except Refused:
        raise
    except (NotJSON, Unreadable, ValueError) as error:
        raise Refused(CALL_RULE, f"the arguments are no JSON: {error}") from error


def checked(turns: list[dict[str, Any]], tools: str | None) -> list[dict[str, Any]]:
    """The turns, whose calls fit the tools. Raises Refused.

    A null that the schema refuses is no argument: tables write one for every argument of their other rows.
    """
    for turn in calling(turns):
        for call in turn["tool_calls"]:
            function = call["function"]
            if not function["arguments"].startswith("{"):
                raise Refused(CALL_RULE, f"{function['name']}: the arguments are no JSON object")
            fault = call_fault(tools, [call]) if tools else None
            if fault is None:
                continue
            lean = dict(function, arguments=without_null_arguments(function["arguments"]))
            if lean == function or call_fault(tools, [{"function": lean}]):
                raise Refused(CALL_RULE, fault)
            call["function"] = lean
    return turns


def without_null_arguments(text: str) -> str:
    """Arguments without those that are null; as they stand where none is."""
    arguments = parse_json(text)
    lean = {name: value for name, value in arguments.items() if value is not None}
    return text if len(lean) == len(arguments) else dumps(lean)


def calling(turns: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The turns that call a tool."""
    return (turn for turn in turns if turn.get("tool_calls"))
