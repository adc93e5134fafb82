"""respond: conversations with tools."""

import json

from tests.admission.rows import selected_row
from tests.admission.test_respond_admission import respond_to

TOOLS = json.dumps([{"type": "function", "function": {"name": "rain", "parameters": {"required": ["city"]}}}])


def calls_of(text):
    return f"<tool_call>\n{text}\n</tool_call>"


def test_calls_of_tools_are_read_and_those_that_do_not_fit_are_dropped():
    good = 'Let me look.\n<tool_call>\n{"name": "rain", "arguments": {"city": "Oslo"}}\n</tool_call>'
    misfit, broken = calls_of('{"name": "rain", "arguments": {}}'), calls_of("rain()")
    rows = [selected_row(text, tools=TOOLS) for text in ("One?", "Two?", "Three?", "Four?")]
    replies = {"One?": good, "Two?": misfit, "Three?": broken, "Four?": "It is dry."}
    tables, small, _ = respond_to(replies, replies, rows=rows)
    turns = {row.prompt[-1].content: row.model_dump()["completion"] for row in tables.candidates}
    call = {"type": "function", "function": {"name": "rain", "arguments": '{"city":"Oslo"}'}}
    assert turns == {
        "One?": [{"role": "assistant", "content": "Let me look.", "tool_calls": [call]}],
        "Four?": [{"role": "assistant", "content": "It is dry."}],
    }
    faults = {row.detail for row in tables.dropped if row.rule == "tool call does not fit its tools"}
    assert faults == {"rain: 'city' is a required property"}
    assert {row.error for row in tables.quarantine} == {
        "invalid: a call of a tool is no JSON: Expecting value: line 2 column 1 (char 1)"
    }


def test_a_row_without_tools_keeps_what_reads_like_a_call_as_text():
    text = calls_of('{"name": "rain", "arguments": {}}')
    tables, _, _ = respond_to([text], ["It is dry."])
    assert text in {row.completion[0].content for row in tables.candidates}
