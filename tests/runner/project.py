"""A small project of its own on the real runner: the rooms that it needs, and one stage written by the test."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from cultivar.runner.fingerprints.closure import PACKAGES

ROOT = Path(__file__).parents[2]
ROOMS = (
    *("cultivar/runner", "cultivar/runlog", "cultivar/tools", "cultivar/llm", "cultivar/store", "cultivar/outgoing"),
    "schemas",
)
"""Folders of the real project that the small one has too."""
FILES = ("cultivar/__init__.py", "cultivar/cli.py", "cultivar/__main__.py", "cultivar/syntax.py", "requirements.txt")
MODULE = "stages/annotation/select.py"
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
    long = pl.col("prompt").list.last().struct.field("content").str.split(" ").list.len() > params.words
    gone = [{"id": row.id, "stage": "select", "rule": "too long"} for row in Table(Instruction, instructions.frame.filter(long))]
    return Selection(Table(Instruction, instructions.frame.filter(~long)), Table.of(Dropped, gone))
"""
GRAPH = """
stages:
  code:
    cmd: python -m cultivar.runner.fingerprints
    deps:
      - cultivar
      - schemas
      - stages
      - requirements.txt
    outs:
      - fingerprints:
          cache: false
  select:
    cmd: python -m cultivar.runner select
    deps:
      - fingerprints/select.txt
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
    """Lay out the project in `folder` with a stage named select, and write its fingerprint."""
    for room in ROOMS:
        shutil.copytree(ROOT / room, folder / room, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    (folder / "stages/annotation").mkdir(parents=True)
    (folder / "stages/__init__.py").touch()
    (folder / "stages/annotation/__init__.py").touch()
    (folder / "stages/annotation/params.py").write_text(PARAMS)
    (folder / MODULE).write_text(stage)
    (folder / "dvc.yaml").write_text(graph)
    (folder / "params.yaml").write_text(params)
    fingerprints(folder)
    return folder


def copy_code(folder: Path) -> None:
    """All packages of the project: `python -m cultivar.runner` runs the code of the folder that it is called in."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "requirements.txt", folder)


def fingerprints(folder: Path) -> None:
    """What stage `code` does."""
    written = run(folder, "-m", "cultivar.runner.fingerprints")
    assert written.returncode == 0, written.stderr


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
