"""The README says exactly what programs see of the host, per backend; and no run depends on what they do not."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import visible
from fusion import serving
from judging import FAST, one

from cultivar.sandbox import Job, Sandbox, backends, judge, remote
from cultivar.sandbox.interpreters import interpreter

README = Path(backends.__file__).with_name("README.md").read_text()


@pytest.fixture
def printed(monkeypatch):
    """What the programs of the test have printed: a verdict does not hold it."""
    texts: list[str] = []
    monkeypatch.setattr(judge, "normalize_output", lambda text: texts.append(text) or text)
    return texts


def check_cells(box: Sandbox, backend: str, python: str, printed: list[str]) -> None:
    verdict = one(box, Job("probe", "io", visible.PROBES, stdin=visible.QUESTIONS, expected_stdout=""))
    assert verdict.outcome == "fail", verdict.message
    found, host = json.loads(printed[0]), visible.seen_on_the_host(python)
    if backend == "userns" or (os.getuid() == 0 and backend != "remote"):
        host = host | {row.name: 65534 for row in visible.ROWS if row.probe == "os.getuid()"}
    cells = {row.name: visible.name_cell(row, found[row.name], host[row.name]) for row in visible.ROWS}
    told = [row for row in visible.ROWS if row.cells[backend] != "visible" or host[row.name] is not None]
    assert {row.name: cells[row.name] for row in told} == {row.name: row.cells[backend] for row in told}


def test_the_readme_holds_the_table_that_is_tested():
    assert visible.table() in README


@pytest.mark.parametrize("backend", backends.ORDER)
def test_programs_see_what_the_table_says(backend, printed):
    if not (found := backends.probe(backend)).works:
        pytest.skip(f"{backend} cannot be built here: {found.reason}")
    with Sandbox(backend, 1, FAST) as box:
        check_cells(box, backend, interpreter(backend)[0], printed)


@pytest.mark.parametrize("backend", ["userns", "bwrap"])
def test_the_namespace_has_the_fixed_name_too(backend):
    """Programs cannot ask it: this is for the call that a filter would let through."""
    if os.getuid() != 0 or not shutil.which("nsenter"):
        pytest.skip("needs root and nsenter")
    if not (found := backends.probe(backend)).works:
        pytest.skip(f"{backend} cannot be built here: {found.reason}")
    with Sandbox(backend, 1, FAST) as box:
        assert one(box, Job("warm", "io", "pass")).passed
        (slot,) = box.idle
        names = "import os; print(os.uname().nodename)"
        command = ["nsenter", "-t", str(slot.pid), "-u", sys.executable, "-c", names]
        assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "sandbox\n"


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_programs_without_isolation_see_what_the_table_says(printed):
    with Sandbox("none", 1, FAST, allow_unsandboxed=True) as box:
        check_cells(box, "none", interpreter("none")[0], printed)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_programs_on_a_server_see_what_the_table_says(printed, monkeypatch):
    monkeypatch.setattr(remote, "PROBE", "")
    with serving() as server, Sandbox("remote", 1, FAST, url=server.url) as box:
        check_cells(box, "remote", sys.executable, printed)
