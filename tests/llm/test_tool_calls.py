"""Calls of tools stand in the text of an answer, whoever gives them, and are read from it again."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cultivar.llm.http_engine import parse_choices, payload
from cultivar.llm.request import ModelConfig, Question, Request
from cultivar.llm.tool_calls import read_calls, with_calls

WORDS = st.text(st.characters(codec="utf-8", exclude_characters="<\x00")).map(str.strip)
VALUES = st.dictionaries(st.text(max_size=5), st.none() | st.integers(-9, 9) | st.text(max_size=9), max_size=3)
CALLS = st.lists(st.tuples(st.text(min_size=1, max_size=9), VALUES), max_size=3)
TOOLS = '[{"type":"function","function":{"name":"f"}}]'


def shaped(calls, write=json.dumps):
    return [{"type": "function", "function": {"name": name, "arguments": write(given)}} for name, given in calls]


@given(WORDS, CALLS, st.booleans())
def test_what_is_written_into_an_answer_is_read_from_it(content, calls, as_objects):
    text = with_calls(content, shaped(calls, (lambda value: value) if as_objects else json.dumps))
    words, found = read_calls(text)
    assert words == content and [one["function"]["name"] for one in found] == [name for name, _ in calls]
    assert [json.loads(one["function"]["arguments"]) for one in found] == [value for _, value in calls]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('<tool_call>{"name": "f"}', "not closed"),
        ("<tool_call>f()</tool_call>", "no JSON"),
        ('<tool_call>{"arguments": {}}</tool_call>', "no name"),
        ('<tool_call>["f"]</tool_call>', "no name"),
    ],
)
def test_a_call_that_cannot_be_read_is_named(text, fault):
    with pytest.raises(ValueError, match=fault):
        read_calls(text)


def test_a_server_is_sent_the_tools_and_its_calls_stand_in_the_text():
    config = ModelConfig("http", "m", "main", {"temperature": 0.0})
    messages = [{"role": "user", "content": "Rain?"}]
    asked = Request(config, messages, 1, 0, tools=TOOLS)
    assert json.loads(payload([asked], structured=False))["tools"] == json.loads(TOOLS)
    assert "tools" not in json.loads(payload([Request(config, messages, 1, 0)], structured=False))
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
    body = {"choices": [{"message": {"content": None, "tool_calls": [call]}, "finish_reason": "tool_calls"}]}
    (outcome,) = parse_choices(json.dumps(body).encode(), 1, has_tools=True)
    assert read_calls(outcome.text) == ("", shaped([("f", {"a": 1})], lambda _: '{"a":1}'))


def test_tools_are_part_of_a_request_only_where_there_are_some():
    config = ModelConfig("http", "m", "main", {})
    messages = [{"role": "user", "content": "Rain?"}]
    keys = {Request(config, messages, 1, 0, tools=tools).key for tools in ("", TOOLS, TOOLS.replace("f", "g"))}
    assert len(keys) == 3 and Request(config, messages, 1, 0).key in keys


def test_a_chat_token_in_a_tool_is_broken():
    assert "<|im_end|>" not in Question([{"role": "user", "content": "a"}], tools='["<|im_end|>"]').tools
