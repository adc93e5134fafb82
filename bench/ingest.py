"""ingest beside `datasets` and Polars: chats of 1 KB in many languages, from JSON Lines and from Parquet.

    python -m bench.ingest [--rows 500000] [--rounds 3] [--workers cultivar polars datasets]

Each file holds the same conversations of two to eight turns in `messages`, one in five with a system prompt. Every worker
reads it in a process of its own, in turns:

    cultivar    the stage's function as the runner calls it, and every table that it returns, checked and written
    polars      reads the file, makes the same columns of both tables (instructions, and the demonstrations that their
                references are), sorts by the row's hash and writes the same Parquet. It does not do what it has no function
                for: ids are numbers, no row is compared with another, nothing is checked
    datasets    `load_dataset` and `map` to the columns of instructions, which ends with its Arrow file; ids are numbers

Without evaluation files there is nothing to compare prompts with; what that costs is shown for one JSON Lines file
(`--evaluation 1000` prompts; 0 for none). CPU seconds are of all threads, from the imports on; the peak is the process's.
Ends with one line of JSON, the worse of the two files each:

    rows_per_s      of cultivar, by the clock
    cpu_vs_polars   cultivar's CPU over that of polars, median of the rounds
    peak_mb         peak memory of cultivar
"""

import argparse
import json
import multiprocessing
import random
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import polars as pl

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # `python bench/ingest.py` puts bench/ on the path, not the folder that holds it

from schemas.rows import Demonstration, Instruction  # noqa: E402
from schemas.stage import Files  # noqa: E402
from schemas.table import ROW_GROUP, Table, polars_schema  # noqa: E402
from stages.curation.ingest import ingest  # noqa: E402
from stages.curation.params import EvaluationFile, IngestParams, SourceFile  # noqa: E402
from tests.text.translations import ARTICLE_1  # noqa: E402

BYTES = 1000
"""Of the texts of a conversation, about."""
KINDS = ("jsonl", "parquet")
Measures = dict[str, float]


def words_of(text: str) -> tuple[list[str], str]:
    """Words of a text and what stands between them; of a script without spaces pieces of four characters."""
    words = text.split()
    return (words, " ") if len(words) > 12 else ([text[at : at + 4] for at in range(len(text) - 4)], "")


def chats(rows: int) -> Iterator[list[dict[str, str]]]:
    """Conversations, half of them in English, no two the same."""
    rng = random.Random(11)
    languages = [words_of(text) for text in ARTICLE_1.values()]
    for number in range(rows):
        words, space = languages[number % len(languages) if number % 2 else 0]
        exchanges = rng.choice((1, 2, 2, 3, 4))
        bytes_each = sum(len((word + space).encode()) for word in words) / len(words)
        size = max(2, int(BYTES / bytes_each / exchanges / 4))
        turns = [{"role": "system", "content": f"Answer briefly ({number % 7})."}] if number % 5 == 0 else []
        for exchange in range(exchanges):
            question, answer, more = (space.join(rng.choices(words, k=size * times)) for times in (1, 2, 1))
            turns.append({"role": "user", "content": f"{question} ({number}.{exchange})"})
            turns.append({"role": "assistant", "content": f"{answer}\n\n{more}"})
        yield turns


def write_chats(folder: Path, rows: int) -> dict[str, Path]:
    """The same chats in a file of each kind."""
    paths = {kind: folder / f"chats.{kind}" for kind in KINDS}
    with paths["jsonl"].open("wb") as file:
        for turns in chats(rows):
            file.write(orjson.dumps({"messages": turns}) + b"\n")
    pl.scan_ndjson(paths["jsonl"]).sink_parquet(paths["parquet"])
    return paths


def write_evaluation(folder: Path, rows: int) -> Path:
    path = folder / "evaluation.jsonl"
    path.write_text("".join(json.dumps({"prompt": f"Which number is {number}?"}) + "\n" for number in range(rows)))
    return path


def with_cultivar(path: Path, folder: Path, evaluation: Path | None = None) -> int:
    source = SourceFile(name="chats", path=str(path), format="messages", domain="general", license="CC0-1.0")
    held_out = []
    if evaluation:
        held_out.append(EvaluationFile(name="held out", path=str(evaluation), domain="general", license="CC0-1.0"))
    files = Files("ingest", tuple(filter(None, [path, evaluation])))
    tables = ingest(files, IngestParams(sources=[source], evaluation=held_out))._asdict()
    for name, table in tables.items():
        if isinstance(table, Table):
            table.write(folder / f"{name}.parquet")
    return len(tables["instructions"])


def with_polars(path: Path, folder: Path) -> int:
    frame = pl.read_ndjson(path) if path.suffix == ".jsonl" else pl.read_parquet(path)
    schema = polars_schema(Instruction)
    turns = pl.col("messages").list.eval(pl.element().struct.with_fields(pl.field("content").str.strip_chars()))
    rows = (
        frame.with_row_index("line", 1)
        .with_columns(turns)
        .select(
            id=pl.col("line").hash().cast(pl.String).str.pad_start(32, "0"),
            parents=pl.lit([], schema["parents"]),
            source=pl.format("{}:{}", pl.lit(str(path)), "line"),
            license=pl.lit("CC0-1.0"),
            split=pl.lit("train"),
            domain=pl.lit("general"),
            prompt=pl.col("messages").list.head(pl.col("messages").list.len() - 1).cast(schema["prompt"]),
            reference=pl.col("messages").list.tail(1).cast(schema["reference"]),
            tools=pl.lit(None, pl.String),
        )
        .sort("id")
    )
    write(rows, folder / "instructions.parquet")
    write(demonstrations(rows), folder / "given_demonstrations.parquet")
    return len(rows)


def demonstrations(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows of D that the references are."""
    given = {
        "id": pl.col("id").hash().cast(pl.String).str.pad_start(32, "0"),
        "parents": pl.concat_list("id"),
        "completion": pl.col("reference"),
        "strategy": pl.lit("human"),
        "label_source": pl.lit("given"),
        "quality": pl.lit(1.0),
        "engine": pl.lit("source"),
        "simulated": pl.lit(False),
    }
    schema = polars_schema(Demonstration)
    empty = {name: pl.lit([] if isinstance(dtype, pl.List) else None, dtype) for name, dtype in schema.items()}
    own = {name: pl.col(name) for name in schema if name in rows.columns}
    return rows.select(**{name: (empty | own | given)[name] for name in schema}).sort("id")


def write(rows: pl.DataFrame, path: Path) -> None:
    rows.write_parquet(path, compression="zstd", compression_level=3, row_group_size=ROW_GROUP)


def with_datasets(path: Path, folder: Path) -> int:
    from datasets import disable_progress_bars, load_dataset

    disable_progress_bars()
    kind = "json" if path.suffix == ".jsonl" else "parquet"
    rows = load_dataset(kind, data_files=str(path), split="train", cache_dir=str(folder))

    def columns(batch: dict[str, list[Any]], numbers: list[int]) -> dict[str, list[Any]]:
        lean = {"reasoning": None, "tool_calls": None, "tool_call_id": None, "name": None}
        turns = [[{**turn, "content": turn["content"].strip(), **lean} for turn in row] for row in batch["messages"]]
        return {
            "id": [f"{hash(number):032}" for number in numbers],
            "parents": [[] for _ in turns],
            "source": [f"{path}:{number + 1}" for number in numbers],
            "license": ["CC0-1.0"] * len(turns),
            "split": ["train"] * len(turns),
            "domain": ["general"] * len(turns),
            "prompt": [row[:-1] for row in turns],
            "reference": [row[-1:] for row in turns],
            "tools": [None] * len(turns),
        }

    return len(rows.map(columns, batched=True, with_indices=True, remove_columns=["messages"]))


WORKERS: dict[str, Callable[..., int]] = {
    "cultivar": with_cultivar,
    "polars": with_polars,
    "datasets": with_datasets,
}


def measure(worker: str, rows: int, *paths: Path) -> Measures:
    """Run in a process of its own. Raises AssertionError where rows are missing."""
    with tempfile.TemporaryDirectory(dir=paths[0].parent) as folder:
        cpu, clock = time.process_time(), time.perf_counter()
        found = WORKERS[worker](paths[0], Path(folder), *paths[1:])
        cpu, clock = time.process_time() - cpu, time.perf_counter() - clock
    if found != rows:
        raise AssertionError(f"{worker}: {found} rows of {rows}")
    return {"cpu_s": cpu, "s": clock, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def medians(measured: list[Measures]) -> Measures:
    return {name: statistics.median(one[name] for one in measured) for name in measured[0]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--rounds", type=int, default=3, help="of cultivar and polars; datasets is run once")
    parser.add_argument("--evaluation", type=int, default=1000)
    parser.add_argument("--workers", nargs="+", default=list(WORKERS), choices=WORKERS)
    options = parser.parse_args()
    context = multiprocessing.get_context("spawn")

    def run(worker: str, *paths: Path) -> Measures:
        with context.Pool(1) as pool:  # a process each, so that peak memory is its own
            return pool.apply(measure, (worker, options.rows, *paths))

    def show(name: str, kind: str, found: Measures) -> None:
        print(
            f"{kind:8} {name:22} {found['cpu_s']:7.2f} CPU s {options.rows / found['s']:11,.0f} rows/s "
            f"{found['peak_mb']:7,.0f} MB",
            flush=True,
        )

    result: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        paths = write_chats(Path(folder), options.rows)
        for kind, path in paths.items():
            print(f"{kind:8} {path.stat().st_size / 1e6:,.0f} MB, {options.rows:,} rows")
            found: dict[str, list[Measures]] = {worker: [] for worker in options.workers}
            for turn in range(options.rounds):
                for worker in options.workers:
                    if worker != "datasets" or not turn:
                        found[worker].append(run(worker, path))
            for worker, measured in found.items():
                show(worker, kind, medians(measured))
            if kind == "jsonl" and options.evaluation and "cultivar" in found:
                name = f"with {options.evaluation:,} held out"
                show(name, kind, run("cultivar", path, write_evaluation(Path(folder), options.evaluation)))
            if "cultivar" in found:
                own = medians(found["cultivar"])
                result[f"{kind}_rows_per_s"] = round(options.rows / own["s"])
                result[f"{kind}_peak_mb"] = round(own["peak_mb"])
            if "cultivar" in found and "polars" in found:
                pairs = zip(found["cultivar"], found["polars"], strict=True)
                ratio = statistics.median(one["cpu_s"] / other["cpu_s"] for one, other in pairs)
                result[f"{kind}_cpu_vs_polars"] = round(ratio, 2)
    for name, worse in (("rows_per_s", min), ("cpu_vs_polars", max), ("peak_mb", max)):
        if values := [value for key, value in result.items() if key.endswith(name)]:
            result[name] = worse(values)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
