"""Where the page listens, and what the command says when it cannot begin."""

import asyncio
import socket

import polars as pl
import pytest
from handmade import Handmade, row_id

from reports.browse.catalog import Catalog
from reports.browse.command import main
from reports.browse.server import HOST, listen, make_app
from schemas.errors import UserError


@pytest.fixture
def taken():
    with socket.socket() as held:
        held.bind((HOST, 0))
        held.listen()
        yield held.getsockname()[1]


def test_a_taken_port_leads_to_the_next_free_one(taken):
    with listen(taken) as bound:
        host, port = bound.getsockname()
    assert host == "127.0.0.1"
    assert taken < port < taken + 20


def test_no_free_port_is_an_error_with_a_remedy(taken):
    with pytest.raises(UserError, match=f"no port from {taken} to {taken} is free .* --port"):
        listen(taken, tries=1)


@pytest.mark.parametrize(
    ("options", "words"),
    [({"at": "nowhere"}, "nowhere is no revision"), ({"at": "HEAD", "table": "../params"}, "has no table ../params")],
)
def test_what_is_not_there_is_said_before_the_page_begins(tmp_path, monkeypatch, capsys, options, words):
    made = Handmade(tmp_path / "project")
    made.put({"assemble": {}})
    made.commit("no data")
    monkeypatch.chdir(made.folder)
    assert main(**{"at": "HEAD", "table": "", "port": 0, "open_browser": False} | options) == 1
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("path", ["/", "/table/demonstrations", f"/row/{row_id(1)}"])
def test_a_file_that_is_no_table_is_named(tmp_path, monkeypatch, path):
    made = Handmade(tmp_path / "project")
    made.put({"assemble": {"data/demonstrations.parquet": pl.DataFrame({"id": [row_id(1)]})}})
    made.write("data/demonstrations.parquet", b"PAR1 cut off")
    monkeypatch.chdir(made.folder)
    status, body = ask(make_app(Catalog(), 80), path)
    assert status == 500
    assert "data/demonstrations.parquet" in body and "dvc repro" in body


def ask(app, path: str) -> tuple[int, str]:
    """The answer of an ASGI application."""
    sent = []

    async def receive():
        return {"type": "http.request", "body": b""}

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "query_string": b"",
        "headers": [(b"host", b"localhost:80")],
    }
    asyncio.run(app(scope | {"http_version": "1.1", "scheme": "http", "root_path": "", "raw_path": b""}, receive, send))
    return sent[0]["status"], b"".join(one.get("body", b"") for one in sent[1:]).decode()
