"""Croissant metadata: mlcroissant validates it and reads the rows by it."""

import hashlib
import json
from pathlib import Path

import pytest
from export_project import CALLED, PLAIN, THOUGHT, TURNS, demonstration, make_project

from reports.export.command import main
from reports.export.croissant import CONFORMS_TO
from reports.export.formats import FORMATS

ROWS = [
    demonstration(1, PLAIN, tags=["sum"], scores=[{"name": "length", "value": 1.0}]),
    demonstration(2, TURNS, split="heldout"),
    demonstration(3, THOUGHT),
    demonstration(4, CALLED),
]
EXPORTS = [(name, kind) for name, form in FORMATS.items() for kind in form.files]


@pytest.fixture
def out(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(make_project(tmp_path, ROWS).folder)
    return tmp_path / "out"


@pytest.mark.parametrize(("form", "kind"), EXPORTS)
def test_it_names_every_file_with_its_hash(out, form, kind):
    assert main("D", form, out, file=kind) == 0
    told = json.loads((out / "croissant.json").read_bytes())
    assert told["conformsTo"] == CONFORMS_TO
    files = {one["name"]: (one["sha256"], one["contentSize"]) for one in told["distribution"]}
    assert set(files) == {f"train.{kind}", f"heldout.{kind}"}
    for name, (digest, size) in files.items():
        content = (out / name).read_bytes()
        assert (digest, size) == (hashlib.sha256(content).hexdigest(), f"{len(content)} B")


@pytest.mark.parametrize(("form", "kind"), EXPORTS)
def test_mlcroissant_reads_the_rows(out, form, kind):
    mlcroissant = pytest.importorskip("mlcroissant", reason="mlcroissant is not installed (requirements-dev.in)")
    assert main("D", form, out, file=kind) == 0
    dataset = mlcroissant.Dataset(jsonld=str(out / "croissant.json"))
    assert not dataset.metadata.issues.errors
    rows = {split: list(dataset.records(split)) for split in ("train", "heldout")}
    assert {split: len(found) for split, found in rows.items()} == {"train": 2 if form == "alpaca" else 3, "heldout": 1}
    (heldout,) = rows["heldout"]
    assert "Goethe." in str(heldout)
    if form == "trl" and kind == "jsonl":
        assert heldout["heldout/completion"] == [{f"heldout/completion/{name}": value for name, value in TURN.items()}]


TURN = {"role": b"assistant", "content": b"Goethe.", "reasoning_content": None, "tool_call_id": None, "name": None}
