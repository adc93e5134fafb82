"""ingest: read what people have into one table per kind of task; evaluation files apart from everything else.

Sources are declared in params.yaml. A record that is broken or does not have its file's shape goes to quarantine with
file, line and reason; a file whose format cannot be told stops the stage with what was tried.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import polars as pl

from cultivar.outgoing.redaction import redacted_value
from schemas.conversations import compact
from schemas.garbage import paused_collector
from schemas.ids import content_id
from schemas.products import Admission, message, preference_row
from schemas.rows import (
    SOURCE,
    Character,
    CodeTask,
    Constraint,
    Dropped,
    EvaluationItem,
    Instruction,
    Passage,
    Preference,
    Problem,
    Quarantined,
    Row,
    SafetyPrompt,
)
from schemas.stage import Files
from schemas.table import Table
from stages.curation.collection import Collection, Rows
from stages.curation.held_out import asked_by
from stages.curation.params import IngestParams, SourceFile
from stages.curation.readers.bulk.batch import Plain
from stages.curation.readers.bulk.instructions import instruction_rows
from stages.curation.readers.fields import Left, bounded, count
from stages.curation.readers.json_text import as_json
from stages.curation.readers.record import Record
from stages.curation.readers.shapes import Item, Misfit
from stages.curation.readers.sources import Excluded, NotTaken, read_source


class IngestTables(NamedTuple):
    instructions: Table[Instruction]
    problems: Table[Problem]
    code_tasks: Table[CodeTask]
    constraints: Table[Constraint]
    passages: Table[Passage]
    characters: Table[Character]
    safety_prompts: Table[SafetyPrompt]
    evaluation: Table[EvaluationItem]
    given_preferences: Table[Preference]
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
    "preference": ("given_preferences", Preference),
}
"""Kind of an item -> name and model of its table."""


def ingest(files: Files, params: IngestParams) -> IngestTables:
    """Read every declared source. Raises FormatError for an undetectable format, FileNotFoundError for no file."""
    with paused_collector():
        collection = read_sources(files, params)
        tables: dict[str, Any] = {name: collection.rows[kind].table(name) for kind, (name, _) in TABLES.items()}
        return IngestTables(
            **tables,
            dropped=collection.dropped.table(),
            quarantine=collection.quarantined.table(),
            metrics=redacted_value({"not_taken": bounded(collection.not_taken), "rows_by_source": collection.taken}),
        )


def read_sources(files: Files, params: IngestParams) -> Collection:
    """The rows of every source, the evaluation files first."""
    collection = Collection({kind: model for kind, (_, model) in TABLES.items()})
    for evaluation_file in params.evaluation:
        take_source(collection, evaluation_file, files, params, held_out=None)
    held_out = asked_by(collection.rows["evaluation"].frames)
    for source in params.sources:
        take_source(collection, source, files, params, held_out)
    return collection


def take_source(
    collection: Collection, source: SourceFile, files: Files, params: IngestParams, held_out: pl.DataFrame | None
) -> None:
    """Collect the rows of one source: shape, selection by `ids`, duplicates, and the `limit` with the least ids.

    `held_out` has the ids and keys of the evaluation prompts; None for an evaluation source.
    """
    rows = {kind: Rows(model) for kind, (_, model) in TABLES.items()}
    not_taken: Left = {}
    for found in read_source(source, files, params):
        place, item = found.place, found.value
        match item:
            case Item():
                pass
            case Plain():
                rows["instruction"].extend(instruction_rows(item.rows, str(found.path), source))
                for name, times in item.left.items():
                    count(not_taken, name, times)
                continue
            case Excluded():
                collection.drop(item.kind, place, item.rule, item.reason)
                continue
            case NotTaken():
                count(not_taken, item.what, item.count)
                continue
            case Record():
                collection.quarantine(place, item.error, item.raw)
                continue
        try:
            items = evaluation_items(item) if held_out is None else [training_item(item, source)]
        except Misfit as error:
            collection.quarantine(place, str(error), as_json(item.fields))
            continue
        for kind, fields, left in items:
            for name, times in left.items():
                count(not_taken, name, times)
            rows[kind].add(row_of(kind, fields, place, source))
    kept = {kind: collection.without_duplicates(kind, found.frame()) for kind, found in rows.items() if found}
    if held_out is not None:
        kept = {kind: collection.without_evaluation(kind, frame, held_out) for kind, frame in kept.items()}
    if source.limit:
        kept, over = limited(kept, source.limit)
        count(not_taken, "rows over the limit", over)
    collection.not_taken.update({f"{source.name}: {name}": times for name, times in not_taken.items()})
    for kind, frame in kept.items():
        if len(frame):
            collection.rows[kind].extend(frame)
            collection.taken[source.name][TABLES[kind][0]] += len(frame)


def limited(frames: dict[str, pl.DataFrame], limit: int) -> tuple[dict[str, pl.DataFrame], int]:
    """The rows with the least ids, of all kinds together, sorted by id, and how many others there are."""
    ids = pl.concat([frame["id"] for frame in frames.values()] or [pl.Series(dtype=pl.String)]).sort()
    if len(ids) <= limit:
        return {kind: frame.sort("id") for kind, frame in frames.items()}, 0
    least = pl.col("id") <= ids[limit - 1]
    return {kind: frame.filter(least).sort("id") for kind, frame in frames.items()}, len(ids) - limit


def row_of(kind: str, fields: dict[str, Any], place: str, source: SourceFile) -> dict[str, Any]:
    """The row of an item: its fields under the hash of them, with where it stands, its licence and its split."""
    if kind == "preference":
        return given_preference(fields, place, source)
    origin = {"source": place, "license": source.license, "split": source.split}
    return {**fields, "id": content_id(kind, identity(kind, fields)), "parents": [], **origin}


def identity(kind: str, fields: dict[str, Any]) -> dict[str, Any]:
    """What an item's id is made of. An instruction of one turn is its texts, as when rows held no conversations."""
    if kind != "instruction":
        return fields
    *context, asked = fields["prompt"]
    reference = compact(fields["reference"]) if fields["reference"] else None
    return fields | {"prompt": asked["content"], "reference": reference} | ({"context": context} if context else {})


def given_preference(fields: dict[str, Any], place: str, source: SourceFile) -> dict[str, Any]:
    """The row of P that a pair of the source is, of strategy `given`: no verdict admits it but the people's own."""
    admission = Admission(
        prompt=fields["prompt"],
        domain=source.domain,
        strategy="given",
        label_source="given",
        quality=1.0,
        license=source.license,
        engine=SOURCE,
        simulated=False,
        verdicts=[],
        scores={} if fields["score"] is None else {"given": fields["score"]},
        source=place,
    )
    row = preference_row(admission, fields["chosen"], fields["rejected"], fields["margin"], [], most=fields["margin"])
    assert row is not None  # the shape refuses equal sides and a margin that is not above 0
    return row


def training_item(item: Item, source: SourceFile) -> Item:
    """The item with the fields of the row that it becomes in a training source.

    The source's domain decides where the shape leaves it open. Raises Misfit for what a training source cannot hold.
    """
    kind, fields, left = item
    if kind == "constrained":
        raise Misfit("IFEval rows are evaluation rows; declare the file under ingest.evaluation")
    if kind == "problem" and source.domain != "math":
        reference = fields["solution"] or fields["answer"]
        asked, answer = message("user", fields["prompt"]), message("assistant", reference)
        fields = {"prompt": [asked], "reference": [answer], "domain": source.domain}
        lost = {"field answer (the solution is the reference)": 1} if item.fields["answer"] not in reference else {}
        return Item("instruction", fields, {**left, **lost})
    if kind == "instruction":
        if source.domain == "safety":
            raise Misfit("a safety prompt needs `area` and `harmful`")
        fields["domain"] = source.domain
    return item


def evaluation_items(item: Item) -> list[Item]:
    """The evaluation items that an item of an evaluation source becomes: of a conversation one for each user turn.

    Raises Misfit for what cannot be evaluated.
    """
    kind, fields, left = item
    match kind:
        case "problem":
            row = {"task": "math"} | {name: fields[name] for name in ("prompt", "answer", "solution")}
        case "code_task":
            names = ("prompt", "entry_point", "tests", "setup", "solution")
            row = {"task": "code"} | {name: fields[name] for name in names}
        case "constrained":
            row = {"task": "constraint"} | fields | {"solution": fields["answer"]}
        case "safety_prompt":
            row, left = general_item(fields["prompt"], None), {**left, "field area": 1, "field harmful": 1}
        case "instruction":
            return turn_items([*fields["prompt"], *fields["reference"]], left)
        case "preference":
            asked = [*fields["prompt"], message("assistant", fields["chosen"])]
            return turn_items(asked, {**left, "field rejected": 1})
        case _:
            raise Misfit(f"a {kind} cannot be evaluated; evaluation takes problems, code tasks, IFEval and prompts")
    return [Item("evaluation", row, left)]


def turn_items(turns: list[dict[str, str]], left: Mapping[str, int]) -> list[Item]:
    """An evaluation item for each user turn, with the reply to it where it has one."""
    pairs = zip(turns, [*turns[1:], {"role": ""}], strict=True)
    rows = [
        general_item(turn["content"], after["content"] or None if after["role"] == "assistant" else None)
        for turn, after in pairs
        if turn["role"] == "user"
    ]
    system = sum(turn["role"] == "system" for turn in turns)
    first = {**left, "system prompts of evaluation items": system} if system else left
    return [Item("evaluation", row, {} if number else first) for number, row in enumerate(rows)]


def general_item(prompt: str, reference: str | None) -> dict[str, Any]:
    return {"task": "general", "prompt": prompt, "answer": reference, "solution": reference}
