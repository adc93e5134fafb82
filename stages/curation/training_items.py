"""Training rows: what an item of a training source becomes, in the tables of its kind."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from schemas.conversations import compact
from schemas.ids import content_id
from schemas.products import message
from stages.curation.given import Rows, given_preference, rated_rows
from stages.curation.params import SourceFile
from stages.curation.readers.fields import Item, Misfit


class Taken(NamedTuple):
    """The rows of an item, by the kind of their table, and counts of what it holds besides."""

    rows: Rows
    left: Mapping[str, int]


def training_rows(item: Item, place: str, source: SourceFile, rated_pairs: int) -> Taken:
    """The rows that an item of a training source becomes; none where it is rated and no response preferred to another.

    The source's domain decides where the shape leaves it open. Raises Misfit for what a training source cannot hold.
    """
    kind, fields, left = item
    match kind:
        case "constrained":
            raise Misfit("IFEval rows are evaluation rows; declare the file under ingest.evaluation")
        case "preference":
            return Taken([(kind, given_preference(fields, place, source))], left)
        case "rated":
            return Taken(rated_rows(fields, place, source, rated_pairs), left)
        case "problem" if source.domain != "math":
            reference = fields["solution"] or fields["answer"]
            if fields["answer"] not in reference:
                left = {**left, "field answer (the solution is the reference)": 1}
            kind, fields = "instruction", as_instruction(fields["prompt"], reference)
        case "instruction" if source.domain == "safety":
            raise Misfit("a safety prompt needs `area` and `harmful`")
        case "safety_prompt" if fields.get("reference") and not source.demonstrates(kind):
            left = {**left, "answers of safety prompts (they are demonstrated where the source has a `strategy`)": 1}
    if kind == "instruction":
        fields = {**fields, "domain": source.domain}
    return Taken([(kind, row_of(kind, fields, place, source))], left)


def as_instruction(prompt: str, reference: str) -> dict[str, Any]:
    return {"prompt": [message("user", prompt)], "reference": [message("assistant", reference)]}


def row_of(kind: str, fields: dict[str, Any], place: str, source: SourceFile) -> dict[str, Any]:
    """The row of an item: its fields under the hash of them, with where it stands, its licence and its split."""
    origin = {"source": place, "license": source.license, "split": source.split}
    return {**fields, "id": content_id(kind, identity(kind, fields)), "parents": [], **origin}


def identity(kind: str, fields: dict[str, Any]) -> dict[str, Any]:
    """What an item's id is made of. An instruction of one turn is its texts, as when rows held no conversations."""
    match kind:
        case "safety_prompt":
            return {name: value for name, value in fields.items() if name != "reference" or value}
        case "instruction":
            *context, asked = fields["prompt"]
            reference = compact(fields["reference"]) if fields["reference"] else None
            shared = fields | {"prompt": asked["content"], "reference": reference}
            return shared | ({"context": context} if context else {})
    return fields
