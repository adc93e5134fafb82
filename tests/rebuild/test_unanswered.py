"""A server that is down, refuses or fails leaves nothing recorded; when it is back, `dvc repro` asks what is missing.

Through real `dvc repro`: afterwards the tables are those of a clean build on a server that was never down.
"""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from counting_server import TAGS, CountingServer
from reduced import contents, point, reduced
from workspace import Workspace

ROWS = 40


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory, server: CountingServer) -> tuple[dict[str, bytes], int]:
    """The bytes of a build on a server that is always there, and the number of its requests."""
    work = project(tmp_path_factory.mktemp("clean"), server, "clean")
    work.repro()
    return contents(work), sum(server.of("clean").values())


@pytest.fixture
def recovering(server: CountingServer) -> Iterator[CountingServer]:
    """The server, which answers again after the test."""
    server.forget()
    yield server
    server.refuses = lambda body: None


def project(folder: Path, server: CountingServer, client: str, **runtime: float) -> Workspace:
    work = reduced(folder, server.url, client, rows=ROWS)
    work.change(lambda params: params["runtime"].update({"retries": 0, "concurrency": 4, **runtime}))
    return work


def fails(work: Workspace, *words: str) -> None:
    """`dvc repro` fails in tag with these words and records nothing of it."""
    done = work.python("-m", "dvc", "repro")
    assert done.returncode != 0, done.stdout
    assert all(word in done.stderr for word in words), done.stderr
    assert set(work.lock()) == {"code", "ingest"}


@pytest.mark.parametrize("status", [401, 404, 500])
def test_a_server_that_refuses_everything(tmp_path, recovering, clean, status):
    expected, needed = clean
    work = project(tmp_path, recovering, "refused")
    recovering.refuses = lambda body: status
    arrived = recovering.arrived
    fails(work, f"{ROWS} of {ROWS} requests unanswered (", f"HTTP {status}: not now")
    assert recovering.arrived - arrived <= 4 + (status == 500) * 20  # those in flight
    assert not recovering.of("refused")
    recovering.refuses = lambda body: None
    work.repro()
    assert contents(work) == expected
    asked = recovering.of("refused")
    assert set(asked.values()) == {1} and sum(asked.values()) == needed


def test_a_server_that_is_not_there(tmp_path, recovering, clean):
    work = project(tmp_path, recovering, "absent", retries=1000, give_up_s=1.0)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound but not listening: connections are refused
        point(work, f"http://127.0.0.1:{unused.getsockname()[1]}", "absent")
        fails(work, f"{ROWS} of {ROWS} requests unanswered (no server has answered for 1 s")
    point(work, recovering.url, "absent")
    work.repro()
    assert contents(work) == clean[0]


def test_an_address_that_cannot_be_one(tmp_path, recovering):
    work = project(tmp_path, recovering, "nowhere")
    work.change(lambda params: params["runtime"]["servers"].update(tagger=["127.0.0.1:8000/v1"]))
    done = work.python("-m", "dvc", "repro")
    assert done.returncode != 0 and "runtime.servers.tagger" in done.stderr and "http://host:port/v1" in done.stderr


def test_only_what_was_left_unanswered_is_asked_again(tmp_path, recovering, clean):
    """Every fifth request fails once, in every stage of the chain: each run of `dvc repro` gets a little further."""
    expected, needed = clean
    work = project(tmp_path, recovering, "partly")
    refused: set[bytes] = set()

    def once(body):
        name = json.dumps([body["messages"], body["seed"]]).encode()
        if sum(name) % 5 or name in refused:
            return None
        refused.add(name)
        return 503

    recovering.refuses = once
    fails(work, "requests unanswered (HTTP 503: not now", "`roles.tagger.unanswered: quarantine`")
    assert recovering.kinds_of("partly")[TAGS] >= ROWS - len(refused) > ROWS // 2  # the others were answered
    for _ in range(9):
        done = work.python("-m", "dvc", "repro")
        if done.returncode == 0:
            break
        assert "requests unanswered (HTTP 503: not now" in done.stderr
    assert contents(work) == expected
    asked = recovering.of("partly")
    assert set(asked.values()) == {1} and sum(asked.values()) == needed and len(refused) > needed // 10


def test_a_role_may_go_on_without_what_is_unanswered(tmp_path, recovering, clean):
    expected, _ = clean
    work = project(tmp_path, recovering, "lenient")
    work.change(lambda params: params["roles"]["tagger"].update(unanswered="quarantine"))

    def refuse_a_fifth(body):
        prompt = body["messages"][-1]["content"]
        return 500 if body["model"] == "tagger" and sum(prompt.encode()) % 5 == 0 else None

    recovering.refuses = refuse_a_fifth
    work.repro("tag")
    lost = pl.read_parquet(work.folder / "data/quarantine/tag.parquet").filter(pl.col("error").str.contains("HTTP 500"))
    assert 0 < lost.height < ROWS // 2
    recovering.refuses = lambda body: None
    work.change(lambda params: params["roles"]["tagger"].pop("unanswered"))
    work.repro()
    assert contents(work) == expected
    assert set(recovering.of("lenient").values()) == {1}
