"""Where one `dvc repro` counts what it has spent, so that a budget holds over all its stages."""

import os
from pathlib import Path

import psutil

from cultivar.runlog.folders import cache_folder, remove_expired


def spending_file() -> Path:
    """The file in which this run counts what it spends: one per `dvc repro`, or per CULTIVAR_RUN where that is set."""
    folder = cache_folder() / "spent"
    remove_expired(folder, "*.json")
    name = os.environ.get("CULTIVAR_RUN")
    if not name:
        ancestors = psutil.Process().parents()
        starter = next(filter(is_dvc, ancestors), ancestors[0] if ancestors else psutil.Process())
        name = identity_of(starter)
    return folder / f"{name}.json"


def identity_of(process: psutil.Process) -> str:
    """A name that no other process has had. On Linux by ticks since the machine started: the wall clock may be set, and
    the times of processes move with it.
    """
    try:
        ticks = (
            Path(f"/proc/{process.pid}/stat")
            .read_text(encoding="utf-8", errors="replace")
            .rpartition(")")[2]
            .split()[19]
        )
        return f"{process.pid}-{ticks}-{Path('/proc/sys/kernel/random/boot_id').read_text(encoding='ascii')[:8]}"
    except (OSError, IndexError):
        return f"{process.pid}-{process.create_time():.2f}"


def is_dvc(process: psutil.Process) -> bool:
    try:
        return any(Path(part).name == "dvc" for part in process.cmdline()[:3])
    except psutil.Error:
        return False
