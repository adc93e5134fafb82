"""A project whose D and P have every kind of row: system prompts, earlier turns, reasoning, calls of tools."""

import json
from pathlib import Path
from typing import Any

import orjson
from handmade import Handmade, row_id

from schemas.rows import CodeTask, FinalDemonstration, FinalPreference, Problem, Row
from schemas.table import Table

D, P = "data/demonstrations.parquet", "data/preferences.parquet"
ARGUMENTS = '{"city": "Tōkyō", "reasoning": null}'
TOOLS = json.dumps([{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}])


def system(text: str) -> dict[str, Any]:
    return {"role": "system", "content": text}


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def assistant(text: str, **fields: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": text, **fields}


def call(name: str = "weather", arguments: str = ARGUMENTS, number: int = 1) -> dict[str, Any]:
    return {"id": f"call_{number}", "type": "function", "function": {"name": name, "arguments": arguments}}


def result(text: str, number: int = 1) -> dict[str, Any]:
    return {"role": "tool", "content": text, "tool_call_id": f"call_{number}", "name": "weather"}


SHARED = {
    "domain": "general",
    "strategy": "annotation",
    "label_source": "judge",
    "quality": 0.5,
    "license": "Apache-2.0",
    "engine": "http/teacher",
    "simulated": False,
    "split": "train",
    "source": "data/raw/chats.jsonl:7",
}
PLAIN = {"prompt": [user("What is 2 + 2?")], "completion": [assistant("4")]}
TURNS = {
    "prompt": [system("Be brief."), user("Hello"), assistant("Hi."), user("Who wrote Faust?")],
    "completion": [assistant("Goethe.")],
}
THOUGHT = {"prompt": [user("Capital of Peru?")], "completion": [assistant("Lima.", reasoning="Peru, so Lima.")]}
CALLED = {
    "prompt": [user("Weather in Tokyo?")],
    "completion": [assistant("", tool_calls=[call()]), result("22 °C"), assistant("It is 22 °C.")],
    "tools": TOOLS,
}
TWICE = {
    "prompt": [user("Weather in Tokyo and Rome?")],
    "completion": [
        assistant("", tool_calls=[call(), call(arguments='{"city": "Rome"}', number=2)]),
        result("22 °C"),
        result("25 °C", 2),
        assistant("22 and 25 °C."),
    ],
    "tools": TOOLS,
}
PAIR = {
    "prompt": TURNS["prompt"],
    "chosen": [assistant("Goethe.")],
    "rejected": [assistant("Schiller.")],
    "margin": 2.0,
}


def demonstration(number: int, fields: dict[str, Any], **other: Any) -> dict[str, Any]:
    """A row of D; rows are in the order of their numbers."""
    return SHARED | {"id": f"{number:032x}"} | fields | other


preference = demonstration


def table_bytes(model: type[Row], rows: list[dict[str, Any]], folder: Path) -> bytes:
    """The file of a table."""
    path = folder / "rows.parquet"
    Table.of(model, rows).write(path)
    return path.read_bytes()


def make_project(
    folder: Path,
    demonstrations: list[dict[str, Any]] | None = None,
    preferences: list[dict[str, Any]] | None = None,
    problems: list[dict[str, Any]] | None = None,
    tasks: list[dict[str, Any]] | None = None,
) -> Handmade:
    """A committed project with these rows in its tables."""
    project = Handmade(folder / "project")
    given = {
        "assemble": {D: (FinalDemonstration, demonstrations), P: (FinalPreference, preferences)},
        "ingest": {"data/problems.parquet": (Problem, problems), "data/code_tasks.parquet": (CodeTask, tasks)},
    }
    for stage, tables in given.items():
        outs = {path: table_bytes(model, rows, folder) for path, (model, rows) in tables.items() if rows is not None}
        if outs:
            project.put({stage: outs})
    project.commit("v1")
    return project


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The objects of a JSON Lines file; none where there is no file."""
    return [orjson.loads(line) for line in path.read_bytes().split(b"\n") if line] if path.exists() else []


__all__ = ["row_id"]
