"""Training candidates with `dvc exp run --temp`, from a git worktree of their commit: the user's tree is never touched.

DVC stashes and resets the tree that an experiment starts from, which a run in progress there would see; so candidates
start from a worktree of their own below .cache. It shares the repository's experiments, DVC's cache and the generation
store. Every result is an experiment of the repository, so a search that was interrupted goes on where it was.
"""

import configparser
import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import IO, Any

from ruamel.yaml import YAML

from cultivar.runlog.console import say
from cultivar.runlog.folders import cache_folder
from cultivar.runlog.freshness import locked_stages
from cultivar.runlog.previous import objects_folder
from cultivar.store.store import project_store_folder
from reports.bisect.candidates import Step, Training, ancestors, experiment_name
from reports.bisect.parts import Change, mixture
from reports.history.measures import Measure, Metrics
from reports.history.revisions import Revision, read_blobs
from reports.history.timeline import metric_files, parsed, read_states
from reports.versions.repository import EXPERIMENTS, git
from reports.versions.version import GRAPH, LOCK, Version
from schemas.errors import UserError

LEAST_BUDGET = "budget.requests=1"
"""The least that params.yaml may hold (null is anything): a candidate that asks what was never asked stops."""
FOLDER = "bisect"
"""Below .cache: the worktree, and the output of every candidate's run."""


class CandidateFailed(UserError):
    """A candidate's run did not end with an experiment that holds the metric."""


class Bench:
    """Values of one metric for candidates: recorded, remembered as experiments, or trained.

    `change`: where the rows of reverted parts come from. `asks`: whether candidates may ask models what was never asked. A context manager; leaving it without an error
    removes the worktree.
    """

    def __init__(self, measure: Measure, training: Training, asks: bool, change: Change | None = None) -> None:
        self.measure, self.training, self.asks, self.change = measure, training, asks, change
        self.folder = (cache_folder() / FOLDER).resolve()
        self.tree = self.folder / "worktree"
        self.trained = 0
        self.lock: IO[str] | None = None
        self.values: dict[tuple[Step, int], float] = {}

    def __enter__(self) -> "Bench":
        return self

    def __exit__(self, kind: type[BaseException] | None, *about: object) -> None:
        if self.lock is None:  # nothing was trained; the worktree may be another search's
            return
        if kind is None and self.tree.exists():
            subprocess.run(["git", "worktree", "remove", "--force", str(self.tree)], capture_output=True)
            shutil.rmtree(self.tree, ignore_errors=True)
            subprocess.run(["git", "worktree", "prune"], capture_output=True)
        self.lock.close()

    def take_worktree(self) -> None:
        """Keep the worktree for this search until its end. Raises CandidateFailed where another search trains in it."""
        if self.lock is not None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        self.lock = (self.folder / "lock").open("w")
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self.lock.close()
            self.lock = None
            raise CandidateFailed(
                f"{self.tree}: another bisect is training there; run this one when it has ended"
            ) from None

    def value(self, step: Step, seed: int) -> float:
        """The metric of a candidate. Raises CandidateFailed."""
        if (step, seed) not in self.values:
            found = self.known(step, seed)
            if found is None:
                self.train(step, seed)
                found = self.known(step, seed)
            if found is None:
                raise CandidateFailed(f"{self.log(step, seed)}: {self.measure.address} is not among its metrics")
            self.values[step, seed] = found
        return self.values[step, seed]

    def known(self, step: Step, seed: int) -> float | None:
        """What is recorded at the commit, or by an experiment of an earlier call. Raises CandidateFailed where that lacks it."""
        if seed == 0 and not step.reverted:
            state = read_states([Revision(step.commit[:7], step.commit, "", "")])[0]
            if (measured := self.measure.find(state.metrics)) is not None:
                return measured.value
        name = experiment_name(step, self.training.target, seed)
        reference = f"{EXPERIMENTS}/{step.commit[:2]}/{step.commit[2:]}/{name}"
        done = subprocess.run(["git", "rev-parse", "-q", "--verify", reference], capture_output=True, text=True)
        if done.returncode:
            return None
        measured = self.measure.find(metrics_at(done.stdout.strip()))
        if measured is None:
            raise CandidateFailed(
                f"experiment {name} holds no {self.measure.address}; name another --good or --bad, or "
                f"`dvc exp remove {name}` to run it again"
            )
        return measured.value

    def log(self, step: Step, seed: int) -> Path:
        return self.folder / f"{experiment_name(step, self.training.target, seed)}.log"

    # ---- training

    def train(self, step: Step, seed: int) -> None:
        """Run a candidate as an experiment. Raises CandidateFailed with the end of its output."""
        self.take_worktree()
        self.checkout(step.commit)
        if step.reverted and self.change is not None:
            self.place_tables(step, mixture(self.change, step.reverted))
        name, log = experiment_name(step, self.training.target, seed), self.log(step, seed)
        say(f"training {step.words}, seed {seed} ({name})")
        command = [sys.executable, "-m", "dvc", "exp", "run", "--temp", "--name", name, *self.overrides(step, seed)]
        with log.open("w", encoding="utf-8") as output:
            done = subprocess.run(
                [*command, self.training.target], cwd=self.tree, env=environment(), stdout=output, stderr=output
            )
        if done.returncode:
            last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-3:]
            raise CandidateFailed(f"{log}: the run of {step.words}, seed {seed}, failed: {' '.join(last)[-500:]}")
        self.trained += 1

    def overrides(self, step: Step, seed: int) -> list[str]:
        """Options that set the seeds, and that keep a candidate from asking models more than once."""
        params = Version(step.commit, step.commit).params()
        found = [f"{key}={value + seed}" for key, value in self.training.seeds] if seed else []
        if not self.asks and "requests" in (params.get("budget") or {}):
            found.append(LEAST_BUDGET)
        return [word for one in found for word in ("--set-param", one)]

    def checkout(self, commit: str) -> None:
        """The worktree at a commit, with nothing left of the candidate before."""
        if not (self.tree / ".git").exists():
            shutil.rmtree(self.tree, ignore_errors=True)
            git("worktree", "prune")
            git("-c", "core.hooksPath=/dev/null", "worktree", "add", "--detach", "--force", str(self.tree), commit)
        for words in (["reset", "-q", "--hard"], ["clean", "-qfd"], ["checkout", "-q", "--detach", "--force", commit]):
            git("-C", str(self.tree), "-c", "core.hooksPath=/dev/null", *words)
        config = configparser.ConfigParser(interpolation=None)
        config.read(Path(".dvc/config.local"), encoding="utf-8")
        if not config.has_section("cache"):
            config.add_section("cache")
        config.set("cache", "dir", str(objects_folder().parents[1].resolve()))
        with (self.tree / ".dvc/config.local").open("w", encoding="utf-8") as output:
            config.write(output)

    def place_tables(self, step: Step, given: dict[str, str]) -> None:
        """D and P (path -> md5) in the place of the stages that make them: what is left of the graph is training."""
        here = Version(step.commit, step.commit)
        stages = locked_stages(here.text(LOCK) or "")
        makers = {path: name for name, stage in stages.items() for path in stage.outs}
        data = {name for path in given for name in ancestors(stages, makers[path])}
        kept = ancestors(stages, self.training.target) - data
        tracked = set(git("-C", str(self.tree), "ls-files", "-z").decode().split("\0"))  # metrics and the like
        for path in sorted({path for name in kept for path in stages[name].deps} - tracked):
            if makers.get(path) in data:
                place = self.tree / f"{path}.dvc"
                place.parent.mkdir(parents=True, exist_ok=True)
                md5 = given.get(path) or stages[makers[path]].outs[path]
                write_yaml(place, {"outs": [{"md5": md5, "hash": "md5", "path": Path(path).name}]})
                git("-C", str(self.tree), "add", "--force", f"{path}.dvc")
        bases = {name.partition("@")[0] for name in kept}
        left = {name: stage for name, stage in here.graph()["stages"].items() if name in bases}
        write_yaml(self.tree / GRAPH, {"stages": left})


def metrics_at(commit: str) -> Metrics:
    """The metrics files of an experiment: its target has just run, so they are of its data."""
    names = metric_files(commit)
    blobs = read_blobs([(commit, name) for name in names])
    found = {name: parsed(blob or b"") for name, blob in zip(names, blobs, strict=True)}
    return {
        name.removeprefix("metrics/").removesuffix(".json"): value
        for name, value in found.items()
        if isinstance(value, dict)
    }


def environment() -> dict[str, str]:
    """Of a candidate's run: this interpreter's commands first, the store of this project."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    kept = {
        key: value for key, value in os.environ.items() if not key.startswith("DVC_") or key == "DVC_SITE_CACHE_DIR"
    }
    return kept | {"PATH": path, "CULTIVAR_STORE": str(project_store_folder().resolve()), "DVC_NO_ANALYTICS": "1"}


def write_yaml(path: Path, value: dict[str, Any]) -> None:
    yaml = YAML()  # the order of the keys stays
    with path.open("w", encoding="utf-8") as output:
        yaml.dump(value, output)
