"""The runner: one stage, from dvc.yaml to its tables.

    python -m stages.run tag
    python -m stages.run train.evaluate model=sft

A stage is a pure function whose signature is its contract (schemas/stage.py). The runner finds its files and
parameters in dvc.yaml and params.yaml, refuses what is not declared there, shows progress, checks that every row ends
in exactly one state, writes tables atomically and prints one closing line. What can differ between two equal runs
(seconds, cache hits, rows changed against the version before) goes to .cache/runs/<stage>.json, which nothing depends on.
"""

import argparse
import gc
import glob
import importlib
import inspect
import json
import logging
import os
import shutil
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import polars as pl
import psutil
from pydantic import ValidationError
from ruamel.yaml.error import YAMLError
from tqdm import tqdm

from schemas.errors import UserError
from schemas.params.base import Section
from schemas.params.engines import BudgetParams, RuntimeParams
from schemas.params.root import ParamsError, model_of, section
from schemas.rows import Dropped
from schemas.stage import (
    Checkpoints,
    Document,
    Files,
    Model,
    ModelOut,
    Plot,
    Progress,
    UndeclaredRead,
    below,
)
from schemas.table import Context, Table
from stages.graph import PARAMS, GraphError, StageSpec, load_yaml, stage_spec
from stages.guard import Origin, check_imports, die_with_parent
from stages.notes import age_out, cache_folder, closing_line, ledger, note
from stages.params import check
from stages.states import close
from stages.versions import rows_changed


@dataclass
class Run:
    """One run of a stage: its declaration, the arguments bound so far and what they used."""

    spec: StageSpec
    params: dict[str, Any]
    function: Callable[..., Any]
    stack: ExitStack
    key: str
    origin: Origin | None = None
    engines: dict[str, Any] = field(default_factory=dict)
    models: dict[str, ModelOut] = field(default_factory=dict)
    consumed: dict[str, Table] = field(default_factory=dict)
    rank: int = 0
    bar: tqdm | None = None
    judge: Any = None  # the sandbox, once the stage has one

    def outputs(self) -> dict[str, Any]:
        """Call the stage with everything that its signature asks for; what it returns, by name."""
        hints = hints_of(self.function)
        names = inspect.signature(self.function).parameters
        return self.function(**{name: self.bind(name, hints[name]) for name in names})._asdict()

    def bind(self, name: str, annotation: Any) -> Any:
        """The value of one argument of the stage, by its name and type. Raises UndeclaredRead, GraphError."""
        kind = get_origin(annotation) or annotation
        if kind in (Table, Context):
            table = self.table(get_args(annotation)[0], self.declared(name, self.spec.tables, f"data/{name}.parquet"))
            if kind is Table:
                self.consumed[name] = table
                return table
            return Context(table.model, table.frame, name)
        if kind is Model:
            return Model(self.declared(name, self.spec.models, f"models/{name}"))
        if kind is ModelOut:
            return self.model_out(name)
        if kind is Files:
            return Files(self.spec.name, tuple(self.spec.deps))
        if kind is Checkpoints:
            return self.checkpoints()
        if annotation == Progress:
            return self.progress
        if kind is RuntimeParams:
            return self.runtime
        if inspect.isclass(kind) and issubclass(kind, Section):
            # `params` are the stage's own; another name is the section of that name
            return section(self.params, self.spec.name if name == "params" else name, self.spec.params, self.spec.name)
        if getattr(kind, "__name__", "") == "Engine":
            return self.engine(name)
        if getattr(kind, "__name__", "") == "Sandbox":
            return self.sandbox()
        raise GraphError(f"stage {self.spec.name}: argument {name}: {annotation} is nothing a stage can ask for")

    def table(self, model: Any, path: Path) -> Table:
        return Table.read(model, path)

    @property
    def runtime(self) -> RuntimeParams:
        return RuntimeParams.model_validate(self.params.get("runtime", {}))

    def declared(self, name: str, paths: dict[str, Path], expected: str) -> Path:
        if name not in paths:
            raise UndeclaredRead(self.spec.name, expected)
        return paths[name]

    def model_out(self, name: str) -> ModelOut:
        if name not in self.spec.targets:
            raise UndeclaredRead(self.spec.name, f"models/{name}", kind="outs")
        final = self.spec.targets[name]
        if self.rank:
            return ModelOut(final)  # the first process writes
        draft = final.with_name(f".{final.name}.{os.getpid()}.tmp")
        draft.mkdir(parents=True)
        self.stack.callback(shutil.rmtree, draft, ignore_errors=True)
        self.models[name] = ModelOut(draft)
        return self.models[name]

    def checkpoints(self) -> Checkpoints:
        assert self.origin is not None
        path = cache_folder() / "checkpoints" / f"{self.key}-{self.origin.digest()}"
        path.mkdir(parents=True, exist_ok=True)
        return Checkpoints(path, self.runtime.checkpoint_steps)

    def engine(self, role: str) -> Any:
        from llm.budget import Budget
        from llm.engine import open_engine
        from llm.store import Store, where

        spec = section(self.params, f"roles.{role}", self.spec.params, self.spec.name)
        runtime = self.runtime
        store = Store(where(runtime.store), runtime.flush_rows, runtime.flush_s)
        try:
            budget = Budget(BudgetParams.model_validate(self.params.get("budget") or {}), ledger, spec.model)
            engine = open_engine(role, spec, runtime, store, progress=self.engine_progress, budget=budget)
        except ValueError as error:  # no server, no price: the message names the key of params.yaml
            raise ParamsError(f"stage {self.spec.name}: {error}") from error
        self.engines[role] = self.stack.enter_context(engine)
        return engine

    def sandbox(self) -> Any:
        from llm.store import Store, where
        from sandbox import Sandbox, SandboxUnavailable
        from stages.verdicts import RememberingSandbox

        runtime = self.runtime
        store = Store(where(runtime.store), runtime.flush_rows, runtime.flush_s)
        try:
            box = Sandbox(
                runtime.sandbox_backend,
                runtime.sandbox_slots,
                # the configuration says it with `sandbox_backend: none`, the command line with this word
                allow_unsandboxed=os.environ.get("CULTIVAR_ALLOW_UNSANDBOXED") == "1",
                weakest=runtime.sandbox_weakest,
                url=runtime.sandbox_url,
            )
        except SandboxUnavailable as error:
            raise GraphError(f"stage {self.spec.name}: {error}") from None
        self.judge = self.stack.enter_context(RememberingSandbox(box, store))
        return self.judge

    def engine_progress(self, done: int, total: int, tokens: int) -> None:
        self.progress(done, total, f"{tokens:,} tokens")

    def progress(self, done: int, total: int, note: str = "") -> None:
        if self.rank:
            return
        if self.bar is None:
            self.bar = self.stack.enter_context(
                tqdm(desc=self.spec.name, unit="", dynamic_ncols=True, leave=False, disable=None, delay=1.0)
            )
        if self.bar.total != (total or None):
            self.bar.reset(total or None)
        self.bar.set_postfix_str(note, refresh=False)
        self.bar.update(done - self.bar.n)


def hints_of(function: Callable[..., Any]) -> dict[str, Any]:
    """The types of a stage's arguments, by name."""
    return get_type_hints(function, include_extras=True)


def run(name: str, items: dict[str, str]) -> None:
    """Run stage `name` (of stages/ or train/; a prefix says which) and write what it declares."""
    started = time.perf_counter()
    die_with_parent()
    room = "train" if Path("train", f"{name}.py").is_file() else "stages"
    module_name = name if "." in name else f"{room}.{name}"
    stage = module_name.rsplit(".", 1)[1]
    spec = stage_spec(stage, items)
    params = load_yaml(PARAMS)
    check(params, spec.params)
    origin = Origin(spec.deps, declared_params(params, spec.params))
    rank = launched(module_name, stage, params, spec, items)
    from_folder = Path.cwd()
    function = getattr(importlib.import_module(module_name), stage)
    key = "-".join([stage, *items.values()])
    with ExitStack() as stack:
        allow_prompts(spec)
        run_ = Run(spec, params, function, stack, key, origin, rank=rank)
        if not rank:
            sweep(spec)
        outputs = run_.outputs()
        if run_.judge is not None:
            run_.judge.settle()
        if rank:
            return
        tables = {field: value for field, value in outputs.items() if isinstance(value, Table)}
        states = close(stage, run_.consumed, tables)
        check_imports(stage, spec.deps, from_folder)
        origin.check(stage, declared_params(load_yaml(PARAMS), spec.params), from_folder)
        usage = {role: vars(engine.usage).copy() for role, engine in run_.engines.items()}
        metrics = measure(states, run_.consumed, tables, usage) | (outputs.get("metrics") or {})
        write(spec, outputs, run_.models, metrics)
        checkpoints = cache_folder() / "checkpoints"  # shared with experiments that may run beside this one
        shutil.rmtree(checkpoints / f"{key}-{origin.digest()}", ignore_errors=True)
        age_out(checkpoints, "*")
        changed = rows_changed(
            "@".join([stage, *(["-".join(items.values())] if items else [])]),
            {spec.tables[name]: table.frame for name, table in run_.consumed.items()},
            {spec.targets[name]: table.frame for name, table in tables.items()},
        )
    origin.check(stage, declared_params(load_yaml(PARAMS), spec.params), from_folder)  # writing takes its time
    if run_.judge is not None:
        usage["sandbox"] = {"requests": run_.judge.asked, "hits": run_.judge.known}
    note(key, started, usage, changed, states["in"])
    print(closing_line(key, states, tables, usage, changed, time.perf_counter() - started))


def launched(module_name: str, stage: str, params: dict[str, Any], spec: StageSpec, items: dict[str, str]) -> int:
    """The rank of this process: stages with a `launch` parameter run under accelerate (train/launch.py)."""
    if stage not in spec.params or "launch" not in model_of(stage).model_fields:
        return 0
    from train.launch import enter

    runtime = RuntimeParams.model_validate(params.get("runtime", {}))
    arguments = [module_name, *(f"{key}={value}" for key, value in items.items())]
    return enter(section(params, stage, spec.params, stage), runtime.threads, runtime.launch, arguments)


def declared_params(params: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """The values of the params keys (dotted paths) that the stage declares; None where one is missing."""
    found = {}
    for name in names:
        value: Any = params
        for part in name.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        found[name] = value
    return found


def allow_prompts(spec: StageSpec) -> None:
    """Let the stage open only the prompt files that dvc.yaml lists."""
    if "llm.prompt" in sys.modules:
        declared = [path for path in spec.deps if path.parts[0] == "prompts"]
        files = {file for path in declared for file in (below(path) if path.is_dir() else [path])}
        sys.modules["llm.prompt"].allow(files)


def measure(
    states: dict[str, int], consumed: dict[str, Table], tables: dict[str, Table], usage: dict[str, dict]
) -> dict[str, Any]:
    """Metrics that two equal runs share: rows by state, rows per table, drops by rule, requests and errors by role."""
    metrics: dict[str, Any] = {"rows": states} if consumed else {}
    metrics["out"] = {name: len(table) for name, table in tables.items()}
    if "dropped" in tables and tables["dropped"].model is Dropped:
        counts = tables["dropped"].frame.group_by("rule").len().sort("rule")
        metrics["dropped_by_rule"] = {key(rule): number for rule, number in counts.iter_rows()}
    for role, used in usage.items():
        metrics[f"asked_{role}"] = {name: used[name] for name in ("requests", "asked_again", "errors")}
    return metrics


def key(text: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in text.lower())


def write(spec: StageSpec, outputs: dict[str, Any], models: dict[str, ModelOut], metrics: dict[str, Any]) -> None:
    """Write every output to its declared place; refuses outputs that dvc.yaml does not list, and missing ones."""
    made = {name for name in outputs if name != "metrics"} | set(models)
    if missing := set(spec.targets) - made:
        raise GraphError(f"stage {spec.name}: dvc.yaml lists outs {sorted(missing)} that the stage does not return")
    if extra := made - set(spec.targets):
        raise GraphError(f"stage {spec.name}: returns {sorted(extra)}; add their paths to outs or plots in dvc.yaml")
    for name, value in outputs.items():
        if isinstance(value, Table):
            value.name = name
            value.write(spec.targets[name])
        elif isinstance(value, Plot):
            replace_text(spec.targets[name], value.frame.write_csv(float_precision=6))
        elif isinstance(value, Document):
            replace_text(spec.targets[name], value.text)
        elif name != "metrics":
            raise GraphError(
                f"stage {spec.name}: output {name} is a {type(value).__name__}, not a Table, Plot or Document"
            )
    for name, draft in models.items():
        if not any(draft.path.iterdir()):
            raise GraphError(f"stage {spec.name}: model {name} is empty")
        shutil.rmtree(spec.targets[name], ignore_errors=True)
        draft.path.rename(spec.targets[name])
    if spec.metrics:
        replace_text(spec.metrics, json.dumps(rounded(metrics), indent=2, sort_keys=True) + "\n")


def sweep(spec: StageSpec) -> None:
    """Remove the drafts of outputs that killed runs of this stage have left."""
    for path in [*spec.targets.values(), *([spec.metrics] if spec.metrics else [])]:
        for draft in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
            number = draft.name.removesuffix(".tmp").rpartition(".")[2]
            if number.isdigit() and not psutil.pid_exists(int(number)):
                shutil.rmtree(draft) if draft.is_dir() else draft.unlink(missing_ok=True)


def replace_text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with temporary.open("w", encoding="utf-8") as handle:
        handle.write(text)
        handle.flush()
        os.fsync(handle.fileno())
    temporary.replace(path)


def rounded(value: Any) -> Any:
    """Numbers to six significant digits, so that metrics diff well."""
    if isinstance(value, dict):
        return {name: rounded(item) for name, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m stages.run",
        description="Run one stage of the graph.",
        epilog="`dvc repro` runs every stage whose inputs changed.",
    )
    parser.add_argument("stage", help="name in dvc.yaml")
    parser.add_argument("item", nargs="*", help="matrix item, as key=value")
    parser.add_argument(
        "--allow-unsandboxed",
        action="store_true",
        help="with `sandbox_backend: none` in params.yaml: run programs of models without a sandbox "
        "(for `dvc repro`: CULTIVAR_ALLOW_UNSANDBOXED=1)",
    )
    arguments = parser.parse_args()
    if wrong := [item for item in arguments.item if "=" not in item]:
        parser.error(f"a matrix item is key=value, not {wrong[0]}")
    if arguments.allow_unsandboxed:
        os.environ["CULTIVAR_ALLOW_UNSANDBOXED"] = "1"
    logging.basicConfig(level=os.environ.get("CULTIVAR_LOG", "WARNING").upper(), format="%(name)s: %(message)s")
    pl.Config.set_fmt_str_lengths(80)
    gc.set_threshold(200_000, 20, 100)  # rows are many and hold no cycles: a third less time where all is remembered
    try:
        run(arguments.stage, dict(item.split("=", 1) for item in arguments.item))
    except KeyboardInterrupt:
        print("\nstopped; finished model calls are remembered, run `dvc repro` to go on", file=sys.stderr)
        return 130
    except (
        UserError,
        ValidationError,
        YAMLError,  # of a file that people write: ontology, constitution
        OSError,  # no such file, no permission, no space left: finished model calls are remembered all the same
    ) as error:
        if os.environ.get("CULTIVAR_LOG", "").upper() == "DEBUG":
            raise
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
