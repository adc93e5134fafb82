"""A small project of its own on the real runner: the schemas, the runner and one stage written by the test."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
RUNNER = ("__init__", "graph", "guard", "hermetic", "imports", "notes", "params", "reads", "run", "states", "versions")
ROOMS: tuple[str, ...] = ()
"""Files of other rooms that a test wants in the project."""
PARAMS = """
from schemas.params.base import Positive, Section

class SelectParams(Section):
    words: Positive = 5
"""
STAGE = """
from typing import NamedTuple

import polars as pl

from stages.annotation.params import SelectParams
from schemas.rows import Dropped, Instruction
from schemas.table import Table

class Selection(NamedTuple):
    short: Table[Instruction]
    dropped: Table[Dropped]

def select(instructions: Table[Instruction], params: SelectParams) -> Selection:
    long = pl.col("prompt").str.split(" ").list.len() > params.words
    gone = [{"id": row.id, "stage": "select", "rule": "too long"} for row in Table(Instruction, instructions.frame.filter(long))]
    return Selection(Table(Instruction, instructions.frame.filter(~long)), Table.of(Dropped, gone))
"""
GRAPH = """
stages:
  select:
    cmd: python -m cultivar.runner.run select
    deps:
      - data/instructions.parquet
    params:
      - select
    outs:
      - data/short.parquet
      - data/dropped/select.parquet
    metrics:
      - metrics/select.json:
          cache: false
"""


def make(folder: Path, stage: str = STAGE, graph: str = GRAPH, params: str = "select:\n  words: 5\n") -> Path:
    """Lay out the project in `folder` with a stage named select, and bring its code deps into dvc.yaml."""
    shutil.copytree(ROOT / "schemas", folder / "schemas", ignore=shutil.ignore_patterns("__pycache__", "params"))
    (folder / "schemas" / "params").mkdir()
    (folder / "stages").mkdir()
    for name in ("__init__", "base", "engines", "root"):
        shutil.copy(ROOT / "schemas" / "params" / f"{name}.py", folder / "schemas" / "params")
    for name in RUNNER:
        shutil.copy(ROOT / "stages" / f"{name}.py", folder / "stages")
    for name in ROOMS:
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    (folder / "schemas" / "params" / "annotation.py").write_text(PARAMS)
    (folder / "stages" / "select.py").write_text(stage)
    (folder / "dvc.yaml").write_text(graph)
    (folder / "params.yaml").write_text(params)
    assert run(folder, "-m", "cultivar.runner.fingerprints", "--write").returncode == 0
    return folder


def run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run python in `folder` with the interpreter of the tests first on PATH."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=os.environ | {"PATH": path, "PYTHONPATH": "", "DVC_ROOT": str(folder)} | environment,
        capture_output=True,
        text=True,
        timeout=600,
    )
