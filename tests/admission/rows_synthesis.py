"""Rows, engines and a sandbox by hand for the tests of synthesis: what a model or a program answers is written down."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from cultivar.llm.engine import Engine
from cultivar.runner.states import close
from cultivar.sandbox import Job, Limits, Verdict
from schemas.ids import content_id
from schemas.rows import Instruction, Message
from schemas.table import Table
from tests.engines import Script, scripted

TEACHER, JUDGE = "simulated/teacher@1", "simulated/judge@1"


def table(model: type, *contents: dict[str, Any]) -> Table:
    """A table of `model`, a row per dict of fields; ids follow the content. A text is a prompt of one turn."""
    shared = {"source": "s", "license": "MIT"}
    return Table.of(model, [{"id": id_of(model, fields)} | shared | as_turns(model, fields) for fields in contents])


def as_turns(model: type, fields: dict[str, Any]) -> dict[str, Any]:
    if model is not Instruction or not isinstance(fields.get("prompt"), str):
        return fields
    return fields | {"prompt": [{"role": "user", "content": fields["prompt"]}]}


def id_of(model: type, fields: dict[str, Any]) -> str:
    """The id that `table` gives a row."""
    return content_id(model.__name__, fields)


@contextmanager
def engines(teacher: Script, judge: Script) -> Iterator[tuple[Engine, Engine]]:
    """Scripted teacher and judge. They differ in label and in `simulated`, so that a row shows whose it holds."""
    with (
        scripted(teacher, "teacher", simulated=False, model="teacher") as first,
        scripted(judge, "judge", model="judge") as second,
    ):
        yield first, second


def text_of(messages: Iterable[Message]) -> str:
    """The text of a conversation of one assistant turn."""
    (message,) = messages
    assert message.role == "assistant"
    return message.content


def completions(table: Table) -> list[str]:
    """Completions of a table of demonstrations, sorted."""
    return sorted(text_of(row.completion) for row in table)


def pairs_of(table: Table) -> list[tuple[str, str, float]]:
    """(chosen, rejected, margin) of a table of preferences, sorted."""
    return sorted((text_of(row.chosen), text_of(row.rejected), row.margin) for row in table)


def rules(table: Table) -> dict[str, int]:
    """How many rows each rule dropped."""
    return dict(Counter(row.rule for row in table))


def errors(table: Table) -> list[str]:
    return sorted(row.error for row in table)


def closing(stage: str, result: Any, **consumed: Table) -> dict[str, int]:
    """Row states of a stage's result, as the runner checks them; every table keeps its contract."""
    tables = {name: value for name, value in result._asdict().items() if isinstance(value, Table)}
    for value in tables.values():
        value.check()
    return close(stage, consumed, tables)


class HandSandbox:
    """A sandbox that runs nothing: `outcome(code, test or input, turn)` is the result of each.

    `jobs` holds what it was given. The outcome of a program is the first result that is no pass.
    """

    backend = "userns"

    def __init__(self, outcome: Callable[[str, Any, int], str]):
        self.outcome = outcome
        self.jobs: list[Job] = []

    def run(self, jobs: Iterable[Job]) -> Iterator[Verdict]:
        for job in jobs:
            self.jobs.append(job)
            assert job.tests or job.inputs or job.mode == "verifier", (
                "tests by hand compare with <, so that they stay text"
            )
            results = [self.outcome(job.code, each, job.turn) for each in job.tests or job.inputs]
            first = next((result for result in results if result != "pass"), "pass")
            yield Verdict(job.id, first, results, "", 0, 0, 0, self.backend, job.mode, "", "", job.limits or Limits())


class Characters:
    """A tokenizer: a prompt's ids are the codes of the characters of its last turn."""

    eos_token_id = 0
    all_special_tokens: tuple[str, ...] = ()

    chat_template = "{{ messages[-1].content }}"
    added_tokens_decoder: dict[int, Any] = {}

    def get_chat_template(self) -> str:
        return self.chat_template

    def apply_chat_template(self, messages: list[dict], add_generation_prompt: bool, **_: Any) -> str:
        assert add_generation_prompt or messages[-1]["role"] == "assistant"
        return messages[-1]["content"]

    def __call__(self, texts: list[str], **_: Any) -> dict[str, list[list[int]]]:
        return {"input_ids": [[ord(c) for c in text] for text in texts]}

    @staticmethod
    def text(ids: Iterable[int]) -> str:
        return "".join(map(chr, ids))
