"""Replay: changes applied alone to the old version, in a folder of its own, data stages only, from remembered answers.

The folder has the old version's files, tables and a copy of the store by hard links, so that nothing that is written there
reaches the project, its cache or its store; it is removed at the end, also after Ctrl-C. No model is asked: a replay that
needs an answer that is not remembered fails and says so. Stages whose inputs are as in the old version are not run.
"""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil

from cultivar.runlog.folders import cache_folder
from cultivar.runlog.previous import md5_of
from cultivar.store.store import project_store_folder
from reports.causes.apply import apply
from reports.causes.change import Change
from reports.causes.stages import DataStage
from reports.versions.objects import folder_members, object_path
from reports.versions.repository import git, unpack
from reports.versions.version import Version
from schemas.errors import UserError

DRIVER = """
import os, sys
import jinja2, numpy, orjson, polars, pydantic, ruamel.yaml
sys.argv = ["replay"]
from cultivar.runner.__main__ import main
from cultivar.runner.binding import Binding
from schemas.stage import BudgetSpent

opened = Binding.engine

def engine(self, role):
    found = opened(self, role)
    def claim(requests):
        raise BudgetSpent(f"REPLAY: {len(requests)} answers")
    found.sender.budget.claim = claim
    return found

Binding.engine = engine
for line in sys.stdin:
    child = os.fork()
    if not child:
        sys.argv = ["replay", line.strip()]
        os.dup2(2, 1)
        status = 1
        try:
            status = main()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    _, status = os.waitpid(child, 0)
    print(os.waitstatus_to_exitcode(status), flush=True)
"""
"""Runs the stages that it is told, a process each that has the libraries already: half of the time is in importing them.
An engine that would ask ends its stage instead, with the number of answers that are not remembered."""
MODULES = "modules.json"
LEFT_OUT = ("tests", "docs", "bench", "metrics", "plots", "models", "dvc.lock")
"""What no data stage reads."""


class NotReplayed(UserError):
    """The changes cannot be applied alone; the message says why."""


class Replays:
    """Replays on the version `old`, of changes towards `new`. A context manager: leaving it removes every folder."""

    def __init__(self, old: Version, new: Version, stages: dict[str, DataStage]) -> None:
        self.old, self.new, self.stages = old, new, stages
        self.folder = Path()
        self.number = 0

    def __enter__(self) -> "Replays":
        cache = cache_folder()
        cache.mkdir(parents=True, exist_ok=True)
        remove_left(cache)
        self.folder = Path(tempfile.mkdtemp(prefix=f"replay-{os.getpid()}-", dir=cache)).resolve()
        try:
            self.lay_out(self.folder / "old")
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.remove()

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def lay_out(self, folder: Path) -> None:
        """The old version's files and tables, and the store. Raises MissingObject."""
        folder.mkdir(parents=True)
        if self.old.commit is None:
            for name in self.old.names("."):
                if name.split("/")[0] not in LEFT_OUT:
                    link(Path(name), folder / name)
        else:
            archive = git("archive", "--format=tar", self.old.commit, "--", ".", *(f":!{name}" for name in LEFT_OUT))
            unpack(archive, folder)
            for name in self.old.tracked:
                content = self.old.content(name)
                if content is not None:
                    (folder / name).parent.mkdir(parents=True, exist_ok=True)
                    (folder / name).write_bytes(content)
        for path in self.old.tables():
            if any(path in stage.deps | stage.outs for stage in self.stages.values()):
                self.lay_out_table(path, folder)
        facts = cache_folder() / MODULES
        if facts.is_file():  # of modules by their bytes: what equal ones say need not be read again
            link(facts, folder / ".cache" / MODULES, by_copy=True)
        store = project_store_folder()
        for file in store.rglob("*"):
            if file.is_file():
                link(file, folder / ".cache/generations" / file.relative_to(store), by_copy=file.suffix != ".parquet")

    def lay_out_table(self, path: str, folder: Path) -> None:
        """One output, which may be a folder of files."""
        files, recorded = self.old.files(path), self.old.recorded().get(path)
        if recorded is not None and recorded.md5.endswith(".dir"):
            for inner, md5 in folder_members(recorded.md5).items():
                link(object_path(md5), folder / path / inner)
        else:
            link(files[0], folder / path)

    def run(self, changes: Sequence[Change]) -> Path:
        """The folder of a replay of these changes together, with its tables of D and P.

        Raises NotReplayed with the reason, in words.
        """
        if any(change.kind == "library" for change in changes):
            raise NotReplayed("another version of a library cannot be installed for it")
        self.number += 1
        folder = self.folder / str(self.number)
        shutil.copytree(self.folder / "old", folder, copy_function=link)
        apply(changes, folder, self.old, self.new)
        touched = {stage for change in changes for stage in change.stages}
        with driver(folder) as tell:
            if any(change.kind in ("module", "graph") for change in changes):
                self.write_fingerprints(folder)
            dirty: set[str] = set()
            for stage in self.stages.values():
                if stage.name not in touched and stage.deps.isdisjoint(dirty):
                    continue
                tell(stage.name)
                dirty |= {out for out in stage.outs if self.differs(folder, out)}
        return folder

    def differs(self, folder: Path, out: str) -> bool:
        """Whether an output differs from the old version's."""
        recorded, place = self.old.recorded().get(out), folder / out
        if not place.exists():
            return recorded is not None
        if place.is_dir():
            return True
        return recorded is None or md5_of(place) != recorded.md5

    @staticmethod
    def write_fingerprints(folder: Path) -> None:
        command = [sys.executable, "-m", "cultivar.runner.fingerprints"]
        done = subprocess.run(command, cwd=folder, env=environment(folder), capture_output=True, text=True)
        if done.returncode:
            raise NotReplayed(f"the code does not fit together: {last_line(done.stderr)}")


def remove_left(cache: Path) -> None:
    """Remove the folders of processes that were killed."""
    for folder in cache.glob("replay-*"):
        owner = folder.name.split("-")[1]
        if not owner.isdecimal() or not psutil.pid_exists(int(owner)):
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def driver(folder: Path) -> Iterator[Any]:
    """A process that runs stages in a folder; what is yielded runs one. Raises NotReplayed where a stage fails."""
    log = folder / ".cache/replay.log"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-c", DRIVER],
            cwd=folder,
            env=environment(folder),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            bufsize=1,
        )
    assert process.stdin is not None and process.stdout is not None

    def tell(stage: str) -> None:
        assert process.stdin is not None and process.stdout is not None
        try:
            print(stage, file=process.stdin, flush=True)
            status = process.stdout.readline().strip()
        except BrokenPipeError:
            status = ""
        if status != "0":
            raise NotReplayed(reason(stage, log.read_text(encoding="utf-8", errors="replace")))

    try:
        yield tell
    finally:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        process.terminate()
        process.wait()
        process.stdout.close()


def environment(folder: Path) -> dict[str, str]:
    """Of what runs in a replay: its own store, nothing of the DVC that may run this, no key of any host."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DVC_") and "KEY" not in name}
    own = {"CULTIVAR_STORE": str(folder / ".cache/generations"), "PYTHONPATH": "", "HF_HUB_OFFLINE": "1"}
    return kept | own | {"OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}


def reason(stage: str, log: str) -> str:
    """Why a stage failed, in words: the number of answers that are not remembered, or its last line."""
    if missing := re.search(r"REPLAY: (\d+) answers", log):
        return f"{int(missing[1]):,} answers of stage {stage} are not remembered"
    return f"stage {stage} fails: {last_line(log)}"


def last_line(text: str) -> str:
    return (text.strip().splitlines() or ["without a word"])[-1][:200]


def link(source: str | Path, target: str | Path, by_copy: bool = False) -> None:
    """A hard link to a file that is only ever replaced as a whole; a copy where there can be none, or a link."""
    Path(target).parent.mkdir(parents=True, exist_ok=True)
    real = Path(source).resolve()
    try:
        if by_copy:
            raise OSError
        os.link(real, target)
    except OSError:
        shutil.copy(real, target)
