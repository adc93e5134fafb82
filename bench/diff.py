"""The diff of a table of a million rows, beside DataChain's diff, datacompy, data-diff and `dvc diff`.

    python -m bench.diff [--rows 1000000] [--peer NAME=PYTHON …] [--only NAME …] [--causes FILE]

Two versions of a project are written: source rows with texts of about 1 KB, of which 1% are edited (another text, so another
id), 1% added and 1% removed; the source file is in another order, one column is new, and one more source row in a hundred has
another value in a small column. `cultivar diff` runs in a process of its own, imports, page and all. A row is right when it is found as what it is:
of an edited one both ids, in one pair. Peers compare the same two files by `id`, in processes of their own by their
adapters in bench/peers/; one whose environment is missing is left out. Ends with one line of JSON:

    diff_1m_s, cpu_s, peak_mb    seconds by the clock and of CPU, and peak memory of `cultivar diff`
    recall, precision     of touched rows, by kind and ids
    causes_right          share of planted causes named right, from the last line of a run of bench.causes (--causes FILE)
    trace_p95_s           seconds in which a row's family is found, 95th percentile of 100 rows of the same project
    peers                 the same of every peer; `dvc diff` says which file differs, not which rows
"""

import argparse
import hashlib
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

ROOT = Path(__file__).parents[1]
PEERS = ("datacompy", "datachain", "data_diff")
TABLE = "data/instructions.parquet"
SEED = 7
WORDS = 150
"""Words of a text: about 1 KB."""
SHARE = 0.01
TIMEOUT_S = int(os.environ.get("BENCH_TIMEOUT_S", "900"))


def fragments() -> list[str]:
    """Runs of five words, of which texts are made."""
    letters = random.Random(SEED)
    words = ["".join(letters.choices("etaoinshrdlucmfwypvbgk", k=letters.randint(2, 10))) for _ in range(8000)]
    return [" ".join(letters.choices(words, k=5)) for _ in range(50_000)]


def texts(rows: int, seed: int) -> pl.Series:
    """Texts of about 1 KB."""
    pool = pl.Series(fragments())
    drawn = np.random.default_rng(seed).integers(0, len(pool), size=(rows, WORDS // 5))
    parts = pl.DataFrame({str(place): pool.gather(drawn[:, place]) for place in range(drawn.shape[1])})
    return parts.select(pl.concat_str(pl.all(), separator=" ")).to_series()


def table(prompts: pl.Series, scores: np.ndarray, order: np.ndarray) -> pl.DataFrame:
    """Source rows, sorted by id; `order` has the line of each row."""
    ids = pl.Series([hashlib.md5(text.encode(), usedforsecurity=False).hexdigest() for text in prompts.to_list()])
    lines = "data/raw/questions.jsonl:" + pl.Series(order + 1).cast(pl.String)
    frame = pl.DataFrame({"id": ids, "source": lines, "prompt": prompts, "score": scores})
    empty = pl.lit([], dtype=pl.List(pl.String))
    fixed = {"license": pl.lit("CC0-1.0"), "split": pl.lit("train"), "domain": pl.lit("general"), "parents": empty}
    return frame.with_columns(**fixed).sort("id")


def plant(rows: int) -> tuple[pl.DataFrame, pl.DataFrame, dict[str, Any]]:
    """Both versions, and what was planted: pairs of ids edited, ids scored, added, removed."""
    count, rng = max(1, int(rows * SHARE)), np.random.default_rng(SEED)
    prompts, scores = texts(rows, SEED), rng.random(rows).round(3)
    chosen = rng.permutation(rows)[: 3 * count]
    edited, removed, scored = (np.sort(part) for part in np.split(chosen, 3))
    old = table(prompts, scores, np.arange(rows))
    after = prompts.clone().scatter(
        edited, prompts.gather(edited).str.replace(" ", " edited ", literal=True, n=1) + " end"
    )
    new_scores = scores.copy()
    new_scores[scored] += 1
    kept = np.setdiff1d(np.arange(rows), removed)
    fresh = texts(count, SEED + 1)
    all_texts = pl.concat([after.gather(kept), fresh.alias(after.name)])
    all_scores = np.concatenate([new_scores[kept], rng.random(count).round(3)])
    new = table(all_texts, all_scores, rng.permutation(len(all_texts))).with_columns(difficulty=pl.lit(1))

    def ids(some: pl.Series) -> list[str]:
        return [hashlib.md5(text.encode(), usedforsecurity=False).hexdigest() for text in some.to_list()]

    changed = list(zip(ids(prompts.gather(edited)), ids(after.gather(edited)), strict=True))
    changed += [(one, one) for one in ids(prompts.gather(scored))]
    truth = {"changed": changed, "added": ids(fresh), "removed": ids(prompts.gather(removed)), "edited": count}
    return old, new, truth


class Project:
    """A git repository with a dvc.lock, where a stage's table is written as a run would leave it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        self.git("init", "-q", "-b", "main")
        self.git("config", "user.email", "bench@localhost")
        self.git("config", "user.name", "bench")
        (folder / ".dvc").mkdir()
        (folder / ".dvc/config").write_text("[core]\n    analytics = false\n")
        (folder / ".gitignore").write_text("/data\n/.cache\n/.dvc/cache\n/.dvc/tmp\n")
        graph = {"stages": {"ingest": {"cmd": "true", "outs": [TABLE]}}}
        (folder / "dvc.yaml").write_text(json.dumps(graph))

    def git(self, *arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=self.folder, check=True, stdout=subprocess.DEVNULL)

    def put(self, frame: pl.DataFrame) -> None:
        """Write the table, into the cache as well, and record it."""
        place = self.folder / TABLE
        place.parent.mkdir(exist_ok=True)
        place.unlink(missing_ok=True)
        frame.write_parquet(place, compression="zstd", compression_level=3, row_group_size=50_000)
        with place.open("rb") as file:
            md5 = hashlib.file_digest(file, "md5").hexdigest()
        target = self.folder / ".dvc/cache/files/md5" / md5[:2] / md5[2:]
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(place, target)
        out = f"    - path: {TABLE}\n      hash: md5\n      md5: {md5}\n      size: {place.stat().st_size}\n"
        (self.folder / "dvc.lock").write_text(f"schema: '2.0'\nstages:\n  ingest:\n    cmd: 'true'\n    outs:\n{out}")

    def commit(self, title: str) -> None:
        self.git("add", "-A")
        self.git("commit", "-qm", title)


STARTER = """
import os, subprocess, sys
child = subprocess.Popen(sys.argv[2:])
_, status, used = os.wait4(child.pid, 0)
with open(sys.argv[1], "w") as file:
    file.write(str(used.ru_maxrss))
sys.exit(os.waitstatus_to_exitcode(status) != 0)
"""
"""Starts a command from a small process: the peak that Linux reports begins at the size of whoever starts it."""


def timed(
    command: list[str], folder: Path, environment: Mapping[str, str] | None = None
) -> tuple[dict[str, float], str]:
    """Wall and CPU seconds, peak MB; and standard output of a command. Raises RuntimeError with its last words where it fails."""
    started = time.perf_counter()
    with (
        tempfile.TemporaryFile("w+") as output,
        tempfile.TemporaryFile("w+") as errors,
        tempfile.NamedTemporaryFile("r") as peak,
    ):
        starter = [sys.executable, "-S", "-c", STARTER, peak.name, *command]
        child = subprocess.Popen(
            starter, cwd=folder, stdout=output, stderr=errors, text=True, env=environment, start_new_session=True
        )
        try:
            _, status, usage = wait(child)
        finally:
            if child.returncode is None:
                os.killpg(child.pid, signal.SIGKILL)  # with the command that it started
        seconds = time.perf_counter() - started
        output.seek(0)
        errors.seek(0)
        if status:
            raise RuntimeError((errors.read().strip().splitlines() or [f"ended with {status}"])[-1][:300])
        cpu = usage.ru_utime + usage.ru_stime
        return {"seconds": seconds, "cpu_s": cpu, "peak_mb": int(peak.read()) / 1024}, output.read()


def wait(child: subprocess.Popen[str]) -> tuple[int, int, resource.struct_rusage]:
    """Wait for a child and say what it used; it is killed when its time is over."""
    until = time.monotonic() + TIMEOUT_S
    while True:
        found, status, usage = os.wait4(child.pid, os.WNOHANG)
        if found:
            child.returncode = os.waitstatus_to_exitcode(status)
            return found, child.returncode, usage
        if time.monotonic() > until:
            os.killpg(child.pid, signal.SIGKILL)  # with the command that it started
            until = float("inf")
        time.sleep(0.02)


def measure_cultivar(project: Project, truth: Mapping[str, Any], out: Path) -> dict[str, float]:
    """Time, memory, recall and precision of `cultivar diff`."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "reports.diff.command", "--no-why", "--json", str(out)]
    measured, printed = timed(command, project.folder, environment)
    print(printed)
    found = json.loads(out.read_bytes())["tables"][0]["ids"]
    rows = set(zip(found["kind"], found["id_old"], found["id_new"], strict=True))
    planted = {("changed", old, new) for old, new in truth["changed"]}
    planted |= {("added", None, one) for one in truth["added"]} | {("removed", one, None) for one in truth["removed"]}
    right = len(rows & planted)
    return measured | {"recall": right / len(planted), "precision": right / max(len(rows), 1)}


def trace_p95(project: Project, ids: list[str]) -> float | None:
    """Seconds of a trace, 95th percentile; None where that part is missing."""
    program = (
        "import json, sys\nfrom reports.trace.family import trace_seconds\n"
        "from reports.versions.version import open_version\n"
        "print(json.dumps(trace_seconds(open_version(None), json.load(sys.stdin))))"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=project.folder, env=environment, input=json.dumps(ids), capture_output=True, text=True,
    )  # fmt: off
    if done.returncode:
        print(f"trace: {(done.stderr.strip().splitlines() or ['failed'])[-1]}")
        return None
    return float(np.quantile(json.loads(done.stdout.splitlines()[-1]), 0.95))


def measure_peers(project: Project, pythons: Mapping[str, str], old: Path, new: Path) -> Iterator[tuple[str, Any]]:
    """What every peer finds between the two files by `id`, in a process of its own."""
    for name, python in pythons.items():
        if not Path(python).exists():
            print(f"{name}: not installed ({python})")
            continue
        try:
            with tempfile.TemporaryDirectory() as state:
                command = [python, str(ROOT / f"bench/peers/diff_{name}.py"), str(old), str(new)]
                measured, printed = timed(command, Path(state), os.environ | {"DATACHAIN_ROOT_DIR": state})
            yield name, measured | json.loads(printed.splitlines()[-1])
        except (RuntimeError, ValueError, IndexError) as error:
            yield name, {"error": str(error)}
    try:
        measured, printed = timed([sys.executable, "-m", "dvc", "diff", "--json"], project.folder)
        yield "dvc_diff", measured | {"files": len(json.loads(printed)["modified"])}
    except (RuntimeError, ValueError, KeyError) as error:
        yield "dvc_diff", {"error": str(error)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=PYTHON")
    parser.add_argument("--only", nargs="*", default=list(PEERS), help="peers to run")
    parser.add_argument("--causes", type=Path, help="output of bench.causes, whose last line is JSON")
    options = parser.parse_args()
    pythons = {name: str(ROOT / "bench/.envs" / name / "bin/python") for name in PEERS}
    pythons |= dict(peer.split("=", 1) for peer in options.peer)
    pythons = {name: python for name, python in pythons.items() if name in options.only}
    causes = json.loads(options.causes.read_text().splitlines()[-1]).get("causes_right") if options.causes else None
    with tempfile.TemporaryDirectory() as folder:
        project = Project(Path(folder) / "project")
        old, new, truth = plant(options.rows)
        traced = old["id"].gather_every(max(1, old.height // 100)).to_list()[:100]
        files = Path(folder) / "old.parquet", Path(folder) / "new.parquet"
        project.put(old)
        shutil.copy(project.folder / TABLE, files[0])
        project.commit("before")
        project.put(new)
        shutil.copy(project.folder / TABLE, files[1])
        del old, new
        own = measure_cultivar(project, truth, Path(folder) / "diff.json")
        print(json.dumps(own))
        traced = [one for one in traced if one not in set(truth["removed"]) | {old for old, _ in truth["changed"]}]
        p95 = trace_p95(project, traced)
        peers = {}
        for name, found in measure_peers(project, pythons, *files):
            print(f"{name}: {json.dumps(found)}")
            peers[name] = found
    print(
        json.dumps(
            {
                "diff_1m_s": round(own["seconds"], 2),
                "cpu_s": round(own["cpu_s"], 2),
                "peak_mb": round(own["peak_mb"]),
                "recall": own["recall"],
                "precision": own["precision"],
                "causes_right": causes,
                "trace_p95_s": p95,
                "rows": options.rows,
                "peers": peers,
            }
        )
    )


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
