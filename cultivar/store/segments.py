"""Segments: the files of one folder of the store, and an index of the keys that they hold.

Polars crashes the process on some damaged Parquet files (a flipped bit in a length is enough), so it only ever reads
segments whose hash was checked. To check every segment whole at the start of every stage would read the whole store,
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

LOG = logging.getLogger("cultivar.store")
SUFFIX = ".parquet"
ROW_GROUP = 20_000
UNLIKE = ("key", "time", "text")  # columns whose values hardly repeat: no dictionary
INDEX = {"key": pl.Binary(), "time": pl.Int64(), "segment": pl.UInt32()}


def write_segment(folder: Path, rows: pl.DataFrame) -> Path:
    """Publish rows as a new immutable segment: temporary file, fsync, rename, fsync of the folder.

    The name is the first 16 bytes of the sha256 of the content, so a segment can be checked, and copying a store means
    copying the files that are missing. Raises OSError (disk full) and leaves nothing behind.
    """
    buffer = pa.BufferOutputStream()
    parquet.write_table(
        rows.to_arrow(compat_level=pl.CompatLevel.oldest()),
        buffer,
        compression="zstd",
        compression_level=3,
        row_group_size=ROW_GROUP,
        use_dictionary=[name for name in rows.columns if name not in UNLIKE],
        write_statistics=False,
        write_page_checksum=True,
        store_schema=False,
    )
    content = memoryview(buffer.getvalue())
    path = folder / (hashlib.sha256(content).hexdigest()[:32] + SUFFIX)
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".{uuid.uuid4().hex}.tmp"
    try:
        with temporary.open("xb") as file:
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
def publishing(folder: Path) -> Iterator[None]:
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
    """The first 8 bytes of each key as an unsigned number."""
    return keys.bin.head(8).bin.reinterpret(dtype=pl.UInt64, endianness="big").to_numpy()


class Folder:
    """The segments of one folder as this process knows them. `refresh` sees what others have written since."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.numbers: dict[str, int] = {}  # segment name -> number in the index
        self.names: list[str] = []
        self.checked: set[str] = set()
        self.refused: set[str] = set()
        self.index = pl.DataFrame(schema=INDEX)
        self._doubled: bool | None = False
        self.prefixes: list[np.ndarray] | None = None  # sorted leading 8 bytes of all keys, for small lookups
        self.looked = -math.inf
        self.others = 0  # segments indexed that this process did not write

    @property
    def doubled(self) -> bool:
        """Whether any key is held more than once (so that the earliest must be looked for)."""
        if self._doubled is None:
            self._doubled = self.index["key"].n_unique() < self.index.height
        return self._doubled

    def refresh(self) -> bool:
        """Index the segments that are new, forget those that are gone; whether anything changed."""
        changed = False
        for _ in range(20):
            self.looked = time.monotonic()
            found = self.listed() - self.refused
            gone, new = self.numbers.keys() - found, found - self.numbers.keys()
            frames = [frame for name in sorted(new) if (frame := self.keys_of(name)) is not None]
            if gone:
                numbers = [self.numbers.pop(name) for name in gone]
                self.index = self.index.filter(~pl.col("segment").is_in(numbers))
                self.prefixes = None
            if frames:
                self.others += len(frames)
                self.index = pl.concat([self.index, *frames], rechunk=len(frames) > 64)
                self.note(pl.concat([frame["key"] for frame in frames]))
            if gone or frames:
                self._doubled = None
                changed = True
            if new <= self.numbers.keys() | self.refused:
                break  # else some were merged between listing and reading: list again
        return changed

    def listed(self) -> set[str]:
        """Names of the segments. Listed until two listings agree.

        A single one can miss both a segment that is merged away while it is made and the one that replaces it.
        """
        before: set[str] | None = None
        for _ in range(20):
            try:
                found = {entry.name for entry in os.scandir(self.path) if entry.name.endswith(SUFFIX)}
            except FileNotFoundError:
                return set()
            if found == before:
                break
            before = found
        return found

    def adopt(self, path: Path, rows: pl.DataFrame) -> None:
        """Index a segment that this process has just written."""
        if path.name in self.numbers:
            return
        self.checked.add(path.name)
        self.index = pl.concat([self.index, self.numbered(path.name, rows.select("key", "time"))], rechunk=False)
        self._doubled = None
        self.note(rows["key"])

    def note(self, keys: pl.Series) -> None:
        """Add keys to the prefixes, if anybody looks at them."""
        if self.prefixes is not None:
            self.prefixes.append(np.sort(prefixes_of(keys)))
            if len(self.prefixes) > 32:
                self.prefixes = [np.sort(np.concatenate(self.prefixes))]

    def likely(self, keys: list[bytes]) -> list[bytes]:
        """Those of a few keys that may be here, without touching the index: for conversations, which ask singly.

        What others have written is looked for once a second.
        """
        if time.monotonic() - self.looked > 1.0:
            self.refresh()
        if self.prefixes is None:
            self.prefixes = [np.sort(prefixes_of(self.index["key"]))]
        wanted = np.frombuffer(b"".join(key[:8] for key in keys), dtype=">u8").astype(np.uint64)
        found = np.zeros(len(keys), dtype=bool)
        for prefixes in self.prefixes:
            if len(prefixes):
                at = np.searchsorted(prefixes, wanted).clip(max=len(prefixes) - 1)
                found |= prefixes[at] == wanted
        return [key for key, maybe in zip(keys, found, strict=True) if maybe]

    def numbered(self, name: str, keys: pl.DataFrame) -> pl.DataFrame:
        number = self.numbers[name] = len(self.names)
        self.names.append(name)
        return keys.with_columns(segment=pl.lit(number, dtype=pl.UInt32))

    def keys_of(self, name: str) -> pl.DataFrame | None:
        """Index rows of one segment; None (and set aside) where its footer or key column cannot be read."""
        try:
            with parquet.ParquetFile(self.path / name, page_checksum_verification=True) as file:
                keys = pl.DataFrame(file.read(columns=["key", "time"], use_threads=False))
            return self.numbered(name, keys.cast({"key": pl.Binary, "time": pl.Int64}).select("key", "time"))
        except FileNotFoundError:  # compacted between listing and reading: its rows are in a newer segment
            return None
        except (pa.ArrowException, pl.exceptions.PolarsError, OSError) as error:
            self.set_aside(name, str(error).splitlines()[0])
            return None

    def set_aside(self, name: str, why: str) -> None:
        """Move a damaged segment out of the way (damaged/), say so, and forget it."""
        LOG.warning(
            "%s is damaged (%s): set aside in %s; what it held will be asked again",
            self.path / name,
            why,
            self.path / "damaged",
        )
        self.refused.add(name)
        try:
            (self.path / "damaged").mkdir(exist_ok=True)
            (self.path / name).rename(self.path / "damaged" / name)
        except OSError as error:
            LOG.warning("%s could not be moved (%s); it is ignored", self.path / name, error)
        if (number := self.numbers.pop(name, None)) is not None:
            self.index = self.index.filter(pl.col("segment") != number)
            self.prefixes = None

    def check(self, names: Iterable[str]) -> list[str]:
        """The names whose bytes are whole; the others are set aside. Each segment is hashed once per process."""
        whole: list[str] = []
        for name in names:
            if name not in self.checked:
                if not is_intact(self.path / name):
                    self.set_aside(name, "its bytes do not hash to its name")
                    continue
                self.checked.add(name)
            whole.append(name)
        return whole
