"""Which Python runs the programs, which packages they may import, and bubblewrap's command line."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from .inside import jail
from .inside.host import HOST_NAME


class SlotFailed(RuntimeError):
    """The zygote could not be started; the message says why."""


def is_readable_by_others(path: Path) -> bool:
    """Whether an unprivileged user can read this file."""
    return all(p.stat().st_mode & 0o001 for p in path.resolve().parents) and bool(path.stat().st_mode & 0o005)


@cache
def interpreter(backend: str) -> tuple[str, str, tuple[str, ...]]:
    """(executable, version, library folders) for a backend. As root, all but userns need one that user nobody can read.

    Raises SlotFailed where there is none.
    """
    candidates = [getattr(sys, "_base_executable", None) or sys.executable]
    candidates += ["/usr/bin/python3", "/usr/local/bin/python3"]
    script = "import sys, sysconfig; print(sys.version.split()[0]); print(sysconfig.get_path('stdlib'))"
    script += "; print(sysconfig.get_path('platstdlib')); print(sys.version_info >= (3, 10))"
    for path in candidates:
        if not Path(path).exists():
            continue
        if os.getuid() == 0 and backend != "userns" and not is_readable_by_others(Path(path)):
            continue
        process = subprocess.run([path, "-I", "-S", "-c", script], capture_output=True, text=True)
        lines = process.stdout.split("\n")
        if process.returncode == 0 and lines[3] == "True":
            return path, lines[0], tuple(sorted({str(Path(p).resolve()) for p in lines[1:3]}))
    raise SlotFailed("no Python >= 3.10 that the user nobody may read (the running one lies under a closed folder)")


def find_packages(names: tuple[str, ...], python: str) -> tuple[dict[str, tuple[str, list[str] | None]], list[str]]:
    """({name: (origin, folders)}, folders to bind) of top-level packages of this interpreter, without importing them.

    Raises SlotFailed where one is not installed, or belongs to another Python version than the jail's.
    """
    if names and python.split(".")[:2] != [str(v) for v in sys.version_info[:2]]:
        raise SlotFailed(f"packages {', '.join(names)} belong to another Python than the jail's {python}")
    modules: dict[str, tuple[str, list[str] | None]] = {}
    trees: list[str] = []
    for name in names:
        spec = importlib.util.find_spec(name) if name.isidentifier() else None
        if spec is None or not spec.origin or not Path(spec.origin).exists():
            raise SlotFailed(f"package {name} is not installed for {sys.executable}")
        folders = list(spec.submodule_search_locations or []) or None
        modules[name] = (spec.origin, folders)
        for path in folders or [spec.origin]:
            libraries = Path(path).with_name(f"{name}.libs")  # where wheels keep their shared libraries
            trees += [path, *([str(libraries)] if libraries.exists() else [])]
    return modules, trees


def bwrap_command(executable: str, stdlib: tuple[str, ...], trees: list[str]) -> list[str]:
    """The command line of bubblewrap around the zygote: namespaces and mounts. The zygote adds Landlock and seccomp."""
    command = [shutil.which("bwrap") or "bwrap", "--unshare-all", "--hostname", HOST_NAME, "--cap-drop", "ALL"]
    command.append("--new-session")
    for path in dict.fromkeys((*jail.readable_paths(stdlib, trees), executable)):
        command += ["--ro-bind-try", path, path]
    for path in jail.hidden_folders(stdlib):
        command += ["--tmpfs", path, *(part for tree in trees for part in ("--ro-bind-try", tree, tree))]
    for device in jail.DEVICES:
        command += ["--dev-bind", f"/dev/{device}", f"/dev/{device}"]
    return [*command, "--remount-ro", "/", "--chdir", "/"]
