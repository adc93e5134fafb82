"""Control groups as a second limit: where this process may create one, each slot's zygote and its runs have their own.

The limits of a run are rlimits and namespaces; a group adds what those do not sum up (memory of the scratch folder and of
every process of the run). It is optional: without a writable hierarchy, `open_group` returns None.
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


def find_hierarchies() -> dict[str, Path] | str:
    """{"memory": folder, "pids": folder} of this process's groups (the same folder twice in cgroup v2), or why there are none."""
    try:
        rows = [line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().splitlines()]
    except OSError as error:
        return f"/proc/self/cgroup: {error.strerror}"
    hierarchies: dict[str, Path] = {}
    for _, controllers, path in rows:
        for name in ("memory", "pids"):
            if name in controllers.split(","):
                hierarchies[name] = group_folder(ROOT / name, path)
    if len(hierarchies) == 2:
        return hierarchies
    unified = next((group_folder(ROOT, path) for _, controllers, path in rows if not controllers), None)
    if unified is None or not (unified / "cgroup.controllers").exists():
        return "no hierarchy with memory and pids"
    offered = (unified / "cgroup.subtree_control").read_text().split()
    if not {"memory", "pids"} <= set(offered):
        with contextlib.suppress(OSError):  # refused where the group itself contains processes
            (unified / "cgroup.subtree_control").write_text("+memory +pids")
            offered = (unified / "cgroup.subtree_control").read_text().split()
    if not {"memory", "pids"} <= set(offered):
        return f"{unified} does not pass memory and pids on"
    return {"memory": unified, "pids": unified}


def group_folder(root: Path, path: str) -> Path:
    """The folder of a group. In a container the kernel reports the host's path, and the container's group is the root."""
    own = root / path.lstrip("/")
    return own if own.is_dir() else root


def remove_stale_groups(hierarchy: Path) -> None:
    """Remove the empty groups of supervisors that were killed."""
    for folder in hierarchy.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError, ValueError):
            if not Path(f"/proc/{folder.name.split('-')[1]}").exists():
                folder.rmdir()


def open_group() -> Group | None:
    """A new group, or None where none can be created."""
    group = try_group()
    return group if isinstance(group, Group) else None


def try_group() -> Group | str:
    """A new group, or the reason why there is none."""
    hierarchies = find_hierarchies()
    if isinstance(hierarchies, str):
        return hierarchies
    try:
        return Group(hierarchies)
    except OSError as error:
        return f"{error.filename}: {error.strerror}"


class Group:
    """One slot's control group (the same name in each hierarchy of cgroup v1). Raises OSError where it cannot be created."""

    def __init__(self, hierarchies: dict[str, Path]) -> None:
        name = f"{PREFIX}{os.getpid()}-{next(_numbers)}"
        self.folders = {controller: hierarchy / name for controller, hierarchy in hierarchies.items()}
        created: list[Path] = []
        try:
            for folder in dict.fromkeys(self.folders.values()):
                remove_stale_groups(folder.parent)
                folder.mkdir()
                created.append(folder)
            self.limit_mb = self.pids = 0
            self.oom_kills = 0
            self.set_limits(Limits())
        except OSError:
            for folder in created:
                with contextlib.suppress(OSError):
                    folder.rmdir()
            raise

    def set_limits(self, limits: Limits) -> None:
        """Set the group's limits for a run with these limits."""
        # a split run is two processes
        memory_mb, pids = 2 * limits.memory_mb + limits.scratch_mb + SPARE_MB, 2 * limits.threads + SPARE_PIDS
        if (memory_mb, pids) == (self.limit_mb, self.pids):
            return
        memory = self.folders["memory"]
        name = "memory.max" if (memory / "memory.max").exists() else "memory.limit_in_bytes"
        (memory / name).write_text(str(memory_mb << 20))
        (self.folders["pids"] / "pids.max").write_text(str(pids))
        self.limit_mb, self.pids = memory_mb, pids

    def add_process(self, pid: int) -> None:
        """Move a process into the group; its future children are in it too."""
        for folder in dict.fromkeys(self.folders.values()):
            (folder / "cgroup.procs").write_text(str(pid))

    def had_oom_kill(self) -> bool:
        """Whether the kernel has killed a process of the group for memory since the last call."""
        memory = self.folders["memory"]
        for name in ("memory.events", "memory.oom_control"):
            with contextlib.suppress(OSError):
                rows = dict(line.split() for line in (memory / name).read_text().splitlines())
                before, self.oom_kills = self.oom_kills, int(rows.get("oom_kill", 0))
                return self.oom_kills > before
        return False

    def close(self) -> None:
        for folder in dict.fromkeys(self.folders.values()):
            with contextlib.suppress(OSError):
                folder.rmdir()
