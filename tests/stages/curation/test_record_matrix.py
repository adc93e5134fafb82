"""The matrix of formats of records: from a file of each to rows, dropped, quarantined and not taken, all accounted for."""

import json
from collections import Counter
from pathlib import Path

import pytest
from record_formats import BROKEN, ODD, WELL_FORMED

from schemas.stage import Files
from stages.curation.ingest import ingest
from stages.curation.params import IngestParams

KINDS = {
    "instruction": "instructions",
    "problem": "problems",
    "code_task": "code_tasks",
    "preference": "given_preferences",
    "rated": "given_preferences",
}


@pytest.mark.parametrize("example", [*WELL_FORMED, *ODD, *BROKEN], ids=lambda example: example.format)
def test_every_record_ends_in_a_row_or_is_named(example, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a.jsonl").write_text("".join(json.dumps(record) + "\n" for record in example.records))
    domain = "math" if example.kinds == ["problem"] else "general"
    source = {"name": "s", "path": "a.jsonl", "format": example.format, "domain": domain, "license": "MIT"}
    tables = ingest(Files("ingest", (Path(),)), IngestParams.model_validate({"sources": [source]}))
    for table, kinds in Counter(KINDS[kind] for kind in example.kinds).items():
        rows = len(getattr(tables, table))
        assert rows >= kinds if "rated" in example.kinds and table == "given_preferences" else rows == kinds
    assert sum(len(getattr(tables, name)) > 0 for name in set(KINDS.values())) == len({KINDS[k] for k in example.kinds})
    assert tables.dropped.frame["rule"].to_list() == example.refused
    assert len(tables.quarantine) == example.faults
    assert tables.metrics["not_taken"] == {f"s: {name}": times for name, times in example.left.items()}
    for table in set(KINDS.values()):
        assert all(row.source.startswith("a.jsonl:") for row in getattr(tables, table))


def test_each_kind_of_example_is_tried():
    formats = Counter(example.format for example in WELL_FORMED)
    assert max(formats.values()) == 1 and len(formats) >= 25
    assert {example.format for example in [*ODD, *BROKEN]} <= set(formats) and len(BROKEN) >= 20 and len(ODD) >= 20
