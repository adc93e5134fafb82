"""Independent stages side by side: `cultivar parallel --jobs 4 [STAGE …]`, or `make repro JOBS=4`.

`dvc repro` runs one stage at a time, and two of them lock each other out. The one way that holds is
one `dvc --wait-for-lock repro -s STAGE` per stage; this starts them in the order of the graph, each as soon as the
stages that make its deps have ended; items of a matrix are stages of their own. A failure stops what depends on it and
lets the others end. They all share one budget, and end with this process, however it ends. DVC writes a stage into
dvc.lock when it ends, so the order of its entries is that of this run: a difference to git, not to DVC.
"""

import itertools
import os
import subprocess
import sys
import uuid
from collections.abc import Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Annotated, Any

import typer

from cultivar.runlog.console import complain, say
from cultivar.runner.graph import GRAPH, load_yaml
from cultivar.tools.objects import Finding
from cultivar.tools.surroundings import obstacles, remedy_of
from schemas.errors import UserError

DIE_WITH_PARENT = """
import ctypes, os, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, 15)
    if os.getppid() != int(sys.argv[1]):
        sys.exit(1)
os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
"""


def main(
    stages: Annotated[
        list[str] | None, typer.Argument(help="targets with all that they need; default: all stages")
    ] = None,
    jobs: Annotated[int, typer.Option(help="stages at a time")] = os.cpu_count() or 1,
) -> int:
    stages = stages or []
    try:
        found = obstacles()
    except UserError as error:
        found = [Finding(str(error), "correct it")]
    if found:
        complain("\n".join(f"error: {one.what}; {one.remedy}" for one in found))
        return 1
    needs = upstream(items(load_yaml(GRAPH)["stages"]))
    names = {name.partition("@")[0] for name in needs} | set(needs)
    if unknown := [name for name in stages if name not in names]:
        complain(f"error: {', '.join(unknown)} not in dvc.yaml; it has {', '.join(needs)}")
        return 1
    targets = [name for name in needs if name in stages or name.partition("@")[0] in stages]
    wanted = closure(needs, targets if stages else needs)
    os.environ.setdefault("CULTIVAR_RUN", uuid.uuid4().hex)
    try:
        failed = run_all({name: needs[name] for name in needs if name in wanted}, max(1, jobs))
    except KeyboardInterrupt:
        complain("\nstopped; finished stages are recorded, finished model calls cached")
        return 130
    if failed:
        complain(f"failed: {', '.join(failed)}; what they make possible was not started")
    else:
        say(f"{len(wanted)} stages are up to date")
    return 1 if failed else 0


def items(stages: dict[str, Any]) -> dict[str, Any]:
    """The stages with every item of a matrix as one of its own, under DVC's name for it (evaluate@sft)."""
    found: dict[str, Any] = {}
    for name, entry in stages.items():
        matrix = entry.get("matrix", {})
        for values in itertools.product(*matrix.values()):
            own = dict(zip(matrix, ([value] for value in values), strict=True))
            found[f"{name}@{'-'.join(map(str, values))}" if matrix else name] = entry | {"matrix": own}
    return found


def upstream(stages: dict[str, Any]) -> dict[str, set[str]]:
    """Stage -> the stages that write what it reads."""

    def outs(entry: dict[str, Any]) -> list[Path]:
        listed = [*entry.get("outs", []), *entry.get("metrics", []), *entry.get("plots", [])]
        paths = [next(iter(item)) if isinstance(item, dict) else item for item in listed]
        return [Path(path) for template in paths for path in expand_matrix(template, entry)]

    producer_of = {path: name for name, entry in stages.items() for path in outs(entry)}
    needs: dict[str, set[str]] = {}
    for name, entry in stages.items():
        deps = [Path(path) for template in entry.get("deps", []) for path in expand_matrix(template, entry)]
        producers = {producer_of[path] for dep in deps for path in [dep, *dep.parents] if path in producer_of}
        producers |= {producer for path, producer in producer_of.items() if any(dep in path.parents for dep in deps)}
        needs[name] = producers - {name}
    return needs


def expand_matrix(template: str, entry: dict[str, Any]) -> list[str]:
    """A path of a matrix stage once per item."""
    paths = [template]
    for key, values in entry.get("matrix", {}).items():
        paths = [path.replace(f"${{item.{key}}}", str(value)) for path in paths for value in values]
    return paths


def closure(needs: dict[str, set[str]], targets: Iterable[str]) -> set[str]:
    """The targets and all that they need."""
    reached: set[str] = set()
    waiting = list(targets)
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += needs[name]
    return reached


def run_all(needs: dict[str, set[str]], jobs: int) -> list[str]:
    """Run every stage once its needs have ended well; the names of those that failed, in order."""
    done: set[str] = set()
    failed: list[str] = []
    running: dict[Future[bool], str] = {}
    with ThreadPoolExecutor(jobs) as pool:
        while len(done) < len(needs):
            started = done | set(failed) | set(running.values())
            for name in needs:
                if name not in started and needs[name] <= done and len(running) < jobs:
                    running[pool.submit(repro, name)] = name
            if not running:
                return failed
            ended, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in ended:
                name = running.pop(future)
                (done.add if future.result() else failed.append)(name)
    return failed


def repro(stage: str) -> bool:
    """Run one stage if it changed; prints its output when it ends."""
    dvc = ["-m", "dvc", "--wait-for-lock", "repro", "-s", stage]
    command = [sys.executable, "-c", DIE_WITH_PARENT, str(os.getpid()), *dvc]
    ended = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", errors="backslashreplace"
    )
    say(ended.stdout, end="")
    if ended.returncode and (remedy := remedy_of(ended.stdout)):
        complain(f"{stage}: {remedy}")
    return ended.returncode == 0


if __name__ == "__main__":
    from cultivar.cli import run_module

    run_module("parallel")
