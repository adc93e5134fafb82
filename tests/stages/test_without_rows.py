"""Stages of data without a row to read end with empty tables: a project may bring a kind of row, or none at all."""

import importlib
import inspect
import json
from contextlib import ExitStack
from pathlib import Path
from typing import get_args, get_origin, get_type_hints

import pytest
from engines import simulated

from cultivar.runner.graph import stage_module
from cultivar.runner.params import model_of
from cultivar.sandbox import Sandbox
from schemas.stage import Document, Files
from schemas.table import Context, Table
from stages.curation.ingest import ingest
from stages.curation.params import IngestParams

ROOT = Path(__file__).parents[2]
STAGES = (
    *("tag", "ontology", "score", "select", "evolve", "respond", "rank"),
    *("rejection", "execution", "repurpose", "constitution", "filter", "assemble", "datasheet"),
)


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_of_data_without_rows_makes_empty_tables(name, monkeypatch):
    monkeypatch.chdir(ROOT)
    function = getattr(importlib.import_module(stage_module(name)), name)
    hints = get_type_hints(function)
    files = (Path("human/annotations"), Path("human/constitution"), Path("human/ontology"), Path("reports/templates"))
    with ExitStack() as stack:

        def argument(argument: str):
            kind = get_origin(hints[argument]) or hints[argument]
            if kind in (Table, Context):
                return kind.of(get_args(hints[argument])[0], [])
            if argument == "params":
                return model_of(name)()
            if kind is Files:
                return Files(name, files)
            return stack.enter_context(Sandbox() if kind is Sandbox else simulated(argument))

        made = function(**{each: argument(each) for each in inspect.signature(function).parameters})._asdict()
    tables = {each: value for each, value in made.items() if isinstance(value, Table)}
    assert {each: len(table) for each, table in tables.items()} == dict.fromkeys(tables, 0)
    assert tables or all(
        isinstance(made[each], Document) and made[each].text for each in ("datasheet", "datasheet_page")
    )
    json.dumps(made.get("metrics", {}), allow_nan=False)


def test_ingest_without_sources_makes_empty_tables():
    made = ingest(Files("ingest", ()), IngestParams(sources=[]))
    assert all(len(table) == 0 for table in made[:-1])
