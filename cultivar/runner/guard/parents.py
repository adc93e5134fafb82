"""A stage ends with the `dvc` that started it, so that no orphan writes over a later run (Linux)."""

import ctypes
import json
import os
import select
import signal
import sys
import threading
import time
from pathlib import Path

import psutil

LOCKS = Path(".dvc/tmp/rwlock")
"""Where DVC notes which of its processes reads and writes what. It is rewritten in place, so a kill may leave half."""

SHELLS = {"sh", "dash", "bash", "zsh", "fish", "ksh"}


def die_with_parent() -> None:
    """End this process when the one that started it dies.

    The kernel tells of the parent alone, and where `sh` is dash a shell stays between `dvc` and its stage: so `dvc` is
    looked up in its own file of locks and watched.
    """
    if sys.platform == "linux":
        parent = os.getppid()
        ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGTERM)
        if os.getppid() != parent:
            raise SystemExit("the parent process is gone")
        if "DVC_STAGE" in os.environ:
            die_with_dvc()


def die_with_dvc() -> None:
    """Watch the ancestor that holds a lock of DVC in this folder; without one, end if it has left an orphan."""
    holders = lock_holders()
    try:
        ancestors = psutil.Process().parents()
        for ancestor in ancestors:
            if ancestor.pid in holders:
                dvc = os.pidfd_open(ancestor.pid)
                threading.Thread(target=end_after, args=(dvc,), daemon=True).start()
                return
        starter = next((found for found in ancestors if found.pid == 1 or found.name() not in SHELLS), None)
        orphan = starter is not None and (starter.pid == 1 or starter.name() == "systemd")
    except (psutil.NoSuchProcess, ProcessLookupError):
        orphan = True
    if orphan:
        raise SystemExit("the dvc that started this stage is gone")


def lock_holders() -> set[int]:
    """Processes that hold a lock of DVC in this folder. Where another dvc is rewriting the file, it is read again."""
    for _ in range(100):
        try:
            return {lock["pid"] for lock in json.loads(LOCKS.read_bytes())["write"].values()}
        except FileNotFoundError:
            break
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            time.sleep(0.01)
    return set()


def end_after(process: int) -> None:
    """Wait for the end of the process of a pidfd, then end this one."""
    select.select([process], [], [])
    os.kill(os.getpid(), signal.SIGTERM)
