"""JSON as people write it, read without loss: every digit, no key twice, however it is laid out."""

import json
import time

import pytest
from read_files import TWO, prompts, read

from stages.curation.readers.json_layout import layout_of
from stages.curation.readers.json_text import parse_json
from stages.curation.readers.record import FormatError, Reading
from stages.curation.readers.records import read_records


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ("-123456789012345678901234567890", "-123456789012345678901234567890"),
        ("18446744073709551615", 18446744073709551615),
        ("18446744073709551616", "18446744073709551616"),
        ("-9223372036854775808", -9223372036854775808),
        ("-9223372036854775809", "-9223372036854775809"),
        ("9007199254740993", 9007199254740993),
        ("9007199254740993.0", "9007199254740993.0"),
        ("0.12345678", 0.12345678),
        ("0.1234567890123456789", "0.1234567890123456789"),
        ("0.30000000000000004", 0.30000000000000004),
        ("1e400", "1e400"),
        ("1e-400", "1e-400"),
        ("1e99999999999999999999", "1e99999999999999999999"),
        ("1" * 5000, "1" * 5000),
        ("1E5", 1e5),
        ('"a 1234567890123456789012"', "a 1234567890123456789012"),
        ("Infinity", float("inf")),
        ("[1, 2,]", [1, 2]),
        ('{"a": [1 , ] , }', {"a": [1]}),
        ('{"a": ",]", "b": "x,}\\"",}', {"a": ",]", "b": 'x,}"'}),
        ('{"a": 1, "a": 1}', {"a": 1}),
        ('{"a\\"": 1, "b": "c\\":"}', {'a"': 1, "b": 'c":'}),
        ('"\\ud83d\\ude00"', "😀"),
        ('{"a": "\\\\ud83d"}', {"a": "\\ud83d"}),
    ],
)
def test_json_keeps_its_value(text, value):
    found = parse_json(text)
    assert found == value and type(found) is type(value)


def test_nan_is_read_and_is_no_number():
    found = parse_json('{"prompt": "a", "score": NaN}')
    assert found["prompt"] == "a" and found["score"] != found["score"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"prompt": "a", "prompt": "b"}', "the key `prompt` stands twice"),
        ('{"x": [{"y": 1, "y": 2}]}', "the key `y` stands twice"),
        ('{"prompt": "a\\ud83d"}', r"a lone surrogate \ud83d"),
        ('{"prompt": "\\ude00\\ud83d"}', r"a lone surrogate \ude00"),
        ('{"\\udc00": 1}', r"a lone surrogate \udc00"),
        ("{'prompt': 'a'}", "not JSON"),
        ('{"prompt": "a"', "not JSON"),
        ('{"prompt": "a\tb"}', "not JSON"),
        ("[" * 100_000, "nested too deeply"),
        ("[,]", "not JSON"),
        ('{"a": 1,, }', "not JSON"),
    ],
)
@pytest.mark.parametrize("name", ["a.jsonl", "a.json"])
def test_json_that_cannot_be_read_without_loss_costs_one_record(tmp_path, name, text, reason):
    content = f"{TWO}{text}\n{TWO}" if name == "a.jsonl" else f'[{{"prompt": "one"}},\n{text},\n{{"prompt": "two"}}]'
    values, errors = read(tmp_path / name, content)
    assert {value["prompt"] for value in values} == {"one", "two"} and len(errors) == 1
    assert reason in next(iter(errors.values()))


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
@pytest.mark.parametrize(
    "text",
    [
        TWO,
        '[{"prompt": "one"}, {"prompt": "two"}]',
        '[\n{"prompt": "one"},\n{"prompt": "two"}\n]\n',
        '[\n  {\n    "prompt": "one"\n  },\n  {\n    "prompt": "two"\n  },\n]\n',
        '{\n  "prompt": "one"\n}\n{\n  "prompt": "two"\n}\n',
        '{"prompt": "one"} {"prompt": "two"}',
        '{\n"data": [{"prompt": "one"}, {"prompt": "two"}]\n}\n',
        '\ufeff{"prompt": "one"}\r\n\r\n{"prompt": "two"}',
    ],
)
def test_json_is_read_however_it_is_laid_out(tmp_path, name, text):
    assert prompts(tmp_path / name, text) == ["one", "two"]


def test_a_broken_line_of_an_array_costs_itself(tmp_path):
    content = '[{"prompt": "one"},\n{"prompt": oops},\n{"prompt": "two"}]\n'
    for name in ("a.json", "a.jsonl"):
        values, errors = read(tmp_path / name, content)
        assert [value["prompt"] for value in values] == ["one", "two"] and list(errors) == [2]


def test_a_file_that_is_no_json_at_all_is_one_broken_record(tmp_path):
    for content in ('{\n"prompt": "one"\n', "[\n1,\n2\n", "no\nno\n"):
        values, errors = read(tmp_path / "a.json", content)
        assert not values and list(errors) == [1]


def test_hostile_json_takes_linear_time():
    def seconds(text: str) -> float:
        start = time.process_time()
        with pytest.raises(ValueError, match="not JSON"):
            parse_json(text)
        return time.process_time() - start

    for unit in ('\\"', '"\\', ", ", ",", '{"a', '"a":', "1" * 15, "1.", "1e"):
        short, long = (min(seconds('{"' + unit * n) for _ in range(3)) for n in (5_000, 50_000))
        assert long < 40 * short + 0.05, unit


# ---- layouts


@pytest.mark.parametrize(
    ("value", "split", "values", "left"),
    [
        (
            {"train": [{"prompt": "a"}], "test": [{"prompt": "b"}, {"prompt": "c"}]},
            "train",
            ["a"],
            {"rows of split test": 2},
        ),
        ({"train": [{"prompt": "a"}], "test": [{"prompt": "b"}]}, "test", ["b"], {"rows of split train": 1}),
        ({"train": {"prompt": ["a", "b"]}, "test": []}, "train", ["a", "b"], {"rows of split test": 0}),
        ({"mine": [{"prompt": "a"}], "name": "x"}, "mine", ["a"], {"field name beside the splits": 1}),
        ({"records": [{"prompt": "a"}], "version": 3}, "train", ["a"], {"field version beside the records": 1}),
        ({"prompt": ["a", "b"], "n": [1, None]}, "train", ["a", "b"], {}),
        ({"prompt": {"0": "a", "10": "c", "2": "b"}}, "train", ["a", "b", "c"], {}),
        ({"prompt": "a", "data": [{"x": 1}]}, "train", ["a"], {}),
        ({"prompt": "a", "test": ["assert f()"]}, "train", ["a"], {}),
    ],
)
@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_splits_columns_and_wrappers(tmp_path, value, split, values, left, name):
    (tmp_path / name).write_text(json.dumps(value))
    reading = Reading(split=split)
    assert [record.value["prompt"] for record in read_records(tmp_path / name, reading)] == values
    assert reading.left == left


def test_messages_of_one_conversation_are_no_columns(tmp_path):
    turns = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    for value in (
        {"messages": turns},
        {"prompt": turns[:1], "completion": turns[1:]},
        {"conversations": turns, "tools": turns},
    ):
        assert read(tmp_path / "a.json", json.dumps(value)) == ([value], {})
    assert len(read(tmp_path / "a.json", json.dumps({"messages": [turns, turns, turns]}))[0]) == 3


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ('{"prompt": ["a", "b"], "answer": ["c"]}', "columns of different lengths (prompt 2, answer 1)"),
        ('{"train": [{"prompt": "a"}], "train": [{"prompt": "b"}]}', "the key `train` stands twice"),
        ('{"data": [{"prompt": "a"}], "data": [{"prompt": "b"}]}', "the key `data` stands twice"),
    ],
)
def test_what_would_lose_rows_is_one_broken_record(tmp_path, value, reason):
    values, errors = read(tmp_path / "a.json", value)
    assert not values and list(errors) == [1] and reason in errors[1]


def test_a_split_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FormatError, match=r"a\.json: the file holds the splits train, test, not dev"):
        (tmp_path / "a.json").write_text('{"train": [{"prompt": "a"}], "test": []}')
        list(read_records(tmp_path / "a.json", Reading(split="dev")))


def test_one_conversation_with_lists_beside_its_messages_is_one_record():
    talk = {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}], "tags": ["x"]}
    assert layout_of(talk, "train").records == [talk]
    assert layout_of({"messages": [[talk], [talk]], "tags": ["x", "y"]}, "train").records[1]["tags"] == "y"
