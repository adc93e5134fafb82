"""The generation store beside SQLite and LMDB: a million answers of about 1 KB.

    python -m bench.store [--answers 1000000] [--requests 500000] [--batch 50000]

Each store lives in a process of its own: it appends all answers in batches of 2,000 (each batch durable), then, in a
fresh process, finds which 1% of the requests are missing and reads the answers to the rest, `--batch` answers at a
time. Peak memory is that of the reading process (LMDB's holds the pages of the file that it maps). SQLite is in WAL mode with values as they are, LMDB with values as
they are and its defaults (both sync every batch). Ends with one line of JSON:

    missing_keys_s    which of the requests have no answer
    join_s            the answers to the others
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


def key(number: int) -> bytes:
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
            (key(number), json.dumps({"score": number % 5, "text": " ".join(rng.choices(words, k=145))}))
            for number in numbers
        ]


def requests(answers: int, count: int) -> list[bytes]:
    """Keys that a stage asks for, in random order: 1% of them were never answered."""
    rng = random.Random(SEED + 1)
    missing = count // 100
    numbers = rng.sample(range(answers), count - missing) + list(range(answers, answers + missing))
    rng.shuffle(numbers)
    return [key(number) for number in numbers]


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


class Segments:
    """The store of this project."""

    def fill(self, folder: Path, rows: Iterator[list[tuple[bytes, str]]]) -> float:
        spent = 0.0
        with Store(folder, flush_rows=BATCH) as store:
            for batch in rows:
                start = time.perf_counter()
                store.put("kind", pl.DataFrame(batch, schema={"key": pl.Binary, "text": pl.String}, orient="row"))
                spent += time.perf_counter() - start
        return spent

    def missing(self, folder: Path, keys: list[bytes]) -> int:
        self.store = Store(folder)
        return len(self.store.missing("kind", keys))

    def join(self, folder: Path, keys: list[bytes], batch: int) -> int:
        return sum(frame.select("text").height for frame in self.store.batches("kind", keys, ["text"], rows=batch))


class Sqlite:
    """One table, WAL, values as they are."""

    def open(self, folder: Path) -> sqlite3.Connection:
        folder.mkdir(exist_ok=True)
        connection = sqlite3.connect(folder / "answers.sqlite")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE IF NOT EXISTS answers (key BLOB PRIMARY KEY, text TEXT)")
        return connection

    def fill(self, folder: Path, rows: Iterator[list[tuple[bytes, str]]]) -> float:
        spent = 0.0
        connection = self.open(folder)
        for batch in rows:
            start = time.perf_counter()
            connection.executemany("INSERT OR IGNORE INTO answers VALUES (?, ?)", batch)
            connection.commit()
            spent += time.perf_counter() - start
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        return spent

    def missing(self, folder: Path, keys: list[bytes]) -> int:
        self.connection = self.open(folder)
        self.connection.execute("CREATE TEMP TABLE asked (key BLOB PRIMARY KEY)")
        self.connection.executemany("INSERT INTO asked VALUES (?)", ((name,) for name in keys))
        query = "SELECT count(*) FROM asked WHERE NOT EXISTS (SELECT 1 FROM answers WHERE answers.key = asked.key)"
        return int(self.connection.execute(query).fetchone()[0])

    def join(self, folder: Path, keys: list[bytes], batch: int) -> int:
        cursor = self.connection.execute("SELECT asked.key, text FROM asked JOIN answers USING (key)")
        found = 0
        while rows := cursor.fetchmany(batch):
            found += len(rows)
        return found


class Lmdb:
    """One database, values as they are, keys sorted before they are looked up (its best case)."""

    def open(self, folder: Path) -> Any:
        import lmdb

        return lmdb.open(str(folder), map_size=2**36)

    def fill(self, folder: Path, rows: Iterator[list[tuple[bytes, str]]]) -> float:
        spent = 0.0
        with self.open(folder) as environment:
            for batch in rows:
                start = time.perf_counter()
                with environment.begin(write=True) as transaction:
                    for name, text in batch:
                        transaction.put(name, text.encode(), overwrite=False)
                spent += time.perf_counter() - start
        return spent

    def missing(self, folder: Path, keys: list[bytes]) -> int:
        self.environment = self.open(folder)
        with self.environment.begin() as transaction:
            cursor = transaction.cursor()
            return sum(not cursor.set_key(name) for name in sorted(keys))

    def join(self, folder: Path, keys: list[bytes], batch: int) -> int:
        with self.environment.begin() as transaction:
            return sum(len(value.decode()) > 0 for _, value in transaction.cursor().getmulti(sorted(keys)))


STORES: dict[str, Callable[[], Any]] = {"segments": Segments, "sqlite": Sqlite, "lmdb": Lmdb}


def fill(name: str, folder: str, answers: int) -> Measures:
    place = Path(folder) / name
    return {"append_s": STORES[name]().fill(place, batches(answers)), "bytes": float(size_of(place))}


def look_up(name: str, folder: str, answers: int, count: int, batch: int) -> Measures:
    """Missing keys, then values; raises where the store is wrong."""
    keys = requests(answers, count)
    store = STORES[name]()
    start = time.perf_counter()
    missing = store.missing(Path(folder) / name, keys)
    between = time.perf_counter()
    found = store.join(Path(folder) / name, keys, batch)
    end = time.perf_counter()
    if (missing, found) != (count // 100, count - count // 100):
        raise AssertionError(f"{name}: {missing} missing and {found} found of {count}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"missing_keys_s": between - start, "join_s": end - between, "peak_mb": peak}


def main() -> None:
    parser = argparse.ArgumentParser(description="the generation store beside SQLite and LMDB")
    parser.add_argument("--answers", type=int, default=1_000_000)
    parser.add_argument("--requests", type=int, default=500_000)
    parser.add_argument("--batch", type=int, default=50_000, help="answers in memory at a time")
    parser.add_argument("--stores", nargs="+", default=list(STORES), choices=STORES)
    chosen = parser.parse_args()
    if "lmdb" in chosen.stores and importlib.util.find_spec("lmdb") is None:
        print("lmdb: not installed (`pip install lmdb`), left out")
        chosen.stores.remove("lmdb")
    context = multiprocessing.get_context("spawn")
    measured: dict[str, Measures] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in chosen.stores:
            measured[name] = {}
            for work, arguments in (
                (fill, (name, folder, chosen.answers)),
                (look_up, (name, folder, chosen.answers, chosen.requests, chosen.batch)),
            ):
                with context.Pool(1) as pool:  # a process each, so that peak memory is its own
                    measured[name] |= pool.apply(work, arguments)
            line = ", ".join(f"{what} {value:,.2f}" for what, value in measured[name].items())
            print(f"{name}: {line}", flush=True)
    ours = measured["segments"]
    result = {name: round(ours[name], 2) for name in ("missing_keys_s", "join_s", "append_s")}
    if "sqlite" in measured:
        result["bytes_vs_sqlite"] = round(ours["bytes"] / measured["sqlite"]["bytes"], 3)
    print(json.dumps(result | {"peak_mb": round(ours["peak_mb"])}))


if __name__ == "__main__":
    main()
