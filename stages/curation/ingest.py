"""ingest: read what people have into one table per kind of task; evaluation files apart from everything else.

Sources are declared in params.yaml. A record that is broken or does not have its file's shape goes to quarantine with
file, line and reason; a file whose format cannot be told stops the stage with what was tried.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from cultivar.text.tokens import normal_form
from schemas.ids import content_id
from schemas.rows import (
    Character,
    CodeTask,
    Constraint,
    Dropped,
    EvaluationItem,
    Instruction,
    Passage,
    Problem,
    Quarantined,
    Row,
    SafetyPrompt,
)
from schemas.stage import Files
from schemas.table import Table
from stages.curation.params import IngestParams, SourceFile
from stages.curation.readers.records import Record
from stages.curation.readers.shapes import Item, Misfit
from stages.curation.readers.sources import Excluded, read_source


class IngestTables(NamedTuple):
    instructions: Table[Instruction]
    problems: Table[Problem]
    code_tasks: Table[CodeTask]
    constraints: Table[Constraint]
    passages: Table[Passage]
    characters: Table[Character]
    safety_prompts: Table[SafetyPrompt]
    evaluation: Table[EvaluationItem]
    dropped: Table[Dropped]
    quarantine: Table[Quarantined]
    metrics: dict[str, Any]


TABLES: dict[str, tuple[str, type[Row]]] = {
    "instruction": ("instructions", Instruction),
    "problem": ("problems", Problem),
    "code_task": ("code_tasks", CodeTask),
    "constraint": ("constraints", Constraint),
    "passage": ("passages", Passage),
    "character": ("characters", Character),
    "safety_prompt": ("safety_prompts", SafetyPrompt),
    "evaluation": ("evaluation", EvaluationItem),
}
"""Kind of an item -> name and model of its table."""


@dataclass
class Collection:
    """Rows by kind and id, in the order of the sources; the first of equal rows stays."""

    rows: dict[str, dict[str, dict[str, Any]]] = field(default_factory=lambda: {kind: {} for kind in TABLES})
    dropped: dict[str, dict[str, Any]] = field(default_factory=dict)
    quarantined: dict[str, dict[str, Any]] = field(default_factory=dict)
    not_taken: Counter[str] = field(default_factory=Counter)

    def drop(self, kind: str, place: str, rule: str, detail: str, parents: tuple[str, ...] = ()) -> None:
        row_id = content_id("dropped", [kind, place, rule], parents)
        self.dropped[row_id] = {
            "id": row_id,
            "parents": list(parents),
            "stage": "ingest",
            "rule": rule,
            "detail": f"{place}: {detail}",
        }

    def quarantine(self, place: str, error: str, raw: str) -> None:
        row_id = content_id("quarantined", [place, error, raw])
        self.quarantined[row_id] = {
            "id": row_id,
            "parents": [],
            "stage": "ingest",
            "error": error,
            "source": place,
            "raw": raw,
        }


def ingest(files: Files, params: IngestParams) -> IngestTables:
    """Read every declared source. Raises FormatError for an undetectable format, FileNotFoundError for no file."""
    collection = Collection()
    for evaluation_file in params.evaluation:
        take_source(collection, evaluation_file, files, params, held_out=None)
    held_out = {prompt_key(row["prompt"]): row["id"] for row in collection.rows["evaluation"].values()}
    for source in params.sources:
        take_source(collection, source, files, params, held_out)
    tables: dict[str, Any] = {
        name: Table.of(model, collection.rows[kind].values(), name) for kind, (name, model) in TABLES.items()
    }
    return IngestTables(
        **tables,
        dropped=Table.of(Dropped, collection.dropped.values()),
        quarantine=Table.of(Quarantined, collection.quarantined.values()),
        metrics={"not_taken": {name: count for name, count in sorted(collection.not_taken.items()) if count}},
    )


def prompt_key(prompt: str) -> str:
    """A prompt without the differences that a reader does not see."""
    return " ".join(normal_form(prompt).split())


def take_source(
    collection: Collection, source: SourceFile, files: Files, params: IngestParams, held_out: dict[str, str] | None
) -> None:
    """Collect the rows of one source: shape, selection by `ids`, duplicates, and the `limit` with the least ids.

    `held_out` has the ids of the evaluation prompts, by `prompt_key`; None for an evaluation source.
    """
    rows: dict[str, tuple[str, dict[str, Any]]] = {}
    for found in read_source(source, files, params):
        place, item = found.place, found.value
        if isinstance(item, Excluded):
            collection.drop(item.kind, place, item.rule, item.reason)
            continue
        if isinstance(item, Record):
            collection.quarantine(place, item.error, item.raw)
            continue
        try:
            kind, fields = evaluation_fields(item) if held_out is None else training_fields(item, source)
        except Misfit as error:
            collection.quarantine(place, str(error), orjson.dumps(item.fields).decode())
            continue
        collection.not_taken[f"{source.name}: turns and instances after the first"] += item.left
        row_id = content_id(kind, fields)
        row = fields | {"id": row_id, "parents": [], "source": place}
        row |= {"license": source.license, "split": source.split}
        if row_id in rows or row_id in collection.rows[kind]:
            first = rows[row_id][1] if row_id in rows else collection.rows[kind][row_id]
            detail = f"the same {kind} stands at {first['source']}"
            collection.drop(kind, place, "exact duplicate", detail, (row_id,))
        elif held_out and (twin := held_out.get(prompt_key(fields.get("prompt", "")))):
            collection.drop(kind, place, "evaluation prompt", "its prompt is an evaluation item", (twin,))
        else:
            rows[row_id] = (kind, row)
    chosen = sorted(rows)[: source.limit] if source.limit else rows
    if len(chosen) < len(rows):
        collection.not_taken[f"{source.name}: rows over the limit"] += len(rows) - len(chosen)
    for row_id in chosen:
        kind, row = rows[row_id]
        collection.rows[kind][row_id] = row


def training_fields(item: Item, source: SourceFile) -> tuple[str, dict[str, Any]]:
    """(kind, fields) of the row that an item of a training source becomes.

    The source's domain decides where the shape leaves it open.
    """
    kind, fields, _ = item
    if kind == "constrained":
        raise Misfit("IFEval rows are evaluation rows; declare the file under ingest.evaluation")
    if kind == "problem" and source.domain != "math":
        return "instruction", {
            "prompt": fields["prompt"],
            "reference": fields["solution"] or fields["answer"],
            "domain": source.domain,
        }
    if kind == "instruction":
        if source.domain == "safety":
            raise Misfit("a safety prompt needs `area` and `harmful`")
        return "instruction", fields | {"domain": source.domain}
    return kind, fields


def evaluation_fields(item: Item) -> tuple[str, dict[str, Any]]:
    """(kind, fields) of the evaluation item that an item of an evaluation source becomes."""
    kind, fields, _ = item
    match kind:
        case "problem":
            row = {"task": "math"} | {name: fields[name] for name in ("prompt", "answer", "solution")}
        case "code_task":
            names = ("prompt", "entry_point", "tests", "setup", "solution")
            row = {"task": "code"} | {name: fields[name] for name in names}
        case "constrained":
            row = {"task": "constraint"} | fields | {"solution": fields["answer"]}
        case "instruction" | "safety_prompt":
            reference = fields.get("reference")
            row = {"task": "general", "prompt": fields["prompt"], "answer": reference, "solution": reference}
        case _:
            raise Misfit(f"a {kind} cannot be evaluated; evaluation takes problems, code tasks, IFEval and prompts")
    return "evaluation", row
