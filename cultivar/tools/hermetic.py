"""Run stages with nothing but what they declare, and compare: `cultivar hermetic [STAGE …]`.

A folder gets a stage's deps, dvc.yaml, and a params.yaml cut to the declared keys; the environment gets nothing but a
path. A stage that reads anything else fails there, or makes other bytes; so does one whose result hangs on the order of
a hash, the time of day, the clock, or a random number, since all of them are different there. This sees what Polars and
DuckDB open, which no audit hook does.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from ruamel.yaml import YAML
from tqdm import tqdm

from cultivar.runlog.console import complain, say
from cultivar.runner.fingerprints import CODE, FOLDER
from cultivar.runner.fingerprints.closure import PACKAGES, SourceTree, file_of
from cultivar.runner.graph import GRAPH, PARAMS, StageSpec, load_yaml, stage_spec
from cultivar.store.store import project_store_folder
from schemas.params.engines import RuntimeParams

ELSEWHERE = {"PYTHONHASHSEED": "7", "TZ": "Pacific/Apia", "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
KEPT = ("PATH", "LD_LIBRARY_PATH", "HF_HOME", "HF_HUB_CACHE")
"""Of the environment; beside them the API key (runtime.api_key_env). A hub's cache holds pinned revisions only by their hash."""


def main(
    stages: Annotated[
        list[str] | None, typer.Argument(help="NAME, or NAME key=value for one item of a matrix; default: all")
    ] = None,
) -> int:
    try:
        graph, store = load_yaml(GRAPH)["stages"], str(project_store_folder().resolve())
    except ValueError as error:
        complain(f"error: {error}")
        return 1
    items = dict(word.split("=", 1) for word in stages or [] if "=" in word)
    names = [word for word in stages or [] if "=" not in word] or [name for name in graph if name != CODE]
    wrong = 0
    for name in tqdm(names, desc="hermetic", unit=" stages", leave=False, disable=None):
        own = items or {key: str(values[0]) for key, values in graph[name].get("matrix", {}).items()}
        with tempfile.TemporaryDirectory() as folder:
            problem = alone(name, own, Path(), Path(folder), CULTIVAR_STORE=store)
        wrong += problem is not None
        say(f"{' '.join([name, *own.values()])}: {problem or 'the same bytes'}")
    return 1 if wrong else 0


def alone(stage: str, items: dict[str, str], project: Path, folder: Path, **environment: str) -> str | None:
    """Run a stage of `project` alone in the empty `folder`; what is wrong, None where it makes the same bytes."""
    graph = load_yaml(project / GRAPH)
    spec = stage_spec(stage, items, graph)
    lay_out(spec, project, folder)
    command = graph["stages"][stage]["cmd"].split()[1:]
    for key, value in items.items():
        command = [part.replace(f"${{item.{key}}}", value) for part in command]
    runtime = RuntimeParams.model_validate(load_yaml(project / PARAMS).get("runtime") or {})
    kept = [name for name in (*KEPT, runtime.api_key_env) if name in os.environ]
    bare = {name: os.environ[name] for name in kept} | ELSEWHERE | environment
    done = subprocess.run([sys.executable, *command], cwd=folder, env=bare, capture_output=True, text=True)
    if done.returncode:
        return "fails: " + (done.stderr.strip().splitlines() or ["without a word"])[-1]
    outs = [*spec.outs, *([spec.metrics] if spec.metrics else [])]
    if differing := [str(out) for out in outs if bytes_of(folder / out) != bytes_of(project / out)]:
        return f"makes other bytes of {', '.join(differing)}"
    expected = {path.parts[0] for path in [*spec.deps, *outs, GRAPH, PARAMS, Path(".cache")]} | set(PACKAGES)
    if extra := {path.name for path in folder.iterdir()} - expected:
        return f"writes {', '.join(sorted(extra))}, which its outs do not list"
    return None


def lay_out(spec: StageSpec, project: Path, folder: Path) -> None:
    """Copy what a stage declares."""
    for dep in [*spec.deps, *code_files(spec.name, project)]:
        target = folder / dep
        target.parent.mkdir(parents=True, exist_ok=True)
        if (project / dep).is_dir():
            shutil.copytree(project / dep, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(project / dep, target)
    shutil.copy(project / GRAPH, folder)
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.dump(declared(load_yaml(project / PARAMS), spec), folder / PARAMS)


def code_files(stage: str, project: Path) -> list[Path]:
    """The files of a stage's fingerprint, and those that it imports beside."""
    text = (project / FOLDER / f"{stage}.txt").read_text(encoding="utf-8")
    named = {Path(line.split()[0]) for line in text.splitlines() if ".py " in line}
    with contextlib.chdir(project):
        return sorted(named | {file_of(module) for module in SourceTree().beside(stage)})


def declared(params: Mapping[str, Any], spec: StageSpec) -> dict[str, Any]:
    """The params that a stage declares, and how it is run (`runtime` and `budget`, which change no result)."""
    found: dict[str, Any] = {name: params[name] for name in ("runtime", "budget") if name in params}
    for name in spec.params:
        head, _, role = name.partition(".")
        if role:
            found.setdefault(head, {})[role] = params[head][role]
        else:
            found[head] = params[head]
    return found


def bytes_of(path: Path) -> dict[str, bytes]:
    """Contents by relative path of a file or folder."""
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    return {str(file.relative_to(path.parent)): file.read_bytes() for file in files}


if __name__ == "__main__":
    from cultivar.cli import run_module

    run_module("hermetic")
