"""The store under load: concurrent processes agree, a full disk keeps what was written, readers read what is being compacted."""

import json
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import polars as pl
import pytest

from cultivar.llm.answer import Generation
from cultivar.llm.cache import AnswerCache
from cultivar.llm.engine import Ask, Engine, open_engine
from cultivar.llm.request import Question
from cultivar.store.compaction import compact
from cultivar.store.memo import cached_rows, work_key
from cultivar.store.segments import publish_lock
from cultivar.store.store import Store
from schemas.params.engines import RoleParams, RuntimeParams
from tests.llm.fault_server import FaultServer

ROOT = Path(__file__).parents[2]


def python(code: str, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", textwrap.dedent(code), *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def engine(store: Store, url: str, concurrency: int = 16) -> Engine:
    runtime = RuntimeParams(servers={"m": [url]}, concurrency=concurrency)
    return open_engine("teacher", RoleParams(engine="http", model="m"), runtime, store)


def question(text: str) -> Question:
    return Question([{"role": "user", "content": text}], seed=1)


WORKER = """
    import json, os, sys
    from cultivar.store.memo import cached_rows, work_key
    from cultivar.store.store import Store
    keys = [work_key("row", number) for number in range(300)]
    def compute(places):
        for place in places:
            yield [(place, {"by": os.getpid()})]
    with Store(sys.argv[1], flush_rows=7) as store:
        rows, known = cached_rows(store, "scores/a", keys, compute)
    print(json.dumps([row["by"] for row in rows]))
"""


def test_processes_that_do_the_same_at_once_all_use_what_a_rebuild_will_find(tmp_path: Path) -> None:
    """Each would have a result of its own: the first one published is everybody's."""
    workers = [python(WORKER, str(tmp_path)) for _ in range(4)]
    results = []
    for worker in workers:
        out, words = worker.communicate()
        assert worker.returncode == 0, words
        results.append(json.loads(out.splitlines()[-1]))
    keys = [work_key("row", number) for number in range(300)]
    rows, known = cached_rows(Store(tmp_path), "scores/a", keys, lambda places: [])
    assert known == 300
    assert all(one == [row["by"] for row in rows if row] for one in results)


def test_publications_of_one_folder_are_ordered(tmp_path: Path) -> None:
    """Who publishes while another one does waits, and bears the later time."""
    held, release = threading.Event(), []

    def hold() -> None:
        with publish_lock(tmp_path / "kind"):
            held.set()
            time.sleep(0.5)
            release.append(time.time_ns() // 1000)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()
    store = Store(tmp_path)
    store.publish("kind", pl.DataFrame({"key": [bytes(16)]}))
    holder.join()
    assert store.folder("kind").index["time"].item() >= release[0]


def test_conversations_too_use_the_answer_that_was_published_first(server: FaultServer, store: Store) -> None:
    """Another process publishes an answer after a turn has looked for it, and before it has its own."""
    other = AnswerCache(Store(store.root), "http/m@1")

    async def turns(row: int, ask: Ask) -> str:
        [first] = await ask(question(f"row {row}"))
        [second] = await ask(question(f"after {first.text}"))
        return second.text

    with engine(store, server.url) as teacher:
        [request] = teacher.requests_of(question("row 1"))

        def publish() -> None:
            server.before_answer = lambda: None
            other.add(request, Generation("theirs", "stop", 7, 5))
            other.flush()

        server.before_answer = publish
        results = teacher.map(turns, [0, 1, 2])
        assert results == ["after row 0 #1 #1", "after theirs #1", "after row 2 #1 #1"]
        usage = teacher.usage
        assert (usage.requests, usage.sent) == (6, 7)
    with Store(store.root) as again, engine(again, server.url) as teacher:
        assert teacher.map(turns, [0, 1, 2]) == results
        assert (teacher.usage.requests, teacher.usage.sent) == (6, 0)


def test_work_is_done_once_and_failures_again(store: Store) -> None:
    calls: list[list[int]] = []

    def compute(places: list[int]):
        calls.append(places)
        for place in places:
            yield [(place, None if place == 2 else {"vector": [float(place), 0.5]})]

    keys = [work_key("model", text) for text in ("a", "b", "c", "a")]
    rows, known = cached_rows(store, "vectors", keys, compute)
    assert known == 0 and calls == [[0, 1, 2]]
    assert rows == [{"vector": [0.0, 0.5]}, {"vector": [1.0, 0.5]}, None, {"vector": [0.0, 0.5]}]
    again, known = cached_rows(Store(store.root), "vectors", keys, compute)
    assert known == 2 and calls[1] == [2] and again[:2] == rows[:2]
    assert store.kinds() == ["vectors"]


@pytest.fixture
def small_disk(tmp_path: Path):
    """A file system of 160 KB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=160k", "tmpfs", str(place)], capture_output=True)
    if mounted.returncode:
        pytest.skip("mounting a small file system needs root")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


FILLER = """
    import hashlib, sys
    from cultivar.llm.engine import open_engine
    from cultivar.llm.request import Question
    from cultivar.store.store import Store
    from schemas.params.engines import RoleParams, RuntimeParams
    runtime = RuntimeParams(servers={"m": [sys.argv[2]]}, concurrency=8, flush_rows=100)
    with Store(sys.argv[1], 100) as store, open_engine("m", RoleParams(engine="http", model="m"), runtime, store) as teacher:
        long = [hashlib.sha256(b"%d %d" % (number, index)).hexdigest()[:18] for number in range(600) for index in range(40)]
        questions = [Question([{"role": "user", "content": " ".join(long[40 * n : 40 * n + 40])}], seed=1) for n in range(600)]
        print(sum(answer.ok for [answer] in teacher.ask(questions)))
"""


def test_a_full_disk_stops_the_run_and_keeps_every_answer_that_was_written(
    server: FaultServer, small_disk: Path
) -> None:
    process = python(FILLER, str(small_disk / "store"), server.url)
    _, words = process.communicate()
    assert process.returncode == 1 and "No space left on device" in words
    first = dict(server.attempts)
    assert 50 < len(first) < 600
    subprocess.run(["mount", "-o", "remount,size=8m", str(small_disk)], check=True)
    process = python(FILLER, str(small_disk / "store"), server.url)
    out, words = process.communicate()
    assert out == "600\n", words
    repeated = [message for message in first if server.attempts[message] > 1]
    assert len(repeated) <= 8 and max(server.attempts.values()) <= 2
    assert not [path for path in small_disk.rglob(".*") if path.suffix in (".tmp", ".journal")]


def test_readers_and_writers_go_on_while_two_processes_compact(tmp_path: Path) -> None:
    code = """
        import sys
        from cultivar.store.compaction import compact
        from cultivar.store.store import Store
        for _ in range(15):
            compact(Store(sys.argv[1]), "kind", rows=60)
    """
    numbers = list(range(200))
    with Store(tmp_path) as store:
        for number in numbers:
            store.put("kind", pl.DataFrame({"key": [number.to_bytes(16, "big")], "text": [f"answer {number}"]}))
            store.flush()
    compacting = [python(code, str(tmp_path)) for _ in range(2)]
    stop = threading.Event()

    def write() -> None:
        with Store(tmp_path, flush_rows=1) as writer:
            number = 1000
            while not stop.is_set() and number < 1200:
                writer.put("kind", pl.DataFrame({"key": [number.to_bytes(16, "big")], "text": [f"answer {number}"]}))
                numbers.append(number)
                number += 1

    writing = threading.Thread(target=write)
    writing.start()
    reads = 0
    while any(process.poll() is None for process in compacting):
        wanted = list(numbers)
        frame = Store(tmp_path).get("kind", [number.to_bytes(16, "big") for number in wanted])
        assert dict(zip(frame["key"], frame["text"], strict=True)) == {
            number.to_bytes(16, "big"): f"answer {number}" for number in wanted
        }
        reads += 1
    stop.set()
    writing.join()
    assert all(process.wait() == 0 for process in compacting) and reads > 2
    compact(Store(tmp_path), "kind")
    assert Store(tmp_path).missing("kind", [number.to_bytes(16, "big") for number in numbers]).is_empty()
    assert [path.suffix for path in (tmp_path / "kind").iterdir()] == [".parquet"]
