"""A copy of the entire project in a folder of its own, driven through the real `dvc`."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dvc.schema import COMPILED_LOCKFILE_SCHEMA as LOCKFILE
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from voluptuous import Invalid

ROOT = Path(__file__).parents[2]


class Workspace:
    """A project folder with its own git repository, DVC cache and generation store."""

    def __init__(self, folder: Path, edit: Callable[[dict[str, Any]], None] = lambda params: None, commit: bool = True):
        """Copy the tracked (and not ignored) files of the project, change params by `edit`, and commit."""
        self.folder = folder
        self.store = folder / ".cache" / "generations"
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            check=True,
        )
        for name in filter(None, listed.stdout.decode().split("\0")):
            if (ROOT / name).is_file() and name not in ("dvc.lock",) and not name.startswith(("tests/", "bench/")):
                target = folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, target)
        for outputs in ("metrics", "plots", "fingerprints"):
            shutil.rmtree(folder / outputs, ignore_errors=True)
        self.change(edit)
        if not commit:
            return
        for command in (
            ["init", "-q", "-b", "main"],
            ["add", "-A"],
            ["-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "start"],
        ):
            subprocess.run(["git", *command], cwd=folder, check=True, capture_output=True)

    def change(self, edit: Callable[[dict[str, Any]], None]) -> None:
        """Edit params.yaml as a dict."""
        yaml = YAML(typ="safe", pure=True)
        yaml.default_flow_style = False
        params = yaml.load(self.folder / "params.yaml")
        edit(params)
        yaml.dump(params, self.folder / "params.yaml")

    def python(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the tests' interpreter in the project."""
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=self.environment() | environment,
            capture_output=True,
            text=True,
            timeout=1500,
        )

    def environment(self) -> dict[str, str]:
        """Environment variables of everything that runs in the project."""
        return os.environ | {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": "",
            "CULTIVAR_STORE": str(self.store),
            "OMP_NUM_THREADS": "1",
            "HF_HUB_OFFLINE": "1",
        }

    def repro(self, *arguments: str, **environment: str) -> str:
        """`dvc repro`; its output. Fails the test with the output when it fails."""
        done = self.python("-m", "dvc", "repro", *arguments, **environment)
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
        return done.stdout

    def remove_torn_files(self) -> None:
        """Remove what a kill has torn of the files that DVC rewrites in place: it refuses to work with them.

        Its own file of locks, as the doctor says, and dvc.lock, without which stages run again and ask nothing.
        """
        locks = self.folder / ".dvc/tmp/rwlock"
        try:
            json.loads(locks.read_bytes()) if locks.exists() else None
        except ValueError:
            assert "rm .dvc/tmp/rwlock" in self.python("-m", "cultivar.tools.doctor").stdout
            locks.unlink()
        recorded = self.folder / "dvc.lock"
        if recorded.exists() and not is_complete(recorded.read_text()):
            recorded.unlink()

    def lock(self) -> dict[str, Any]:
        """Hashes of everything the graph made: stage -> path -> md5."""
        lock = YAML(typ="safe", pure=True).load(self.folder / "dvc.lock")
        return {
            stage: {out["path"]: out["md5"] for out in entry.get("outs", [])} for stage, entry in lock["stages"].items()
        }

    def metrics(self, stage: str) -> dict[str, Any]:
        return json.loads((self.folder / "metrics" / f"{stage}.json").read_text())


def is_complete(recorded: str) -> bool:
    """Whether DVC can read this text of a dvc.lock."""
    try:
        LOCKFILE(YAML(typ="safe", pure=True).load(recorded))
    except (YAMLError, Invalid):
        return False
    return recorded.endswith("\n")


def no_stage_ran(output: str) -> bool:
    return "Running stage" not in output
