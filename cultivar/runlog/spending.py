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
        name = f"{starter.pid}-{starter.create_time():.2f}"
    return folder / f"{name}.json"


def is_dvc(process: psutil.Process) -> bool:
    try:
        return any(Path(part).name == "dvc" for part in process.cmdline()[:3])
    except psutil.Error:
        return False
