"""What a library started for us dies with us."""

import os
import signal
import subprocess
import sys
import textwrap
from contextlib import suppress
from pathlib import Path

import psutil

from tests.processes import survivors

ROOT = Path(__file__).parents[2]
STARTS_ONE = """
    import subprocess, sys, time
    from cultivar.llm.orphans import Watch
    watch = Watch()
    child = subprocess.Popen(["sleep", "60"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    watch.begin()
    if sys.argv[1] == "end":
        watch.end()
    print(child.pid, flush=True)
    time.sleep(60)
"""


def child_after_kill(argument: str, wait_s: float) -> bool:
    """Whether the child still runs after its parent was killed."""
    command = [sys.executable, "-c", textwrap.dedent(STARTS_ONE), argument]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        os.kill(parent.pid, signal.SIGKILL)
    alive = bool(survivors([child], wait_s))
    with suppress(psutil.NoSuchProcess):
        child.kill()
    return alive


def test_a_child_ends_when_its_parent_is_killed() -> None:
    assert not child_after_kill("watch", wait_s=20)


def test_a_watch_that_has_ended_kills_nobody() -> None:
    assert child_after_kill("end", wait_s=1)
