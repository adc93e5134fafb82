"""Changes planted in a small project, each known beforehand, driven through the real `dvc repro` (bench/causes.py).

The project has all data stages over cut-down sources, so that a build takes half a minute. It is built once and copied
for each scenario.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]
SOURCES = {"general.jsonl": 48, "arithmetic.jsonl": 100, "code.jsonl": 8, "constraints.txt": 4, "characters.jsonl": 3}
"""Lines kept of each file of data/seeds."""
MORE = {"arithmetic_heldout.jsonl": 40, "constraints_heldout.jsonl": 10, "safety.jsonl": 10, "passages.txt": 40}


class Project:
    """A project folder with its own git repository, DVC cache and generation store."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def new(cls, folder: Path) -> "Project":
        """The tracked files of this checkout with its sources cut, committed, not yet built."""
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            check=True,
        )
        for name in filter(None, listed.stdout.decode().split("\0")):
            if not name.startswith(("tests/", "bench/", "metrics/", "plots/", "fingerprints/", "dvc.lock")):
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / name)
        for name, lines in (SOURCES | MORE).items():
            path = folder / "data/seeds" / name
            path.write_text("".join(path.read_text().splitlines(keepends=True)[:lines]))
        project = cls(folder)
        project.params(lambda params: params["select"].update(target_size=24))
        project.params(lambda params: params["assemble"].update(max_per_domain={"math": 120}))
        project.params(lambda params: params["execution"].update(queries=4, functions=4, min_proposed=2))
        project.git("init", "-q", "-b", "main")
        return project

    def copy(self, folder: Path) -> "Project":
        """An equal project in another folder."""
        subprocess.run(["cp", "-a", str(self.folder), str(folder)], check=True)
        return type(self)(folder)

    def git(self, *arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=self.folder, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stderr)
        return done.stdout

    def commit(self, words: str) -> str:
        """Commit everything; the commit's name."""
        self.git("add", "-A")
        self.git("-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", words, "--allow-empty")
        return self.git("rev-parse", "HEAD").strip()

    def repro(self, *targets: str, **environment: str) -> str:
        """`dvc repro` of the data stages; its output. Raises RuntimeError with it."""
        done = subprocess.run(
            [sys.executable, "-m", "dvc", "repro", *(targets or ("assemble",))],
            cwd=self.folder,
            env=self.environment() | environment,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(done.stdout[-3000:] + done.stderr[-3000:])
        return done.stdout

    def environment(self) -> dict[str, str]:
        """Environment variables of everything that runs in the project."""
        store = str(self.folder / ".cache/generations")
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        own = {"PATH": path, "PYTHONPATH": "", "CULTIVAR_STORE": store, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
        return os.environ | own | {"DVC_NO_ANALYTICS": "1"}

    def params(self, edit: Callable[[dict[str, Any]], Any]) -> None:
        """Edit params.yaml as a dict."""
        params = self.yaml("params.yaml")
        edit(params)
        self.write_yaml("params.yaml", params)

    def yaml(self, path: str) -> Any:
        return YAML(typ="safe", pure=True).load(self.folder / path)

    def write_yaml(self, path: str, value: Any) -> None:
        yaml = YAML(typ="safe", pure=True)
        yaml.default_flow_style = False
        yaml.width = 1000
        yaml.dump(value, self.folder / path)

    def replace(self, path: str, old: str, new: str) -> None:
        """Replace a text that occurs once in a file."""
        text = (self.folder / path).read_text()
        if text.count(old) != 1:
            raise ValueError(f"{path}: {old!r} occurs {text.count(old)} times")
        (self.folder / path).write_text(text.replace(old, new))

    def lines(self, path: str) -> list[Any]:
        """The records of a JSONL file."""
        return [json.loads(line) for line in (self.folder / path).read_text().splitlines()]

    def write_lines(self, path: str, records: list[Any]) -> None:
        text = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_text(text)
