"""A small project of several data versions: a git repository with dvc.lock, metrics and objects written by hand."""

import hashlib
import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
from ruamel.yaml import YAML

GRAPH = """
stages:
  assemble:
    cmd: "true"
  evaluate:
    matrix: {model: [sft, dpo]}
    cmd: "true"
"""
Rows = Sequence[tuple[str, str]]
"""Id and prompt of every row."""


class Project:
    """A folder in which each call of `commit` is a data version. What `train` last wrote stays until it is called again."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.clock = folder, 0
        self.lock: dict[str, Any] = {}
        self.git("init", "-qb", "main")
        (folder / "dvc.yaml").write_text(GRAPH)

    def git(self, *arguments: str) -> str:
        when = f"{1_700_000_000 + 86_400 * self.clock} +0000"
        who = {
            "GIT_AUTHOR_NAME": "t",
            "GIT_AUTHOR_EMAIL": "t@t",
            "GIT_COMMITTER_NAME": "t",
            "GIT_COMMITTER_EMAIL": "t@t",
        }
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.folder,
            env=os.environ | who | {"GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when},
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def record(self, stage: str, deps: dict[str, str], outs: dict[str, str]) -> None:
        """A stage of dvc.lock, as path -> md5."""
        entries = {"deps": deps, "outs": outs}
        self.lock[stage] = {"cmd": "true"} | {
            key: [{"path": path, "hash": "md5", "md5": md5} for path, md5 in sorted(found.items())]
            for key, found in entries.items()
        }
        with (self.folder / "dvc.lock").open("w") as stream:
            YAML().dump({"schema": "2.0", "stages": self.lock}, stream)

    def table(self, path: str, rows: Rows) -> str:
        """A table in the workspace and in the cache; its md5."""
        file = self.folder / path
        file.parent.mkdir(exist_ok=True)
        pl.DataFrame({"id": [row for row, _ in rows], "prompt": [prompt for _, prompt in rows]}).write_parquet(file)
        md5 = md5_of(file.read_bytes())
        place = self.folder / ".dvc/cache/files/md5" / md5[:2] / md5[2:]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(file.read_bytes())
        return md5

    def metric(self, name: str, value: dict[str, Any]) -> tuple[str, str]:
        """A metrics file; its path and md5."""
        file = self.folder / f"metrics/{name}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(value))
        return f"metrics/{name}.json", md5_of(file.read_bytes())

    def assemble(self, d: Rows, p: Rows = ()) -> None:
        outs = {path: self.table(path, rows) for path, rows in zip(PRODUCTS, (d, p), strict=True)}
        path, md5 = self.metric("assemble", {"out": {"demonstrations": len(d), "preferences": len(p)}})
        self.record("assemble", {}, outs | {path: md5})

    def train(self, accuracy: float) -> None:
        """Train on today's D and evaluate: 100 items."""
        made = {out["path"]: out["md5"] for out in self.lock["assemble"]["outs"]}
        model = md5_of(str(accuracy).encode())
        self.record("sft", {PRODUCTS[0]: made[PRODUCTS[0]]}, {"models/sft": model})
        value = {"math_sampled": accuracy, "math_sampled_low": accuracy - 0.1, "math_sampled_high": accuracy + 0.1}
        path, md5 = self.metric("evaluate/dpo", value)
        self.record("evaluate@dpo", {"models/sft": model}, {path: md5})

    def commit(self, title: str) -> str:
        self.clock += 1
        self.git("add", "-A", "dvc.lock", "dvc.yaml", "metrics")
        self.git("commit", "-qm", title)
        return self.git("rev-parse", "HEAD")


PRODUCTS = ("data/demonstrations.parquet", "data/preferences.parquet")


def md5_of(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
