"""Experiments in folders of their own (`--temp`, `--queue`) and branches share one store: nothing is asked twice."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress

import psutil
import pytest
from counting_server import EVOLUTION, EVOLUTION_CHECK, RATING, CountingServer
from reduced import commit, contents, git, reduced
from workspace import Workspace


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory, server: CountingServer) -> Iterator[Workspace]:
    work = reduced(tmp_path_factory.mktemp("experiments"), server.url, "exp", rows=60)
    environment = work.environment()
    environment.pop("CULTIVAR_STORE")  # where a user's store is: beside the cache of the repository
    work.environment = lambda: environment  # type: ignore[method-assign]
    work.repro()
    commit(work, "built")
    yield work
    for process in psutil.process_iter(["cwd"]):  # workers of DVC's queue that miss the word to end
        if process.info["cwd"] == str(work.folder):
            with suppress(psutil.NoSuchProcess):
                process.kill()


def experiment(work: Workspace, *arguments: str) -> None:
    """`dvc exp run`. Its output goes to a file: a worker that stays would hold a pipe open."""
    command = [sys.executable, "-m", "dvc", "exp", "run", *arguments]
    log = work.folder.with_suffix(".log")
    with log.open("w") as output:
        done = subprocess.run(
            command, cwd=work.folder, env=work.environment(), stdout=output, stderr=subprocess.STDOUT, timeout=600
        )
    assert done.returncode == 0, log.read_text()


def test_experiments_in_folders_of_their_own_use_one_store(work, server):
    before = contents(work)
    server.forget()
    experiment(work, "--temp", "-n", "warm", "-S", "roles.teacher.temperature=0.9")
    assert set(server.kinds_of("exp")) <= {EVOLUTION, EVOLUTION_CHECK} and server.kinds_of("exp")[EVOLUTION] > 5
    experiment(work, "--queue", "-n", "same", "-S", "roles.teacher.temperature=0.9", "-S", "evolve.max_added_words=61")
    experiment(work, "--queue", "-n", "warm-again", "-S", "roles.teacher.temperature=0.9", "-S", "select.max_words=149")
    experiment(work, "--run-all", "-j", "2")
    asked = server.of("exp")
    assert set(asked.values()) == {1}, "two experiments asked the same"
    assert contents(work) == before  # the workspace is as it was
    names = work.python("-m", "dvc", "exp", "list", "--name-only").stdout.split()
    assert {"warm", "same", "warm-again"} <= set(names)
    assert (work.folder / ".cache/generations").is_dir()


def test_branches_share_the_store(work, server):
    git(work, "switch", "-q", "-c", "other")
    work.change(lambda params: params["roles"]["judge"].update(temperature=0.2))
    server.forget()
    work.repro()
    assert server.kinds_of("exp")[RATING] >= 60
    commit(work, "another judge")
    git(work, "switch", "-q", "main")
    server.forget()
    work.repro()
    git(work, "switch", "-q", "other")
    work.repro()
    assert server.of("exp") == {}
