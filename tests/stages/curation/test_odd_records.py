"""Records in which a value is something else: every shape takes or refuses them, and an item is one that tables hold."""

import copy
import time
from contextlib import suppress

import orjson
import pytest
from record_formats import BROKEN, CALL, FLAT, ODD, OPENAI, RESULT, WELL_FORMED, said, tree_message

from schemas.rows import Message
from stages.curation.readers.fields import Item, Misfit, Refused
from stages.curation.readers.gathering import Gathering
from stages.curation.readers.shapes import SHAPES, shape_of
from stages.curation.readers.trees import DEEPEST

EXAMPLES = [*WELL_FORMED, *ODD, *BROKEN]
OTHERS = [
    None,
    True,
    -1,
    2.5,
    "",
    " ",
    "x",
    "[",
    "[1]",
    "{}",
    "null",
    [],
    [None],
    [[]],
    ["x"],
    {},
    {"a": 1},
    [{"role": 1}],
]


def places_of(value, path=()):
    yield path
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places_of(item, (*path, key))


def changed(record, path, other):
    record = copy.deepcopy(record)
    place = record
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = other
    return record


def items_of(shape, records):
    """The items of records that have the shape; those that do not are left out."""
    gathering = Gathering()
    found = []
    for line, record in enumerate(records):
        with suppress(Misfit, Refused):
            found += gathering.add(line, shape(record))
    return [made for _, made in [*found, *gathering.rest()] if isinstance(made, Item)]


def check(item):
    """An item is what a table of its kind holds."""
    fields = item.fields
    orjson.dumps(fields)
    assert all(isinstance(name, str) and times >= 0 for name, times in item.left.items())
    if item.kind not in ("instruction", "preference", "rated"):
        return
    answers = [fields["reference"]] if item.kind == "instruction" else fields.get("responses", [])
    answers += [fields[side] for side in ("chosen", "rejected") if isinstance(fields.get(side), list)]
    for turn in [*fields["prompt"], *(turn for answer in answers for turn in answer)]:
        Message.model_validate(turn)
        assert turn["content"] or turn.get("tool_calls") or turn["role"] == "tool"
    assert fields["prompt"][-1]["role"] == "user"
    assert all(answer[-1]["role"] == "assistant" for answer in answers if answer)
    if item.kind == "rated":
        assert len(set(fields["scores"])) > 1 and len(fields["scores"]) == len(fields["responses"])


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.format)
def test_any_value_in_any_place_is_taken_or_refused(example):
    shape = shape_of(example.format)
    for number, record in enumerate(example.records):
        for path in list(places_of(record))[1:]:
            for other in OTHERS:
                records = [*example.records[:number], changed(record, path, other), *example.records[number + 1 :]]
                for item in items_of(shape, records):
                    check(item)


@pytest.mark.parametrize("name", SHAPES)
def test_records_of_other_formats_are_no_fault_of_a_shape(name):
    for example in EXAMPLES:
        for item in items_of(SHAPES[name], example.records):
            check(item)


def test_calls_of_an_unknown_tool_or_with_a_null_too_many():
    answer = said("assistant", None, tool_calls=[CALL | {"function": {"name": "weather", "arguments": {"city": None}}}])
    with pytest.raises(Refused, match="weather"):
        SHAPES["messages"]({"messages": [said("user", "a"), answer], "tools": OPENAI})
    kept = SHAPES["messages"]({"messages": [said("user", "a"), answer]}).fields["reference"]
    assert kept[0]["tool_calls"][0]["function"]["arguments"] == '{"city": null}'


def test_a_call_keeps_the_text_of_its_arguments_and_a_result_its_call():
    given = '{"city":  "Oslo", "big": 123456789012345678901234567890}'
    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": given}}
    turns = [said("user", "a"), said("assistant", "I look.", tool_calls=[call]), RESULT, said("assistant", "No.")]
    item = SHAPES["messages"]({"messages": turns, "tools": OPENAI})
    assert item.fields["reference"] == turns[1:] and item.left == {}


@pytest.mark.parametrize(
    ("text", "reasoning", "content"),
    [
        ("<think>hm</think>d", "hm", "d"),
        ("<think>\nhm\n</think>\n\nd", "hm", "d"),
        ("<think></think>d", None, "d"),
        ("d <think>hm</think>", None, "d <think>hm</think>"),
        ("<think>hm", None, "<think>hm"),
        ("<think>a</think>b</think>c", "a", "b</think>c"),
    ],
)
def test_reasoning_is_what_is_marked_at_the_very_beginning(text, reasoning, content):
    turn = SHAPES["messages"]({"messages": [said("user", "a"), said("assistant", text)]}).fields["reference"][0]
    assert (turn.get("reasoning"), turn["content"]) == (reasoning, content)
    alone = SHAPES["prompt_completion"]({"prompt": "a", "completion": text}).fields["reference"][0]
    assert alone == turn


def test_a_tree_as_deep_as_a_file_is_long_takes_linear_time():
    def seconds(size):
        flat = [FLAT[0]] + [
            tree_message(str(n + 10), str(n + 9) if n else "1", ("assistant", "prompter")[n % 2]) for n in range(size)
        ]
        begun = time.process_time()
        items = items_of(SHAPES["oasst"], flat)
        assert items[0].left[f"messages behind the first {DEEPEST} of a conversation"] == size + 1 - DEEPEST
        return time.process_time() - begun

    assert seconds(20_000) < 40 * max(seconds(2_000), 0.01)
