"""The generation store beside SQLite and LMDB: a million answers of about 1 KB.

    python -m bench.store [--answers 1000000] [--requests 500000] [--batch 50000]

Each store lives in a process of its own: it appends all answers in batches of 2,000 (each batch durable), then, in a
fresh process, finds which 1% of the requests are missing and reads the answers to the rest, `--batch` answers at a
time. Peak memory is that of the reading process (LMDB's holds the pages of the file that it maps). SQLite is in WAL
mode, LMDB has its defaults (both sync every batch); both store values uncompressed. Ends with one line of JSON:

    missing_keys_s    which of the requests have no answer
    join_s            the answers to the others
    append_s          writing all answers, in durable batches
    bytes_vs_sqlite   bytes on disk, as a share of SQLite's
    peak_mb           peak memory of the reading process
"""

import argparse
import hashlib
import importlib.util
import json
import multiprocessing
import random
import resource
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl

from cultivar.store.store import Store

BATCH = 2000
SEED = 7
Measures = dict[str, float]


def key_of(number: int) -> bytes:
    return hashlib.sha256(number.to_bytes(8, "big")).digest()[:16]


def vocabulary() -> list[str]:
    letters = random.Random(SEED)
    return ["".join(letters.choices("etaoinshrdlucmfwypvbgk", k=letters.randint(2, 10))) for _ in range(8000)]


def batches(answers: int) -> Iterator[list[tuple[bytes, str]]]:
    """Answers as models write them: words, about 1 KB of JSON each."""
    words = vocabulary()
    rng = random.Random(SEED)
    for start in range(0, answers, BATCH):
        numbers = range(start, min(start + BATCH, answers))
        yield [
            (key_of(number), json.dumps({"score": number % 5, "text": " ".join(rng.choices(words, k=145))}))
            for number in numbers
        ]


def sample_keys(answers: int, count: int) -> list[bytes]:
    """Keys that a stage requests, in random order: 1% of them have no answer."""
    rng = random.Random(SEED + 1)
    missing = count // 100
    numbers = rng.sample(range(answers), count - missing) + list(range(answers, answers + missing))
    rng.shuffle(numbers)
    return [key_of(number) for number in numbers]


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


class Segments:
    """The store of this project."""

    def fill(self, folder: Path, rows: Iterator[list[tuple[bytes, str]]]) -> float:
        seconds = 0.0
        with Store(folder, flush_rows=BATCH) as store:
            for batch in rows:
                start = time.perf_counter()
                store.put("kind", pl.DataFrame(batch, schema={"key": pl.Binary, "text": pl.String}, orient="row"))
                seconds += time.perf_counter() - start
        return seconds

    def missing(self, folder: Path, keys: list[bytes]) -> int:
        self.store = Store(folder)
        return len(self.store.missing("kind", keys))

    def join(self, folder: Path, keys: list[bytes], batch: int) -> int:
        return sum(frame.select("text").height for frame in self.store.batches("kind", keys, ["text"], rows=batch))


class Sqlite:
    """One table, WAL, values uncompressed."""

    def open(self, folder: Path) -> sqlite3.Connection:
        folder.mkdir(exist_ok=True)
        connection = sqlite3.connect(folder / "answers.sqlite")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE IF NOT EXISTS answers (key BLOB PRIMARY KEY, text TEXT)")
        return connection

    def fill(self, folder: Path, rows: Iterator[list[tuple[bytes, str]]]) -> float:
        seconds = 0.0
        connection = self.open(folder)
        for batch in rows:
            start = time.perf_counter()
            connection.executemany("INSERT OR IGNORE INTO answers VALUES (?, ?)", batch)
            connection.commit()
            seconds += time.perf_counter() - start
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        return seconds

    def missing(self, folder: Path, keys: list[bytes]) -> int:
        self.connection = self.open(folder)
        self.connection.execute("CREATE TEMP TABLE requested (key BLOB PRIMARY KEY)")
        self.connection.executemany("INSERT INTO requested VALUES (?)", ((name,) for name in keys))
        query = (
            "SELECT count(*) FROM requested WHERE NOT EXISTS (SELECT 1 FROM answers WHERE answers.key = requested.key)"
        )
        return int(self.connection.execute(query).fetchone()[0])

    def join(self, folder: Path, keys: list[bytes], batch: int) -> int:
        cursor = self.connection.execute("SELECT requested.key, text FROM requested JOIN answers USING (key)")
        count = 0
        while rows := cursor.fetchmany(batch):
            count += len(rows)
        return count


class Lmdb:
    """One database, values uncompressed, keys sorted before they are looked up (its best case)."""

    def open(self, folder: Path) -> Any:
        import lmdb

        return lmdb.open(str(folder), map_size=2**36)

    def fill(self, folder: Path, rows: Iterator[list[tuple[bytes, str]]]) -> float:
        seconds = 0.0
        with self.open(folder) as environment:
            for batch in rows:
                start = time.perf_counter()
                with environment.begin(write=True) as transaction:
                    for name, text in batch:
                        transaction.put(name, text.encode(), overwrite=False)
                seconds += time.perf_counter() - start
        return seconds

    def missing(self, folder: Path, keys: list[bytes]) -> int:
        self.environment = self.open(folder)
        with self.environment.begin() as transaction:
            cursor = transaction.cursor()
            return sum(not cursor.set_key(name) for name in sorted(keys))

    def join(self, folder: Path, keys: list[bytes], batch: int) -> int:
        with self.environment.begin() as transaction:
            return sum(len(value.decode()) > 0 for _, value in transaction.cursor().getmulti(sorted(keys)))


STORES: dict[str, Callable[[], Any]] = {"segments": Segments, "sqlite": Sqlite, "lmdb": Lmdb}


def measure_append(name: str, folder: str, answers: int) -> Measures:
    place = Path(folder) / name
    return {"append_s": STORES[name]().fill(place, batches(answers)), "bytes": float(size_of(place))}


def measure_lookup(name: str, folder: str, answers: int, count: int, batch: int) -> Measures:
    """Seconds to find the missing keys and to read the other answers, peak MB. Raises AssertionError if they are wrong."""
    keys = sample_keys(answers, count)
    store = STORES[name]()
    start = time.perf_counter()
    missing = store.missing(Path(folder) / name, keys)
    between = time.perf_counter()
    joined = store.join(Path(folder) / name, keys, batch)
    end = time.perf_counter()
    if (missing, joined) != (count // 100, count - count // 100):
        raise AssertionError(f"{name}: {missing} missing and {joined} joined of {count}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"missing_keys_s": between - start, "join_s": end - between, "peak_mb": peak}


def main() -> None:
    parser = argparse.ArgumentParser(description="the generation store beside SQLite and LMDB")
    parser.add_argument("--answers", type=int, default=1_000_000)
    parser.add_argument("--requests", type=int, default=500_000)
    parser.add_argument("--batch", type=int, default=50_000, help="answers in memory at a time")
    parser.add_argument("--stores", nargs="+", default=list(STORES), choices=STORES)
    options = parser.parse_args()
    if "lmdb" in options.stores and importlib.util.find_spec("lmdb") is None:
        print("lmdb: not installed (`pip install lmdb`), left out")
        options.stores.remove("lmdb")
    context = multiprocessing.get_context("spawn")
    measures: dict[str, Measures] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in options.stores:
            measures[name] = {}
            for measure, arguments in (
                (measure_append, (name, folder, options.answers)),
                (measure_lookup, (name, folder, options.answers, options.requests, options.batch)),
            ):
                with context.Pool(1) as pool:  # a process each, so that peak memory is its own
                    measures[name] |= pool.apply(measure, arguments)
            line = ", ".join(f"{what} {value:,.2f}" for what, value in measures[name].items())
            print(f"{name}: {line}", flush=True)
    own = measures["segments"]
    result = {name: round(own[name], 2) for name in ("missing_keys_s", "join_s", "append_s")}
    if "sqlite" in measures:
        result["bytes_vs_sqlite"] = round(own["bytes"] / measures["sqlite"]["bytes"], 3)
    print(json.dumps(result | {"peak_mb": round(own["peak_mb"])}))


if __name__ == "__main__":
    main()
