"""The checkpoints of a finished training: they go last.

A stage that has ended is not recorded before DVC has hashed its outputs and copied them into its cache, which can fail
(a full disk, a kill, a torn lock file). So under DVC the checkpoints of a finished training stay until dvc.lock records
its outputs; the next stage that runs removes them.
"""

import json
import os
from pathlib import Path

from cultivar.runlog.previous import md5_of, recorded
from schemas.writing import Drafts, draft_path, remove

FINISHED = "finished.json"
"""In a folder of checkpoints: the stage's name in dvc.lock, and the md5 of its outputs that are files, by path."""


def release_checkpoints(folder: Path, stage: str, outputs: list[Path]) -> None:
    """Remove the checkpoints of a finished stage; under DVC mark them as to be removed once it has recorded `outputs`.

    `stage`: its name in dvc.lock.
    """
    if not folder.is_dir():
        return
    if "DVC_STAGE" not in os.environ or not any(folder.iterdir()):
        remove_whole(folder)
        return
    hashes = {str(path): md5_of(path) for path in outputs if path.is_file()}
    with Drafts() as drafts:
        text = json.dumps({"stage": stage, "outputs": hashes})
        drafts.add(folder / FINISHED).write_text(text, encoding="utf-8")
        drafts.publish()


def remove_recorded(checkpoints: Path) -> None:
    """Remove the checkpoints of finished stages whose outputs dvc.lock records by now."""
    for mark in checkpoints.glob(f"*/{FINISHED}"):
        try:
            finished = json.loads(mark.read_text(encoding="utf-8"))
            stage, outputs = finished["stage"], finished["outputs"]
        except (OSError, ValueError, KeyError, TypeError):  # of a run that another process removes
            continue
        if outputs and outputs.items() <= recorded(stage).items():
            remove_whole(mark.parent)


def remove_whole(folder: Path) -> None:
    """Remove a folder so that a kill leaves all of it or nothing under its name: no checkpoint without its weights."""
    gone = draft_path(folder)
    folder.rename(gone)
    remove(gone)
