"""Kill -9 at twenty random moments, and a torn tail as a cut of the power leaves it: the tables come out the same.

Kills strike while requests are in flight and between stages; they hit everything, `dvc` alone (its stage must die
with it) or the stage alone. What is asked again afterwards is at most what was in flight.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import polars as pl
import psutil
import pytest
from counting_server import RATING, CountingServer
from reduced import contents, reduced
from workspace import Workspace

from tests.processes import below, survivors

IN_FLIGHT = 4
ROWS = 150
KILLS = 20


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory, server: CountingServer) -> tuple[dict[str, bytes], int]:
    """The bytes of an undisturbed build and the number of requests that it takes."""
    work = small(tmp_path_factory.mktemp("reference"), server, "reference")
    work.repro()
    return contents(work), sum(server.of("reference").values())


def small(folder: Path, server: CountingServer, client: str) -> Workspace:
    work = reduced(folder, server.url, client, rows=ROWS)
    work.change(lambda params: params["runtime"].update(concurrency=IN_FLIGHT, flush_s=600.0))
    return work


@pytest.fixture
def slow(server: CountingServer) -> Iterator[CountingServer]:
    """The server, which is as it was after the test, however that ends."""
    server.forget()
    yield server
    server.delay_s, server.hold_at = 0.0, None


def words_of(work: Workspace) -> Path:
    """The output of the last `dvc repro`."""
    return work.folder.with_suffix(".log")


@contextmanager
def started(work: Workspace, shell: str = "/bin/sh") -> Iterator[subprocess.Popen[bytes]]:
    """`dvc repro` in a session of its own, of which nothing is left afterwards."""
    command = [sys.executable, "-m", "dvc", "repro"]
    with words_of(work).open("w") as words:
        kept = {"stdout": words, "stderr": subprocess.STDOUT, "start_new_session": True}
        environment = work.environment() | {"SHELL": shell}
        process = subprocess.Popen(command, cwd=work.folder, env=environment, **kept)
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(60)


def kill(process: subprocess.Popen[bytes], victim: str) -> None:
    """Strike and wait until nothing of the run is alive."""
    stages = [one for one, _ in below(process.pid)]
    if victim == "everything":
        os.killpg(process.pid, signal.SIGKILL)  # its stages are of its group
    elif victim == "dvc":
        process.kill()
    else:
        for stage in stages:
            with suppress(psutil.NoSuchProcess):  # it has ended, or was one of DVC's own short errands
                stage.kill()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:  # there was no stage yet, or not the one that asks
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(60)
    alive = survivors(stages, 30)
    assert not alive, f"orphans after a kill of {victim}: {alive}"


def test_twenty_kills(tmp_path, slow, reference):
    expected, needed = reference
    work = small(tmp_path, slow, "killed")
    chance = random.Random(20)
    slow.delay_s = 0.05
    struck_in_flight = 0
    for number in range(KILLS):
        victim = chance.choice(["everything", "everything", "dvc", "stage"])
        struck = slow.hold_at = slow.arrived + chance.randint(1, 16)
        shell = ("/bin/sh", "/bin/bash")[number % 2]  # dash stays between dvc and its stage, bash does not
        with started(work, shell) as process:
            if number % 3 == 2:  # some moment or other: starting, committing, between stages
                time.sleep(chance.uniform(0.3, 3.0))
            else:
                deadline = time.monotonic() + 60
                while slow.arrived < struck and process.poll() is None and time.monotonic() < deadline:
                    time.sleep(0.002)
            assert process.poll() is None, f"before kill {number + 1}: {words_of(work).read_text()}"
            struck_in_flight += slow.in_flight > 0
            kill(process, victim)
        slow.hold_at = None
        work.remove_torn_files()
        asked = slow.of("killed")
        assert sum(asked.values()) - len(asked) <= IN_FLIGHT * number, "more was asked again than was in flight"
        for table in (work.folder / "data").rglob("[!.]*.parquet"):
            pl.read_parquet(table)  # complete, or not there
    slow.delay_s = 0.0
    work.repro()
    assert struck_in_flight >= KILLS // 3, "the kills came too late to test anything"
    assert contents(work) == expected
    assert not [*(work.folder / "data").rglob(".*.tmp")], "drafts of killed stages stay"
    asked = slow.of("killed")
    assert len(asked) == needed
    assert sum(asked.values()) - needed <= IN_FLIGHT * KILLS
    assert not [path for path in work.store.rglob(".*") if path.suffix == ".journal"]


def runs_stage(dvc: int) -> bool:
    """Whether a dvc has started a stage; errands of its own are none."""
    return any("cultivar.runner" in " ".join(line) for _, line in below(dvc))


@pytest.mark.parametrize("shell", ["/bin/sh", "/bin/bash"])
def test_no_orphan_outlives_dvc(tmp_path, slow, shell):
    """Killed the moment it has started a stage, and while that waits for answers that never come."""
    work = small(tmp_path, slow, "orphan")
    slow.hold_at = slow.arrived
    for asks in (False, True):
        with started(work, shell) as process:
            deadline = time.monotonic() + 60
            while not (slow.in_flight if asks else runs_stage(process.pid)) and time.monotonic() < deadline:
                time.sleep(0.002)
            assert runs_stage(process.pid), words_of(work).read_text()
            kill(process, "dvc")
        work.remove_torn_files()


def test_a_torn_tail(tmp_path, slow, reference):
    """The power goes in the middle of a stage: answers not yet synced are cut off, zeros stand in their place."""
    expected, needed = reference
    work = small(tmp_path, slow, "torn")
    slow.delay_s = 0.1
    with started(work) as process:
        while slow.kinds_of("torn").get(RATING, 0) < 60 and process.poll() is None:
            time.sleep(0.005)
        kill(process, "everything")
    work.remove_torn_files()
    slow.delay_s = 0.0
    [journal] = [path for path in work.store.rglob(".*.journal") if path.stat().st_size]
    lines = journal.read_bytes().splitlines(keepends=True)
    assert len(lines) > 20
    middle = lines[9][: len(lines[9]) // 2] + b"\0" * 300 + b"\n"
    journal.write_bytes(b"".join([*lines[:9], middle, *lines[10:-10], lines[-10][:20], b"\0" * 4096]))
    tag_segment = next(path for path in work.store.rglob("*.parquet"))
    tag_segment.write_bytes(tag_segment.read_bytes()[:-100])
    (journal.parent / ".0123.tmp").write_bytes(b"half a segment")
    before = slow.of("torn")
    work.repro()
    asked = slow.of("torn")
    assert contents(work) == expected
    assert len(asked) == needed and max(asked.values()) == 2
    assert 11 <= sum(asked[name] - 1 for name in before) <= 11 + IN_FLIGHT
    assert list(work.store.rglob("damaged/*.parquet")) == []  # nobody has needed the damaged segment yet
    work.repro("-f")
    assert contents(work) == expected
    assert list(work.store.rglob("damaged/*.parquet"))
    assert sum(slow.of("torn").values()) > sum(asked.values())  # what it held was asked again
