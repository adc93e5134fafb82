"""Segments: the files of one folder of the store, and an index of the keys that they hold.

Polars crashes the process on some damaged Parquet files (a flipped bit in a length is enough), so it only ever reads
segments whose hash was checked. To hash every segment at the start of every stage would read the entire store,
so the keys are read through pyarrow, which reports damage as an error and verifies the checksums of their pages.
"""

import contextlib
import fcntl
import hashlib
import logging
import math
import os
import time
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
from pyarrow import parquet

from schemas.writing import naming

LOG = logging.getLogger("cultivar.store")
SUFFIX = ".parquet"
ROW_GROUP = 20_000
NO_DICTIONARY = ("key", "time", "text")  # columns whose values hardly repeat
INDEX = {"key": pl.Binary(), "time": pl.Int64(), "segment": pl.UInt32()}


def write_segment(folder: Path, rows: pl.DataFrame) -> Path:
    """Publish rows as a new immutable segment: temporary file, fsync, rename, fsync of the folder.

    The name is the first 16 bytes of the sha256 of the content, so a segment can be checked, and copying a store means
    copying the files that are missing. Raises DiskFull and leaves nothing behind.
    """
    buffer = pa.BufferOutputStream()
    parquet.write_table(
        rows.to_arrow(compat_level=pl.CompatLevel.oldest()),
        buffer,
        compression="zstd",
        compression_level=3,
        row_group_size=ROW_GROUP,
        use_dictionary=[name for name in rows.columns if name not in NO_DICTIONARY],
        write_statistics=False,
        write_page_checksum=True,
        store_schema=False,
    )
    content = memoryview(buffer.getvalue())
    path = folder / (hashlib.sha256(content).hexdigest()[:32] + SUFFIX)
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".{uuid.uuid4().hex}.tmp"
    try:
        with naming(path), temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    return path


@contextlib.contextmanager
def publish_lock(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, so that one process at a time publishes; without one where there are no locks."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def is_intact(path: Path) -> bool:
    """Whether the bytes of a segment still hash to its name."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:32] == path.stem


def prefixes_of(keys: pl.Series) -> np.ndarray:
    """The first 8 bytes of each key as an unsigned integer (uint64)."""
    return keys.bin.head(8).bin.reinterpret(dtype=pl.UInt64, endianness="big").to_numpy()


class SegmentFolder:
    """The segments of one folder as this process has read them. `refresh` adds what others have written since."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.numbers: dict[str, int] = {}  # segment name -> number in the index
        self.names: list[str] = []
        self.checked: set[str] = set()
        self.damaged: set[str] = set()
        self.index = pl.DataFrame(schema=INDEX)
        self._has_duplicates: bool | None = False
        self.prefixes: list[np.ndarray] | None = None  # sorted leading 8 bytes of all keys, for small lookups
        self.refreshed_at = -math.inf
        self.foreign_segments = 0  # segments indexed that this process did not write

    @property
    def has_duplicates(self) -> bool:
        """Whether any key is stored more than once (so that the earliest row must be found)."""
        if self._has_duplicates is None:
            self._has_duplicates = self.index["key"].n_unique() < self.index.height
        return self._has_duplicates

    def refresh(self) -> bool:
        """Index the segments that are new, drop those that are gone; whether anything changed."""
        changed = False
        for _ in range(20):
            self.refreshed_at = time.monotonic()
            names = self.list_names() - self.damaged
            gone, new = self.numbers.keys() - names, names - self.numbers.keys()
            frames = [frame for name in sorted(new) if (frame := self.read_keys(name)) is not None]
            if gone:
                numbers = [self.numbers.pop(name) for name in gone]
                self.index = self.index.filter(~pl.col("segment").is_in(numbers))
                self.prefixes = None
            if frames:
                self.foreign_segments += len(frames)
                self.index = pl.concat([self.index, *frames], rechunk=len(frames) > 64)
                self.add_prefixes(pl.concat([frame["key"] for frame in frames]))
            if gone or frames:
                self._has_duplicates = None
                changed = True
            if new <= self.numbers.keys() | self.damaged:
                break  # else some were merged between listing and reading: list again
        return changed

    def list_names(self) -> set[str]:
        """Names of the segments. Lists until two listings agree.

        A single listing can miss both a segment that is being merged and the one that replaces it.
        """
        before: set[str] | None = None
        for _ in range(20):
            try:
                names = {entry.name for entry in os.scandir(self.path) if entry.name.endswith(SUFFIX)}
            except FileNotFoundError:
                return set()
            if names == before:
                break
            before = names
        return names

    def add_own(self, path: Path, rows: pl.DataFrame) -> None:
        """Index a segment that this process has just written."""
        if path.name in self.numbers:
            return
        self.checked.add(path.name)
        self.index = pl.concat([self.index, self.assign_number(path.name, rows.select("key", "time"))], rechunk=False)
        self._has_duplicates = None
        self.add_prefixes(rows["key"])

    def add_prefixes(self, keys: pl.Series) -> None:
        """Add keys to the prefixes, if these are in use."""
        if self.prefixes is not None:
            self.prefixes.append(np.sort(prefixes_of(keys)))
            if len(self.prefixes) > 32:
                self.prefixes = [np.sort(np.concatenate(self.prefixes))]

    def filter_likely(self, keys: list[bytes]) -> list[bytes]:
        """Those of a few keys that may be stored, by their prefixes alone: for conversations, which ask singly.

        What others have written is read once a second.
        """
        if time.monotonic() - self.refreshed_at > 1.0:
            self.refresh()
        if self.prefixes is None:
            self.prefixes = [np.sort(prefixes_of(self.index["key"]))]
        wanted = np.frombuffer(b"".join(key[:8] for key in keys), dtype=">u8").astype(np.uint64)
        likely = np.zeros(len(keys), dtype=bool)
        for prefixes in self.prefixes:
            if len(prefixes):
                positions = np.searchsorted(prefixes, wanted).clip(max=len(prefixes) - 1)
                likely |= prefixes[positions] == wanted
        return [key for key, maybe in zip(keys, likely, strict=True) if maybe]

    def assign_number(self, name: str, keys: pl.DataFrame) -> pl.DataFrame:
        """Index rows of a segment that gets the next number."""
        number = self.numbers[name] = len(self.names)
        self.names.append(name)
        return keys.with_columns(segment=pl.lit(number, dtype=pl.UInt32))

    def read_keys(self, name: str) -> pl.DataFrame | None:
        """Index rows of one segment; None (and set aside) where its footer or key column cannot be read."""
        try:
            with parquet.ParquetFile(self.path / name, page_checksum_verification=True) as file:
                keys = pl.DataFrame(file.read(columns=["key", "time"], use_threads=False))
            return self.assign_number(name, keys.cast({"key": pl.Binary, "time": pl.Int64}).select("key", "time"))
        except FileNotFoundError:  # compacted between listing and reading: its rows are in a newer segment
            return None
        except (pa.ArrowException, pl.exceptions.PolarsError, OSError) as error:
            self.set_aside(name, str(error).splitlines()[0])
            return None

    def set_aside(self, name: str, reason: str) -> None:
        """Move a damaged segment to damaged/, log it, and drop it from the index."""
        LOG.warning(
            "%s is damaged (%s): set aside in %s; what it held will be asked again",
            self.path / name,
            reason,
            self.path / "damaged",
        )
        self.damaged.add(name)
        try:
            (self.path / "damaged").mkdir(exist_ok=True)
            (self.path / name).rename(self.path / "damaged" / name)
        except OSError as error:
            LOG.warning("%s could not be moved (%s); it is ignored", self.path / name, error)
        if (number := self.numbers.pop(name, None)) is not None:
            self.index = self.index.filter(pl.col("segment") != number)
            self.prefixes = None

    def check_intact(self, names: Iterable[str]) -> list[str]:
        """The names of intact segments; damaged ones are set aside. Each segment is hashed once per process."""
        intact: list[str] = []
        for name in names:
            if name not in self.checked:
                if not is_intact(self.path / name):
                    self.set_aside(name, "its bytes do not hash to its name")
                    continue
                self.checked.add(name)
            intact.append(name)
        return intact
