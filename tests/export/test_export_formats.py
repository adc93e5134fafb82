"""What a row becomes in each format, which rows a format refuses, and what it counts as left out."""

import csv
import json
from typing import Any

import orjson
import polars as pl
import pytest
from export_project import (
    ARGUMENTS,
    CALLED,
    PAIR,
    PLAIN,
    THOUGHT,
    TOOLS,
    TURNS,
    TWICE,
    assistant,
    call,
    demonstration,
    make_project,
    read_lines,
    result,
    system,
    user,
)

from reports.export.command import main

CALL_OBJECT = call() | {"function": {"name": "weather", "arguments": json.loads(ARGUMENTS)}}


@pytest.fixture
def export(tmp_path, monkeypatch):
    """A function that exports rows of D or P and gives the lines of train.jsonl, left_out.jsonl and export.json."""

    def run(form: str, rows: list[dict[str, Any]], table: str = "D", **options: Any):
        tables = {"demonstrations" if table == "D" else "preferences": rows}
        project = make_project(tmp_path, **tables, **options.pop("beside", {}))
        monkeypatch.chdir(project.folder)
        assert main(table, form, tmp_path / "out", **options) == 0
        told = orjson.loads((tmp_path / "out/export.json").read_bytes())
        assert (
            len(rows)
            == told["rows"]["chosen"]
            == sum(told["rows"].get(s, 0) for s in ("train", "heldout")) + sum(told["refused"].values())
        )
        return read_lines(tmp_path / "out/train.jsonl"), read_lines(tmp_path / "out/left_out.jsonl"), told

    return run


def without(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}


BESIDE = {"id": f"{1:032x}", "source": "data/raw/chats.jsonl:7", "license": "Apache-2.0"}


def test_trl_has_messages_with_the_keys_that_say_something(export):
    rows = [demonstration(1, THOUGHT), demonstration(2, CALLED)]
    first, second = export("trl", rows)[0]
    assert first == BESIDE | {
        "prompt": THOUGHT["prompt"],
        "completion": [assistant("Lima.", reasoning_content="Peru, so Lima.")],
    }
    assert second["completion"] == [assistant("", tool_calls=[CALL_OBJECT]), result("22 °C"), assistant("It is 22 °C.")]
    assert second["tools"] == json.loads(TOOLS)


def test_trl_keeps_the_margin_of_a_pair(export):
    ((row,), _, _) = export("trl", [demonstration(1, PAIR)], "P")
    assert row == BESIDE | PAIR


def test_messages_are_whole_conversations_with_arguments_as_text(export):
    (row,), _, told = export("messages", [demonstration(1, CALLED)])
    assert row["messages"] == [*CALLED["prompt"], *CALLED["completion"]]
    assert set(row) == {"messages", "tools"}
    assert told["left_out"]["column source"] == 1


def test_both_sides_of_a_pair_are_whole_conversations(export):
    (row,), _, _ = export("messages", [demonstration(1, PAIR)], "P", columns="margin")
    assert row == {
        "chosen": [*PAIR["prompt"], *PAIR["chosen"]],
        "rejected": [*PAIR["prompt"], *PAIR["rejected"]],
        "margin": 2,
    }


def test_sharegpt_as_llama_factory_reads_it(export):
    rows = [demonstration(1, TURNS), demonstration(2, CALLED)]
    first, second = export("sharegpt", rows)[0]
    turns = [("human", "Hello"), ("gpt", "Hi."), ("human", "Who wrote Faust?"), ("gpt", "Goethe.")]
    assert first == {
        "id": f"{1:032x}",
        "system": "Be brief.",
        "tools": "",
        "conversations": [{"from": speaker, "value": text} for speaker, text in turns],
    }
    function = {"name": "weather", "arguments": json.loads(ARGUMENTS)}
    assert [turn["from"] for turn in second["conversations"]] == ["human", "function_call", "observation", "gpt"]
    assert json.loads(second["conversations"][1]["value"]) == function
    assert second["tools"] == TOOLS


def test_a_pair_in_sharegpt_is_a_conversation_with_two_replies(export):
    (row,), _, told = export("sharegpt", [demonstration(1, PAIR)], "P")
    assert [turn["from"] for turn in row["conversations"]] == ["human", "gpt", "human"]
    assert (row["chosen"], row["rejected"]) == (
        {"from": "gpt", "value": "Goethe."},
        {"from": "gpt", "value": "Schiller."},
    )
    assert told["left_out"]["column margin"] == 1


def test_several_calls_at_once_are_a_list(export):
    both = [assistant("", tool_calls=[call(), call(number=2)]), result("22 °C"), assistant("Done.")]
    (row,), _, _ = export("sharegpt", [demonstration(1, CALLED | {"completion": both})])
    assert [one["name"] for one in json.loads(row["conversations"][1]["value"])] == ["weather"] * 2


def test_alpaca_holds_system_and_history(export):
    first, second = export("alpaca", [demonstration(1, TURNS), demonstration(2, PLAIN)])[0]
    assert without(first, "id") == {
        "instruction": "Who wrote Faust?",
        "input": "",
        "output": "Goethe.",
        "system": "Be brief.",
        "history": [["Hello", "Hi."]],
    }
    assert without(second, "id") == {
        "instruction": "What is 2 + 2?",
        "input": "",
        "output": "4",
        "system": "",
        "history": [],
    }


def test_a_pair_in_alpaca(export):
    (row,), _, _ = export("alpaca", [demonstration(1, PAIR)], "P")
    assert (row["instruction"], row["chosen"], row["rejected"]) == ("Who wrote Faust?", "Goethe.", "Schiller.")


REFUSED = [
    ("alpaca", CALLED, "tool calls"),
    ("alpaca", PLAIN | {"tools": TOOLS}, "tools"),
    ("alpaca", PLAIN | {"prompt": [user("a"), user("b")]}, "turns of user and assistant do not alternate"),
    ("alpaca", PLAIN | {"prompt": [user("a"), system("b"), user("c")]}, "a system turn after the first"),
    ("alpaca", PLAIN | {"prompt": [system("a")]}, "turns of user and assistant do not alternate"),
    ("alpaca", PLAIN | {"completion": [assistant("a"), assistant("b")]}, "several turns in the completion"),
    ("sharegpt", TWICE, "several tool results in a row"),
    ("sharegpt", PLAIN | {"prompt": [user("a"), user("b")]}, "turns of user and assistant do not alternate"),
    ("sharegpt", PLAIN | {"prompt": [user("a"), system("b"), user("c")]}, "a system turn after the first"),
    ("trl", PLAIN | {"tools": "[{]"}, "tools are not a JSON list"),
    ("trl", PLAIN | {"tools": "{}"}, "tools are not a JSON list"),
    (
        "sharegpt",
        CALLED | {"completion": [assistant("", tool_calls=[call(arguments="[1]")])]},
        "arguments of a tool call are not a JSON object",
    ),
]


@pytest.mark.parametrize(("form", "fields", "reason"), REFUSED)
def test_a_row_that_a_format_cannot_hold_is_named(export, form, fields, reason):
    kept, left, told = export(form, [demonstration(1, fields), demonstration(2, PLAIN)])
    assert left == [{"id": f"{1:032x}", "split": "train", "reason": reason}]
    assert told["refused"] == {reason: 1}
    assert [row["id"] for row in kept] == [f"{2:032x}"]


SIDES = [
    ("sharegpt", {"chosen": CALLED["completion"]}, "several turns in chosen"),
    ("sharegpt", {"rejected": CALLED["completion"]}, "several turns in rejected"),
    ("sharegpt", {"prompt": [user("a"), assistant("b")]}, "turns of user and assistant do not alternate"),
    ("alpaca", {"chosen": [assistant("a"), user("b"), assistant("c")]}, "several turns in the completion"),
]


@pytest.mark.parametrize(("form", "fields", "reason"), SIDES)
def test_a_pair_that_a_format_cannot_hold_is_named(export, form, fields, reason):
    _, left, _ = export(form, [demonstration(1, PAIR | fields), demonstration(2, PAIR)], "P")
    assert [one["reason"] for one in left] == [reason]


def test_fields_of_messages_without_a_place_are_counted(export):
    spoken = CALLED | {"completion": [assistant("Let me see.", tool_calls=[call()]), *CALLED["completion"][1:]]}
    _, _, told = export("sharegpt", [demonstration(1, THOUGHT), demonstration(2, CALLED), demonstration(3, spoken)])
    inside = {name: rows for name, rows in told["left_out"].items() if not name.startswith("column")}
    assert inside == {
        "reasoning of messages": 1,
        "tool_call_id of messages": 2,
        "name of messages": 2,
        "id of tool calls": 2,
        "text beside tool calls": 1,
    }


def test_what_is_left_out_of_refused_rows_is_not_counted_again(export):
    thought = TWICE | {"completion": [*TWICE["completion"][:-1], assistant("Done.", reasoning="So.")]}
    _, _, told = export("sharegpt", [demonstration(1, thought), demonstration(2, PLAIN)])
    assert "reasoning of messages" not in told["left_out"]
    assert told["left_out"]["column domain"] == 1


def test_columns_are_added_by_name_or_all(export):
    (row,), _, told = export("alpaca", [demonstration(1, PLAIN, tags=["arithmetic"])], columns="tags, quality")
    assert (row["tags"], row["quality"]) == (["arithmetic"], 0.5)
    assert "column tags" not in told["left_out"]
    (row,), _, told = export("trl", [demonstration(1, PLAIN, tags=["arithmetic"])], columns="all")
    assert told["left_out"] == {}


def test_verifiers_has_answers_of_problems_and_tests_of_tasks(export):
    problem = {"id": "a" * 32, "source": "f:1", "license": "MIT", "prompt": "What is 2 + 2?", "answer": "4"}
    task = {
        "id": "b" * 32,
        "source": "f:2",
        "license": "MIT",
        "prompt": "Add",
        "entry_point": "add",
        "tests": ["assert 1"],
    }
    rows = [
        demonstration(1, PLAIN, parents=["c" * 32, "a" * 32], domain="math"),
        demonstration(2, {"prompt": [user("Add")], "completion": [assistant("def add(): …")]}, parents=["b" * 32]),
        demonstration(3, TURNS),
        demonstration(4, PLAIN | {"completion": [assistant("It is 4.")]}),
    ]
    kept, left, _ = export("verifiers", rows, beside={"problems": [problem], "tasks": [task]})
    assert [(row["prompt"], row["answer"]) for row in kept] == [
        (PLAIN["prompt"], "4"),
        ([user("Add")], ""),
        (TURNS["prompt"], ""),
    ]
    first, second, _ = (json.loads(row["info"]) for row in kept)
    assert first["id"] == f"{1:032x}"
    assert first["completion"] == PLAIN["completion"]
    assert (second["tests"], second["entry_point"]) == (["assert 1"], "add")
    assert left == [{"id": f"{4:032x}", "split": "train", "reason": "another row is the task of this prompt"}]


def test_csv_is_text_and_holds_no_formula(tmp_path, export):
    formula = {"prompt": [user("=1+1")], "completion": [assistant("@SUM(A1)")]}
    export("alpaca", [demonstration(1, formula)], file="csv")
    (row,) = csv.DictReader((tmp_path / "out/train.csv").open(newline=""))
    assert (row["instruction"], row["output"], row["history"]) == ("'=1+1", "'@SUM(A1)", "[]")


def test_parquet_has_the_same_rows(tmp_path, export):
    rows = [demonstration(1, TURNS), demonstration(2, CALLED)]
    lines = export("sharegpt", rows)[0]
    export("sharegpt", rows, file="parquet")
    found = pl.read_parquet(tmp_path / "out/train.parquet").rows(named=True)
    assert [{name: value for name, value in row.items() if value is not None} for row in found] == lines
