"""The ordinary day: a `dvc repro` that has nothing to do, and a stage whose requests are all remembered.

    python -m bench.noop [--rows 500000] [--folder KEEP] [--profile]

A copy of the project gets a source of that many instructions; the graph is built once (training cut to a few steps, the
simulated teacher answering: minutes). Then the second `dvc repro` of the whole graph is timed, and `tag` alone is forced
to run again with every answer in the store. `--profile` shows where the slowest stages of the build spend their time.
Ends with one line of JSON:

    noop_s              the second `dvc repro`
    dvc_share           share of it that is spent in DVC rather than in this project's processes
    noop_commands       stage commands that it started (none)
    remembered_s        `dvc repro -f -s tag`, all requests remembered
    remembered_us       of it, microseconds of the stage per request
    remembered_dvc_share
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
QUICK = {
    "base": {"max_steps": 20}, "sft": {"epochs": 1, "max_steps": 5}, "reward": {"max_steps": 3},
    "dpo": {"pairs": 32, "max_steps": 3}, "online_dpo": {"episodes": 1, "prompts": 8, "samples": 2, "max_new_tokens": 16},
    "evaluate": {"samples": 1, "max_new_tokens": 16, "items": 10, "demonstrations": 10},
}  # fmt: skip
WORDS = "river market letter garden winter engine lesson harbour recipe planet museum village bridge concert journey".split()
KINDS = ("Explain how a {a} shapes a {b}.", "Write a short story about a {a} and a {b}.", "List ways to improve a {a} near a {b}.",
         "Compare a {a} with a {b}.", "Write an email about a {a} to a {b} owner.", "Plan a trip from a {a} to a {b}.")  # fmt: skip


def project(folder: Path, rows: int) -> None:
    """A copy of the tracked files with a source of `rows` instructions, training cut short."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file() and not name.startswith(("tests/", "bench/")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((ROOT / name).read_bytes())
    with (folder / "data/seeds/many.jsonl").open("w", encoding="utf-8") as file:
        for number in range(rows):
            a, b = WORDS[number % len(WORDS)], WORDS[number // len(WORDS) % len(WORDS)]
            text = KINDS[number % len(KINDS)].format(a=a, b=b) + f" Use the number {number}."
            file.write(json.dumps({"instruction": text, "output": "An answer."}) + "\n")
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    params = yaml.load(folder / "params.yaml")
    many = {
        "name": "many",
        "path": "data/seeds/many.jsonl",
        "format": "auto",
        "domain": "general",
        "license": "CC0-1.0",
    }
    params["ingest"]["sources"].append(many)
    for section, values in QUICK.items():
        params[section] |= values
    yaml.dump(params, folder / "params.yaml")
    for command in (
        ["init", "-q"],
        ["add", "-A"],
        ["-c", "user.name=b", "-c", "user.email=b@b", "commit", "-qm", "start"],
    ):
        subprocess.run(["git", *command], cwd=folder, check=True)


def dvc(folder: Path, *arguments: str) -> tuple[float, float, str]:
    """Run dvc; wall seconds, CPU seconds of it and its children, output. Raises CalledProcessError."""
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "OMP_NUM_THREADS": "1", "PYTHONPATH": "",
        "HF_HUB_OFFLINE": "1", "DVC_NO_ANALYTICS": "1", "CULTIVAR_STORE": str(folder / ".cache/generations"),
    }  # fmt: skip
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "dvc", *arguments], cwd=folder, env=environment, stdout=subprocess.PIPE, text=True
    )
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        print(done.stdout[-3000:], file=sys.stderr)
        raise subprocess.CalledProcessError(done.returncode, done.args)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


def note(folder: Path, stage: str) -> dict[str, Any]:
    return json.loads((folder / ".cache/runs" / f"{stage}.json").read_text())


def profile(folder: Path, count: int = 3) -> None:
    """Where the slowest stages spend their time, everything remembered."""
    notes = {path.stem: json.loads(path.read_text())["seconds"] for path in (folder / ".cache/runs").glob("*.json")}
    slowest = [name for name in sorted(notes, key=lambda name: -notes[name]) if "-" not in name][:count]
    graph = YAML(typ="safe", pure=True).load(folder / "dvc.yaml")["stages"]
    for name in slowest:
        print(f"\n--- {name}: {notes[name]:.1f} s when it was built; now, with what the store remembers:", flush=True)
        words = graph[name]["cmd"].split()[2:]
        command = [sys.executable, "-m", "cProfile", "-s", "tottime", "-m", *words]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=os.environ | {
            "CULTIVAR_STORE": str(folder / ".cache/generations"), "OMP_NUM_THREADS": "1", "PYTHONPATH": ""})  # fmt: skip
        print("\n".join(line[:150] for line in done.stdout.splitlines()[:32]) or done.stderr[-500:])


def main() -> None:
    parser = argparse.ArgumentParser(
        description="a dvc repro with nothing to do, and a stage that remembers everything"
    )
    parser.add_argument("--rows", type=int, default=500_000, help="instructions of the large table")
    parser.add_argument("--folder", type=Path, help="keep the project here (built before: used again)")
    parser.add_argument("--profile", action="store_true", help="profile the slowest stages")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = (chosen.folder or Path(temporary) / "project").resolve()
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "dvc.yaml").exists():
            project(folder, chosen.rows)
        wall, cpu, _ = dvc(folder, "repro")
        print(f"first `dvc repro`: {wall:,.1f} s, {cpu:,.1f} CPU s", flush=True)
        started = time.time()
        wall, cpu, said = dvc(folder, "repro")
        ran = [path.stem for path in (folder / ".cache/runs").glob("*.json") if path.stat().st_mtime > started]
        ours = sum(note(folder, name)["seconds"] for name in ran)
        commands = said.count("Running stage")
        print(f"second: {wall:,.2f} s, {cpu:,.2f} CPU s, {commands} stage commands", flush=True)
        again, _, _ = dvc(folder, "repro", "-f", "-s", "tag")
        tag = note(folder, "tag")
        asked = tag["usage"]["tagger"]
        print(
            f"tag, {asked['hits']:,} of {asked['requests']:,} requests remembered: {again:,.1f} s, stage {tag['seconds']:,.1f} s"
        )
        if chosen.profile:
            profile(folder)
    result = {
        "noop_s": round(wall, 3), "dvc_share": round(1 - ours / wall, 3), "noop_commands": commands,
        "noop_cpu_s": round(cpu, 3), "rows": chosen.rows, "remembered_s": round(again, 2),
        "remembered_us": round(tag["seconds"] / asked["requests"] * 1e6, 2),
        "remembered_dvc_share": round(1 - tag["seconds"] / again, 3),
    }  # fmt: skip
    print(json.dumps(result))


if __name__ == "__main__":
    main()
