"""How many concurrent runs fit into the memory of this machine."""

from __future__ import annotations

import contextlib
from pathlib import Path

from .cgroups import find_hierarchies
from .jobs import Limits


def cap_slots(slots: int, limits: Limits) -> int:
    """At most `slots`, and as many as the memory that is free now can hold at full limits; at least one."""
    run_bytes = (limits.memory_mb + limits.scratch_mb + 32) << 20
    return max(1, min(slots, available_memory() // run_bytes))


def available_memory() -> int:
    """Bytes that this process and its children may still allocate, by the machine's and the control group's count."""
    limits = [1 << 62]
    with contextlib.suppress(OSError, KeyError, ValueError):
        rows = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
        limits.append(int(rows["MemAvailable"].split()[0]) << 10)
    hierarchies = find_hierarchies()
    folder = hierarchies["memory"] if isinstance(hierarchies, dict) else Path("/sys/fs/cgroup")
    for limit, used in (("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes")):
        with contextlib.suppress(OSError, ValueError):  # "max" is not a number
            limits.append(int((folder / limit).read_text()) - int((folder / used).read_text()))
    return min(limits)
