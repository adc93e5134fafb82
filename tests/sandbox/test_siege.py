"""The attack suite over every backend that works here, as this user and, where this user is root, as another."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hostile import BEHAVIOURS, FORGERIES, RIGGED
from siege import REPO, descendants, siege

from cultivar.sandbox import backends, interpreters
from cultivar.sandbox.inside import child, peer

REPEATS = int(os.environ.get("CULTIVAR_SANDBOX_REPEATS", "1"))
USER = 65533


def check_report(report: dict) -> None:
    assert report["problems"] == []
    first, *others = report["verdicts"]
    assert [{name: (first[name], again[name]) for name in first if first[name] != again[name]} for again in others] == [
        {} for _ in others
    ]


def test_there_are_enough_attacks():
    assert len(BEHAVIOURS) + len(FORGERIES) + len(RIGGED) >= 115


def test_attacks_on_internals_use_names_that_exist():
    """hostile.py names them in texts, which a rename would miss: the attack would be a harmless AttributeError."""
    assert {"canonical", "verifier_result", "frame_kind", "FrameWriter"} <= vars(child).keys()
    assert {"pack", "request", "serve_request"} <= vars(peer.Peer).keys() and hasattr(peer, "copy_back")


@pytest.mark.parametrize("backend", backends.ORDER)
def test_nothing_gets_through(backend):
    if not (found := backends.probe(backend)).works:
        pytest.skip(f"{backend} cannot be built here: {found.reason}")
    check_report(siege(backend, REPEATS))


@pytest.mark.parametrize("backend", backends.ORDER)
def test_nothing_gets_through_as_an_ordinary_user(backend):
    if os.getuid() != 0:
        pytest.skip("this is an ordinary user already")
    try:
        python = interpreters.interpreter("landlock")[0]
    except interpreters.SlotFailed as error:
        pytest.skip(str(error))
    if not interpreters.is_readable_by_others(REPO / "cultivar" / "sandbox" / "box.py"):
        pytest.skip(f"{REPO} is closed to other users")
    script = [python, "-B", str(Path(__file__).parent / "siege.py"), backend, str(REPEATS)]
    ran = subprocess.run(script, capture_output=True, text=True, user=USER, group=USER, extra_groups=[], cwd="/")
    if "SandboxUnavailable" in ran.stderr:
        pytest.skip(ran.stderr[-600:])
    assert ran.returncode == 0, ran.stderr
    check_report(json.loads(ran.stdout))


ORPHAN = """
import sys; sys.path.insert(0, {repo!r})
from cultivar.sandbox import Sandbox, Job
jobs = [Job(str(i), "io", "while True: pass") for i in range(2)] + [Job("s", "io", "import time; time.sleep(99)")]
with Sandbox({backend!r}, slots=3) as box:
    box.run(jobs)
    for _ in box.run([Job("warm", "io", "pass")]): print("warm", flush=True)
    list(box.run(jobs))
"""


@pytest.mark.parametrize("backend", backends.ORDER)
def test_no_process_survives_a_killed_supervisor(backend):
    if not (found := backends.probe(backend)).works:
        pytest.skip(f"{backend} cannot be built here: {found.reason}")
    others = descendants()
    code = ORPHAN.format(repo=str(REPO), backend=backend)
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None and parent.stdout.readline() == b"warm\n"
        deadline = time.monotonic() + 30
        while len(mine := descendants() - others - {parent.pid}) < 4 and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.3)
        mine = descendants() - others - {parent.pid}
        assert len(mine) >= 4
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        deadline = time.monotonic() + 2
        while (left := {p for p in mine if alive(p)}) and time.monotonic() < deadline:
            time.sleep(0.02)
    assert not left


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
