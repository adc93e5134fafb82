"""What people changed in the ontology: human/ontology/refinements.yaml, `merge` (canonical: [tags]) and `drop` ([tags]).

An entry names canonical tags, as the steps before left them, in any case and punctuation that leaves no doubt. Where one leads to another the chain is followed to its end, so
a tag that is merged into a dropped one is dropped. In a cycle all go to the first tag by name. A tag in several entries goes
by the first in the file, and `drop` before `merge`. Two entries of one tag as it is written, and circles of such, are refused
when the file is read: what is left are tags that are one only by their words.
"""

import logging
from collections import defaultdict
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import polars as pl

from cultivar.text.tokens import tokens_of
from schemas.faults import Fault, did_you_mean
from schemas.human import Decided, Place, Places, cycles_of, read_human, repeated, written
from schemas.rows import Text

LOG = logging.getLogger(__name__)
FILE = "refinements.yaml"
CYCLE_SHOWN = 8
"""Tags of a circle that are named."""


class Refinements(Decided):
    """human/ontology/refinements.yaml: canonical tag -> tags that become it, and tags that tell nothing."""

    merge: dict[Text, list[Text] | None] | None = None
    drop: list[Text] | None = None

    @property
    def entries(self) -> Iterator[tuple[Place, str]]:
        """Tags that become another one or nothing, with their places."""
        for number, tag in enumerate(self.drop or []):
            yield ("drop", number), tag
        for name, tags in (self.merge or {}).items():
            for number, tag in enumerate(tags or []):
                yield ("merge", name, number), tag

    def conflicts(self) -> Iterator[tuple[Place, str]]:
        """Tags of two entries, and cycles, by their names as they are written."""
        becomes: dict[str, str] = {}
        places: dict[str, Place] = {}
        for name, tags in (self.merge or {}).items():
            for number, tag in enumerate(tags or []):
                if tag != name and tag not in becomes:
                    becomes[tag], places[tag] = name, ("merge", name, number)
        for place, tag, first in repeated(self.entries):
            yield place, f"{tag!r} stands in {written(first)} as well; leave it in one entry"
        for cycle in cycles_of(becomes):
            shown = [*map(repr, cycle[:CYCLE_SHOWN]), *(["…"] if len(cycle) > CYCLE_SHOWN else []), repr(cycle[0])]
            yield places[cycle[0]], f"the entries lead in a circle: {' → '.join(shown)}; remove one of them"


def read_refinements(path: Path) -> dict[str, Any]:
    """The file's entries. Raises FileFaults, which lists all that is wrong, and UserError for what is no YAML."""
    found = read_human(path, Refinements)
    return {"merge": found.merge or {}, "drop": found.drop or []}


def refined_names(
    refinements: dict[str, Any], vocabulary: Collection[str]
) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Canonical tag -> what it becomes ("" is dropped), and the entries to look at again, by kind.

    unmatched: tags that no tag of the vocabulary is called; unknown_targets: merges into a name that is neither a tag of
    the vocabulary nor merged further; conflicting: tags of several entries or of a cycle.
    """
    merges = refinements.get("merge") or {}
    entries = [(old, "") for old in refinements.get("drop") or []]
    entries += [(old, new) for new, olds in merges.items() for old in olds or []]
    named = tags_by_name([old for old, _ in entries], vocabulary)
    entries = [(named[old], new) for old, new in entries if named[old] != new]
    becomes: dict[str, str] = {}
    conflicting = set()
    for old, new in entries:
        if becomes.setdefault(old, new) != new:
            conflicting.add(old)
    ends = {}
    for old in becomes:
        ends[old], cycle = follow(old, becomes)
        conflicting.update(cycle)
    to_review = {
        "unmatched": sorted(becomes.keys() - set(vocabulary)),
        "unknown_targets": sorted(set(merges) - set(vocabulary) - becomes.keys()),
        "conflicting": sorted(conflicting),
    }
    return ends, to_review


def tags_by_name(names: Collection[str], vocabulary: Collection[str]) -> dict[str, str]:
    """The tag that each name means: itself, or the only tag with its tokens; a name of no tag stays as it is."""
    alike: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for tag in vocabulary:
        alike[tuple(tokens_of(tag))].append(tag)
    known = set(vocabulary)
    found = {name: alike[tuple(tokens_of(name))] for name in names if name not in known}
    return {name: found[name][0] if len(found.get(name, ())) == 1 else name for name in names}


def follow(old: str, becomes: dict[str, str]) -> tuple[str, list[str]]:
    """The end of a chain of entries, and the tags of the cycle that it ends in."""
    chain = {old: 0}
    new = becomes[old]
    while new in becomes:
        if new in chain:
            cycle = list(chain)[chain[new] :]
            return min(cycle), cycle
        chain[new] = len(chain)
        new = becomes[new]
    return new, []


def warn(path: str, to_review: dict[str, list[str]]) -> None:
    """A line in the log for each kind of entry that does not do what it says."""
    reasons = {
        "unmatched": "no tag has this name (data/ontology.parquet has the names)",
        "conflicting": "in several entries or a cycle; the first entry counts, of a cycle the first name",
    }
    for kind, reason in reasons.items():
        if to_review[kind]:
            LOG.warning("%s: %s: %s", path, ", ".join(map(repr, to_review[kind])), reason)


def findings(paths: list[Path], ontology: pl.DataFrame | None) -> tuple[int, list[Fault]]:
    """How many entries there are, and those of no tag. Raises FileFaults for what is wrong.

    `ontology`: None where there is no table yet.
    """
    remarks = [Fault(str(path), 0, f"this is not read; it is {FILE} that is") for path in paths if path.name != FILE]
    count = 0
    for path in paths:
        if path.name != FILE:
            continue
        found = read_human(path, Refinements)
        named = list(found.entries)
        count += len(named)
        if ontology is not None:
            vocabulary = set(ontology["raw"]) | set(ontology["canonical"])  # a canonical tag was a raw one before
            meant = tags_by_name([tag for _, tag in named], vocabulary)
            known, places = sorted(vocabulary), Places(path.read_bytes())
            for place, tag in named:
                if meant[tag] not in vocabulary:
                    words = (
                        f"no tag is called {tag!r}{did_you_mean(tag, known)}, so that this changes nothing; correct it"
                    )
                    remarks.append(places.fault(str(path), place, words))
    return count, remarks
