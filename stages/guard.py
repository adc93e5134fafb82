"""The stage guard: what a stage was made from must still be there when it ends.

DVC hashes deps only after the command (its issue 11058), so an edit during a long run would be recorded as the
origin of tables that it did not make. The guard looks at deps and params before and after, and fails the stage.
"""

import ctypes
import hashlib
import json
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from schemas.errors import UserError
from schemas.stage import UndeclaredRead, below

WHOLE = 64 * 2**20
"""Bytes up to which a file is hashed; larger ones are known by size, mtime and inode."""

LOCKS = Path(".dvc/tmp/rwlock")
"""Where DVC notes which of its processes reads and writes what. It is rewritten in place, so a kill may leave half."""

SHELLS = {"sh", "dash", "bash", "zsh", "fish", "ksh"}


START_S = 0.02
"""Seconds before an interpreter imports anything, and twice the kernel's resolution of when it was started."""


def started_ns() -> int:
    """When this process had begun (ns since the epoch) and imported nothing yet; elsewhere than on Linux, now."""
    try:
        ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
        age = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK") - START_S
    except (OSError, AttributeError):
        age = 0.0
    return time.time_ns() - int(age * 1e9)


STARTED = started_ns()


class OriginChanged(UserError, RuntimeError):
    """A dep or parameter changed while the stage ran."""


def die_with_parent() -> None:
    """End this process when what started it dies, so that no orphan writes over a later run (Linux).

    The kernel tells of the parent alone, and where `sh` is dash a shell stays between `dvc` and its stage: so that
    `dvc` is looked up in its own file of locks and watched.
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


@dataclass
class Origin:
    """What a stage is made from: its declared deps and its parameters."""

    deps: Iterable[Path]
    params: Any
    seen: dict[Path, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.deps = tuple(self.deps)
        self.seen = {path: fingerprint(path) for path in self.files()}

    def files(self) -> list[Path]:
        return [
            file
            for dep in self.deps
            for file in (below(dep) if dep.is_dir() else [dep])
            if "__pycache__" not in file.parts
        ]

    def digest(self) -> str:
        """Identity of deps and params together (for checkpoints)."""
        return hashlib.sha256(repr((sorted(self.seen.items()), self.params)).encode()).hexdigest()[:16]

    def check(self, stage: str, params: Any, root: Path) -> None:
        """Raise OriginChanged when a dep or the stage's params are no longer what they were at the start.

        So does code below `root` that was written after this process began: it may have been imported before `seen`.
        """
        now = {path: fingerprint(path) for path in self.files()}
        changed = sorted(str(path) for path in self.seen.keys() | now.keys() if self.seen.get(path) != now.get(path))
        changed += [
            str(path.relative_to(root)) for path in imported(root) if STARTED < path.stat().st_mtime_ns < time.time_ns()
        ]
        if params != self.params:
            changed.append("params.yaml")
        if changed:
            raise OriginChanged(
                f"stage {stage}: {', '.join(changed)} changed while it ran, so its tables are not "
                "recorded; run `dvc repro` again (finished model calls are remembered)"
            )


def fingerprint(path: Path) -> tuple[Any, ...] | None:
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    if stat.st_size > WHOLE:
        return stat.st_size, stat.st_mtime_ns, stat.st_ino
    return stat.st_size, hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def imported(root: Path) -> Iterator[Path]:
    """The files of the first-party modules that this process has imported."""
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if file and file.endswith(".py") and root in (path := Path(file)).parents and path.is_file():
            inside = path.relative_to(root).parts
            if not any(part.startswith(".") or part == "site-packages" for part in inside):
                yield path


def check_imports(stage: str, declared: Iterable[Path], root: Path) -> None:
    """Raise UndeclaredRead for a first-party module that was imported but is not among the declared deps."""
    declared = [root / path for path in declared]
    for path in imported(root):
        if path.stat().st_size and not any(path == dep or dep in path.parents for dep in declared):
            raise UndeclaredRead(stage, path.relative_to(root))
