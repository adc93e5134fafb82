"""A project of a few shell commands under the real DVC: four strategies from one table, and what they are joined to."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
STRATEGY = """
  {name}:
    cmd: python -c "import time; a = time.time(); time.sleep({seconds}); open('data/{name}.txt', 'w').write(open('data/all.txt').read()); open('{log}', 'a').write('{name} %f %f\\n' % (a, time.time()))"
    deps: [data/all.txt]
    outs: [data/{name}.txt]
"""
GRAPH = """
stages:
  ingest:
    cmd: cp source.txt data/all.txt
    deps: [source.txt]
    outs: [data/all.txt]
{strategies}
  train:
    matrix:
      model: [a, b]
    cmd: cp data/one.txt data/model-${{item.model}}.txt
    deps: [data/one.txt]
    outs: ["data/model-${{item.model}}.txt"]
  join:
    cmd: cat data/one.txt data/two.txt data/model-a.txt data/model-b.txt > data/joined.txt
    deps: [data/one.txt, data/two.txt, data/three.txt, data/four.txt, data/model-a.txt, data/model-b.txt]
    outs: [data/joined.txt]
"""
NAMES = ("one", "two", "three", "four")


def make(folder: Path, seconds: float = 0.0) -> Path:
    """The project in a git repository, committed; nothing has run yet. What runs when goes to `log` beside it."""
    project = folder / "project"
    (project / "data").mkdir(parents=True)
    log = folder / "log"
    strategies = "".join(STRATEGY.format(name=name, seconds=seconds, log=log) for name in NAMES)
    (project / "dvc.yaml").write_text(GRAPH.format(strategies=strategies))
    (project / "source.txt").write_text("what people bring\n" * 100)
    (project / ".gitignore").write_text("/data/\n/.cache/\n")
    run(project, "git", "init", "-q", "-b", "main")
    run(project, "git", "config", "user.email", "t@t")
    run(project, "git", "config", "user.name", "t")
    run(project, sys.executable, "-m", "dvc", "init", "-q")
    run(project, sys.executable, "-m", "dvc", "config", "core.analytics", "false")
    commit(project)
    return project


def commit(project: Path) -> None:
    run(project, "git", "add", "-A")
    run(project, "git", "commit", "-qm", "state", "--allow-empty")


def environment(project: Path) -> dict[str, str]:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return os.environ | {"PATH": path, "PYTHONPATH": str(ROOT), "CULTIVAR_STORE": str(project / ".cache/generations")}


def run(project: Path, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a command in the project."""
    done = subprocess.run(command, cwd=project, env=environment(project), capture_output=True, text=True, timeout=300)
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


def module(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run one of this project's modules in the tiny one."""
    return run(project, sys.executable, "-m", *arguments, check=False)
