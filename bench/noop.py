"""The ordinary day: a `dvc repro` that has nothing to do, and a stage whose requests are all cached.

    python -m bench.noop [--rows 500000] [--folder KEEP] [--rounds 5] [--profile]

A copy of the project gets a source of that many instructions; the graph is built once (training cut to a few steps, the
simulated teacher answering: minutes). Then `dvc repro` of the built graph and of a project with a single stage are timed
in turns, and `tag` alone is forced to run again with every answer in the store. `--profile` shows where the slowest
stages of the build spend their time. Ends with one line of JSON:

    noop_s, noop_cpu_s      `dvc repro` of the built graph, the least of the rounds
    empty_s, empty_cpu_s    `dvc repro` of a project with one stage and no parameters, likewise
    noop_ratio              noop_cpu_s / empty_cpu_s
    noop_commands           stage commands that the built graph started (none)
    cached_s                `dvc repro -f -s tag`, all requests cached
    cached_us               of it, microseconds of the stage per request
    cached_dvc_share        share of it that is spent in DVC rather than in this project's process
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]
EVALUATE = {"samples": 1, "max_new_tokens": 16, "items": 10, "demonstrations": 10}
QUICK = {
    "base": {"max_steps": 20},
    "sft": {"epochs": 1, "max_steps": 5},
    "reward": {"max_steps": 3},
    "dpo": {"pairs": 32, "max_steps": 3},
    "online_dpo": {"episodes": 1, "prompts": 8, "samples": 2, "max_new_tokens": 16},
    "evaluate": EVALUATE,
}
NOUNS = "river market letter garden winter engine lesson harbour recipe planet museum village bridge concert journey".split()
TASKS = (
    "Explain how a {a} shapes a {b}.",
    "Write a short story about a {a} and a {b}.",
    "List ways to improve a {a} near a {b}.",
    "Compare a {a} with a {b}.",
    "Write an email about a {a} to a {b} owner.",
    "Plan a trip from a {a} to a {b}.",
)
MANY = {
    "name": "many",
    "path": "data/seeds/many.jsonl",
    "format": "auto",
    "domain": "general",
    "license": "CC0-1.0",
}
ONE_STAGE = "stages:\n  only:\n    cmd: echo output > output\n    outs:\n    - output\n"


def copy_project(folder: Path, rows: int) -> None:
    """A copy of the tracked files with a source of `rows` instructions, training cut short."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file() and not name.startswith(("tests/", "bench/")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((ROOT / name).read_bytes())
    with (folder / MANY["path"]).open("w", encoding="utf-8") as file:
        for number in range(rows):
            a, b = NOUNS[number % len(NOUNS)], NOUNS[number // len(NOUNS) % len(NOUNS)]
            text = TASKS[number % len(TASKS)].format(a=a, b=b) + f" Use the number {number}."
            file.write(json.dumps({"instruction": text, "output": "An answer."}) + "\n")
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    params = yaml.load(folder / "params.yaml")
    params["ingest"]["sources"].append(MANY)
    for section, values in QUICK.items():
        params[section] |= values
    yaml.dump(params, folder / "params.yaml")
    commit(folder)


def one_stage_project(folder: Path) -> None:
    """The least that DVC can be asked to check."""
    folder.mkdir()
    (folder / "dvc.yaml").write_text(ONE_STAGE)
    commit(folder)
    dvc(folder, "init", "-q")
    dvc(folder, "repro")


def commit(folder: Path) -> None:
    for command in (
        ["init", "-q"],
        ["add", "-A"],
        ["-c", "user.name=b", "-c", "user.email=b@b", "commit", "-qm", "start"],
    ):
        subprocess.run(["git", *command], cwd=folder, check=True)


def dvc(folder: Path, *arguments: str) -> tuple[float, float, str]:
    """Run dvc; wall seconds, CPU seconds of it and its children, output. Raises CalledProcessError."""
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": "",
        "HF_HUB_OFFLINE": "1",
        "DVC_NO_ANALYTICS": "1",
        "CULTIVAR_STORE": str(folder / ".cache/generations"),
    }
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "dvc", *arguments], cwd=folder, env=environment, stdout=subprocess.PIPE, text=True
    )
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        print(done.stdout[-3000:], file=sys.stderr)
        raise subprocess.CalledProcessError(done.returncode, done.args)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


def compare(folder: Path, empty: Path, rounds: int) -> dict[str, float]:
    """`dvc repro` of both projects in turns, so that a change of the machine's speed falls on both; the least of each."""
    seconds: dict[str, list[tuple[float, float]]] = {"noop": [], "empty": []}
    commands = 0
    for _ in range(rounds):
        for name, place in (("noop", folder), ("empty", empty)):
            wall, cpu, output = dvc(place, "repro")
            seconds[name].append((wall, cpu))
            commands += output.count("Running stage")
    least = {name: [min(column) for column in zip(*values, strict=True)] for name, values in seconds.items()}
    ratio = least["noop"][1] / least["empty"][1]
    for name, (wall, cpu) in least.items():
        print(f"{name}: {wall:,.2f} s, {cpu:,.2f} CPU s, the least of {rounds}", flush=True)
    print(f"ratio of CPU seconds: {ratio:.2f}; stage commands: {commands}", flush=True)
    return {
        "noop_s": round(least["noop"][0], 3),
        "noop_cpu_s": round(least["noop"][1], 3),
        "empty_s": round(least["empty"][0], 3),
        "empty_cpu_s": round(least["empty"][1], 3),
        "noop_ratio": round(ratio, 3),
        "noop_commands": commands,
    }


def run_log(folder: Path, stage: str) -> dict[str, Any]:
    return json.loads((folder / ".cache/runs" / f"{stage}.json").read_text())


def profile(folder: Path, count: int = 3) -> None:
    """Where the slowest stages spend their time, everything cached."""
    logs = {path.stem: json.loads(path.read_text())["seconds"] for path in (folder / ".cache/runs").glob("*.json")}
    slowest = [name for name in sorted(logs, key=lambda name: -logs[name]) if "-" not in name][:count]
    graph = YAML(typ="safe", pure=True).load(folder / "dvc.yaml")["stages"]
    environment = {"CULTIVAR_STORE": str(folder / ".cache/generations"), "OMP_NUM_THREADS": "1", "PYTHONPATH": ""}
    for name in slowest:
        print(f"\n--- {name}: {logs[name]:.1f} s when it was built; now, with what the store holds:", flush=True)
        command = [sys.executable, "-m", "cProfile", "-s", "tottime", "-m", *graph[name]["cmd"].split()[2:]]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=os.environ | environment)
        print("\n".join(line[:150] for line in done.stdout.splitlines()[:32]) or done.stderr[-500:])


def main() -> None:
    parser = argparse.ArgumentParser(
        description="a dvc repro with nothing to do, and a stage whose requests are cached"
    )
    parser.add_argument("--rows", type=int, default=500_000, help="instructions of the large table")
    parser.add_argument("--folder", type=Path, help="keep the project here (built before: used again)")
    parser.add_argument("--rounds", type=int, default=5, help="times that each `dvc repro` is run")
    parser.add_argument("--profile", action="store_true", help="profile the slowest stages")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = (options.folder or Path(temporary) / "project").resolve()
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "dvc.yaml").exists():
            copy_project(folder, options.rows)
        wall, cpu, _ = dvc(folder, "repro")
        print(f"first `dvc repro`: {wall:,.1f} s, {cpu:,.1f} CPU s", flush=True)
        one_stage_project(empty := Path(temporary) / "empty")
        result = compare(folder, empty, options.rounds)
        again, _, _ = dvc(folder, "repro", "-f", "-s", "tag")
        tag = run_log(folder, "tag")
        usage = tag["usage"]["tagger"]
        print(
            f"tag, {usage['hits']:,} of {usage['requests']:,} requests cached: {again:,.1f} s, stage {tag['seconds']:,.1f} s"
        )
        if options.profile:
            profile(folder)
    result |= {
        "rows": usage["requests"],
        "cached_s": round(again, 2),
        "cached_us": round(tag["seconds"] / usage["requests"] * 1e6, 2),
        "cached_dvc_share": round(1 - tag["seconds"] / again, 3),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
