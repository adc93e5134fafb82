"""A project of a few tables made by hand: git, dvc.lock and DVC's cache as `dvc repro` and `dvc commit` leave them."""

import hashlib
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
from ruamel.yaml import YAML

Content = pl.DataFrame | str | bytes


class Handmade:
    """A folder with a git repository, where files are written as outputs of stages that never ran.

    `outs` maps stage -> path -> content; a frame becomes a Parquet file. `put` and `commit` are called per version.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stages: dict[str, dict[str, str]] = {}
        folder.mkdir(parents=True, exist_ok=True)
        self.git("init", "-q", "-b", "main")
        self.write(".dvc/config", "[core]\n    analytics = false\n")
        self.write(
            ".gitignore",
            "/data/*.parquet\n/data/dropped\n/data/quarantine\n/data/evaluated\n/.cache\n/.dvc/cache\n/.dvc/tmp\n",
        )

    def git(self, *arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=self.folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def write(self, path: str, content: Content) -> Path:
        """A file of the working tree."""
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)  # it may be a link into the cache
        if isinstance(content, pl.DataFrame):
            content.write_parquet(place, compression="zstd", row_group_size=50_000)
        else:
            place.write_bytes(content if isinstance(content, bytes) else content.encode())
        return place

    def put(self, outs: Mapping[str, Mapping[str, Content]]) -> None:
        """Write outputs, as a run of their stages would, and record them in dvc.lock, dvc.yaml and the cache."""
        for stage, files in outs.items():
            recorded = self.stages.setdefault(stage, {})
            for path, content in files.items():
                place = self.write(path, content)
                recorded[path] = md5 = hashlib.md5(place.read_bytes()).hexdigest()
                target = self.folder / ".dvc/cache/files/md5" / md5[:2] / md5[2:]
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(place, target)
        entries: dict[str, Any] = {}
        for stage, files in self.stages.items():
            outs_of = [
                {"path": path, "hash": "md5", "md5": md5, "size": (self.folder / path).stat().st_size}
                for path, md5 in sorted(files.items())
            ]
            entries[stage] = {"cmd": f"python -m cultivar.runner {stage}", "outs": outs_of}
        self.yaml("dvc.lock", {"schema": "2.0", "stages": entries})
        graph = {stage: {"cmd": entries[stage]["cmd"], "outs": sorted(files)} for stage, files in self.stages.items()}
        self.yaml("dvc.yaml", {"stages": graph})

    def yaml(self, path: str, value: Any) -> None:
        yaml = YAML(typ="safe", pure=True)
        yaml.default_flow_style = False
        yaml.sort_base_mapping_type_on_output = False
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        with (self.folder / path).open("w") as file:
            yaml.dump(value, file)

    def commit(self, title: str) -> str:
        """Commit everything; the commit's name."""
        self.git("add", "-A")
        self.git("-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", title, "--allow-empty")
        return self.git("rev-parse", "HEAD")


def row_id(number: int | str) -> str:
    """An id as rows have it."""
    return hashlib.sha256(str(number).encode()).hexdigest()[:32]
