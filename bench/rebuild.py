"""Rebuilding after a change, beside other tools: eight changes, and what the client costs.

    python -m bench.rebuild [--rows 5000] [--peer NAME=PYTHON …] [--only NAME …] [--no-vllm]

Every tool answers the same prompts against the same counting server on loopback, in processes of its own, by its
adapter in bench/peers/ at its documented settings (bench/README.md has the recipe for each environment; a peer whose
environment is missing is reported and left out). The state of a first full build is copied before each change.

A scenario is right when, after the change and a rebuild, the output holds every row exactly once with the answer to
its current prompt, system prompt and model (the server's answer has their hash) and no other rows, and the requests are
within 2% of the fewest possible; after the kill -9 at half of the rows, at most the requests in flight are repeated.
This rule was fixed before any tool was run.

Ends with one line of JSON:

    scenarios_right        of Cultivar, of `scenarios`
    cpu_s_per_1000_rows    CPU seconds of Cultivar's process and all its children, imports included, instant server
    throughput_share_50ms  rows/s between first and last request, 50 ms server, of concurrency / 50 ms
    vllm_share             tokens/s of the vllm engine, of those of plain LLM.chat calls on the same requests
    peers                  the same of every peer
"""

import argparse
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
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # `python bench/rebuild.py` puts bench/ on the path, not the folder that holds it

from bench.offline import measure_vllm_share  # noqa: E402
from bench.server import Server, answer_to  # noqa: E402

PEERS = ("datatrove", "distilabel", "curator", "data_designer", "sdg_hub")
WORDS = "a short question about rivers, boats and the weather of the day"
IN_FLIGHT = 100
TIMEOUT_S = float(os.environ.get("BENCH_TIMEOUT_S", "900"))
ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "DO_NOT_TRACK": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "OMP_NUM_THREADS": "1",
}
Row = dict[str, Any]


@dataclass(frozen=True)
class Task:
    """Rows to answer, with the model and system prompt to use."""

    rows: list[Row]
    model: str = "m"
    system: str = "You answer in one sentence."

    def answers(self) -> dict[Any, str]:
        return {row["id"]: answer_to(self.model, self.system, row["prompt"]) for row in self.rows}

    def keys(self) -> set[str]:
        return {"\t".join((self.model, self.system, row["prompt"])) for row in self.rows}


@dataclass
class RunResult:
    """One run of a tool."""

    ok: bool
    wall_s: float
    cpu_s: float
    peak_mb: float
    last_line: str


class Tool:
    """A tool in an environment of its own, with one folder of state."""

    def __init__(self, name: str, python: str, url: str, folder: Path) -> None:
        self.name, self.python, self.url, self.folder = name, python, url, folder
        self.state = folder / "state"
        self.output = folder / "out.jsonl"

    def start(self, task: Task, url: str | None = None) -> subprocess.Popen[bytes]:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.state.mkdir(exist_ok=True)
        self.output.unlink(missing_ok=True)
        source = self.folder / "in.jsonl"
        source.write_text("".join(json.dumps(row) + "\n" for row in task.rows))
        command = [
            *(self.python, str(ROOT / "bench/peers" / f"run_{self.name}.py")),
            *("--input", str(source), "--output", str(self.output), "--state", str(self.state)),
            *("--url", url or self.url, "--model", task.model, "--system", task.system),
            *("--concurrency", str(IN_FLIGHT)),
        ]
        own = {"PYTHONPATH": str(ROOT) if self.name == "cultivar" else "", "HOME": str(self.folder)}
        environment = os.environ | ENVIRONMENT | own
        log = (self.folder / "log").open("wb")
        return subprocess.Popen(
            command, cwd=self.folder, env=environment, stdout=log, stderr=log, start_new_session=True
        )

    def wait(self, process: subprocess.Popen[bytes], started: float) -> RunResult:
        """Wait for its end, or kill it after TIMEOUT_S; CPU and memory include the children that it waited for."""
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            if time.perf_counter() - started > TIMEOUT_S:
                os.killpg(process.pid, signal.SIGKILL)
            time.sleep(0.01)
        process.returncode = os.waitstatus_to_exitcode(status)
        lines = (self.folder / "log").read_text(errors="replace").strip().splitlines()
        return RunResult(
            ok=process.returncode == 0,
            wall_s=time.perf_counter() - started,
            cpu_s=usage.ru_utime + usage.ru_stime,
            peak_mb=usage.ru_maxrss / 1024,
            last_line=lines[-1][:160] if lines else "",
        )

    def run(self, task: Task, url: str | None = None) -> RunResult:
        started = time.perf_counter()
        return self.wait(self.start(task, url), started)

    def count_wrong_rows(self, task: Task) -> dict[str, int]:
        """Wrong rows of the output by kind of error; all rows are missing where there is no output."""
        if not self.output.exists():
            return {"missing": len(task.rows)}
        rows = [json.loads(line) for line in self.output.read_text().splitlines()]
        times, expected = Counter(row["id"] for row in rows), task.answers()
        answers = {row["id"]: row["answer"] for row in rows}
        return {
            "missing": sum(name not in times for name in expected),
            "duplicate": sum(count - 1 for name, count in times.items() if name in expected),
            "ghost": sum(name not in expected for name in times),
            "stale": sum((answers[name] or "").strip() != expected[name] for name in expected.keys() & answers.keys()),
        }

    def describe_errors(self, task: Task) -> str:
        """Wrong rows of the output by kind as text, "" where there are none."""
        if not self.output.exists():
            return "no output"
        return ", ".join(f"{count:,} {kind}" for kind, count in self.count_wrong_rows(task).items() if count)


def prompt_rows(count: int, start: int = 0) -> list[Row]:
    return [{"id": str(number), "prompt": f"{number}: {WORDS}?"} for number in range(start, start + count)]


def edit_rows(rows: list[Row]) -> list[Row]:
    sampled = set(random.Random(1).sample(range(len(rows)), len(rows) // 100))
    return [
        row | {"prompt": row["prompt"] + " Say why."} if index in sampled else row for index, row in enumerate(rows)
    ]


def delete_rows(rows: list[Row]) -> list[Row]:
    sampled = set(random.Random(2).sample(range(len(rows)), len(rows) // 100))
    return [row for index, row in enumerate(rows) if index not in sampled]


CHANGES: dict[str, Callable[[Task], Task]] = {
    "nothing": lambda task: task,
    "1% edited": lambda task: Task(edit_rows(task.rows)),
    "1% appended": lambda task: Task([*task.rows, *prompt_rows(len(task.rows) // 100, len(task.rows))]),
    "1% deleted": lambda task: Task(delete_rows(task.rows)),
    "shuffled": lambda task: Task(random.Random(3).sample(task.rows, len(task.rows))),
    "system prompt": lambda task: Task(task.rows, system="You answer in one careful sentence."),
    "model": lambda task: Task(task.rows, model="m2"),
}


def run_scenarios(tool: Tool, server: Server, rows: int) -> dict[str, str]:
    """Scenario -> its errors as text, "" where it is right."""
    base = Task(prompt_rows(rows))
    backup = tool.folder.with_name(tool.folder.name + "-base")
    first = tool.run(base)
    if not first.ok or tool.describe_errors(base):
        print(f"  no first build: {tool.describe_errors(base) or first.last_line}", flush=True)
        return dict.fromkeys([*CHANGES, "kill -9"], f"no first build: {tool.describe_errors(base) or first.last_line}")
    shutil.copytree(tool.state, backup)
    errors: dict[str, str] = {}
    for name, change in CHANGES.items():
        shutil.rmtree(tool.state)
        shutil.copytree(backup, tool.state)
        task = change(base)
        server.reset()
        result = tool.run(task)
        ideal, sent = len(task.keys() - base.keys()), sum(server.counts().values())
        error = tool.describe_errors(task) or ("" if result.ok else f"failed: {result.last_line}")
        if not error and abs(sent - ideal) > 0.02 * ideal:
            error = f"{sent:,} requests instead of {ideal:,}"
        errors[name] = error
        print(f"  {name}: {sent:,} requests (ideal {ideal:,}), {result.wall_s:.1f} s: {error or 'right'}", flush=True)
    shutil.rmtree(backup)
    errors["kill -9"] = kill_and_resume(tool, server, base)
    return errors


def kill_and_resume(tool: Tool, server: Server, task: Task) -> str:
    """Kill the tool's processes at half of the rows and run it again; the errors as text, "" for none."""
    shutil.rmtree(tool.state)
    server.reset()
    process, started = tool.start(task), time.perf_counter()
    while (
        sum(server.counts().values()) < len(task.rows) // 2
        and process.poll() is None
        and time.perf_counter() - started < TIMEOUT_S
    ):
        time.sleep(0.01)
    finished = process.poll() is not None
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    result = tool.run(task)
    repeated = sum(count - 1 for count in server.counts().values())
    error = tool.describe_errors(task) or ("" if result.ok else f"failed: {result.last_line}")
    if not error and repeated > IN_FLIGHT:
        error = f"{repeated:,} requests repeated"
    note = " (it finished before the kill)" if finished else ""
    print(f"  kill -9: {repeated:,} requests repeated{note}: {error or 'right'}", flush=True)
    return error


def measure_client(tool: Tool, instant: Server, slow: Server, rows: int) -> dict[str, float]:
    """A first full build: CPU, memory, disk, and the throughput that a server of 50 ms allows."""
    task, figures = Task(prompt_rows(rows)), {}
    for name, server in (("instant", instant), ("slow", slow)):
        shutil.rmtree(tool.state, ignore_errors=True)
        server.reset()
        result = tool.run(task, server.url)
        if not result.ok:
            print(f"  {name} server: failed: {result.last_line}", flush=True)
            continue
        pace = rows / max(server.span_s(), 1e-9)
        if name == "instant":
            disk = sum(path.stat().st_size for path in tool.state.rglob("*") if path.is_file())
            figures = {
                "cpu_s_per_1000_rows": round(result.cpu_s / rows * 1000, 4),
                "rows_per_s": round(pace, 1),
                "wall_s": round(result.wall_s, 2),
                "peak_mb": round(result.peak_mb),
                "bytes_per_row": round(disk / rows),
                "wrong_rows": sum(tool.count_wrong_rows(task).values()),
            }
        else:
            figures["throughput_share_50ms"] = round(pace / (IN_FLIGHT / 0.05), 3)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description="rebuilding after a change, beside other tools")
    parser.add_argument("--rows", type=int, default=5000, help="rows of the scenarios")
    parser.add_argument("--client-rows", type=int, default=20_000, help="rows of the client benchmark")
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=PYTHON", help="a peer's interpreter")
    parser.add_argument("--only", nargs="+", help="tools to run")
    parser.add_argument("--no-vllm", action="store_true", help="leave out the comparison with offline vLLM")
    options = parser.parse_args()
    pythons = {name: str(ROOT / "bench/.envs" / name / "bin/python") for name in PEERS}
    pythons |= dict(pair.split("=", 1) for pair in options.peer)
    pythons = {"cultivar": sys.executable} | pythons
    tools = [name for name in pythons if not options.only or name in options.only]
    for name in [name for name in tools if not Path(pythons[name]).exists()]:
        print(f"{name}: not installed ({pythons[name]}); bench/README.md shows how to install it")
        tools.remove(name)
    hard_limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard_limit, hard_limit))  # some peers open a connection per request
    figures: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder, Server() as instant, Server(0.05) as slow:
        for name in tools:
            print(name, flush=True)
            tool = Tool(name, pythons[name], instant.url, Path(folder) / name)
            errors = run_scenarios(tool, instant, options.rows)
            right = sum(not error for error in errors.values())
            figures[name] = {"scenarios_right": right, **measure_client(tool, instant, slow, options.client_rows)}
            print(f"  {right} of {len(errors)} right; {figures[name]}", flush=True)
    own = figures.pop("cultivar", {})
    for name, peer in figures.items():
        if "cpu_s_per_1000_rows" in own.keys() & peer.keys():
            ratio = peer["cpu_s_per_1000_rows"] / own["cpu_s_per_1000_rows"]
            print(f"{name}: {peer['scenarios_right']} of 8 right, {ratio:.1f} times the CPU of cultivar")
    result = {"scenarios": len(CHANGES) + 1, **own, "peers": figures}
    if not options.no_vllm:
        result |= {"vllm_share": None} | measure_vllm_share()
    print(json.dumps(result))


if __name__ == "__main__":
    main()
