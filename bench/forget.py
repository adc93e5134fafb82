"""Forgetting 20 random rows, sources and annotators: the next `dvc repro` asks nothing and equals a build that never had them.

    python -m bench.forget [--count 20] [--seed 0] [--keep] [--base FOLDER] [--quick]

A small project (data stages, simulated teacher) is built through `dvc repro`, five people rank half of its prompts, and it
is built again and committed. For each target, in a copy of that project: `cultivar forget … --yes`; the rebuild; `cultivar forget
--check`. Beside it a clean build: the cut sources in a folder of their own, with an empty cache and an empty store. The
first target of each kind is rebuilt by `dvc repro` with `budget.requests` 1, so that a second request would end the stage,
and the first of all is built cleanly by `dvc repro`, too; because a graph takes a minute to start stage by stage, the other
builds run the same stages in one process, which notes every request that the store does not answer, and `dvc commit`.
Every selection of the small
project takes all there is, so that nothing takes the place of what goes.

Ends with one line of JSON: targets, equal (tables byte for byte), requests (of all rebuilds), left (files in which a scan
finds something), seconds (median of a forgetting without the rebuild).
"""

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]
KEPT = {"general": 10, "arithmetic": 8, "arithmetic_heldout": 3, "code": 4, "constraints_heldout": 3, "safety": 6}
"""Records of the files of data/seeds that the small project keeps; others stay whole or are cut by hand below."""
STAGES = (
    *("code", "ingest", "tag", "ontology", "score", "select", "evolve", "respond", "rank", "rejection", "execution"),
    *("repurpose", "constitution", "filter", "assemble"),
)
PEOPLE = ("ada", "björn", "chen", "dana", "eli")
ENVIRONMENT = {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "DVC_NO_ANALYTICS": "1"}
BUILD = """
import sys
from contextlib import ExitStack
from cultivar.runner.graph import load_yaml
from cultivar.tools.dry_run import rehearsal
from reports.forget.recording import data_stages
from schemas.table import Table
from pathlib import Path
graph, params, tables = load_yaml(Path("dvc.yaml")), load_yaml(Path("params.yaml")), {}
ask, unanswered = sys.argv[1] == "ask", 0
for name in data_stages(graph):
    with ExitStack() as stack:
        run = rehearsal(name, graph, params, stack, replacements=tables, ask=ask, judge_programs=True)
        made = {run.spec.targets[key]: value for key, value in run.outputs().items() if isinstance(value, Table)}
        if not ask:
            unanswered += sum(len(engine.backend.requests) for engine in run.engines.values())
            unanswered += run.sandbox.requests - run.sandbox.hits if run.sandbox is not None else 0
    tables |= made
    for path, table in made.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        table.write(path)
print(unanswered)
"""
"""Every data stage in one process; tables are written as the runner writes them. Prints requests without an answer."""


def small_project(folder: Path, stages: Sequence[str] = STAGES) -> None:
    """A copy of this project with few records and these stages alone, committed to git."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        skipped = (
            name.startswith(("tests/", "bench/", "metrics/", "plots/", "fingerprints/", "docs/")) or name == "dvc.lock"
        )
        if (ROOT / name).is_file() and not skipped:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    seeds = folder / "data/seeds"
    for name, count in KEPT.items():
        path = seeds / f"{name}.jsonl"
        path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:count]))
    first = (seeds / "characters.jsonl").read_bytes().splitlines(keepends=True)
    (seeds / "characters.jsonl").write_bytes(b"".join(first[:3]))
    constraints = (seeds / "constraints.txt").read_bytes().splitlines(keepends=True)
    (seeds / "constraints.txt").write_bytes(b"".join(constraints[:3]))

    def edit(params: dict[str, Any]) -> None:
        params["execution"]["queries"] = 24  # all instructions
        params["repurpose"]["others"] = 7  # all characters
        params["rejection"]["samples"] = 4

    change(folder, edit)
    graph = YAML(typ="safe", pure=True).load(folder / "dvc.yaml")
    write(folder / "dvc.yaml", {"stages": {name: graph["stages"][name] for name in stages}})
    git(folder, "init", "-q", "-b", "main")
    commit(folder, "start")


def write(path: Path, value: Any) -> None:
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.dump(value, path)


def change(folder: Path, edit: Any) -> None:
    params = YAML(typ="safe", pure=True).load(folder / "params.yaml")
    edit(params)
    write(folder / "params.yaml", params)


def rank_by_people(folder: Path, prompts: float = 0.5, seed: int = 0) -> None:
    """Let five people rank some of the prompts, two of them each."""
    from schemas.conversations import text_of
    from stages.annotation.rankings import candidate_hash, item_hash

    draw = random.Random(seed)
    lines: dict[str, list[str]] = {name: [] for name in PEOPLE}
    candidates = pl.read_parquet(folder / "data/candidates.parquet")
    for group in candidates.partition_by("prompt_id", maintain_order=True):
        if draw.random() >= prompts:
            continue
        texts = [text_of(turns) for turns in group["completion"].to_list()]
        for name in draw.sample(PEOPLE, 2):
            order = draw.sample(texts, len(texts))
            judgement = {
                "uuid": f"{name}-{len(lines[name])}",
                "annotator": name,
                "item": item_hash(text_of(group["prompt"][0].to_list()), texts),
                "order": [[candidate_hash(text)] for text in dict.fromkeys(order)],
                "meets_criteria": True,
                "guideline": "1",
                "time": "2026-11-30T12:00:00Z",
            }
            lines[name].append(json.dumps(judgement, ensure_ascii=False))
    for name, of_person in lines.items():
        path = folder / f"human/annotations/{name}.jsonl"
        path.write_text("".join(line + "\n" for line in of_person), encoding="utf-8")


def targets(folder: Path, count: int, seed: int) -> list[tuple[str, str]]:
    """(option, name) of random rows, sources and annotators: a half of them rows, the others a quarter each."""
    draw = random.Random(seed)
    params = YAML(typ="safe", pure=True).load(folder / "params.yaml")["ingest"]
    sources = [source["name"] for key in ("sources", "evaluation") for source in params[key]]
    tables = ("instructions", "problems", "code_tasks", "constraints", "characters", "safety_prompts", "evaluation")
    rows = sorted(row for name in tables for row in pl.read_parquet(folder / f"data/{name}.parquet")["id"])
    quarter = count // 4
    chosen = [("--row", row) for row in draw.sample(rows, count - 2 * quarter)]
    chosen += [("--source", name) for name in draw.sample(sources, min(quarter, len(sources)))]
    chosen += [("--annotator", name) for name in draw.sample(PEOPLE, min(quarter, len(PEOPLE)))]
    return chosen


def measure(base: Path, place: Path, option: str, name: str, through_dvc: bool) -> dict[str, Any]:
    """Forget one target in a copy of the project, build again, and compare with a clean build."""
    work, clean = place / "work", place / "clean"
    shutil.copytree(base, work, symlinks=True)
    started = time.perf_counter()
    cultivar(work, option, name, "--yes", "--reason", "bench", "--who", "bench", "--date", "2026-11-30")
    seconds = time.perf_counter() - started
    (certificate,) = (work / "reports/forgotten").glob("*.json")
    asked_for = json.loads(certificate.read_text())["requests_to_come"]
    make_clean(work, clean, through_dvc and option == "--row")
    if through_dvc:
        change(work, lambda params: params.update(budget={"requests": 1}))
        repro(work)
        sent = sum(use.get("sent", 0) for use in usage_of(work))
    else:
        sent = int(run(work, "-c", BUILD, "recall").stdout.split()[-1])
        run(work, "-m", "dvc", "commit", "-f", "-q")
    checked = cultivar(work, "--check", str(certificate.relative_to(work)), fail=False)
    left = json.loads(certificate.read_text())["scans"]["when rebuilt"]["found"]
    different = [path for path in tables_of(clean) if (work / path).read_bytes() != (clean / path).read_bytes()]
    shutil.rmtree(place)
    return {
        "target": f"{option} {name}",
        "equal": not different,
        "different": different,
        "requests": sent + sum(asked_for.values()),
        "left": len(left) if checked.returncode in (0, 1) else -1,
        "seconds": round(seconds, 1),
    }


def make_clean(work: Path, clean: Path, through_dvc: bool) -> None:
    """A build from the cut sources that never had the target: no cache, no store, no outputs."""
    left_out = {
        work: {".cache", ".git", "metrics", "fingerprints", "dvc.lock"},
        work / ".dvc": {"cache", "tmp"},
        work / "reports": {"forgotten"},
    }

    def ignored(folder: str, names: list[str]) -> set[str]:
        if Path(folder) == work / "data":
            return set(names) - {"seeds", "raw"}
        return left_out.get(Path(folder), set())

    shutil.copytree(work, clean, ignore=ignored)
    if through_dvc:
        git(clean, "init", "-q", "-b", "main")
        commit(clean, "never had it")
        repro(clean)
    else:
        run(clean, "-c", BUILD, "ask")


def tables_of(folder: Path) -> list[Path]:
    return [path.relative_to(folder) for path in sorted((folder / "data").rglob("*.parquet"))]


def usage_of(folder: Path) -> Iterator[dict[str, int]]:
    """What each role of each stage that ran has sent."""
    for path in (folder / ".cache/runs").glob("*.json"):
        yield from json.loads(path.read_text())["usage"].values()


def run(folder: Path, *arguments: str, fail: bool = True) -> subprocess.CompletedProcess[str]:
    """Run Python in a project. Ends the bench with the output where it fails."""
    variables = {"PYTHONPATH": "", "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    store = {"CULTIVAR_STORE": str(folder / ".cache/generations")}
    environment = os.environ | ENVIRONMENT | variables | store
    done = subprocess.run([sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True)
    if fail and done.returncode:
        raise SystemExit(f"{' '.join(arguments)[:200]} in {folder}:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done


def cultivar(folder: Path, *arguments: str, fail: bool = True) -> subprocess.CompletedProcess[str]:
    return run(folder, "-m", "cultivar", "forget", *arguments, fail=fail)


def repro(folder: Path) -> None:
    run(folder, "-m", "dvc", "repro")


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)


def commit(folder: Path, words: str) -> None:
    git(folder, "add", "-A")
    git(folder, "-c", "user.name=b", "-c", "user.email=b@b", "commit", "-qm", words)


def build_base(base: Path) -> Path:
    """The project that everything starts from: two versions, the second with people's rankings."""
    small_project(base)
    repro(base)
    commit(base, "first version")
    rank_by_people(base)
    repro(base)
    commit(base, "people have ranked")
    return base


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", action="store_true", help="keep the project that everything starts from")
    parser.add_argument("--base", type=Path, help="such a project, instead of building one")
    parser.add_argument("--quick", action="store_true", help="no build through `dvc repro`, but the project's own")
    options = parser.parse_args()
    place = Path(tempfile.mkdtemp(prefix="bench-forget-"))
    base = options.base.resolve() if options.base else build_base(place / "base")
    results = []
    first: set[str] = set(("--row", "--source", "--annotator") if options.quick else ())
    for option, name in targets(base, options.count, options.seed):
        for path in (base / ".cache/runs").glob("*.json"):
            path.unlink()
        results.append(measure(base, place / "one", option, name, option not in first))
        first.add(option)
        print(json.dumps(results[-1], ensure_ascii=False), flush=True)
    if options.keep:
        print(base)
    else:
        shutil.rmtree(place)
    summary = {
        "targets": len(results),
        "equal": sum(one["equal"] for one in results),
        "requests": sum(one["requests"] for one in results),
        "left": sum(one["left"] for one in results),
        "seconds": statistics.median(one["seconds"] for one in results),
    }
    print(json.dumps(summary))


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
