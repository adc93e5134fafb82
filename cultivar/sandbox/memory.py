"""How many runs at once the memory of this machine can hold."""

from __future__ import annotations

import contextlib
from pathlib import Path

from .cgroups import homes
from .jobs import Limits


def affordable(slots: int, limits: Limits) -> int:
    """As many slots as the memory that is free now can hold at full limits, at least one."""
    need = (limits.memory_mb + limits.scratch_mb + 32) << 20
    return max(1, min(slots, free_memory() // need))


def free_memory() -> int:
    """Bytes that this process and its children may still take: of the machine, and of its control group."""
    bounds = [1 << 62]
    with contextlib.suppress(OSError, KeyError, ValueError):
        rows = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
        bounds.append(int(rows["MemAvailable"].split()[0]) << 10)
    found = homes()
    folder = found["memory"] if isinstance(found, dict) else Path("/sys/fs/cgroup")
    for most, used in (("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes")):
        with contextlib.suppress(OSError, ValueError):  # "max" is no number
            bounds.append(int((folder / most).read_text()) - int((folder / used).read_text()))
    return min(bounds)
