"""What the data stages ask of the store, and the tables that they make, found by running them without writing.

A row's lineage names the answers that it was made from, but not those that its making took besides: the judge's ratings,
tags, scores, answers that did not parse and were asked for again, verdicts of programs that failed. The complete set is
what the stages look up. So they are rehearsed (cultivar/tools/dry_run.py) from the sources on, each on what the one before
would write, once as the project is and once without what is to be forgotten; every lookup in the store is noted by kind
and key. Keys of the first run that the second does not ask for are of the forgotten alone.
"""

import contextlib
import os
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
from tqdm import tqdm

from cultivar.runner.fingerprints import CODE
from cultivar.runner.graph import load_yaml, stage_spec
from cultivar.store.store import Store
from cultivar.tools.dry_run import Unasked, kinds_of, rehearsal
from cultivar.tools.parallel import upstream
from cultivar.tools.plan import ordered
from schemas.table import Table

Lookups = dict[str, set[bytes]]
"""Kind (folder of the store) -> keys."""
PEOPLE = Path("human/annotations")


@dataclass
class Recording:
    """One rehearsal of the data stages: what they look up by stage, the tables they would write, requests not answered."""

    lookups: dict[str, Lookups] = field(default_factory=dict)
    tables: dict[Path, Table] = field(default_factory=dict)
    to_ask: dict[str, int] = field(default_factory=dict)
    to_judge: dict[str, int] = field(default_factory=dict)

    def keys(self) -> Lookups:
        """Everything that any stage looks up."""
        found: Lookups = {}
        for lookups in self.lookups.values():
            for kind, keys in lookups.items():
                found.setdefault(kind, set()).update(keys)
        return found

    def ids(self) -> set[str]:
        """Ids of the rows of every table."""
        return {row for table in self.tables.values() for row in table.frame["id"]}


@dataclass(frozen=True)
class Edits:
    """Changes to a project that were not made yet: files with their new content, None for a file that goes."""

    files: Mapping[Path, bytes | None] = field(default_factory=dict)
    forgotten: frozenset[bytes] = frozenset()

    def touches(self, deps: Collection[Path]) -> bool:
        """Whether a changed file is one of these paths or lies below one."""
        return any(path == dep or dep in path.parents for path in self.files for dep in deps)


def record(folder: Path, edits: Edits, before: Recording | None = None) -> Recording:
    """Rehearse every stage that writes tables and trains no model, in a copy of the project with `edits`.

    `folder`: an empty one for the copy. Of `before`, the same without edits, stages are taken over whose inputs are equal.
    """
    store = Path(os.environ.get("CULTIVAR_STORE") or store_path()).resolve()
    mirror(folder, edits.files)
    with working_in(folder, store):
        graph, params = load_yaml(Path("dvc.yaml")), load_yaml(Path("params.yaml"))
        params.pop("budget", None)
        recording = Recording()
        names = data_stages(graph)
        for name in tqdm(names, desc="stages rehearsed", unit=" stages", leave=False, disable=None):
            rehearse(name, graph, params, edits, recording, before)
        if "rank" in names and any(PEOPLE.glob("*.jsonl")):
            rehearse_without_people(graph, params, edits, recording)
    shutil.rmtree(folder)
    return recording


def rehearse(
    name: str,
    graph: dict[str, Any],
    params: dict[str, Any],
    edits: Edits,
    recording: Recording,
    before: Recording | None,
) -> None:
    """Rehearse one stage on the tables recorded so far, or take it over from `before`."""
    spec = stage_spec(name, {}, graph)
    outs = [path for path in spec.targets.values() if path.suffix == ".parquet"]
    read = [path for path in spec.deps if path in recording.tables]
    if before is not None and not edits.touches(list(spec.deps)) and all(path in before.tables for path in outs):
        same = all(recording.tables[path].frame.equals(before.tables[path].frame) for path in read)
        if same and not edits.forgotten & set().union(*before.lookups[name].values()):
            recording.lookups[name] = before.lookups[name]
            recording.to_ask[name], recording.to_judge[name] = before.to_ask[name], before.to_judge[name]
            recording.tables |= {path: before.tables[path] for path in outs}
            return
    judge = False  # programs are judged only where a verdict is not remembered (a timeout never is)
    while True:
        with ExitStack() as stack:
            lookups = stack.enter_context(noted_lookups())
            how = {"replacements": recording.tables, "forgotten": edits.forgotten, "judge_programs": judge}
            run = rehearsal(name, graph, params, stack, **how)
            outputs = run.outputs()
            backends = [engine.backend for engine in run.engines.values()]
            recording.to_ask[name] = sum(len(one.requests) for one in backends if isinstance(one, Unasked))
            recording.to_judge[name] = run.sandbox.requests - run.sandbox.hits if run.sandbox is not None else 0
        if judge or not recording.to_judge[name]:
            break
        judge = True
    recording.lookups[name] = lookups
    recording.tables |= {run.spec.targets[key]: value for key, value in outputs.items() if isinstance(value, Table)}


def rehearse_without_people(graph: dict[str, Any], params: dict[str, Any], edits: Edits, recording: Recording) -> None:
    """Add what `rank` asks where nobody has ranked: judges' answers that wait for the day a ranking is withdrawn."""
    apart = Recording(tables=dict(recording.tables))
    for path in PEOPLE.glob("*.jsonl"):
        path.unlink()
    rehearse("rank", graph, params, edits, apart, None)
    recording.lookups["rank without people"] = apart.lookups["rank"]


def data_stages(graph: dict[str, Any]) -> list[str]:
    """Stages that write tables and neither train nor run a model, in the order of the graph."""
    found = []
    for name in ordered(upstream(graph["stages"])):
        outs = [next(iter(out)) if isinstance(out, dict) else out for out in graph["stages"][name].get("outs", [])]
        if name != CODE and any(out.endswith(".parquet") for out in outs) and "model" not in kinds_of(name):
            found.append(name)
    return found


@contextlib.contextmanager
def noted_lookups() -> Iterator[Lookups]:
    """Note the keys that anything in this process looks up in a store, whoever opened it."""
    lookups: Lookups = {}
    get = Store.get

    def noting(self: Store, kind: str, keys: Any, columns: Any = None) -> pl.DataFrame:
        lookups.setdefault(kind, set()).update(bytes.fromhex(key) if isinstance(key, str) else key for key in keys)
        return get(self, kind, keys, columns)

    Store.get = noting  # type: ignore[method-assign]
    try:
        yield lookups
    finally:
        Store.get = get  # type: ignore[method-assign]


def store_path() -> Path:
    """The folder of the project's store. Raises ValueError where params.yaml cannot be read."""
    from cultivar.store.store import project_store_folder

    return project_store_folder()


@contextlib.contextmanager
def working_in(folder: Path, store: Path) -> Iterator[None]:
    """Work in another folder with the store of this one."""
    before = {name: os.environ.get(name) for name in ("CULTIVAR_STORE", "DVC_ROOT")}
    with contextlib.chdir(folder):
        os.environ |= {"CULTIVAR_STORE": str(store), "DVC_ROOT": str(Path.cwd())}
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value


def mirror(folder: Path, files: Mapping[Path, bytes | None]) -> None:
    """A copy of what stages read besides tables: files that people bring and decide as hard links, the rest as links."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    here = Path.cwd()
    own = {"data", "human", *(path.parts[0] for path in files)}
    for entry in sorted(here.iterdir()):
        if entry.name in own and entry.is_dir():
            copy_files(entry, folder / entry.name)
        elif not entry.name.startswith(".") and Path(entry.name) not in files:
            (folder / entry.name).symlink_to(entry)
    for path, content in files.items():
        (folder / path).unlink(missing_ok=True)
        if content is not None:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)


def copy_files(source: Path, target: Path) -> None:
    """A folder again, without tables of stages (they are rehearsed) and without bytes of its own where links work."""
    target.mkdir(parents=True)
    for entry in sorted(source.iterdir()):
        if entry.is_dir():
            copy_files(entry, target / entry.name)
        elif entry.is_symlink():
            shutil.copy2(entry, target / entry.name)
        else:
            try:
                os.link(entry, target / entry.name)
            except OSError:
                shutil.copy2(entry, target / entry.name)
