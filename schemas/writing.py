"""Files that appear whole or not at all, and a full disk as one error, in whatever words a library says it."""

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from schemas.errors import UserError

REASONS = {
    errno.ENOSPC: "no space left on the device",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "it is larger than the file system or `ulimit -f` allows",
}
WORDS = {
    "no space left on device": errno.ENOSPC,
    "(os error 28)": errno.ENOSPC,  # Rust: Polars, safetensors
    "database or disk is full": errno.ENOSPC,  # SQLite
    "disk quota exceeded": errno.EDQUOT,
    "(os error 122)": errno.EDQUOT,
    "file too large": errno.EFBIG,
    "(os error 27)": errno.EFBIG,
    "inline_container.cc": errno.ENOSPC,  # torch.save does not say why a write failed; it hardly ever is anything else
    "pytorchstreamwriter failed": errno.ENOSPC,
}
LIBRARIES = ("polars", "pyarrow", "safetensors", "torch", "sqlite3", "duckdb", "builtins", "shutil")
"""Modules whose errors are read for WORDS. An error of this project has a message of its own."""


class DiskFull(UserError, OSError):
    """A file cannot be written for want of space. `errno`, `strerror` and `filename` are those of the system's error."""

    def __str__(self) -> str:
        what = str(self.filename) if self.filename else "a file"
        return (
            f"{what} cannot be written: {REASONS.get(self.errno or 0, self.strerror)} ({free_space(Path(what))}); make room "
            "and run it again: earlier outputs, finished answers and checkpoints are kept"
        )


def disk_full(error: BaseException, *places: Path) -> DiskFull | None:
    """What an error says of a full disk, itself or in what it was raised from; None where it is of something else.

    `places`: files or folders that were being written, of which the one with the least free space is named where the
    error names none.
    """
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, DiskFull):
            return one
        if (code := code_of(one)) is not None:
            path = path_of(one) or (min(places, key=free_bytes) if places else None)
            return DiskFull(code, os.strerror(code), *([str(path)] if path else []))
        waiting += [one.__context__, one.__cause__]
        waiting += reversed(getattr(one, "exceptions", ()))
    return None


def code_of(error: BaseException) -> int | None:
    """ENOSPC, EDQUOT or EFBIG where an error is of that kind."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno if error.errno in REASONS else None
    if type(error).__module__.partition(".")[0].partition("_")[0] not in LIBRARIES or isinstance(error, KeyError):
        return None
    if type(error).__module__ == "builtins" and not isinstance(error, OSError | RuntimeError):
        return None
    text = str(error)[:2000].lower()
    if isinstance(error, OSError) and text.endswith("written") and " requested and " in text:  # NumPy
        return errno.ENOSPC
    return next((code for words, code in WORDS.items() if words in text), None)


def path_of(error: BaseException) -> str | None:
    """The file that an error says could not be written: of a copy its target."""
    if isinstance(error, shutil.Error) and error.args and isinstance(error.args[0], list):  # of copytree
        return str(error.args[0][0][1])
    named = getattr(error, "filename2", None) or getattr(error, "filename", None)
    return os.fsdecode(named) if isinstance(named, str | bytes | os.PathLike) else None


def existing(path: Path) -> Path:
    """The path or the nearest folder above it that exists."""
    path = Path(os.path.abspath(path))  # noqa: PTH100  (resolve follows links, whose target may be gone)
    return next((place for place in [path, *path.parents] if place.exists()), Path("/"))


def free_bytes(path: Path) -> int:
    """Bytes that this user may still write where a path is, or would be."""
    with contextlib.suppress(OSError):
        return shutil.disk_usage(existing(path)).free
    return 0


def free_space(path: Path) -> str:
    """How much room there is where a path is, or would be, in words."""
    try:
        about = os.statvfs(existing(path))
    except OSError:
        return "how much is free cannot be told"
    if about.f_files and not about.f_favail:
        return f"no inodes are free there: it holds {about.f_files:,} files"
    free, total = (blocks * about.f_frsize for blocks in (about.f_bavail, about.f_blocks))
    return f"{in_units(free)} of {in_units(total)} are free there"


def in_units(size: float) -> str:
    """Bytes in the largest unit that leaves a number from 1 on."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:,.0f} {unit}" if unit == "bytes" else f"{size:,.1f} {unit}"
        size /= 1000
    return f"{size:,.1f} TB"


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """Errors of a full disk within name the path, whatever library they come from. Raises DiskFull."""
    try:
        yield
    except Exception as error:
        full = disk_full(error)
        if full is None or full is error:
            raise
        raise DiskFull(full.errno, full.strerror, str(path)) from error


def draft_path(path: Path) -> Path:
    """Where this process writes a file or folder before it takes its place: `.<name>.<process>.tmp` beside it."""
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


def remove(path: Path) -> None:
    """Remove a file or a folder; what cannot be removed, or is gone, stays so."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


class Drafts:
    """Outputs that take their places together, once every one is on disk; until then what was there stays.

    A context manager: leaving it removes the drafts that were not published.
    """

    def __init__(self) -> None:
        self.places: list[tuple[Path, Path]] = []

    def __enter__(self) -> "Drafts":
        return self

    def __exit__(self, *error: object) -> None:
        for draft, _ in self.places:
            remove(draft)

    def add(self, path: Path, draft: Path | None = None) -> Path:
        """The draft of an output, `draft` where it has been written already. Its folder is created."""
        with naming(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        place = draft or draft_path(path)
        self.places.append((place, path))
        return place

    def publish(self) -> None:
        """Put every draft in its place by a rename."""
        for draft, path in self.places:
            if path.is_dir() and not path.is_symlink():  # no rename replaces a folder that holds something
                old = path.with_name(f".{path.name}.old.{os.getpid()}.tmp")
                path.rename(old)
                draft.rename(path)
                remove(old)
            else:
                draft.replace(path)


def write_text(path: Path, text: str) -> None:
    """Write a text to disk (fsync)."""
    with path.open("w", encoding="utf-8") as handle:
        handle.write(text)
        handle.flush()
        os.fsync(handle.fileno())
