"""One stage, from dvc.yaml to its tables.

A stage is a pure function whose signature is its contract (schemas/stage.py). The runner finds its files and
parameters in dvc.yaml and params.yaml, refuses what is not declared there, shows progress, checks that every row ends
in exactly one state, writes its outputs, all or none, and prints one closing line. What can differ between two equal
runs (seconds, cache hits, rows changed) goes to .cache/runs/<stage>.json. Nothing depends on that or on the line, so
nothing that goes wrong with them ends a stage whose outputs are in their places; its checkpoints go last.
"""

import importlib
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from cultivar.runlog.bookkeeping import bookkeeping
from cultivar.runlog.checkpoints import release_checkpoints, remove_recorded
from cultivar.runlog.closing import closing_line
from cultivar.runlog.console import say
from cultivar.runlog.folders import remove_expired
from cultivar.runlog.previous import rows_changed
from cultivar.runlog.record import record_run
from cultivar.runner.binding import Binding, checkpoints_folder
from cultivar.runner.ending import publish
from cultivar.runner.graph import PARAMS, StageSpec, load_yaml, stage_module, stage_spec
from cultivar.runner.guard.code import Code
from cultivar.runner.guard.origin import Origin
from cultivar.runner.guard.parents import die_with_parent
from cultivar.runner.outputs import metrics_of, remove_drafts, write_outputs
from cultivar.runner.params import check, model_of, section
from cultivar.runner.prompts import check_prompts
from cultivar.runner.states import close
from schemas.params.engines import RuntimeParams
from schemas.stage import below
from schemas.table import Table
from schemas.writing import Drafts


def run(stage: str, items: dict[str, str]) -> None:
    """Run one stage and write the outputs that dvc.yaml declares for it.

    `stage`: its name in dvc.yaml; `items`: its matrix items, by key (empty without a matrix). Where several processes
    train together, all but the first return without writing.

    Raises GraphError or UndeclaredRead for dvc.yaml, ParamsError for params.yaml, FileFaults for prompts,
    OriginChanged where code or inputs
    changed meanwhile, StateError for a row in no state or in several, Unfinished where requests got no result yet.
    """
    started = time.perf_counter()
    die_with_parent()
    spec = stage_spec(stage, items)
    code = Code(stage, Path.cwd())
    code.check_declared(spec.deps)
    code.check_fresh()
    params = load_yaml(PARAMS)
    check(params, spec.params)
    origin = Origin(spec.deps, declared_params(params, spec.params))
    origin.check_links(stage)
    check_prompts(stage, spec.deps)

    def check_origin() -> None:
        code.check_unchanged()
        origin.check(stage, declared_params(load_yaml(PARAMS), spec.params))

    rank = enter_launch(stage, params, spec, items)
    function = getattr(importlib.import_module(stage_module(stage)), stage)
    code.note_imports()
    key = "-".join([stage, *items.values()])
    with Drafts() as drafts:
        with ExitStack() as stack:
            allow_prompts(spec)
            binding = Binding(spec, params, function, stack, key, origin.digest(), rank)
            if not rank:
                remove_drafts(spec)
                with bookkeeping(f"{key}: checkpoints of finished stages cannot be removed"):
                    remove_recorded(checkpoints_folder())
            outputs = binding.outputs()
            if binding.sandbox is not None:
                binding.sandbox.settle()
            if rank:
                return
            tables = {name: value for name, value in outputs.items() if isinstance(value, Table)}
            states = close(stage, binding.consumed, tables)
            check_origin()  # first: what is missing now would show in `check_imports` as never declared
            code.check_imports()
            usage = binding.usage()
            metrics = metrics_of(states, binding.consumed, tables, usage) | (outputs.get("metrics") or {})
            write_outputs(spec, outputs, binding.take_models(), metrics, drafts)
        check_origin()  # again: inputs may have changed while outputs were written
        publish(drafts)
    # the stage is done: what follows is told, and ends nothing
    changed = None
    with bookkeeping(f"{key}: what changed since the previous version cannot be counted"):
        changed = count_changes(spec, items, binding.consumed, tables)
    if binding.sandbox is not None:
        usage["sandbox"] = {"requests": binding.sandbox.requests, "hits": binding.sandbox.hits}
    seconds = time.perf_counter() - started
    with bookkeeping(f"{key}: the record of this run cannot be written"):
        record_run(key, seconds, usage, changed, states["in"])
    with bookkeeping(f"{key}: its closing line cannot be shown"):
        say(closing_line(key, states, tables, usage, changed, seconds, metrics, spec.targets.get("quarantine")))
    with bookkeeping(f"{key}: its checkpoints cannot be removed"):
        outs = [*spec.outs, *([spec.metrics] if spec.metrics else [])]
        release_checkpoints(checkpoints_folder() / f"{key}-{origin.digest()}", name_in_lock(spec, items), outs)
        remove_expired(checkpoints_folder(), "*")


def name_in_lock(spec: StageSpec, items: dict[str, str]) -> str:
    """What dvc.lock calls the stage: evaluate@sft for an item of a matrix."""
    return f"{spec.name}@{'-'.join(items.values())}" if items else spec.name


def count_changes(
    spec: StageSpec, items: dict[str, str], consumed: dict[str, Table], written: dict[str, Table]
) -> dict | None:
    """Rows that differ from the version that dvc.lock records for this stage."""
    return rows_changed(
        name_in_lock(spec, items),
        {spec.tables[name]: table.frame for name, table in consumed.items()},
        {spec.targets[name]: table.frame for name, table in written.items()},
    )


def enter_launch(stage: str, params: dict[str, Any], spec: StageSpec, items: dict[str, str]) -> int:
    """Start the processes of a stage with a `launch` parameter under accelerate (train/launch.py).

    Returns the rank of this process; 0 for every stage that runs in one process.
    """
    if stage not in spec.params or "launch" not in model_of(stage).model_fields:
        return 0
    launch = importlib.import_module("train.launch")
    runtime = RuntimeParams.model_validate(params.get("runtime", {}))
    arguments = [stage, *(f"{key}={value}" for key, value in items.items())]
    return launch.enter(section(params, stage, spec.params, stage), runtime.threads, runtime.launch, arguments)


def declared_params(params: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """The values of the params keys (dotted paths) that the stage declares; None where one is missing."""
    values = {}
    for name in names:
        value: Any = params
        for part in name.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        values[name] = value
    return values


def allow_prompts(spec: StageSpec) -> None:
    """Let the stage open only the prompt files that dvc.yaml lists."""
    if "cultivar.llm.prompt" in sys.modules:
        declared = [path for path in spec.deps if path.parts[0] == "prompts"]
        files = {file for path in declared for file in (below(path) if path.is_dir() else [path])}
        sys.modules["cultivar.llm.prompt"].allow(files, spec.name)
