"""Admission at 100,000 and 500,000 candidates, the models apart: rank with its pairs, rejection, and the rules before them.

    python -m bench.admit [--sizes 100000 500000] [--rounds 1]
    python -m bench.admit --small    # a first look, in seconds: rank and rejection alone

The judge is a script that answers at once, behind a real engine and store, whose CPU seconds are left out; what is counted
is the stage. Every size runs in a process of its own, in turns, and the least of the rounds stands; peak memory is that of
the process, with the table of candidates that it reads. Growth is the exponent of CPU seconds over candidates between the
two sizes: 1 is linear. Ends with one line of JSON:

    rank_500k_cpu_s        rank's own part, with its pairs, at the greater size
    peak_mb                the greater peak of rank and of rejection there
    growth_rank            exponent of rank
    rejection_500k_cpu_s   rejection's own part, of as many paths
    growth_rejection       exponent of rejection
    select_1m_s            select's passes over a million instructions (bench/admit_annotation.py)
    ontology_80k_tags_s    ontology of 80,000 tags (bench/admit_annotation.py)
    autoif_choice_s        AutoIF's choice of queries, 3,636 rules x 500,000 instructions (bench/admit_synthesis.py)
"""

import argparse
import importlib
import json
import math
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # `python bench/admit.py` puts bench/ on the path, not the folder that holds it

from cultivar.llm.answer import Generation  # noqa: E402
from cultivar.llm.backend import Outcome  # noqa: E402
from cultivar.llm.engine import Engine  # noqa: E402
from cultivar.llm.request import Request  # noqa: E402
from cultivar.store.store import Store  # noqa: E402
from schemas.ids import content_id  # noqa: E402
from schemas.params.engines import RoleParams  # noqa: E402
from schemas.rows import Candidate  # noqa: E402
from schemas.stage import Files  # noqa: E402
from schemas.table import Table  # noqa: E402
from stages.annotation.params import RankParams  # noqa: E402
from stages.annotation.rank import rank  # noqa: E402

OF_PROMPT = 5
WORDS = 90
"""Of a candidate: 540 characters."""
PARTS = 20_000
OTHERS = {
    "select_1m_s": ("bench.admit_annotation", "select_1m"),
    "ontology_80k_tags_s": ("bench.admit_annotation", "ontology_80k_tags"),
    "autoif_choice_s": ("bench.admit_synthesis", "autoif_choice"),
}
"""Measure -> the function that returns its CPU seconds."""


class InstantJudge:
    """Rates every response from 1 to 5 by the request's key, so that the orders of a prompt agree on some pairs."""

    simulated = True

    def __init__(self) -> None:
        self.extra: dict[str, Any] = {}

    def complete(self, requests: Sequence[Request]) -> list[Outcome]:
        return [self.rate(request) for request in requests]

    def rate(self, request: Request) -> Generation:
        rating = '{{"following":{0},"truth":{1},"honesty":{0},"help":{1}}}'
        marks = request.key[: request.messages[-1]["content"].count("<response>")]
        ratings = ",".join(rating.format(1 + mark % 5, 3 + mark // 5 % 3) for mark in marks)
        return Generation(f'{{"ratings":[{ratings}]}}', "stop", 1, 1)


class TimedEngine(Engine):
    """Counts the CPU seconds of asking."""

    cpu_s: float = 0.0

    def __enter__(self) -> "TimedEngine":
        super().__enter__()
        return self

    def ask(self, *arguments: Any, **options: Any) -> Any:
        start = time.process_time()
        try:
            return super().ask(*arguments, **options)
        finally:
            self.cpu_s += time.process_time() - start


def write_candidates(path: Path, count: int) -> None:
    """A table of candidates, five of a prompt."""
    rng = random.Random(5)
    words = ["".join(rng.choices("etaoinshrdlu", k=5)) for _ in range(3000)]
    shared = {"domain": "general", "role": "small", "response_strategy": "plain", "temperature": 0.7, "license": "MIT"}
    shared |= {"tags": ["science", "explanation"], "engine": "http/m@main", "simulated": False}
    frames = []
    for start in range(0, count, PARTS):
        rows = []
        for number in range(start, min(start + PARTS, count)):
            prompt = content_id("prompt", number // OF_PROMPT)
            start_word = number // OF_PROMPT % 2900
            question = f"Question {number // OF_PROMPT}: {' '.join(words[start_word : start_word + 20])}?"
            row: dict[str, Any] = {"id": content_id("candidate", number), "parents": [prompt], "prompt_id": prompt}
            row |= {"prompt": [{"role": "user", "content": question}], "generation": content_id("g", number)}
            answer = [{"role": "assistant", "content": " ".join(rng.choices(words, k=WORDS))}]
            rows.append(row | {"completion": answer, "source": "bench"} | shared)
        frames.append(Table.of(Candidate, rows).frame)
    Table(Candidate, pl.concat(frames)).write(path)


def rank_part(path: Path) -> dict[str, float]:
    """CPU seconds of ranking the candidates of a file, and of the judge, which are not among them; rows of P."""
    candidates = Table.read(Candidate, path)
    with (
        tempfile.TemporaryDirectory() as folder,
        TimedEngine("judge", RoleParams(model="instant"), InstantJudge(), Store(Path(folder))) as judge,
    ):
        start = time.process_time()
        tables = rank(candidates, RankParams(), judge, Files("rank", (Path("human/annotations"),)))
        spent = time.process_time() - start
    assert len(tables.rankings) * OF_PROMPT == len(candidates) and len(tables.annotation_preferences)
    return {"cpu_s": spent - judge.cpu_s, "judge_cpu_s": judge.cpu_s, "pairs": len(tables.annotation_preferences)}


def rejection_part(paths: int) -> dict[str, float]:
    """CPU seconds of rejection on so many paths; rows of P."""
    from bench.admit_synthesis import rejection_part as measure

    cpu_s, tables = measure(paths)
    return {"cpu_s": cpu_s, "pairs": len(tables.rejection_preferences)}


def in_child(part: str, count: int, folder: Path) -> dict[str, float]:
    """What a part measures in a process of its own, with its peak memory. Raises CalledProcessError."""
    command = [sys.executable, __file__, "--part", part, "--sizes", str(count), "--folder", str(folder)]
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, cwd=ROOT, check=True, env=os.environ | {"PYTHONPATH": path}
    )
    return json.loads(done.stdout.splitlines()[-1])


def run_part(part: str, count: int, folder: Path) -> dict[str, float]:
    """One part in this process."""
    table = folder / f"candidates-{count}.parquet"
    if part == "candidates":
        write_candidates(table, count)
        return {}
    found = rank_part(table) if part == "rank" else rejection_part(count)
    return found | {"peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def measure_sizes(sizes: list[int], rounds: int) -> dict[tuple[str, int], dict[str, float]]:
    """The best round of every part and size, the sizes in turns."""
    best: dict[tuple[str, int], dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as name:
        for count in sizes:
            in_child("candidates", count, Path(name))
        for _ in range(rounds):
            for part in ("rank", "rejection"):
                for count in sizes:
                    found = in_child(part, count, Path(name))
                    print(
                        f"{part:10} {count:8,}: {found['cpu_s']:6.1f} CPU s, {found['peak_mb']:6,.0f} MB, "
                        f"{found['pairs']:,} pairs",
                        flush=True,
                    )
                    if (part, count) not in best or found["cpu_s"] < best[part, count]["cpu_s"]:
                        best[part, count] = found
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100_000, 500_000], help="candidates, ascending")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--small", action="store_true", help="1,000 and 5,000 candidates, and no other measure")
    parser.add_argument("--part", choices=["candidates", "rank", "rejection"], help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        print(json.dumps(run_part(options.part, options.sizes[0], options.folder)))
        return
    sizes = [1_000, 5_000] if options.small else options.sizes
    best = measure_sizes(sizes, options.rounds)
    least, most = sizes[0], sizes[-1]

    def growth(part: str) -> float | None:
        if least == most:
            return None
        return round(math.log(best[part, most]["cpu_s"] / best[part, least]["cpu_s"], most / least), 3)

    scale = 500_000 / most
    result: dict[str, float | None] = {
        "rank_500k_cpu_s": round(best["rank", most]["cpu_s"] * scale, 1),
        "peak_mb": round(max(best[part, most]["peak_mb"] for part in ("rank", "rejection"))),
        "growth_rank": growth("rank"),
        "rejection_500k_cpu_s": round(best["rejection", most]["cpu_s"] * scale, 1),
        "growth_rejection": growth("rejection"),
    }
    for part in ("rank", "rejection"):
        print(
            f"{part}: {1e6 * best[part, most]['cpu_s'] / most:.0f} CPU microseconds a candidate at {most:,}, "
            f"{1e6 * best[part, least]['cpu_s'] / least:.0f} at {least:,}; exponent {growth(part)}"
        )
    for measure, (module, function) in OTHERS.items():
        result[measure] = None if options.small else round(getattr(importlib.import_module(module), function)(), 2)
        if not options.small:
            print(f"{measure}: {result[measure]} CPU s", flush=True)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
