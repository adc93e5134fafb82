"""A stage run again over the rows of one family, from remembered answers alone, to see what it asks and what it makes of it.

The stage's own function runs on today's code, with the prompts, parameters and human files of the version, in a folder of
its own. Nothing is sent and nothing written: models and sandbox answer from the store or not at all.
"""

import contextlib
import os
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from jinja2 import TemplateError
from ruamel.yaml import YAML

from cultivar.llm import prompt
from cultivar.llm.answer import Generation
from cultivar.llm.cache import AnswerCache
from cultivar.llm.request import Request
from cultivar.runner.fingerprints import FOLDER, fingerprint
from cultivar.runner.graph import stage_spec
from cultivar.runner.verdicts import CachedSandbox
from cultivar.sandbox import Job, Verdict
from cultivar.store.store import project_store_folder
from cultivar.tools.dry_run import Rehearsal, Unjudged, function_of, kinds_of
from reports.versions.version import Version
from schemas.errors import GraphError
from schemas.stage import UndeclaredRead, Unfinished
from schemas.table import Table

NOWHERE = "http://127.0.0.1:9/v1"
"""Stands for a server's address, which is part of no request; nothing is sent there."""
FAULTS = (
    GraphError,
    UndeclaredRead,
    Unfinished,
    OSError,
    ValueError,
    ImportError,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
    TemplateError,
)
"""What may come of today's code over another version's rows, prompts and parameters: then its requests are not rebuilt."""


class NotedAnswers(AnswerCache):
    """Notes every request, and answers from the store: from `known` alone once that is full (`is_closed`).

    What is in `forgotten` counts as never answered. Journals of killed processes stay as they are.
    """

    def __init__(self, memory: AnswerCache, notes: "Notes", role: str, forgotten: Collection[bytes]) -> None:
        super().__init__(memory.store, memory.label)
        self.notes, self.role, self.forgotten = notes, role, forgotten

    def lookup(self, requests: Iterable[Request]) -> dict[bytes, Generation]:
        asked = {request.key: request for request in requests}
        self.notes.asked.update({key: (self.role, self.label, request) for key, request in asked.items()})
        if not self.notes.is_closed:
            self.notes.known |= super().lookup(asked.values())
        known = self.notes.known
        return {key: known[key] for key in asked if key in known and key not in self.forgotten}

    def recover_journals(self, fingerprint: str) -> None:
        """Nothing is published here."""


@dataclass
class Notes:
    """What a stage asked, and what is known of it: key -> (role, engine's label, request), key -> answer."""

    asked: dict[bytes, tuple[str, str, Request]] = field(default_factory=dict)
    known: dict[bytes, Generation] = field(default_factory=dict)
    jobs: list[tuple[Job, Verdict]] = field(default_factory=list)
    is_closed: bool = False


class NotedSandbox(CachedSandbox):
    """Runs nothing, and notes the jobs whose verdicts the store remembers."""

    notes: Notes

    def run(self, jobs: Iterable[Job]) -> Iterator[Verdict]:
        waiting = list(jobs)
        for job, verdict in zip(waiting, super().run(waiting), strict=True):
            if not self.notes.is_closed and verdict.outcome != "sandbox_error":
                self.notes.jobs.append((job, verdict))
            yield verdict


@dataclass
class Replayed(Rehearsal):
    """A rehearsal that notes its requests. Input tables that are not among the replacements are empty."""

    notes: Notes = field(default_factory=Notes)
    box: Any = None  # a sandbox of an earlier run, kept open

    def table(self, model: Any, path: Path) -> Table:
        return super().table(model, path) if path in self.replacements else Table.of(model, [], path.stem)

    def engine(self, role: str) -> Any:
        engine = super().engine(role)
        engine.sender.cache = NotedAnswers(engine.sender.cache, self.notes, role, self.forgotten)
        return engine

    def open_sandbox(self) -> Any:
        if self.box is None:
            box = Unjudged(backend=self.runtime.sandbox_backend, packages=self.packages)
            self.box = self.stack.enter_context(NotedSandbox(box, self.store(), strict=False))
            self.box.notes = self.notes
        self.box.runs.clear()  # the first run of each job again
        self.sandbox = self.box
        return self.box


class Replay:
    """A stage of a version, to be run over some rows any number of times. A context manager."""

    def __init__(self, version: Version, stage: str, tables: Mapping[str, list[dict[str, Any]]]) -> None:
        """`tables`: input table -> rows."""
        self.version, self.stage, self.rows = version, stage, tables
        self.notes = Notes()
        self.stack = ExitStack()
        self.box: Any = None

    def __enter__(self) -> "Replay":
        # before the folder changes: from there the version is not to be read
        self.function = function_of(self.stage)
        self.params, self.spec = self.alone(), stage_spec(self.stage, {}, self.version.graph())
        store = project_store_folder().resolve()
        folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory(prefix="cultivar-trace-")))
        lay_out(self.version, self.stage, folder)
        self.stack.enter_context(environment(CULTIVAR_STORE=str(store), DVC_ROOT=None))
        self.stack.enter_context(contextlib.chdir(folder))
        self.stack.callback(prompt.allow, None)
        return self

    def __exit__(self, *error: Any) -> None:
        self.stack.close()

    def alone(self) -> dict[str, Any]:
        """The version's parameters, with an address for every role that would be asked at one, and no budget."""
        params = {name: value for name, value in self.version.params().items() if name != "budget"}
        remote = [role for role, spec in (params.get("roles") or {}).items() if spec.get("engine") == "http"]
        runtime = dict(params.get("runtime") or {})
        runtime["servers"] = {role: [NOWHERE] for role in remote} | {
            role: [NOWHERE] for role in runtime.get("servers") or {}
        }
        return params | {"runtime": runtime}

    def run(self, forgotten: Collection[bytes] = ()) -> dict[str, dict[str, dict[str, Any]]]:
        """The stage's tables as rows by id: table -> id -> row. Raises one of FAULTS where it cannot run so."""
        with ExitStack() as stack:
            run = Replayed(self.spec, self.params, self.function, stack, self.stage)
            run.notes, run.forgotten, run.box = self.notes, forgotten, self.box
            run.replacements = self.inputs(run)
            run.bar.silent = True
            outputs = run.outputs()
            if run.sandbox is not None and self.box is None:
                self.box = run.sandbox
        self.notes.is_closed = True
        tables = {
            run.spec.targets[name].as_posix(): value for name, value in outputs.items() if isinstance(value, Table)
        }
        return {path: {row["id"]: row for row in table.frame.iter_rows(named=True)} for path, table in tables.items()}

    def inputs(self, run: Replayed) -> dict[Path, Table]:
        """The rows as tables of their models."""
        from cultivar.runner.binding import hints_of

        models = {
            path: get_args(hint)[0]
            for name, hint in hints_of(self.function).items()
            if (path := run.spec.tables.get(name)) is not None and get_args(hint)
        }
        return {
            path: Table.of(
                model, [{key: row[key] for key in model.model_fields if key in row} for row in rows], path.stem
            )
            for path, model in models.items()
            if (rows := self.rows.get(path.as_posix()))
        }


def is_current(version: Version, stage: str) -> bool:
    """Whether today's code of a stage is the version's, by its fingerprint."""
    return version.text(FOLDER / f"{stage}.txt") == fingerprint(stage)


def asks_models(stage: str) -> bool:
    """Whether a stage of the graph asks models; false for one that is not there any more."""
    try:
        return "engine" in kinds_of(stage)
    except (GraphError, ImportError, AttributeError):
        return False


def lay_out(version: Version, stage: str, folder: Path) -> None:
    """Write what a stage declares but its tables and code into a folder: prompts, human files, the graph, parameters.

    Code is linked, since the runner finds a stage's module and the sections of params.yaml by its files.
    """
    spec = stage_spec(stage, {}, version.graph())
    for dep in spec.deps:
        if dep.suffix == ".parquet" or dep.parts[0] in ("fingerprints", "data", "models"):
            continue
        for name in version.names(dep):
            if (content := version.content(name)) is not None:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(content)
    for package in ("stages", "train"):
        if Path(package).is_dir():
            (folder / package).symlink_to(Path(package).resolve(), target_is_directory=True)
    yaml = YAML(typ="safe", pure=True)
    yaml.dump(version.graph(), folder / "dvc.yaml")


@contextlib.contextmanager
def environment(**changes: str | None) -> Iterator[None]:
    """Environment variables set (None: unset) for a while."""
    before = {name: os.environ.get(name) for name in changes}
    apply(changes)
    try:
        yield
    finally:
        apply(before)


def apply(values: Mapping[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
