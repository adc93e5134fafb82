"""ingest: read what people have into one table per kind of task; evaluation files apart from everything else.

Sources are declared in params.yaml. A record that is broken or does not have its file's shape goes to quarantine with
file, line and reason; a file whose format cannot be told stops the stage with what was tried.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import polars as pl

from cultivar.outgoing.redaction import redacted_value
from schemas.garbage import paused_collector
from schemas.ids import content_id
from schemas.rows import (
    Character,
    CodeTask,
    Constraint,
    DeclaredSource,
    Demonstration,
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
from stages.curation.evaluation_items import evaluation_items
from stages.curation.held_out import asked_by
from stages.curation.params import EvaluationFile, IngestParams, SourceFile
from stages.curation.readers.bulk.batch import Plain
from stages.curation.readers.bulk.instructions import instruction_rows
from stages.curation.readers.fields import Left, count
from stages.curation.readers.files import metrics_of
from stages.curation.readers.json_text import as_json
from stages.curation.readers.record import Record
from stages.curation.readers.shapes import Item, Misfit
from stages.curation.readers.sources import Excluded, NotTaken, read_source
from stages.curation.references import reference_demonstrations
from stages.curation.training_items import Taken, row_of, training_rows


class IngestTables(NamedTuple):
    instructions: Table[Instruction]
    problems: Table[Problem]
    code_tasks: Table[CodeTask]
    constraints: Table[Constraint]
    passages: Table[Passage]
    characters: Table[Character]
    safety_prompts: Table[SafetyPrompt]
    evaluation: Table[EvaluationItem]
    given_demonstrations: Table[Demonstration]
    given_preferences: Table[Preference]
    sources: Table[DeclaredSource]
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
    "demonstration": ("given_demonstrations", Demonstration),
    "preference": ("given_preferences", Preference),
}
"""Kind of an item -> name and model of its table."""
ANSWERED = ("instruction", "safety_prompt")
"""Kinds whose rows may have reference answers."""


def ingest(files: Files, params: IngestParams) -> IngestTables:
    """Read every declared source. Raises FormatError for an undetectable format, FileNotFoundError for no file."""
    with paused_collector():
        collection = read_sources(files, params)
        tables: dict[str, Any] = {name: collection.rows[kind].table(name) for kind, (name, _) in TABLES.items()}
        return IngestTables(
            **tables,
            sources=Table.of(
                DeclaredSource,
                [declared_row(each, collection.files[each.name]) for each in (*params.sources, *params.evaluation)],
                "sources",
            ),
            dropped=collection.dropped.table(),
            quarantine=collection.quarantined.table(),
            metrics=redacted_value(
                metrics_of(collection.not_taken, collection.taken, collection.skipped)
                | {
                    "answers_by_source": {
                        source.name: {source.strategy: rows}
                        for source in params.sources
                        if (rows := collection.taken[source.name]["given_demonstrations"])
                    },
                    "ends_by_source": collection.ends,
                }
            ),
        )


def declared_row(source: SourceFile, files: Iterable[str]) -> dict[str, Any]:
    return {
        "id": content_id("source", source.name),
        "name": source.name,
        "license": source.license,
        "domain": source.domain,
        "split": source.split,
        "strategy": source.strategy,
        "evaluation": isinstance(source, EvaluationFile),
        "files": sorted(files),
    }


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

    `held_out` has the ids and keys of the evaluation prompts; None for an evaluation source. Reference answers of the rows
    that stay become rows of D.
    """
    collection.begin(source.name)
    rows = {kind: Rows(model) for kind, (_, model) in TABLES.items()}
    not_taken: Left = {}
    for found in read_source(source, files, params):
        place, item = found.place, found.value
        if not isinstance(item, NotTaken):
            collection.files[source.name].add(found.file)
        match item:
            case Item():
                pass
            case Plain():
                rows["instruction"].extend(instruction_rows(item.rows, found.file, source))
                for name, times in item.left.items():
                    count(not_taken, name, times)
                continue
            case Excluded():
                collection.drop(item.kind, place, item.rule, item.reason)
                continue
            case NotTaken():
                count(not_taken, item.what, item.count)
                collection.skipped += item.files
                continue
            case Record():
                collection.quarantine(place, item.error, item.raw)
                continue
        try:
            taken = (
                evaluation_rows(item, place, source)
                if held_out is None
                else training_rows(item, place, source, params.rated_pairs)
            )
        except Misfit as error:
            collection.quarantine(place, str(error), as_json(item.fields))
            continue
        for name, times in taken.left.items():
            count(not_taken, name, times)
        for kind, row in taken.rows:
            rows[kind].add(row)
        if not taken.rows:
            collection.drop(item.kind, place, "no response is preferred", "none of different text has a higher score")
    kept = {kind: collection.without_duplicates(kind, found.frame()) for kind, found in rows.items() if found}
    if held_out is not None:
        kept = {kind: collection.without_evaluation(kind, frame, held_out) for kind, frame in kept.items()}
    if source.limit:
        kept, over = limited(kept, source.limit)
        count(not_taken, "rows over the limit", over)
    for kind, frame in kept.items():
        collection.keep(kind, frame, TABLES[kind][0])
    for kind in (kind for kind in ANSWERED if kind in kept and held_out is not None):
        if strategy := source.demonstrates(kind):
            made = reference_demonstrations(kept[kind], strategy)
            collection.keep("demonstration", made, TABLES["demonstration"][0])
    collection.end(not_taken)


def evaluation_rows(item: Item, place: str, source: SourceFile) -> Taken:
    """The rows of an item of an evaluation source. Raises Misfit for what cannot be evaluated."""
    items = evaluation_items(item)
    left: Left = {}
    for each in items:
        for name, times in each.left.items():
            count(left, name, times)
    return Taken([(each.kind, row_of(each.kind, each.fields, place, source)) for each in items], left)


def limited(frames: dict[str, pl.DataFrame], limit: int) -> tuple[dict[str, pl.DataFrame], int]:
    """The rows with the least ids, of all kinds together, sorted by id, and how many others there are."""
    ids = pl.concat([frame["id"] for frame in frames.values()] or [pl.Series(dtype=pl.String)]).sort()
    if len(ids) <= limit:
        return {kind: frame.sort("id") for kind, frame in frames.items()}, 0
    least = pl.col("id") <= ids[limit - 1]
    return {kind: frame.filter(least).sort("id") for kind, frame in frames.items()}, len(ids) - limit
