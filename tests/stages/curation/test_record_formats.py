"""Formats of records: each is told by its fields, becomes what it says, and loses nothing silently."""

import copy
import json
from collections import Counter
from pathlib import Path

import pytest
from record_formats import BROKEN, ODD, WELL_FORMED

from schemas.stage import Files
from stages.curation.params import Format, IngestParams, SourceFile
from stages.curation.readers import sources
from stages.curation.readers.detection import misfit
from stages.curation.readers.fields import Item
from stages.curation.readers.record import Record
from stages.curation.readers.shapes import ALIASES, SHAPES

EXAMPLES = [*WELL_FORMED, *ODD, *BROKEN]


def read(records, folder, name="auto"):
    """Everything that is found in a file of the records."""
    path = folder / "a.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    source = {"name": "s", "path": str(path), "format": name, "domain": "general", "license": "MIT"}
    params = IngestParams.model_validate({"sources": [source]})
    return [one.value for one in sources.read_source(params.sources[0], Files("ingest", (Path("/"),)), params)]


def counts(found):
    return {
        name: times
        for name, times in sum((Counter(one.left) for one in found if isinstance(one, Item)), Counter()).items()
        if times
    }


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.format)
def test_records_of_a_format_become_what_it_says(example, tmp_path):
    found = read(example.records, tmp_path, example.format)
    assert [one.kind for one in found if isinstance(one, Item)] == example.kinds
    assert counts(found) == example.left
    assert [one.rule for one in found if isinstance(one, sources.Excluded)] == example.refused
    assert sum(isinstance(one, Record) for one in found) == example.faults


@pytest.mark.parametrize("example", WELL_FORMED, ids=lambda example: example.format)
def test_each_format_is_told_by_its_fields(example, tmp_path):
    wanted = example.detected or example.format
    assert next(name for name, shape in SHAPES.items() if misfit(shape, example.records[0]) is None) == wanted
    assert read(example.records, tmp_path) == read(example.records, tmp_path, example.format)


def test_every_name_is_a_format_with_an_example():
    names = set(Format.__args__)
    assert names == {"auto", "book", "wikidata"} | set(SHAPES) | set(ALIASES)
    tried = {example.format for example in WELL_FORMED}
    assert names - tried == {"auto", "book", "wikidata", "code_task", "ifeval", "safety", "character", "passage"} | {
        "constraint"
    }
    assert SourceFile.model_fields["format"].annotation is Format


def objects_of(value, path=()):
    """Paths to all objects within a value."""
    if isinstance(value, dict):
        yield path
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from objects_of(item, (*path, key))


@pytest.mark.parametrize("example", [one for one in EXAMPLES if one.kinds], ids=lambda example: example.format)
def test_a_field_that_nobody_knows_is_counted_wherever_it_stands(example, tmp_path):
    for number, record in enumerate(example.records):
        for path in objects_of(record):
            changed = copy.deepcopy(example.records)
            place = changed[number]
            for key in path:
                place = place[key]
            place["zz_new"] = "zz said"
            found = read(changed, tmp_path, example.format)
            told = repr(found) + repr(counts(found))
            is_left_whole = bool(path) and f"field {path[0]}'" in told
            assert "zz_new" in told or "zz said" in told or is_left_whole, path
