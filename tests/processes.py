"""Processes that tests start and kill: any of them may end while one looks."""

import time
from collections.abc import Sequence
from contextlib import suppress

import psutil


def below(pid: int, recursive: bool = True) -> list[tuple[psutil.Process, list[str]]]:
    """The processes that this one has started, with their command lines; none where it has ended itself."""
    found = []
    with suppress(psutil.NoSuchProcess):
        for one in psutil.Process(pid).children(recursive):
            with suppress(psutil.NoSuchProcess):
                found.append((one, one.cmdline()))
    return found


def survivors(processes: Sequence[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Those that still run after so many seconds; returns sooner where none does. A zombie has ended."""
    deadline = time.monotonic() + seconds
    while (left := [one for one in processes if runs(one)]) and time.monotonic() < deadline:
        time.sleep(0.02)
    return left


def runs(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False
