"""What people decided, record by record: refinements of the ontology, principles, lines of rankings."""

import json
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from reports.causes.change import Change
from schemas.errors import UserError
from schemas.human import yaml_of

Record = tuple[str, str]
"""A record's identity within its file, and what it is called."""


def human_records(path: str, old: bytes | None, new: bytes | None, readers: tuple[str, ...]) -> list[Change]:
    """The records of a file of human/ that differ; the file itself where its records cannot be told apart."""
    before, after = records(path, old), records(path, new)
    if before is None or after is None:
        return [Change("human", path, f"edited {path}", readers, path)]
    found = []
    for record in sorted(before.keys() | after.keys()):
        if before.get(record) == after.get(record):
            continue
        how = "added" if record not in before else "removed" if record not in after else "edited"
        key, title = record
        found.append(Change("human", f"{path}#{key}", f"{how} {title} in {path}", readers, path))
    return found


def records(path: str, content: bytes | None) -> dict[Record, Any] | None:
    """The records of a file with their content; {} for an absent file, None where it is no known form."""
    if content is None:
        return {}
    try:
        if PurePosixPath(path).suffix == ".jsonl":
            return dict(rankings(content.decode()))
        value = yaml_of(content, path) or {}
        found = dict(principles(value) if "principles" in value else refinements(value))
    except (UserError, ValueError, AttributeError, KeyError, TypeError):
        return None
    return found


def rankings(text: str) -> Iterator[tuple[Record, Any]]:
    """Lines of human/annotations, by uuid."""
    for line in filter(str.strip, text.split("\n")):
        one = json.loads(line)
        yield (str(one["uuid"]), f"ranking {one['uuid']} of {one['annotator']}"), one


def principles(value: dict[str, Any]) -> Iterator[tuple[Record, Any]]:
    """Entries of human/constitution, by id."""
    for one in value["principles"]:
        yield (str(one["id"]), f"principle {one['id']}"), one


def refinements(value: dict[str, Any]) -> Iterator[tuple[Record, Any]]:
    """Entries of human/ontology/refinements.yaml. Raises KeyError for another file."""
    if unknown := set(value) - {"merge", "drop"}:
        raise KeyError(unknown)
    for target, tags in (value.get("merge") or {}).items():
        for tag in tags or []:
            yield (f"merge {tag}", f"merge of {tag!r}"), target
    for tag in value.get("drop") or []:
        yield (f"drop {tag}", f"drop of {tag!r}"), True
