"""A remembered answer can never end a run twice: every hostile answer through every stage that asks a model, twice.

The engines parse, retry and store as in the graph; the second run is answered by the store alone.
"""

import json
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from cultivar.llm.answer import Generation
from cultivar.llm.engine import Engine
from cultivar.llm.request import Request
from cultivar.runner.states import close
from cultivar.sandbox import Limits, Verdict
from cultivar.sandbox.judge import count_tests, job_payload
from cultivar.sandbox.modules import missing_modules
from cultivar.store.store import Store
from schemas.ids import content_id
from schemas.params.engines import RoleParams, RuntimeParams
from schemas.rows import (
    Character,
    CodeTask,
    Constraint,
    Demonstration,
    EvaluationItem,
    Instruction,
    InstructionScore,
    Label,
    Passage,
    Preference,
    Problem,
    SafetyPrompt,
    Selected,
)
from schemas.stage import Files
from schemas.table import Context, Table
from stages.annotation import params as annotation
from stages.annotation.evolve import evolve
from stages.annotation.ontology import ontology
from stages.annotation.rank import rank
from stages.annotation.respond import respond
from stages.annotation.score import score
from stages.annotation.select import select
from stages.annotation.tag import tag
from stages.curation.assemble import assemble
from stages.curation.filter import filter as filter_rows
from stages.curation.params import AssembleParams, FilterParams
from stages.review.datasheet import datasheet
from stages.review.params import DatasheetParams
from stages.synthesis import params as synthesis
from stages.synthesis.constitution import constitution
from stages.synthesis.execution import execution
from stages.synthesis.rejection import rejection
from stages.synthesis.repurpose import repurpose
from tests.admission.rows import declared, selected_row
from tests.admission.rows_synthesis import table
from tests.stages.hostile_texts import HOSTILE

ROOT = Path(__file__).parents[2]
COUNT = len(HOSTILE)
MOST = 4000
"""Characters of a text within an answer: a tag or an instruction of a megabyte is no other than a long one."""
MOST_REPEATED = 500
"""Characters of a text that may stand in every field of an answer; a longer one stands in the first."""


class HostileBackend:
    """Answers the requests of each question with the hostile texts, one after another.

    `is_filled`: an answer with a schema is valid by it, and its strings are hostile; one without holds a right answer and a
    program beside the text. Else the text is all there is.
    """

    simulated = False

    def __init__(self, is_filled: bool, is_closed: bool = False) -> None:
        self.is_filled, self.is_closed = is_filled, is_closed
        self.extra: dict[str, Any] = {}
        self.asked: Counter[str] = Counter()

    def complete(self, requests: list[Request]) -> list[Generation]:
        assert not self.is_closed, "everything was answered before"
        return [Generation(self.reply(request), "stop", 1, 1) for request in requests]

    def reply(self, request: Request) -> str:
        number = self.asked[request.fingerprint]
        self.asked[request.fingerprint] += 1
        shift = int(content_id("shift", [request.fingerprint, number // COUNT]), 16)  # no two questions go in step
        text = HOSTILE[(number + shift) % COUNT]
        if not self.is_filled:
            return text
        text = text[:MOST]
        if request.config.schema is None:
            return f"{text}\n```python\ndef f(x):\n    return {text[:MOST_REPEATED]!r}, x\n```\n#### 4"
        prompt = request.messages[-1]["content"]
        return json.dumps(Filling(text, random.Random(number), prompt.count("<response")).value(request.config.schema))


class Filling:
    """A value by a schema, whose strings are one text and whose other parts are drawn."""

    def __init__(self, text: str, rng: random.Random, responses: int) -> None:
        self.text, self.rng, self.responses = text, rng, responses

    def value(self, schema: dict[str, Any], name: str = "") -> Any:
        if "enum" in schema:
            return self.rng.choice(schema["enum"])
        if "anyOf" in schema:
            return self.value(self.rng.choice(schema["anyOf"]), name)
        match schema["type"]:
            case "object":
                return {key: self.value(part, key) for key, part in schema["properties"].items()}
            case "array":
                size = self.responses if name == "ratings" else self.rng.randrange(1, 4)
                return [self.value(schema["items"], name) for _ in range(size)]
            case "string":
                text = self.text
                self.text = text[:MOST_REPEATED]
                if name == "function" and self.rng.random() < 0.7:
                    return f"def evaluate(response):\n    return {text[:50]!r} in response"
                return text
            case "boolean":
                return self.rng.random() < 0.7
            case "integer" | "number":
                return self.rng.randint(max(1, schema["maximum"] - 1), schema["maximum"])
        raise AssertionError(schema)


class ReadingSandbox:
    """Runs nothing; reads the programs as the supervisor does. Outcomes are drawn from program and test."""

    backend = "userns"

    def run(self, jobs):
        for job in jobs:
            job.key()
            missing_modules(job, ())
            possible = ("true", "false") if job.mode == "verifier" else ("pass", "pass", "fail", "unsupported")
            try:
                job_payload(job)
            except ValueError:
                possible = ("refused",)
            results = [
                possible[int(content_id("outcome", [job.code, number]), 16) % len(possible)]
                for number in range(count_tests(job))
            ]
            first = next((result for result in results if result != "pass"), "pass")
            yield Verdict(job.id, first, results, "", 0, 0, 0, self.backend, job.mode, "", "", job.limits or Limits())


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch) -> None:
    """A folder with the project's prompts, reports and what people decided."""
    for name in ("prompts", "reports", "human"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)


class Graph:
    """The stages that ask a model, and those that take their rows. `asked` counts requests by stage."""

    def __init__(self, folder: Path, is_filled: bool, is_closed: bool) -> None:
        self.folder, self.is_filled, self.is_closed = folder, is_filled, is_closed
        self.tables: dict[str, dict[str, Table]] = {}
        self.asked: Counter[str] = Counter()

    @contextmanager
    def engines(self, stage: str, *roles: str) -> Iterator[list[Engine]]:
        """Engines of these roles. Each stage has models of its own, so that each is given every text."""
        with ExitStack() as stack, Store(self.folder) as store:
            backends = [HostileBackend(self.is_filled, self.is_closed) for _ in roles]
            yield [
                stack.enter_context(Engine(role, RoleParams(model=f"{stage}/{role}"), backend, store))
                for role, backend in zip(roles, backends, strict=True)
            ]
            self.asked[stage] += sum(backend.asked.total() for backend in backends)

    def run(self, stage, *consumed: Table, roles=(), before=(), behind=()):
        """The tables of a stage, each valid, and every consumed row in one state."""
        with self.engines(stage.__name__, *roles) as engines:
            result = stage(*consumed, *before, *engines, *behind)
        tables = {name: value for name, value in result._asdict().items() if isinstance(value, Table)}
        for value in tables.values():
            value.check()
        closed = [each for each in consumed if not isinstance(each, Context)]
        close(stage.__name__, {str(place): each for place, each in enumerate(closed)}, tables)
        self.tables[stage.__name__] = tables
        return result

    def run_all(self) -> None:
        self.annotate()
        self.synthesize()
        self.curate()

    def annotate(self) -> None:
        instructions = table(Instruction, *({"prompt": f"Say what the number {n} means."} for n in range(COUNT)))
        tagged = self.run(tag, instructions, roles=["tagger"], before=[annotation.TagParams()])
        ontologies = Files("ontology", (Path("human/ontology"),))
        params = annotation.OntologyParams()
        labels = self.run(ontology, tagged.tag_sets, before=[params, RuntimeParams()], behind=[ontologies]).labels
        context = Context(Label, labels.frame)
        scores = self.run(
            score, instructions, context, before=[annotation.ScoreParams()], roles=["judge"]
        ).instruction_scores
        self.run(select, instructions, Context(InstructionScore, scores.frame), before=[annotation.SelectParams()])
        selected = Table.of(Selected, [selected_row(f"Say what the number {n} means.") for n in range(COUNT)])
        params = annotation.EvolveParams(rounds=1, share=1.0, max_added_words=10**6)
        evolved = self.run(evolve, selected, before=[params], roles=["teacher", "judge"]).evolved
        params = annotation.RespondParams(strategies=["plain"])
        candidates = self.run(respond, selected, evolved, before=[params], roles=["small", "large"]).candidates
        people = Files("rank", (Path("human/annotations"),))
        self.run(rank, candidates, before=[annotation.RankParams()], roles=["judge"], behind=[people])

    def synthesize(self) -> None:
        roles = ["teacher", "judge"]
        problems = table(Problem, *({"prompt": f"{n} apples and 4?", "answer": "4"} for n in range(COUNT)))
        self.run(rejection, problems, before=[synthesis.RejectionParams(samples=1)], roles=roles)
        tasks = table(
            CodeTask,
            *(
                {"prompt": f"Write f {n}.", "entry_point": "f", "tests": ["assert f(1) > 0"][: n % 2]}
                for n in range(COUNT)
            ),
        )
        seeds = table(Constraint, *({"text": f"Use {n} words"} for n in range(COUNT // 4)))
        queries = table(Instruction, {"prompt": "What colour is coal?"}, {"prompt": "What colour is grass?"})
        params = synthesis.ExecutionParams(
            solutions=1, test_sets=2, functions=2, rewrites=1, queries=2, responses=2, reruns=1
        )
        context = Context(Instruction, queries.frame)
        self.run(execution, tasks, seeds, context, before=[params], roles=roles, behind=[ReadingSandbox()])
        passages = table(Passage, *({"work": f"Book {n}", "text": f"It was {n} o'clock."} for n in range(COUNT)))
        cast = table(Character, *({"name": f"Ada {n}", "description": "a queen"} for n in range(COUNT // 2)))
        params = synthesis.RepurposeParams(levels=["line"], others=1, questions=1)
        self.run(repurpose, passages, cast, before=[params], roles=roles)
        prompts = table(
            SafetyPrompt, *({"prompt": f"Open lock {n}?", "area": "theft", "harmful": n % 2 == 0} for n in range(COUNT))
        )
        principles = Files("constitution", (Path("human/constitution"),))
        params = synthesis.ConstitutionParams(revisions=1)
        self.run(constitution, prompts, before=[params], roles=roles, behind=[principles])

    def curate(self) -> None:
        found = {name: value for tables in self.tables.values() for name, value in tables.items()}
        stages = ("annotation", "rejection", "execution", "repurpose", "constitution")
        admitted, pairs = ([found[f"{name}_{kind}"] for name in stages] for kind in ("demonstrations", "preferences"))
        items = [{"prompt": "How many legs has a cat?", "task": "math", "answer": "4"}]
        evaluation = Context(EvaluationItem, table(EvaluationItem, *items).frame)
        given = [table(Demonstration), *pairs, table(Preference)]
        kept = self.run(filter_rows, *admitted, *given, evaluation, declared(), before=[FilterParams()])
        final = self.run(
            assemble,
            kept.filtered_demonstrations,
            kept.filtered_preferences,
            evaluation,
            declared(),
            before=[AssembleParams()],
        )
        contexts = [Context(each.model, each.frame) for each in (final.demonstrations, final.preferences)]
        files = Files("datasheet", (Path("reports/templates"),))
        self.sheet = datasheet(*contexts, declared(), files, DatasheetParams()).datasheet.text


@pytest.mark.parametrize("is_filled", [False, True])
def test_no_answer_ends_a_run_and_the_second_asks_nothing_and_is_the_same(is_filled, tmp_path):
    first, second = Graph(tmp_path / "store", is_filled, False), Graph(tmp_path / "store", is_filled, True)
    first.run_all()
    for stage, count in first.asked.items():
        assert not count or count >= COUNT, stage
    second.run_all()
    assert first.sheet == second.sheet
    assert first.tables.keys() == second.tables.keys()
    for stage, tables in first.tables.items():
        for name, found in tables.items():
            found.write(tmp_path / "first.parquet")
            second.tables[stage][name].write(tmp_path / "second.parquet")
            assert (tmp_path / "first.parquet").read_bytes() == (tmp_path / "second.parquet").read_bytes(), name
