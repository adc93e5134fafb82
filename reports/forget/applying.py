"""What a plan says, done: store, cache, outputs, then the sources. Each step may run twice, so a killed one is taken up again.

The sources come last: until then the same request finds the same plan.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import psutil

from cultivar.runlog.folders import cache_folder, runs_folder
from cultivar.runner.guard.parents import LOCKS
from cultivar.store.store import Store
from reports.forget.answers import remove
from reports.forget.certificate import first_certificate, scan, write
from reports.forget.elsewhere import remote_commands, store_commands
from reports.forget.objects import unlink_objects
from reports.forget.plan import Plan
from reports.forget.probes import Probes
from reports.versions.objects import object_path
from schemas.errors import UserError


def carry_out(plan: Plan, store: Store) -> Path:
    """Do everything that a saved plan says, scan, and write the certificate; its path. Raises UserError, OSError."""
    check_writable(plan, store)
    for kind, keys in sorted(plan.answers.items()):
        remove(store, kind, {bytes.fromhex(key) for key in keys})
    for name in plan.damaged:
        Path(name).unlink(missing_ok=True)
    unlink_objects(plan.objects)
    for name in plan.runs:
        Path(name).unlink(missing_ok=True)
    for name in plan.outputs:
        remove_output(Path(name))
    remove_records(plan)
    cut_files(plan)
    segments = {kind: sorted(store.folder(kind).list_names()) for kind in plan.segments}
    elsewhere = {"remotes": remote_commands(plan.objects), "store": store_commands(plan.segments)}
    certificate: dict[str, Any] = first_certificate(
        plan, segments, elsewhere, scan(Probes.from_json(plan.probes), store)
    )
    path = write(certificate)
    shutil.rmtree(plan.folder)
    return path


def check_writable(plan: Plan, store: Store) -> None:
    """Raise UserError where a folder cannot be written, or DVC is at work, before anything is done."""
    if holder := dvc_at_work():
        raise UserError(f"DVC is at work here ({holder}); let it end, then run this again")
    folders = {store.root / kind for kind in plan.answers} | {Path(name).parent for name in plan.files}
    folders |= {object_path(md5).parent for md5 in plan.objects if object_path(md5).is_file()}
    folders |= {Path(name).parent for name in (*plan.outputs, *plan.damaged) if Path(name).exists()}
    for folder in sorted(folder for folder in folders if folder.is_dir()):
        try:
            check_folder(folder)
        except OSError as error:
            raise UserError(
                f"{folder} cannot be written ({error.strerror}), so nothing was touched; make it writable and run this again"
            ) from error


def dvc_at_work() -> str:
    """The command of a living dvc that holds a lock; "" where there is none. DVC clears locks of killed ones itself."""
    try:
        locks = json.loads(LOCKS.read_bytes() or b"{}")
    except (OSError, ValueError):
        return ""
    written = list(locks.get("write", {}).values())
    held = written + [holder for holders in locks.get("read", {}).values() for holder in holders]
    return next((str(holder["cmd"]) for holder in held if psutil.pid_exists(holder["pid"])), "")


def check_folder(folder: Path) -> None:
    """Raise OSError where nothing can be written into a folder: rights alone do not tell (read-only mounts, root)."""
    with tempfile.TemporaryFile(dir=folder):
        pass


def remove_output(path: Path) -> None:
    """Remove an output of the workspace, a file or a folder."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def remove_records(plan: Plan) -> None:
    """Remove run records and checkpoints of the stages that are to run again."""
    for stage in plan.rebuild:
        key = stage.replace("@", "-")
        for record in (runs_folder() / f"{key}.json", *(cache_folder() / "runs").glob(f"*/{key}.json")):
            record.unlink(missing_ok=True)
        for folder in (cache_folder() / "checkpoints").glob(f"{key}-*"):
            shutil.rmtree(folder, ignore_errors=True)


def cut_files(plan: Plan) -> None:
    """Put the cut files in their places, remove those that go, and tell DVC of those that it tracks by a pointer."""
    for name, hashes in plan.files.items():
        path, draft = Path(name), plan.folder / "files" / name
        if hashes["after"] is None:
            path.unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # other files are in it
                if path.parent not in (Path("data"), Path("data/raw"), Path("data/seeds"), Path("human/annotations")):
                    path.parent.rmdir()
        elif draft.is_file():
            with draft.open("rb") as file:
                os.fsync(file.fileno())
            shutil.copymode(path, draft) if path.is_file() and os.access(path, os.W_OK) else draft.chmod(0o644)
            draft.replace(path)
    for pointer in sorted(Path().glob("data/**/*.dvc")):
        place = pointer.with_suffix("")
        if place.exists() and any(Path(name) == place or place in Path(name).parents for name in plan.files):
            done = subprocess.run(
                [sys.executable, "-m", "dvc", "--wait-for-lock", "add", "--quiet", str(place)],
                capture_output=True,
                text=True,
            )
            if done.returncode:
                raise UserError(f"`dvc add {place}` failed: {done.stderr.strip()}; correct it and run this again")
