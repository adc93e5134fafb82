"""What DVC and the stages stand on: DVC's lock file, git, the default remote, room on the disk, folders to write into."""

import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from cultivar.runlog.folders import cache_folder, runs_folder
from cultivar.runlog.previous import LOCK, dvc_config, objects_folder
from cultivar.runner.graph import load_yaml
from cultivar.runner.guard.parents import LOCKS
from cultivar.tools.objects import Finding, url_of
from schemas.writing import existing, free_bytes, in_units

LEAST_FREE = 64 * 2**20
"""Bytes below which a disk is called full: less than a stage with a small table needs for its drafts and journals."""
PLUGINS = {
    **dict.fromkeys(("s3", "gs", "azure", "ssh", "gdrive", "oss", "hdfs", "webdav"), ""),
    **{"webhdfs": "hdfs", "webdavs": "webdav"},
}
"""Kinds of remotes that need a package of their own, dvc-<kind> or as named."""
REMEDIES = {
    r"RWLock-file|codec can't decode byte": f"where `cultivar doctor` says that {LOCKS} was cut short, remove it while no dvc runs",
    r"Unable to acquire lock": "another dvc works here: wait for it, or end it",
    r"not inside of a DVC repository": "start in the folder of dvc.yaml, or `dvc init` there (`--no-scm` without git)",
    r"is not a git repository": "`git init`, or without git `dvc config core.no_scm true`",
    r"[Nn]o remote (specified|provided)|remote '[^']*' doesn't exist": "`dvc remote add -d NAME URL`",
    r"is supported, but requires 'dvc-": "`pip install` the package that it names",
    r"No space left on device|Disk quota exceeded": "make room; what was finished is kept",
}
"""What DVC says -> what to do about it."""


def remedy_of(output: str) -> str | None:
    """What to do about a failure of DVC, by its words; None for what is no such failure."""
    errors = "\n".join(line for line in output.splitlines() if line.startswith("ERROR"))
    return next((remedy for words, remedy in REMEDIES.items() if re.search(words, errors)), None)


def failure_of(error: subprocess.CalledProcessError) -> str:
    """What a dvc that failed said, and what to do about it."""
    message = (error.stderr or str(error)).strip()
    remedy = remedy_of(message)
    return message.removeprefix("ERROR: ") + (f"; {remedy}" if remedy else "")


def obstacles() -> list[Finding]:
    """What keeps every dvc command from working here."""
    return [*torn_locks(), *repository()]


def torn_locks() -> Iterator[Finding]:
    """DVC rewrites its file of locks in place, so a kill or a full disk may leave half of it. A dvc that is at work is
    given a second to finish it.
    """
    for _ in range(20):
        try:
            if not LOCKS.exists() or has_form(json.loads(LOCKS.read_text(encoding="utf-8"))):
                return
        except ValueError:
            pass
        time.sleep(0.05)
    yield Finding(f"{LOCKS} was cut short by a kill: DVC refuses to work", f"rm {LOCKS}, while no dvc runs")


def has_form(locks: Any) -> bool:
    """Whether locks are what DVC reads: path -> holder where written, path -> holders where read."""

    def is_holder(value: Any) -> bool:
        return isinstance(value, dict) and isinstance(value.get("pid"), int) and isinstance(value.get("cmd"), str)

    if not isinstance(locks, dict) or not locks.keys() <= {"read", "write"}:
        return False
    if not all(isinstance(part, dict) for part in locks.values()):
        return False
    readers = locks.get("read", {}).values()
    return all(map(is_holder, locks.get("write", {}).values())) and all(
        isinstance(holders, list) and all(map(is_holder, holders)) for holders in readers
    )


def repository() -> Iterator[Finding]:
    """A folder that is no project of DVC, or whose configuration says another thing of git than is there."""
    if not Path(".dvc").is_dir():
        yield Finding(
            "there is no .dvc here, so every dvc command refuses to work",
            "start in the folder of dvc.yaml, or `dvc init` (without git `dvc init --no-scm`)",
        )
        return
    has_git, without_git = ask_git(), is_without_git()
    if "dubious ownership" in has_git:
        yield Finding(
            "git: this folder belongs to another user, so git and DVC refuse to read it",
            f"git config --global --add safe.directory {Path.cwd()}",
        )
    elif has_git != "true" and not without_git:
        yield Finding(
            "git: this is no git repository, so every dvc command refuses to work",
            "`git init`, or without git `dvc config core.no_scm true`",
        )
    elif has_git == "true" and without_git and Path(".git").exists():
        yield Finding(
            "git: core.no_scm is set though this is a git repository, so `dvc exp` and `dvc diff` refuse to work",
            "`dvc config core.no_scm false`",
        )


def is_without_git() -> bool:
    """Whether DVC was told to do without git (core.no_scm)."""
    return dvc_config().get("core", "no_scm", fallback="false").strip().lower() in ("true", "1", "yes", "on")


def ask_git() -> str:
    """`true` in a work tree of git; else git's error, or nothing where git is not installed."""
    try:
        asked = ["git", "rev-parse", "--is-inside-work-tree"]
        done = subprocess.run(asked, capture_output=True, encoding="utf-8", errors="replace")
    except OSError:
        return "true" if Path(".git").exists() else ""  # DVC reads repositories by itself
    return done.stdout.strip() or done.stderr.strip()


def default_remote() -> Iterator[Finding]:
    """A default remote that is not defined, or of a kind that nothing installed can reach. Nothing is sent."""
    name = default_remote_name()
    if not name:
        return
    url = url_of(name)
    if url == name and not is_defined_elsewhere(name):
        yield Finding(
            f"remote: core.remote is {name}, which .dvc/config does not define: `dvc push` and `dvc pull` refuse to work",
            f"`dvc remote add -d {name} URL`, or `dvc config --unset core.remote`",
        )
    kind = url.partition("://")[0] if "://" in url else ""
    if kind in PLUGINS:
        package = f"dvc-{PLUGINS[kind] or kind}"
        if find_spec(package.replace("-", "_")) is None:
            yield Finding(f"remote: {name} needs {package}, which is not installed", f"pip install {package}")


def default_remote_name() -> str:
    return dvc_config().get("core", "remote", fallback="").strip()


def is_defined_elsewhere(name: str) -> bool:
    """Whether the configuration of the user or the machine defines a remote."""
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    for place in (Path(os.environ.get("DVC_GLOBAL_CONFIG_DIR") or home / "dvc"), Path("/etc/xdg/dvc")):
        with contextlib.suppress(OSError, UnicodeDecodeError):
            if f'remote "{name}"' in (place / "config").read_text(encoding="utf-8"):
                return True
    return False


def unwritable() -> Iterator[Finding]:
    """Folders that a stage or DVC writes into, and cannot. `.cache` read-only costs no stage its outputs, but answers."""
    written = [Path(name) for name in ("data", "models", "metrics", "plots", "fingerprints", ".dvc/tmp")]
    own = [objects_folder(), cache_folder(), runs_folder(), Path(tempfile.gettempdir())]
    for place in dict.fromkeys(written + own):
        if place.is_dir() and not os.access(place, os.W_OK | os.X_OK):
            if os.statvfs(place).f_flag & os.ST_RDONLY:
                yield Finding(
                    f"{place} cannot be written: its file system is mounted read-only", "mount it for writing"
                )
            else:
                yield Finding(f"{place} cannot be written by this user", f"chmod u+rwx {place}, or chown it")
        elif place.exists() and not place.is_dir():
            yield Finding(f"{place} is a file where a folder belongs", f"move {place} away")


def room() -> Iterator[Finding]:
    """Disks on which the outputs of the last run would not fit once more, or that are as good as full."""
    stage, needed = largest_stage()
    seen: set[int] = set()
    for place in (Path("data"), Path("models"), objects_folder(), cache_folder(), Path(tempfile.gettempdir())):
        about = os.statvfs(existing(place))
        device = existing(place).stat().st_dev
        if device in seen or about.f_flag & os.ST_RDONLY:
            continue
        seen.add(device)
        free = free_bytes(place)
        if about.f_files and not about.f_favail:
            yield Finding(f"disk: no inodes are free at {existing(place)}", "remove files there")
        elif free < LEAST_FREE:
            yield Finding(f"disk: {in_units(free)} are free at {existing(place)}", "make room there")
        elif free < needed and str(place) != tempfile.gettempdir():
            yield Finding(
                f"disk: {in_units(free)} are free at {existing(place)}, and the outputs of {stage} take {in_units(needed)}",
                "make room there before they are made again",
            )


def largest_stage() -> tuple[str, int]:
    """The stage whose outputs were the largest, and their bytes, as dvc.lock records them."""
    stages = load_yaml(LOCK).get("stages") or {} if LOCK.is_file() else {}
    sizes = {name: sum(out.get("size") or 0 for out in entry.get("outs", [])) for name, entry in stages.items()}
    return max(sizes.items(), key=lambda item: item[1], default=("", 0))


def notes() -> Iterator[str]:
    """What is no fault, and good to know where something is missed later."""
    if Path(".dvc").is_dir():
        if is_without_git():
            yield "no git here (core.no_scm): `dvc repro` works; `dvc exp`, `dvc diff` and comparisons with a commit do not"
        if not (name := default_remote_name()):
            yield "no default remote: `dvc push` and `dvc pull` have no place; `dvc remote add -d NAME URL` gives them one"
        elif "://" not in (url := url_of(name)) and url != name and not Path(url).is_dir():
            yield f"remote {name}: {url} is not there: not mounted, or nothing was pushed yet"
    encoding = (sys.stdout.encoding or "").lower().replace("-", "")
    if not encoding.startswith("utf"):
        yield f"the terminal's encoding is {encoding or 'unknown'}: what it lacks is shown as \\uXXXX; LANG=C.UTF-8 shows it"
