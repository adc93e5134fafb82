"""A journal of answers that are not yet in a segment, so that a killed process loses only what was in flight.

Each process appends to a file of its own beside the segments; a line that was handed to the system outlives the
process. The file is held under an advisory lock for as long as its process lives: the lock orders nothing, it only shows
that the process lives. The next process that uses a folder publishes the records of orphaned journals.
"""

import errno
import fcntl
import logging
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from schemas.writing import DiskFull, naming

LOG = logging.getLogger("cultivar.store")
SUFFIX = ".journal"


class Journal:
    """The journal of this process in one folder of the store."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f".{uuid.uuid4().hex}{SUFFIX}"
        unlocked = self.path.with_suffix(".tmp")  # no other process takes it for orphaned before it is locked
        self.handle = os.open(unlocked, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
        try_lock(self.handle)
        unlocked.rename(self.path)
        self.size = 0

    def append(self, record: tuple[Any, ...]) -> None:
        """Hand one record to the system. Raises DiskFull."""
        line = orjson.dumps([record[0].hex(), *record[1:]]) + b"\n"
        with naming(self.path):
            written = os.write(self.handle, line)
        if written < len(line):
            os.ftruncate(self.handle, self.size)  # no half a record before the next one
            raise DiskFull(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))
        self.size += written

    def clear(self) -> None:
        """Everything so far is in a segment."""
        os.ftruncate(self.handle, 0)
        self.size = 0

    def close(self) -> None:
        """Remove the file. Call it only when nothing is left in it."""
        self.path.unlink(missing_ok=True)
        os.close(self.handle)


def try_lock(handle: int) -> bool:
    """Take the lock of a journal if it is free. Where the file system has no locks, no journal counts as orphaned."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def orphaned_records(folder: Path) -> Iterator[list[tuple[Any, ...]]]:
    """Records of every journal whose process has ended; the file is removed once the caller takes the next item.

    A torn last line (the process was killed in the middle of a write) is no record; nor is one that a power failure
    left unreadable, which is counted in the log and asked again.
    """
    for path in sorted(folder.glob(f".*{SUFFIX}")):
        try:
            handle = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            continue
        except OSError as error:  # a store that is only read: its next writer publishes them
            LOG.warning("%s: answers of a killed process cannot be published: %s", path, error.strerror)
            continue
        try:
            if try_lock(handle) and path.exists():  # else its process has just published it and removed the file
                *lines, torn = path.read_bytes().split(b"\n")
                records = [record for line in lines if (record := parse_record(line)) is not None]
                if unreadable := len(lines) - len(records) + bool(torn):
                    LOG.warning("%s: %d of its answers cannot be read and will be asked again", path, unreadable)
                yield records
                path.unlink(missing_ok=True)
        finally:
            os.close(handle)


def parse_record(line: bytes) -> tuple[Any, ...] | None:
    """The record of a line, None where it is damaged."""
    try:
        key, *rest = orjson.loads(line)
        return (bytes.fromhex(key), *rest)
    except (ValueError, TypeError):
        return None
