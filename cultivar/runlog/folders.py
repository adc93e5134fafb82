"""The folders in .cache where work and records outlive a run, and the removal of old ones."""

import contextlib
import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

MAX_AGE_DAYS = 30
"""Spending records and checkpoints of older runs are removed."""


def cache_folder() -> Path:
    """Where work outlives a run: shared by the workspace and every experiment of a repository."""
    return Path(os.environ.get("DVC_ROOT", ".")) / ".cache"


def runs_folder() -> Path:
    """Run records of this workspace: an experiment in a folder of its own has a folder for them below the shared one."""
    here, root = Path.cwd(), Path(os.environ.get("DVC_ROOT", ".")).resolve()
    own = [] if here == root else [hashlib.sha256(str(here).encode()).hexdigest()[:12]]
    return cache_folder().joinpath("runs", *own)


def expired(folder: Path, pattern: str) -> Iterator[Path]:
    """Files and folders that nobody has touched for MAX_AGE_DAYS."""
    for old in folder.glob(pattern):
        with contextlib.suppress(OSError):  # another process removes it
            newest = max(path.stat().st_mtime for path in (old, *old.rglob("*")))
            if time.time() - newest > MAX_AGE_DAYS * 86400:
                yield old


def remove_expired(folder: Path, pattern: str) -> None:
    """Remove files and folders that nobody has touched for MAX_AGE_DAYS."""
    for old in expired(folder, pattern):
        with contextlib.suppress(OSError):
            shutil.rmtree(old) if old.is_dir() else old.unlink()
