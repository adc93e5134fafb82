"""The worked example of CONTRIBUTING.md, done as it is written, on a copy of the project."""

import re
import shutil
import subprocess

from project import ROOT, run

from schemas.rows import Instruction
from schemas.table import Table

BLOCK = re.compile(r"```(\w+)(?: file=(\S+))?(?: after=(\S+))?\n(.*?)```", re.S)


def test_the_worked_example_adds_a_stage(tmp_path):
    hidden = shutil.ignore_patterns(".*", "__pycache__", "data", "models", "metrics", "plots", "tests", "bench")
    shutil.copytree(ROOT, tmp_path, ignore=hidden, dirs_exist_ok=True)
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    assert run(tmp_path, "-m", "dvc", "init", "-q").returncode == 0
    rows = [{"id": f"{n:032x}", "prompt": "word " * n, "source": "s", "license": "l"} for n in range(1, 20)]
    Table.of(Instruction, rows).write(tmp_path / "data/instructions.parquet")
    (tmp_path / "data/seeds").mkdir()
    commands = []
    for _, file, after, text in BLOCK.findall((ROOT / "CONTRIBUTING.md").read_text()):
        if not file:
            commands += text.strip().splitlines()
            continue
        path = tmp_path / file
        present = path.read_text() if path.exists() else ""
        path.write_text(present.replace(f"\n{after}\n", f"\n{after}\n{text}", 1) if after else present + "\n\n" + text)
    assert len(commands) == 3
    subprocess.run(["sh", "-c", commands[0]], cwd=tmp_path, check=True)
    assert run(tmp_path, *commands[1].split()[1:]).returncode == 0
    done = run(tmp_path, "-m", "dvc", "repro", "-s", "brief")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "19 rows in: 11 kept, 8 dropped, 0 quarantined" in done.stdout
