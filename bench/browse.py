"""How fast and how large `cultivar browse` is on a table of many rows: `python bench/browse.py [--rows 200000]`.

A table of D's columns with texts of about one kilobyte, in a project of its own; the page runs in a process of its own.
`first_page_ms` is the first request of all; the command says its address when its table is read (`start_ms`). `other_table_ms` is that
of a table that nobody asked for (all its narrow columns are read), the rest are of the open table. The last line is JSON.
"""

import argparse
import http.client
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import psutil

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
from handmade import Handmade, row_id  # noqa: E402

WORDS = "the of to and in is it you that he was for on are as with his they at be this have from or one had by".split()
REPEATS = 20


def make_table(rows: int) -> pl.DataFrame:
    """Rows like D's; every text differs, as those of a real table do."""
    random = np.random.default_rng(13)
    paragraphs = [" ".join(random.choice(WORDS, 110)) for _ in range(4_000)]
    number = pl.int_range(pl.len())

    def pick(values: list[str], step: int) -> pl.Expr:
        return (number * step % len(values)).replace_strict(list(range(len(values))), values)

    texts = pl.DataFrame({"id": [row_id(n) for n in range(rows)]}).with_columns(
        prompt=pl.format("{} item {}", pick(paragraphs, 7).str.head(300), number),
        completion=pl.format("{} item {} {}", pick(paragraphs, 1), number, pick(paragraphs, 11).str.head(300)),
    )

    def turn(role: str, column: str) -> pl.Expr:
        return pl.concat_list(pl.struct(role=pl.lit(role), content=pl.col(column)))

    return texts.select(
        "id",
        parents=pl.concat_list(pl.col("id").reverse()),
        prompt=turn("user", "prompt"),
        domain=pick(["math", "code", "general"], 1),
        strategy=pick(["rejection", "execution"], 1),
        label_source=pl.lit("verifier"),
        quality=(number % 101) / 100,
        samples=number % 9,
        tags=pl.concat_list(pick(WORDS, 1), pick(WORDS, 5)),
        license=pick(["MIT", "CC0-1.0"], 1),
        engine=pl.lit("source"),
        simulated=pl.lit(True),
        source=pl.format("data/seeds/{}.jsonl:{}", number % 5, number),
        completion=turn("assistant", "completion"),
        split=pl.lit("train"),
    ).sort("id")


def ask(port: int, path: str) -> float:
    """Milliseconds until the whole page is there."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    start = time.perf_counter()
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 200, (path, answer.status)
    return (time.perf_counter() - start) * 1000


def cpu_ms(pid: int) -> float:
    """CPU time of the server, in milliseconds: what a busy machine does not stretch."""
    times = psutil.Process(pid).cpu_times()
    return (times.user + times.system) * 1000


def percentiles(times: list[float]) -> tuple[float, float]:
    return statistics.median(times), float(np.percentile(times, 95))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=200_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as folder:
        project = Handmade(Path(folder) / "project")
        project.put({"assemble": {"data/demonstrations.parquet": make_table(rows)}})
        project.commit("data")
        size = (project.folder / "data/demonstrations.parquet").stat().st_size
        command = [sys.executable, "-m", "cultivar", "browse", "--no-open", "--port", "0", "--at", "HEAD"]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(command, cwd=project.folder, env=environment, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        began = time.perf_counter()
        port = int(process.stdout.readline().partition("127.0.0.1:")[2].partition("/")[0])
        start_ms = round((time.perf_counter() - began) * 1000)
        table = "/table/demonstrations"
        start_mb = psutil.Process(process.pid).memory_info().rss / 1e6
        before = cpu_ms(process.pid)
        result: dict[str, Any] = {
            "rows": rows,
            "file_mb": round(size / 1e6),
            "start_ms": start_ms,
            "first_page_ms": round(ask(port, table)),
        }
        pages = {
            "page": [f"{table}?after={row_id(n)}" for n in range(REPEATS)],
            "filtered": [f"{table}?domain=math&quality.from={n / 100}" for n in range(REPEATS)],
            "sorted": [f"{table}?sort=-quality&quality.to={n / 100 + 0.5}" for n in range(REPEATS)],
            "search": [f"{table}?q=item+{n}77" for n in range(1, 6)],
            "search_again": [f"{table}?q=item+177&samples={n % 9}" for n in range(REPEATS)],
            "row": [f"/row/{row_id(n)}" for n in range(REPEATS)],
        }
        result["first_page_cpu_ms"] = round(cpu_ms(process.pid) - before)
        before = cpu_ms(process.pid)
        result["other_table_ms"] = round(ask(port, f"{table}?at=workspace"))
        result["other_table_cpu_ms"] = round(cpu_ms(process.pid) - before)
        for name, paths in pages.items():
            before = cpu_ms(process.pid)
            p50, p95 = percentiles([ask(port, path) for path in paths])
            cpu = (cpu_ms(process.pid) - before) / len(paths)
            print(f"{name:14} p50 {p50:7.0f} ms   p95 {p95:7.0f} ms   CPU {cpu:7.0f} ms", flush=True)
            result |= {f"{name}_p50_ms": round(p50), f"{name}_p95_ms": round(p95), f"{name}_cpu_ms": round(cpu)}
        peak = next(
            int(line.split()[1])
            for line in Path(f"/proc/{process.pid}/status").read_text().splitlines()
            if "VmHWM" in line
        )
        result |= {"start_mb": round(start_mb), "peak_mb": round(peak * 1024 / 1e6)}
        process.send_signal(signal.SIGINT)
        process.wait()
    print(json.dumps(result))


if __name__ == "__main__":
    main()
