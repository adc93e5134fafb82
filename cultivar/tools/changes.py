"""What changed since dvc.lock was written, as `dvc status` sees it, and what DVC makes of it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from cultivar.runlog.previous import LOCK, objects_folder
from cultivar.runner.graph import load_yaml
from cultivar.tools.objects import members

Changes = dict[str, list[Any]]
"""Stage or item of a matrix -> what changed, as `dvc status --json` says it."""


def status() -> Changes:
    """What changed, by `dvc status`. Raises CalledProcessError."""
    asked = subprocess.run(
        [sys.executable, "-m", "dvc", "--wait-for-lock", "status", "--json"], capture_output=True, text=True, check=True
    )
    return json.loads(asked.stdout or "{}")


def restorable(changes: Changes, order: list[str]) -> set[str]:
    """Stages that changed and that DVC checks out instead of running them.

    Only their outputs are not as recorded in dvc.lock, or what they read from other such stages, and the cache has every
    object: as after `git checkout` of another version, or where an output was deleted. A data stage is none of them: its counts
    are in git alone, so DVC keeps no results of it and it runs again, from remembered answers.
    """
    recorded = (load_yaml(LOCK)["stages"] if LOCK.exists() else {}) if changes else {}
    objects = objects_folder()
    outs = {out["path"]: out.get("md5") for entry in recorded.values() for out in entry.get("outs", [])}
    back: set[str] = set()  # what is checked out

    def comes_back(name: str) -> bool:
        entry = recorded.get(name, {})
        for change in changes[name]:
            kind, paths = next(iter(change.items())) if isinstance(change, dict) else (change, {})
            if kind == "changed deps":
                read = {dep["path"]: dep.get("md5") for dep in entry.get("deps", [])}
                if not all(path in back and read.get(path) == outs[path] for path in paths):
                    return False
            elif kind != "changed outs":
                return False
        files = [objects / out.get("md5", "")[:2] / out.get("md5", "")[2:] for out in entry.get("outs", [])]
        return bool(files) and all(map(is_complete, files))

    def is_complete(path: Path) -> bool:
        """Whether the cache holds the object, and of a folder all its files."""
        if path.suffix != ".dir" or not path.is_file():
            return path.is_file()
        return all((objects / one["md5"][:2] / one["md5"][2:]).is_file() for one in members(path))

    found = set()
    for stage in order:
        names = [name for name in changes if name.partition("@")[0] == stage]
        if names and all(map(comes_back, names)):
            found.add(stage)
            back |= {out["path"] for name in names for out in recorded[name]["outs"]}
    return found


def reasons(changes: Changes) -> dict[str, list[str]]:
    """Stage -> why DVC would run it, in words."""
    found: dict[str, list[str]] = {}
    for name, listed in changes.items():
        words = found.setdefault(name.partition("@")[0], [])
        for change in listed:
            if isinstance(change, str):
                words.append(change)
                continue
            for paths in change.values():
                words += [f"{how}: {path}" for path, how in flat(paths) if f"{how}: {path}" not in words]
    return {
        name: words[:3] + ([f"and {len(words) - 3} more"] if len(words) > 3 else []) for name, words in found.items()
    }


def flat(paths: dict[str, Any]) -> list[tuple[str, str]]:
    """(path or key, how it changed); changed params are one level deeper."""
    return [pair for name, how in paths.items() for pair in (flat(how) if isinstance(how, dict) else [(name, how)])]
