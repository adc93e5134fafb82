"""What stages of the version in this folder ask: run as a program of its own, by the code of that version.

    python -P reports/gates/asked.py ANSWERS.parquet PROGRAMS.parquet STAGE …

Rehearses the stages on their tables with what the store remembers (cultivar/tools/dry_run.py): nothing is sent, run or
written beside the two files. A line of ANSWERS is a request: `stage`, `model` (engine/model@revision), `simulated`, `key`,
`question` (a number, the same for samples of one prompt of a stage's role), `prompt_tokens`, `completion_tokens` (null: the store does not know it).
A line of PROGRAMS is an execution: `stage`, `key`.
"""

import sys
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import polars as pl

from cultivar.llm.answer import Generation
from cultivar.llm.request import Request
from cultivar.runner.graph import GRAPH, PARAMS, load_yaml
from cultivar.tools import dry_run

ANSWERS = {
    "stage": pl.String(),
    "model": pl.String(),
    "simulated": pl.Boolean(),
    "key": pl.String(),
    "question": pl.Int64(),
    "prompt_tokens": pl.Int64(),
    "completion_tokens": pl.Int64(),
}
PROGRAMS = {"stage": pl.String(), "key": pl.String()}


class Noting(dry_run.Recalling):
    """A memory that notes every request that it is asked for."""

    def lookup(self, requests: Iterable[Request]) -> dict[bytes, Generation]:
        asked = list(requests)
        found = super().lookup(asked)
        notes: dict[bytes, tuple[int, int | None, int | None]] = self.__dict__.setdefault("notes", {})
        shared, question = None, len(notes)
        for request in asked:
            if request.messages is not shared:  # samples of one question share their messages, and are sent together
                shared, question = request.messages, len(notes)
            answer = found.get(request.key)
            tokens = (answer.prompt_tokens, answer.completion_tokens) if answer is not None else (None, None)
            notes.setdefault(request.key, (question, *tokens))
        return found


def rehearse(stage: str, graph: dict[str, Any], params: dict[str, Any]) -> tuple[list[tuple], list[tuple]]:
    """The requests and the executions of a stage."""
    with ExitStack() as stack:
        run = dry_run.rehearsal(stage, graph, params, stack)
        run.outputs()
        answers = [
            (stage, engine.label, engine.simulated, key.hex(), *note)
            for engine in run.engines.values()
            for key, note in engine.sender.cache.__dict__.get("notes", {}).items()
        ]
        programs = [(stage, key.hex()) for key in run.sandbox.seen] if run.sandbox is not None else []
    return answers, programs


def main() -> None:
    answers_file, programs_file, *stages = sys.argv[1:]
    dry_run.Recalling = Noting  # type: ignore[misc]
    graph, params = load_yaml(GRAPH), load_yaml(PARAMS)
    answers: list[tuple] = []
    programs: list[tuple] = []
    for stage in stages:
        more_answers, more_programs = rehearse(stage, graph, params)
        answers += more_answers
        programs += more_programs
    pl.DataFrame(answers, schema=ANSWERS, orient="row").write_parquet(Path(answers_file))
    pl.DataFrame(programs, schema=PROGRAMS, orient="row").write_parquet(Path(programs_file))


if __name__ == "__main__":
    main()
