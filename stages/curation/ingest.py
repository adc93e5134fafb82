"""ingest: read what people have into one table per kind of task; evaluation files apart from everything else.

Sources are declared in params.yaml. A record that is broken or does not have its file's shape goes to quarantine with
file, line and reason; a file whose format cannot be told stops the stage with what was tried.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import polars as pl

from cultivar.outgoing.redaction import redacted_value, without_secrets
from cultivar.outgoing.secret_values import SecretValues, secret_values
from cultivar.text.tokens import comparison_key
from schemas import conversations
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
from stages.curation.params import IngestParams, SourceFile
from stages.curation.readers.fields import Left, count
from stages.curation.readers.files import metrics_of
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


@dataclass
class Collection:
    """Rows by kind and id, in the order of the sources; the first of equal rows stays."""

    rows: dict[str, dict[str, dict[str, Any]]] = field(default_factory=lambda: {kind: {} for kind in TABLES})
    dropped: dict[str, dict[str, Any]] = field(default_factory=dict)
    quarantined: dict[str, dict[str, Any]] = field(default_factory=dict)
    not_taken: Counter[str] = field(default_factory=Counter)
    taken: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))  # source -> table -> rows
    skipped: list[str] = field(default_factory=list)  # files that are no data, each with the reason
    secrets: SecretValues = field(default_factory=secret_values)

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
        error, raw = without_secrets(error, self.secrets), without_secrets(raw, self.secrets)  # the rest is data
        row_id = content_id("quarantined", [place, error, raw])
        row = {"id": row_id, "parents": [], "stage": "ingest", "error": error, "source": place, "raw": raw}
        self.quarantined[row_id] = row


def ingest(files: Files, params: IngestParams) -> IngestTables:
    """Read every declared source. Raises FormatError for an undetectable format, FileNotFoundError for no file."""
    with paused_collector():
        collection = read_sources(files, params)
        tables: dict[str, Any] = {
            name: Table.of(model, collection.rows[kind].values(), name) for kind, (name, model) in TABLES.items()
        }
        return IngestTables(
            **tables,
            dropped=Table.of(Dropped, collection.dropped.values()),
            quarantine=Table.of(Quarantined, collection.quarantined.values()),
            metrics=redacted_value(metrics_of(collection.not_taken, collection.taken, collection.skipped)),
        )


def read_sources(files: Files, params: IngestParams) -> Collection:
    """The rows of every source, the evaluation files first."""
    collection = Collection()
    for evaluation_file in params.evaluation:
        take_source(collection, evaluation_file, files, params, held_out=None)
    asked = ((row["id"], row["prompt"]) for row in collection.rows["evaluation"].values())
    held_out = asked_by(asked).unique("key", keep="last", maintain_order=True)
    for source in params.sources:
        take_source(collection, source, files, params, held_out)
    return collection


def asked_by(texts: Iterable[tuple[str, str]]) -> pl.DataFrame:
    """(id, key) of (id, text) pairs; texts with one key differ only in what a reader does not see."""
    frame = pl.DataFrame(list(texts), schema={"id": pl.String, "text": pl.String}, orient="row")
    return frame.select("id", key=comparison_key(frame["text"]))


def take_source(
    collection: Collection, source: SourceFile, files: Files, params: IngestParams, held_out: pl.DataFrame | None
) -> None:
    """Collect the rows of one source: shape, selection by `ids`, duplicates, and the `limit` with the least ids.

    `held_out` has the ids and keys of the evaluation prompts; None for an evaluation source.
    """
    rows: dict[str, tuple[str, dict[str, Any]]] = {}
    not_taken: Left = {}
    for found in read_source(source, files, params):
        place, item = found.place, found.value
        match item:
            case Item():
                pass
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
            items = evaluation_items(item) if held_out is None else [training_item(item, source)]
        except Misfit as error:
            collection.quarantine(place, str(error), as_json(item.fields))
            continue
        for kind, fields, left in items:
            for name, times in left.items():
                count(not_taken, name, times)
            row = row_of(kind, fields, place, source)
            row_id = row["id"]
            if row_id in rows or row_id in collection.rows[kind]:
                first = rows[row_id][1] if row_id in rows else collection.rows[kind][row_id]
                detail = f"the same {kind} stands at {first['source']}"
                collection.drop(kind, place, "exact duplicate", detail, (row_id,))
            else:
                rows[row_id] = (kind, row)
    if held_out is not None:
        for row_id, item_id in evaluation_prompts(rows, held_out).items():
            kind, row = rows.pop(row_id)
            collection.drop(kind, row["source"], "evaluation prompt", "its prompt is an evaluation item", (item_id,))
    chosen = sorted(rows)[: source.limit] if source.limit else rows
    if len(chosen) < len(rows):
        count(not_taken, "rows over the limit", len(rows) - len(chosen))
    collection.not_taken.update({f"{source.name}: {name}": times for name, times in not_taken.items()})
    for row_id in chosen:
        kind, row = rows[row_id]
        collection.rows[kind][row_id] = row
        collection.taken[source.name][TABLES[kind][0]] += 1


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


def evaluation_prompts(rows: dict[str, tuple[str, dict[str, Any]]], held_out: pl.DataFrame) -> dict[str, str]:
    """Row id -> id of the evaluation item that the row asks."""
    if held_out.is_empty():
        return {}
    asked = asked_by((row_id, text) for row_id, (_, row) in rows.items() for text in user_turns(row))
    met = asked.join(held_out.rename({"id": "item"}), on="key", maintain_order="left").unique(
        "id", keep="first", maintain_order=True
    )
    return dict(met.select("id", "item").iter_rows())


def user_turns(row: dict[str, Any]) -> list[str]:
    """What the user asks in a row: its prompt, and every earlier turn of the user's."""
    asked = row.get("prompt", "")
    return [asked] if isinstance(asked, str) else conversations.user_turns(asked)


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
