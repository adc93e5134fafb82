"""Control groups as a back-stop: where this process may make one, each slot's zygote and its runs live in their own.

The limits of a run are rlimits and namespaces; a group adds what those do not count together (memory of scratch and of
every process of the run). Nothing depends on it: without a writable hierarchy, `open_group` gives None.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from pathlib import Path

from .jobs import Limits

ROOT = Path("/sys/fs/cgroup")
PREFIX = "cultivar-"
SPARE_MB = 96  # the zygote's own memory and six memfds
SPARE_PIDS = 16  # the zygote, a split run's second process
_numbers = itertools.count()


def homes() -> dict[str, Path] | str:
    """{"memory": folder, "pids": folder} of this process's own groups (one folder in version 2), or why there is none."""
    try:
        rows = [line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().splitlines()]
    except OSError as error:
        return f"/proc/self/cgroup: {error.strerror}"
    found: dict[str, Path] = {}
    for _, controllers, path in rows:
        for name in ("memory", "pids"):
            if name in controllers.split(","):
                found[name] = below(ROOT / name, path)
    if len(found) == 2:
        return found
    unified = next((below(ROOT, path) for _, controllers, path in rows if not controllers), None)
    if unified is None or not (unified / "cgroup.controllers").exists():
        return "no hierarchy with memory and pids"
    offered = (unified / "cgroup.subtree_control").read_text().split()
    if not {"memory", "pids"} <= set(offered):
        with contextlib.suppress(OSError):  # refused where the group holds processes itself
            (unified / "cgroup.subtree_control").write_text("+memory +pids")
            offered = (unified / "cgroup.subtree_control").read_text().split()
    if not {"memory", "pids"} <= set(offered):
        return f"{unified} does not pass memory and pids on"
    return {"memory": unified, "pids": unified}


def below(root: Path, path: str) -> Path:
    """The folder of a group; inside a container its path is that of the host, and the root is ours."""
    own = root / path.lstrip("/")
    return own if own.is_dir() else root


def sweep(home: Path) -> None:
    """Remove the empty groups of supervisors that were killed."""
    for folder in home.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError, ValueError):
            if not Path(f"/proc/{folder.name.split('-')[1]}").exists():
                folder.rmdir()


def open_group() -> Group | None:
    group = try_group()
    return group if isinstance(group, Group) else None


def try_group() -> Group | str:
    """A new group, or the reason why there is none."""
    found = homes()
    if isinstance(found, str):
        return found
    try:
        return Group(found)
    except OSError as error:
        return f"{error.filename}: {error.strerror}"


class Group:
    """One slot's control group (the same name in each of version 1's hierarchies). OSError where it cannot be made."""

    def __init__(self, homes: dict[str, Path]) -> None:
        name = f"{PREFIX}{os.getpid()}-{next(_numbers)}"
        self.folders = {controller: home / name for controller, home in homes.items()}
        made: list[Path] = []
        try:
            for folder in dict.fromkeys(self.folders.values()):
                sweep(folder.parent)
                folder.mkdir()
                made.append(folder)
            self.limit_mb = self.pids = 0
            self.deaths = 0
            self.allow(Limits())
        except OSError:
            for folder in made:
                with contextlib.suppress(OSError):
                    folder.rmdir()
            raise

    def allow(self, limits: Limits) -> None:
        """Set the bounds for a run with these limits."""
        # a split run is two processes
        wanted, pids = 2 * limits.memory_mb + limits.scratch_mb + SPARE_MB, 2 * limits.threads + SPARE_PIDS
        if (wanted, pids) == (self.limit_mb, self.pids):
            return
        memory = self.folders["memory"]
        name = "memory.max" if (memory / "memory.max").exists() else "memory.limit_in_bytes"
        (memory / name).write_text(str(wanted << 20))
        (self.folders["pids"] / "pids.max").write_text(str(pids))
        self.limit_mb, self.pids = wanted, pids

    def take(self, pid: int) -> None:
        """Move a process here; what it starts from now on is here too."""
        for folder in dict.fromkeys(self.folders.values()):
            (folder / "cgroup.procs").write_text(str(pid))

    def killed(self) -> bool:
        """Whether the kernel has killed something for memory since the last question."""
        memory = self.folders["memory"]
        for name in ("memory.events", "memory.oom_control"):
            with contextlib.suppress(OSError):
                rows = dict(line.split() for line in (memory / name).read_text().splitlines())
                before, self.deaths = self.deaths, int(rows.get("oom_kill", 0))
                return self.deaths > before
        return False

    def close(self) -> None:
        for folder in dict.fromkeys(self.folders.values()):
            with contextlib.suppress(OSError):
                folder.rmdir()
