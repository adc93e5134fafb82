"""Rebuilding after a change, beside other tools: eight changes, and what the client costs.

    python -m bench.rebuild [--rows 5000] [--peer NAME=PYTHON …] [--only NAME …] [--no-vllm]

Every tool answers the same prompts against the same counting server on loopback, in processes of its own, by its
adapter in bench/peers/ at its documented settings (bench/README.md has the recipe for each environment; a peer whose
environment is not there is left out and named). The state of a first full build is copied before each change.

A scenario is right when, after the change and a rebuild, every row stands once in the output with the answer that belongs
to its present prompt, system prompt and model (the server's answer names them), nothing else stands there, and the
requests are within 2% of the fewest possible; after the kill -9 at half of the rows, those asked twice are at most
those in flight. This rule stood before any tool was run.

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

from bench.server import Server, answer_to

ROOT = Path(__file__).parents[1]
PEERS = ("datatrove", "distilabel", "curator", "data_designer", "sdg_hub")
WORDS = "a short question about rivers, boats and the weather of the day"
IN_FLIGHT = 100
HUNG_S = float(os.environ.get("BENCH_HUNG_S", "900"))
Row = dict[str, Any]


@dataclass(frozen=True)
class Task:
    """What a tool is to answer."""

    rows: list[Row]
    model: str = "m"
    system: str = "You answer in one sentence."

    def answers(self) -> dict[Any, str]:
        return {row["id"]: answer_to(self.model, self.system, row["prompt"]) for row in self.rows}

    def keys(self) -> set[str]:
        return {"\t".join((self.model, self.system, row["prompt"])) for row in self.rows}


@dataclass
class Ran:
    """One run of a tool."""

    ok: bool
    wall_s: float
    cpu_s: float
    peak_mb: float
    words: str


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
            self.python, str(ROOT / "bench/peers" / f"run_{self.name}.py"), "--input", str(source), "--output", str(self.output),
            "--url", url or self.url, "--model", task.model, "--system", task.system, "--state", str(self.state),
            "--concurrency", str(IN_FLIGHT),
        ]  # fmt: skip
        quiet = {"HF_HUB_OFFLINE": "1", "DO_NOT_TRACK": "1", "TOKENIZERS_PARALLELISM": "false", "OMP_NUM_THREADS": "1"}
        environment = (
            os.environ | quiet | {"PYTHONPATH": str(ROOT) if self.name == "cultivar" else "", "HOME": str(self.folder)}
        )
        log = (self.folder / "log").open("wb")
        return subprocess.Popen(
            command, cwd=self.folder, env=environment, stdout=log, stderr=log, start_new_session=True
        )

    def wait(self, process: subprocess.Popen[bytes], started: float) -> Ran:
        """Until it ends, or is taken for hung and killed; CPU and memory are those of it and what it waited for."""
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            if time.perf_counter() - started > HUNG_S:
                os.killpg(process.pid, signal.SIGKILL)
            time.sleep(0.01)
        process.returncode = os.waitstatus_to_exitcode(status)
        words = (self.folder / "log").read_text(errors="replace").strip().splitlines()
        return Ran(
            process.returncode == 0, time.perf_counter() - started, usage.ru_utime + usage.ru_stime,
            usage.ru_maxrss / 1024, words[-1][:160] if words else "",
        )  # fmt: skip

    def run(self, task: Task, url: str | None = None) -> Ran:
        started = time.perf_counter()
        return self.wait(self.start(task, url), started)

    def wrong(self, task: Task) -> dict[str, int]:
        """How many rows of the output are wrong, by how; all are missing where there is none."""
        if not self.output.exists():
            return {"missing": len(task.rows)}
        made = [json.loads(line) for line in self.output.read_text().splitlines()]
        times, expected = Counter(row["id"] for row in made), task.answers()
        said = {row["id"]: row["answer"] for row in made}
        return {
            "missing": sum(name not in times for name in expected),
            "duplicate": sum(count - 1 for name, count in times.items() if name in expected),
            "ghost": sum(name not in expected for name in times),
            "stale": sum((said[name] or "").strip() != expected[name] for name in expected.keys() & said.keys()),
        }

    def fault(self, task: Task) -> str:
        """What is wrong with the output, "" for nothing."""
        if not self.output.exists():
            return "no output"
        return ", ".join(f"{count:,} {kind}" for kind, count in self.wrong(task).items() if count)


def prompts(count: int, start: int = 0) -> list[Row]:
    return [{"id": str(number), "prompt": f"{number}: {WORDS}?"} for number in range(start, start + count)]


def edited(rows: list[Row]) -> list[Row]:
    chosen = set(random.Random(1).sample(range(len(rows)), len(rows) // 100))
    return [row | {"prompt": row["prompt"] + " Say why."} if at in chosen else row for at, row in enumerate(rows)]


def deleted(rows: list[Row]) -> list[Row]:
    gone = set(random.Random(2).sample(range(len(rows)), len(rows) // 100))
    return [row for at, row in enumerate(rows) if at not in gone]


CHANGES: dict[str, Callable[[Task], Task]] = {
    "nothing": lambda task: task,
    "1% edited": lambda task: Task(edited(task.rows)),
    "1% appended": lambda task: Task([*task.rows, *prompts(len(task.rows) // 100, len(task.rows))]),
    "1% deleted": lambda task: Task(deleted(task.rows)),
    "shuffled": lambda task: Task(random.Random(3).sample(task.rows, len(task.rows))),
    "system prompt": lambda task: Task(task.rows, system="You answer in one careful sentence."),
    "model": lambda task: Task(task.rows, model="m2"),
}


def scenarios(tool: Tool, server: Server, rows: int) -> dict[str, str]:
    """Scenario -> what is wrong, "" where it is right."""
    base = Task(prompts(rows))
    kept = tool.folder.with_name(tool.folder.name + "-base")
    first = tool.run(base)
    if not first.ok or tool.fault(base):
        print(f"  no first build: {tool.fault(base) or first.words}", flush=True)
        return dict.fromkeys([*CHANGES, "kill -9"], f"no first build: {tool.fault(base) or first.words}")
    shutil.copytree(tool.state, kept)
    found: dict[str, str] = {}
    for name, change in CHANGES.items():
        shutil.rmtree(tool.state)
        shutil.copytree(kept, tool.state)
        task = change(base)
        server.reset()
        ran = tool.run(task)
        ideal, asked = len(task.keys() - base.keys()), sum(server.counts().values())
        wrong = tool.fault(task) or ("" if ran.ok else f"failed: {ran.words}")
        if not wrong and abs(asked - ideal) > 0.02 * ideal:
            wrong = f"{asked:,} requests instead of {ideal:,}"
        found[name] = wrong
        print(f"  {name}: {asked:,} requests (ideal {ideal:,}), {ran.wall_s:.1f} s: {wrong or 'right'}", flush=True)
    shutil.rmtree(kept)
    found["kill -9"] = killed(tool, server, base)
    return found


def killed(tool: Tool, server: Server, task: Task) -> str:
    """Kill everything at half of the rows, start again; what is wrong."""
    shutil.rmtree(tool.state)
    server.reset()
    process, started = tool.start(task), time.perf_counter()
    while (
        sum(server.counts().values()) < len(task.rows) // 2
        and process.poll() is None
        and time.perf_counter() - started < HUNG_S
    ):
        time.sleep(0.01)
    ended = process.poll() is not None
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    ran = tool.run(task)
    repeated = sum(count - 1 for count in server.counts().values())
    wrong = tool.fault(task) or ("" if ran.ok else f"failed: {ran.words}")
    if not wrong and repeated > IN_FLIGHT:
        wrong = f"{repeated:,} requests repeated"
    note = " (it had ended before the kill)" if ended else ""
    print(f"  kill -9: {repeated:,} requests repeated{note}: {wrong or 'right'}", flush=True)
    return wrong


def client(tool: Tool, instant: Server, slow: Server, rows: int) -> dict[str, float]:
    """A first full build: CPU, memory, disk, and the throughput that a server of 50 ms allows."""
    task, found = Task(prompts(rows)), {}
    for name, server in (("instant", instant), ("slow", slow)):
        shutil.rmtree(tool.state, ignore_errors=True)
        server.reset()
        ran = tool.run(task, server.url)
        if not ran.ok:
            print(f"  {name} server: failed: {ran.words}", flush=True)
            continue
        pace = rows / max(server.span_s(), 1e-9)
        if name == "instant":
            disk = sum(path.stat().st_size for path in tool.state.rglob("*") if path.is_file())
            found = {
                "cpu_s_per_1000_rows": round(ran.cpu_s / rows * 1000, 4), "rows_per_s": round(pace, 1),
                "wall_s": round(ran.wall_s, 2), "peak_mb": round(ran.peak_mb), "bytes_per_row": round(disk / rows),
                "wrong_rows": sum(tool.wrong(task).values()),
            }  # fmt: skip
        else:
            found["throughput_share_50ms"] = round(pace / (IN_FLIGHT / 0.05), 3)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="rebuilding after a change, beside other tools")
    parser.add_argument("--rows", type=int, default=5000, help="of the scenarios")
    parser.add_argument("--client-rows", type=int, default=20_000, help="of the client benchmark")
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=PYTHON", help="a peer's interpreter")
    parser.add_argument("--only", nargs="+", help="tools to run")
    parser.add_argument("--no-vllm", action="store_true", help="leave out the comparison with offline vLLM")
    chosen = parser.parse_args()
    pythons = {name: str(ROOT / "bench/.envs" / name / "bin/python") for name in PEERS}
    pythons |= dict(pair.split("=", 1) for pair in chosen.peer)
    pythons = {"cultivar": sys.executable} | pythons
    tools = [name for name in pythons if not chosen.only or name in chosen.only]
    for name in [name for name in tools if not Path(pythons[name]).exists()]:
        print(f"{name}: not installed ({pythons[name]}); bench/README.md says how")
        tools.remove(name)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # some peers open a connection per request
    figures: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder, Server() as instant, Server(0.05) as slow:
        for name in tools:
            print(name, flush=True)
            tool = Tool(name, pythons[name], instant.url, Path(folder) / name)
            found = scenarios(tool, instant, chosen.rows)
            right = sum(not wrong for wrong in found.values())
            figures[name] = {"scenarios_right": right, **client(tool, instant, slow, chosen.client_rows)}
            print(f"  {right} of {len(found)} right; {figures[name]}", flush=True)
    ours = figures.pop("cultivar", {})
    for name, theirs in figures.items():
        if "cpu_s_per_1000_rows" in ours.keys() & theirs.keys():
            ratio = theirs["cpu_s_per_1000_rows"] / ours["cpu_s_per_1000_rows"]
            print(f"{name}: {theirs['scenarios_right']} of 8 right, {ratio:.1f} times the CPU of cultivar")
    result = {"scenarios": len(CHANGES) + 1, **ours, "peers": figures}
    if not chosen.no_vllm:
        from bench.offline import vllm_share

        result |= {"vllm_share": None} | vllm_share()
    print(json.dumps(result))


if __name__ == "__main__":
    main()
