"""Where people's files stand: below data/raw, in git where they are small, under DVC where they are not."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cultivar.tools.sources.edits import SourceError

RAW = Path("data/raw")
GIT_BYTES = 1_000_000
"""Up to so many bytes a file, or a folder's files together, stand in git."""
HUB = "hf://"


def bytes_of(path: Path) -> int:
    """Bytes of a file, or of all files of a folder."""
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sum(file.stat().st_size for file in files)


def inside(path: Path) -> Path | None:
    """The path as the project names it, where it stands in the project and no stage writes there; else None."""
    try:
        place = path.resolve().relative_to(Path.cwd().resolve())
    except ValueError:
        return None
    if place.parts[:1] == ("data",) and place.parts[1:2] not in (("raw",), ("seeds",)):
        return None
    return None if place.parts[:1] in ((), (".git",), (".dvc",), (".cache",), (".venv",), ("models",)) else place


@contextmanager
def placed(path: Path, name: str) -> Iterator[Path]:
    """The path in the project: itself, or its copy below data/raw, which goes where what is done within fails.

    Raises SourceError where another file has the copy's place.
    """
    if (place := inside(path)) is not None:
        yield place
        return
    suffix = "" if path.is_dir() else "".join(path.suffixes[-2:])
    names = [*([path.name] if safe(path.name) else []), f"{name}{suffix}"]
    target = next((RAW / each for each in names if not (RAW / each).exists()), None)
    if target is None:
        raise SourceError(f"{RAW / names[-1]} exists already; add it as it stands there, or choose another --name")
    RAW.mkdir(parents=True, exist_ok=True)
    temporary = RAW / f".{target.name}.tmp"
    try:
        if path.is_dir():
            shutil.copytree(
                path, temporary, ignore=shutil.ignore_patterns(".git", ".dvc")
            )  # git keeps no repository in one
        else:
            shutil.copyfile(path, temporary)
        temporary.rename(target)
        yield target
    except BaseException:
        for made in (temporary, target):
            shutil.rmtree(made) if made.is_dir() else made.unlink(missing_ok=True)
        raise


def safe(name: str) -> bool:
    """Whether a file may keep its name: no pattern, nothing that a terminal acts on, not hidden."""
    return name.isprintable() and not name.startswith((".", "-")) and not any(sign in name for sign in "*?[]\\:\"'")


def keep(path: Path) -> str:
    """Put a file or folder under DVC or git, as its size wants; what was done, in words. Raises SourceError.

    Where DVC tracks the folder above already, that is brought up to date.
    """
    owner = next(
        (one for one in (path, *path.parents) if one.name and one.with_name(one.name + ".dvc").is_file()), None
    )
    if owner is not None or bytes_of(path) > GIT_BYTES:
        owner = owner or path
        run(sys.executable, "-m", "dvc", "add", "-q", str(owner))
        pointer = f"{owner}.dvc"
        ignore = owner.parent / ".gitignore"
        run("git", "add", pointer, *([str(ignore)] if ignore.is_file() else []))
        return f"under DVC ({pointer} is for git; colleagues get it with `dvc pull`)"
    run("git", "add", str(path))
    return "in git (`git commit` keeps it)"


def run(*command: str) -> None:
    """Run a command. Raises SourceError with what it says where it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        name = "dvc" if "dvc" in command else command[0]
        words = (done.stderr or done.stdout).strip()[-500:]
        remedy = {"not a git repository": "git init", "not inside of a DVC repository": "dvc init"}
        ways = [f"; call `{way}` here, then add again" for fault, way in remedy.items() if fault in words]
        raise SourceError(f"{name} failed: {words}{''.join(ways)}")
