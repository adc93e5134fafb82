"""Calls of tools against their JSON Schema: what does not fit, what cannot be told, and schemas that mean harm."""

import json
import time

import pytest

from schemas.tools import ToolFault, call_fault, functions_of

CITY = {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer", "maximum": 7}}}
WEATHER = CITY | {"required": ["city"], "additionalProperties": False}


def tools(schema, name="weather"):
    return json.dumps([{"type": "function", "function": {"name": name, "parameters": schema}}])


def call(arguments, name="weather"):
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return [{"type": "function", "function": {"name": name, "arguments": text}}]


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        ({"city": "Oslo"}, None),
        ({"city": "Oslo", "days": 7}, None),
        ({"city": "Oslo", "days": 8}, "weather: days: 8 is greater than the maximum of 7"),
        ({"days": 1}, "weather: 'city' is a required property"),
        ({"city": "Oslo", "unit": "C"}, "weather: no argument 'unit' is known"),
        ("[1]", "weather: the arguments are no JSON object"),
        ("{", "weather: the arguments are no JSON"),
    ],
)
def test_arguments_fit_their_schema_or_a_fault_says_where(arguments, fault):
    found = call_fault(tools(WEATHER), call(arguments))
    assert found is None if fault is None else str(found).startswith(fault)


def test_a_call_names_a_tool_that_there_is():
    assert call_fault(tools(WEATHER), call({"city": "Oslo"}, "wheather")) == "wheather: no such tool"
    assert call_fault(None, call({})) == "weather: no such tool" and call_fault(None, []) is None


def test_a_long_value_does_not_hide_what_it_breaks():
    assert call_fault(tools({"properties": {"a": {"type": "null"}}}), call({"a": "x" * 999})) == (
        "weather: a: does not hold to `type`"
    )


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{", "no JSON"),
        ("{}", "no list"),
        ("[1]", "no function with a name"),
        ('[{"function": {"name": ""}}]', "no function with a name"),
        (json.dumps(json.loads(tools({})) * 2), "two tools are called 'weather'"),
        (tools({"type": "objekt"}), "no JSON Schema: type"),
        (tools({"required": "city"}), "no JSON Schema: required"),
    ],
)
def test_tools_that_are_none_are_refused(text, fault):
    with pytest.raises(ToolFault, match=fault):
        functions_of(text)


def test_a_tool_without_parameters_takes_any_object():
    assert call_fault('[{"function": {"name": "f"}}]', call({"a": 1}, "f")) is None


def doubling(levels):
    """A schema that asks for two checks at each level, by references: 2^levels in all."""
    parts = {str(n): {"allOf": [{"$ref": f"#/$defs/{n + 1}"}] * 2} for n in range(levels)}
    return {"$defs": parts | {str(levels): {"type": "object"}}, "$ref": "#/$defs/0"}


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"$ref": "http://127.0.0.1:9/never.json"},
        {"$ref": "file:///etc/passwd"},
        doubling(40),
        {"properties": {"a": {"pattern": "(?=x)"}}},
        {"properties": {"a": {"pattern": "("}}},
        {"patternProperties": {"(?!x)": {"type": "null"}}, "additionalProperties": False},
    ],
)
def test_what_cannot_be_told_is_no_fault_and_takes_no_time(schema):
    start = time.process_time()
    assert call_fault(tools(schema), call({"a": "b"})) is None
    assert time.process_time() - start < 60  # 2^40 checks are years


def test_patterns_are_matched_in_linear_time():
    schema = tools({"properties": {"a": {"pattern": "^(a+)+$"}}})
    assert "a: does not match the pattern" in str(call_fault(schema, call({"a": "a" * 50_000 + "b"})))
    assert call_fault(schema, call({"a": "aaa"})) is None


def test_items_that_must_differ_are_compared_by_value():
    schema = tools({"properties": {"a": {"uniqueItems": True}}})
    assert call_fault(schema, call({"a": [1, {"b": 2}, {"b": 3}]})) is None
    assert "non-unique" in str(call_fault(schema, call({"a": [{"b": 2, "c": 1}, {"c": 1, "b": 2}]})))
