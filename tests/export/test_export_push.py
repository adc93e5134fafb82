"""`--push` sends just the folder's bytes, to HF_ENDPOINT alone, after a yes; what did not arrive is said."""

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from export_project import PLAIN, TURNS, demonstration, make_project
from hub_server import LARGE, Hub, running_hub

from reports.export.push import target_of
from schemas.errors import UserError

TOKEN = "hf_kX9vQ2mT7bL4nR8wZ3cY6dJ1pS5gH0aE"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running_hub() as running:
        yield running


@pytest.fixture
def project(tmp_path) -> Path:
    rows = [demonstration(number, PLAIN) for number in range(20)] + [demonstration(99, TURNS, split="heldout")]
    return make_project(tmp_path, rows).folder


def push(
    project: Path, hub: Hub, *options: str, stdin: int | None = None, **variables: str
) -> subprocess.CompletedProcess:
    """`cultivar export D --push` in a process of its own: `huggingface_hub` reads the environment once."""
    settings = {"HF_ENDPOINT": hub.address, "HF_TOKEN": TOKEN, "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1"}
    settings |= {"HF_HOME": str(project / "hf"), "PYTHONPATH": str(ROOT), "HF_HUB_DISABLE_TELEMETRY": "1"}
    command = [sys.executable, "-m", "cultivar", "export", "D", "--out", "out", "--push", "hf://anna/data", *options]
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    return subprocess.run(
        command,
        cwd=project,
        env=kept | settings | variables,
        capture_output=True,
        text=True,
        stdin=stdin or subprocess.DEVNULL,
    )


def test_every_byte_of_the_folder_arrives_and_nothing_else(project, hub):
    done = push(project, hub, "--yes")
    assert done.returncode == 0, done.stderr
    sent = {path.name: path.read_bytes() for path in (project / "out").iterdir() if not path.name.startswith(".")}
    assert hub.files == sent
    assert max(map(len, sent.values())) >= LARGE > min(map(len, sent.values()))
    assert hub.is_private is True
    assert f"{hub.address}/datasets/anna/data, private" in done.stdout


def test_the_token_goes_to_the_hub_alone(project, hub):
    assert push(project, hub, "--yes").returncode == 0
    stored = [one for one in hub.requests if one.path.startswith("/store/")]
    assert stored and {one.host for one in stored} == {hub.storage.removeprefix("http://")}
    assert not any(TOKEN in str(one) for one in stored)
    commit = next(one for one in hub.requests if "/commit/" in one.path)
    assert commit.headers["authorization"] == f"Bearer {TOKEN}"


def test_nothing_is_pushed_without_a_yes(project, hub):
    done = push(project, hub)
    assert done.returncode == 1
    assert "--yes says yes" in done.stderr
    assert not (project / "out").exists()
    assert hub.requests == []


@pytest.mark.parametrize(("answer", "status"), [(b"y\n", 0), (b"n\n", 1), (b"\n", 1)])
def test_it_asks_on_a_terminal(project, hub, answer, status):
    ours, theirs = pty.openpty()
    try:
        os.write(ours, answer)
        done = push(project, hub, stdin=theirs)
    finally:
        os.close(ours)
        os.close(theirs)
    assert done.returncode == status, done.stderr
    assert "push 21 rows" in done.stdout
    assert bool(hub.files) == (status == 0)
    assert (project / "out/train.jsonl").exists()


def test_a_public_repository_is_not_written_to_by_accident(project, hub):
    hub.is_private = False
    done = push(project, hub, "--yes")
    assert (done.returncode, hub.files) == (1, {})
    assert "is public, nothing was pushed" in done.stderr
    assert push(project, hub, "--yes", "--public").returncode == 0
    assert hub.files


def test_files_of_an_earlier_export_go_and_others_stay(project, hub):
    hub.is_private, hub.files = True, {"train.parquet": b"old", "left_out.jsonl": b"old", "photo.png": b"theirs"}
    assert push(project, hub, "--yes").returncode == 0
    assert "photo.png" in hub.files and "train.jsonl" in hub.files
    assert not {"train.parquet", "left_out.jsonl"} & set(hub.files)


@pytest.mark.parametrize(
    ("fail", "status", "words"),
    [
        ("/create", 403, "nothing was pushed"),
        ("/store/", 403, "was created and holds nothing of it"),
        ("/commit/", 403, "was created and holds nothing of it"),
        ("/commit/", 504, "whether the commit was made is not known"),
    ],
)
def test_a_failure_says_what_was_not_pushed(project, hub, fail, status, words):
    hub.fail, hub.status = fail, status
    done = push(project, hub, "--yes")
    assert done.returncode == 1
    assert words in done.stderr and "the export itself is in out" in done.stderr
    assert TOKEN not in done.stderr + done.stdout
    assert hub.files == {}


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"HF_TOKEN": ""}, "HF_TOKEN is not set"),
        ({"HF_ENDPOINT": "http://hub.example"}, "over https only"),
        ({"HF_ENDPOINT": "https://u:p@hub.example"}, "put the token into HF_TOKEN"),
    ],
)
def test_a_token_goes_nowhere_else(monkeypatch, variables, words):
    for name, value in ({"HF_TOKEN": TOKEN, "HF_ENDPOINT": "https://hub.example"} | variables).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UserError, match=words):
        target_of("anna/data")


@pytest.mark.parametrize("name", ["anna", "anna/data/more", "anna/..", "../data", "hf://anna/da ta", "anna/data?x=1"])
def test_a_name_that_is_no_repository_is_refused(monkeypatch, name):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with pytest.raises(UserError, match="--push"):
        target_of(name)
