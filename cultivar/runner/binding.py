"""Binding: what a stage's signature asks for, from what dvc.yaml and params.yaml declare for it (schemas/stage.py)."""

import inspect
import os
import shutil
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from cultivar.runlog.checkpoints import FINISHED
from cultivar.runlog.folders import cache_folder
from cultivar.runlog.progress import ProgressBar
from cultivar.runlog.spending import spending_file
from cultivar.runner.graph import StageSpec
from cultivar.runner.params import section
from schemas.errors import GraphError, ParamsError
from schemas.params.base import Section
from schemas.params.engines import BudgetParams, RuntimeParams
from schemas.stage import Checkpoints, Files, Model, ModelOut, Progress, UndeclaredRead
from schemas.table import Context, Table
from schemas.writing import draft_path


@dataclass
class Binding:
    """The arguments of one run of a stage, and what was opened for them.

    `params`: all of params.yaml. `stack`: closes engines, sandbox and drafts when the run ends. `key`: the stage with
    its matrix items. `digest`: identity of deps and params, for checkpoints. `rank`: number of this process where
    several train together; all but the first write nothing. `engines` by role, `models` (drafts of outputs) and
    `consumed` (tables whose rows need a state) by argument fill as arguments are bound.
    """

    spec: StageSpec
    params: dict[str, Any]
    function: Callable[..., Any]
    stack: ExitStack
    key: str
    digest: str = ""
    rank: int = 0
    engines: dict[str, Any] = field(default_factory=dict)
    models: dict[str, ModelOut] = field(default_factory=dict)
    consumed: dict[str, Table] = field(default_factory=dict)
    sandbox: Any = None  # once the stage has asked for one

    def __post_init__(self) -> None:
        self.bar = ProgressBar(self.spec.name, self.stack, silent=bool(self.rank))

    def outputs(self) -> dict[str, Any]:
        """Call the stage with everything that its signature asks for; its outputs, by name. Raises as `bind` does."""
        hints = hints_of(self.function)
        names = inspect.signature(self.function).parameters
        return self.function(**{name: self.bind(name, hints[name]) for name in names})._asdict()

    def bind(self, name: str, annotation: Any) -> Any:
        """The value of one argument of the stage, by its name and type.

        Raises UndeclaredRead for a table or model that dvc.yaml does not list, GraphError for a type that no stage can
        ask for or a sandbox that does not start, ParamsError for a faulty section, role or budget.
        """
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
            return self.bar.show
        if kind is RuntimeParams:
            return self.runtime
        if inspect.isclass(kind) and issubclass(kind, Section):
            # `params` are the stage's own; another name is the section of that name
            return section(self.params, self.spec.name if name == "params" else name, self.spec.params, self.spec.name)
        # by name: the runner imports engines and sandbox only for stages that use them
        if getattr(kind, "__name__", "") == "Engine":
            return self.engine(name)
        if getattr(kind, "__name__", "") == "Sandbox":
            return self.open_sandbox()
        raise GraphError(f"stage {self.spec.name}: argument {name}: {annotation} is nothing a stage can ask for")

    def table(self, model: Any, path: Path) -> Table:
        """Read a table that the stage declares; dry runs override this (cultivar/tools/dry_run.py)."""
        return Table.read(model, path)

    @property
    def runtime(self) -> RuntimeParams:
        """The section `runtime`, which every stage may read."""
        return RuntimeParams.model_validate(self.params.get("runtime", {}))

    def declared(self, name: str, paths: dict[str, Path], expected: str) -> Path:
        """The path of an argument. Raises UndeclaredRead, which names the `expected` path to add to dvc.yaml."""
        if name not in paths:
            raise UndeclaredRead(self.spec.name, expected)
        return paths[name]

    def model_out(self, name: str) -> ModelOut:
        """An empty draft folder for a model, which `write_outputs` renames. Raises UndeclaredRead."""
        if name not in self.spec.targets:
            raise UndeclaredRead(self.spec.name, f"models/{name}", kind="outs")
        final = self.spec.targets[name]
        if self.rank:
            return ModelOut(final)  # the first process writes
        draft = draft_path(final)
        draft.mkdir(parents=True)
        self.models[name] = ModelOut(draft)
        self.stack.callback(self.remove_models)
        return self.models[name]

    def take_models(self) -> dict[str, ModelOut]:
        """The drafts of models, by argument; they stay when the run ends."""
        models, self.models = self.models, {}
        return models

    def remove_models(self) -> None:
        """Remove the drafts of models that nobody has taken."""
        for model in self.take_models().values():
            shutil.rmtree(model.path, ignore_errors=True)

    def checkpoints(self) -> Checkpoints:
        """The folder that a killed run with equal deps and params has left, or an empty one."""
        path = checkpoints_folder() / f"{self.key}-{self.digest}"
        path.mkdir(parents=True, exist_ok=True)
        (path / FINISHED).unlink(missing_ok=True)  # it goes on from there
        return Checkpoints(path, self.runtime.checkpoint_steps)

    def engine(self, role: str) -> Any:
        """The engine of a role, open until the run ends. Raises ParamsError for a missing server or price."""
        from cultivar.llm.budget import Budget
        from cultivar.llm.engine import open_engine

        spec = section(self.params, f"roles.{role}", self.spec.params, self.spec.name)
        try:
            budget = Budget(BudgetParams.model_validate(self.params.get("budget") or {}), spending_file, spec.model)
            engine = open_engine(role, spec, self.runtime, self.store(), progress=self.bar.show_tokens, budget=budget)
        except ValueError as error:  # no server, no price: the message names the key of params.yaml
            raise ParamsError(f"stage {self.spec.name}: {error}") from error
        self.engines[role] = self.stack.enter_context(engine)
        return engine

    @property
    def packages(self) -> tuple[str, ...]:
        """What programs may import besides the standard library. Raises UndeclaredRead."""
        return tuple(section(self.params, "sandbox", self.spec.params, self.spec.name).packages)

    def open_sandbox(self) -> Any:
        """The sandbox with its cache of verdicts, open until the run ends. Raises GraphError where none works, or a
        package of `sandbox.packages` is not installed.
        """
        from cultivar.runner.verdicts import CachedSandbox
        from cultivar.sandbox import Sandbox, SandboxUnavailable

        runtime = self.runtime
        try:
            box = Sandbox(
                runtime.sandbox_backend,
                runtime.sandbox_slots,
                # running without a sandbox takes both `sandbox_backend: none` and this variable
                allow_unsandboxed=os.environ.get("CULTIVAR_ALLOW_UNSANDBOXED") == "1",
                weakest=runtime.sandbox_weakest,
                packages=self.packages,
                url=runtime.sandbox_url,
            )
        except SandboxUnavailable as error:
            raise GraphError(f"stage {self.spec.name}: {error}") from None
        self.sandbox = self.stack.enter_context(CachedSandbox(box, self.store()))
        return self.sandbox

    def store(self) -> Any:
        """The store of answers and verdicts."""
        from cultivar.store.store import Store, store_folder

        return Store(store_folder(self.runtime.store), self.runtime.flush_rows, self.runtime.flush_s)

    def usage(self) -> dict[str, dict[str, Any]]:
        """The counts of each role so far (cultivar/llm/sending.py, Usage)."""
        return {role: vars(engine.usage).copy() for role, engine in self.engines.items()}


def hints_of(function: Callable[..., Any]) -> dict[str, Any]:
    """The types of a stage's arguments, by name."""
    return get_type_hints(function, include_extras=True)


def checkpoints_folder() -> Path:
    """Where training keeps its checkpoints; shared with experiments that may run beside this one."""
    return cache_folder() / "checkpoints"
