"""The stages with a real vLLM on a tiny, randomly initialised model: nothing it says is worth keeping, nothing is lost.

The graph runs through `dvc repro` against a vLLM server, without guided decoding, so that structured answers are
malformed by the hundred; the stages are then called as functions with AsyncLLM in this process and guided decoding.
"""

import importlib
from collections.abc import Iterator
from contextlib import ExitStack
from inspect import signature
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import polars as pl
import pytest
from workspace import ROOT, Workspace, no_stage_ran

from cultivar.llm.engine import Engine, open_engine
from cultivar.runner.graph import load_yaml, stage_module, stage_spec
from cultivar.runner.params import model_of
from cultivar.runner.states import close
from cultivar.sandbox import Sandbox
from cultivar.store.store import Store
from schemas.params.engines import RoleParams, Roles, RuntimeParams
from schemas.rows import Selected
from schemas.stage import Files
from schemas.table import Context, Table

pytest_plugins = ["vllm_fixtures"]
ASKING = ("tag", "score", "evolve", "respond", "rank", "rejection", "execution", "repurpose", "constitution")
SMALL: dict[str, dict[str, Any]] = {
    "select": {"target_size": 10},
    "rejection": {"samples": 2, "max_new_tokens": 24},
    "execution": {"solutions": 2, "functions": 4, "rewrites": 1, "queries": 2, "responses": 2},
    "respond": {"strategies": ["plain"]},
}
LIMITS = {"general": 40, "arithmetic": 20, "code": 8, "constraints": 8, "characters": 3, "safety": 8}


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory, vllm_server: Any) -> Workspace:
    """The graph up to `assemble`, every role a vLLM server."""

    def edit(params: dict[str, Any]) -> None:
        role = {"engine": "http", "model": vllm_server.model, "temperature": 1.0, "max_tokens": 24, "structured": False}
        params["roles"] = {name: dict(role) for name in params["roles"]}
        params["runtime"]["servers"] = {vllm_server.model: [vllm_server.url]}
        for source in params["ingest"]["sources"]:
            if source["name"] in LIMITS:
                source["limit"] = LIMITS[source["name"]]
        for section, values in SMALL.items():
            params[section] |= values

    workspace = Workspace(tmp_path_factory.mktemp("vllm"), edit)
    workspace.repro("assemble")
    return workspace


def quarantined(work: Workspace) -> pl.DataFrame:
    return pl.concat(pl.read_parquet(path) for path in sorted((work.folder / "data/quarantine").glob("*.parquet")))


def test_the_graph_finishes_and_keeps_every_malformed_answer_with_its_raw_text(work: Workspace) -> None:
    kept = quarantined(work)
    assert kept.height > 100 and set(kept["stage"]) >= {"tag", "score", "rejection", "execution", "constitution"}
    assert kept.filter(pl.col("raw") == "")["error"].str.contains("the answer is empty|HTTP").all()
    assert kept["error"].str.starts_with("length").any() and not kept["error"].str.contains("HTTP").any()
    for stage in work.lock().keys() - {"code"}:
        rows = work.metrics(stage).get("rows")
        assert rows is None or rows["in"] == rows["kept"] + rows["dropped"] + rows["quarantined"], stage


def test_nothing_malformed_is_admitted_and_nothing_is_asked_twice(work: Workspace) -> None:
    for table in ("demonstrations", "preferences"):
        rows = pl.read_parquet(work.folder / f"data/{table}.parquet")
        assert not rows["simulated"].any()
        assert (rows["engine"].str.starts_with("http/tiny-qwen2") | (rows["engine"] == "source")).all()
    assert no_stage_ran(work.repro("assemble"))


@pytest.fixture(scope="module")
def engines(
    tiny_qwen2: Path, vllm_arguments: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Engine]]:
    """An engine per role; they share one AsyncLLM."""
    spec = RoleParams(engine="vllm", model=str(tiny_qwen2), temperature=1.0, max_tokens=64, vllm=vllm_arguments)
    store, runtime = Store(tmp_path_factory.mktemp("store")), RuntimeParams()
    with ExitStack() as stack:
        yield {role: stack.enter_context(open_engine(role, spec, runtime, store)) for role in Roles.model_fields}


def selected(work: Workspace) -> Table[Selected]:
    """Some instructions as `select` hands them on: the tiny model's scores would select none."""
    rows = pl.read_parquet(work.folder / "data/instructions.parquet").head(10)
    return Table.of(Selected, [row | {"tags": ["any"], "scores": [], "pass_number": 0} for row in rows.to_dicts()])


def test_every_asking_stage_ends_every_row_with_vllm_in_the_process(
    work: Workspace, engines: dict[str, Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guided decoding makes answers parse unless they are cut off; what they say is nonsense all the same."""
    monkeypatch.chdir(ROOT)
    params, graph = load_yaml(work.folder / "params.yaml"), load_yaml(work.folder / "dvc.yaml")
    available: dict[str, Table] = {"selected": selected(work)}
    lost = 0
    with Sandbox() as sandbox:
        for name in ASKING:
            stage, spec = getattr(importlib.import_module(stage_module(name)), name), stage_spec(name, {}, graph)
            consumed: dict[str, Table] = {}
            arguments: dict[str, Any] = {"params": model_of(name).model_validate(params[name]), "sandbox": sandbox}
            for argument, hint in get_type_hints(stage).items():
                kind = get_origin(hint) or hint
                if kind in (Table, Context):
                    table = available.get(argument) or Table.read(
                        get_args(hint)[0], work.folder / spec.tables[argument]
                    )
                    arguments[argument] = table if kind is Table else Context(table.model, table.frame)
                    consumed |= {argument: table} if kind is Table else {}
                elif kind in (Files, Engine):
                    arguments[argument] = Files(name, tuple(spec.deps)) if kind is Files else engines[argument]
            returned = stage(**{argument: arguments[argument] for argument in signature(stage).parameters})._asdict()
            tables = {field: value for field, value in returned.items() if isinstance(value, Table)}
            for table in tables.values():
                table.check()
            assert close(name, consumed, tables)["in"] == sum(map(len, consumed.values())) > 0, name
            lost += len(tables["quarantine"])
            available |= tables
    requests, errors = (
        sum(getattr(engine.usage, kind) for engine in engines.values()) for kind in ("requests", "errors")
    )
    assert all(engine.usage.requests for engine in engines.values()) and lost and 0 < errors < requests
