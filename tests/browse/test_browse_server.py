"""Where the page listens, and what the command says when it cannot begin."""

import socket

import pytest
from handmade import Handmade

from reports.browse.command import main
from reports.browse.server import HOST, listen
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
