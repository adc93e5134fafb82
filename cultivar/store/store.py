"""The store: expensive work cached by content, in immutable Parquet segments.

One folder per kind (`<engine fingerprint>` for generations, `verdicts/<fingerprint>`, …) holds segments named by the
hash of their bytes. A segment is written to a temporary name, fsynced and renamed; nothing is ever overwritten, so any
number of processes and machines may append at once. Of rows with equal keys the one that was published first counts: a
lock orders publications, and what is there already is not published again, so an answer that a run has read is the one
that every later run reads, whatever the clocks say. A process that has published and looked again uses what every other
will find. Only where a key is there twice all the same (segments copied by hand, a file system without locks) the
earlier time counts, and of equal times the segment that comes first by name. A segment that cannot be read, or whose bytes no longer hash to its name, is set aside with a message; what it held
counts as missing and is computed again.

Lookups join on the key column only and read values of nothing but the segments that hold a wanted key.
"""

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import polars as pl
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from cultivar.store.segments import SUFFIX, SegmentFolder, publish_lock, write_segment

KEY_LENGTH = 16
Keys = Sequence[bytes] | Sequence[str] | pl.Series


def store_folder(configured: str | None = None) -> Path:
    """Folder of the store: CULTIVAR_STORE, else `configured` (runtime.store), else beside DVC's cache."""
    root = Path(os.environ.get("DVC_ROOT") or ".")  # of the repository, also in the folder of an experiment
    if override := os.environ.get("CULTIVAR_STORE"):
        return Path(override)
    return root / (configured or ".cache/generations")


def project_store_folder(folder: Path = Path()) -> Path:
    """The store that the stages of the project in `folder` use: `store_folder`, with runtime.store of its params.yaml.

    Raises ValueError where params.yaml is there and cannot be read, or its runtime.store is no folder.
    """
    params = folder / "params.yaml"
    try:
        loaded = YAML(typ="safe", pure=True).load(params) if params.is_file() else None
        store = ((loaded or {}).get("runtime") or {}).get("store")
    except (YAMLError, AttributeError) as error:
        raise ValueError(f"{params}: cannot be read: {error}") from error
    if not isinstance(store, str | None):
        raise ValueError(f"{params}: runtime.store is {store!r}, which is no folder")
    return store_folder(store)


class Store:
    """Rows by key, in folders by kind. A context manager; leaving it writes what is still in memory.

    `flush_rows` and `flush_s` bound what a kill can cost: rows are published when so many are waiting, or when the
    oldest has waited so long (seen at the next `put`, or at `flush_due`, which engines call while they wait).
    """

    def __init__(self, root: Path | str | None = None, flush_rows: int = 2000, flush_s: float = 5.0) -> None:
        self.root = Path(root) if root is not None else store_folder()
        self.flush_rows = flush_rows
        self.flush_s = flush_s
        self.folders: dict[str, SegmentFolder] = {}
        self.waiting: dict[str, list[pl.DataFrame]] = {}
        self.waiting_rows = 0
        self.waiting_since = 0.0

    def __enter__(self) -> "Store":
        return self

    def __exit__(
        self, exception: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.flush()

    def folder(self, kind: str) -> SegmentFolder:
        """The folder of a kind, e.g. "4f1c…" or "verdicts/4f1c…"."""
        if kind not in self.folders:
            self.folders[kind] = SegmentFolder(self.root / kind)
        return self.folders[kind]

    def missing(self, kind: str, keys: Keys) -> pl.Series:
        """The keys (each once, in the order given) that the store lacks."""
        wanted, encode = key_frame(keys)
        folder = self.folder(kind)
        folder.refresh()
        left = wanted.unique("key", maintain_order=True).join(folder.index, on="key", how="anti", maintain_order="left")
        for frame in self.waiting.get(kind, []):
            left = left.join(frame, on="key", how="anti", maintain_order="left")
        return encode(left)["key"]

    def get(self, kind: str, keys: Keys, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """The stored rows of these keys, one per key, in any order; a frame without columns where none is stored.

        `keys` are 16 bytes or 32 hex characters each; the column `key` comes back in the same form.
        """
        wanted, encode = key_frame(keys)
        frames = list(self._batches(kind, wanted.unique("key"), columns, None))
        return encode(pl.concat(frames, how="diagonal")) if frames else pl.DataFrame()

    def batches(
        self, kind: str, keys: Keys, columns: Sequence[str] | None = None, rows: int = 50_000
    ) -> Iterator[pl.DataFrame]:
        """Like `get`, in frames from about `rows` stored rows at a time, so that memory is bounded."""
        wanted, encode = key_frame(keys)
        yield from map(encode, self._batches(kind, wanted.unique("key"), columns, rows))

    def _batches(
        self, kind: str, wanted: pl.DataFrame, columns: Sequence[str] | None, rows: int | None
    ) -> Iterator[pl.DataFrame]:
        folder = self.folder(kind)
        folder.refresh()
        if waiting := self.waiting.get(kind):
            rows_waiting = self._concat(waiting)
            hits = rows_waiting.join(wanted, on="key", how="semi").join(folder.index, on="key", how="anti")
            if hits.height:
                yield hits.select(columns_of(hits, columns))
        remaining = wanted
        attempt = 0
        while attempt < 50:  # a compaction removes a listed segment, or one is damaged: list again, read the rest
            done: list[pl.DataFrame] = []
            damaged = len(folder.damaged)
            try:
                for names, hits in segment_groups(folder, remaining, rows):
                    frame = read_segments(folder, names, hits, columns)
                    done.append(hits.select("key"))
                    if frame.height:
                        yield frame.select(columns_of(frame, columns))
                return
            except FileNotFoundError:
                if done:
                    remaining = remaining.join(pl.concat(done), on="key", how="anti")
                if len(folder.damaged) == damaged:
                    time.sleep(min(0.1, 0.001 * attempt))
                    attempt += 1
                folder.refresh()
        raise OSError(f"{folder.path}: segments vanish faster than they can be read; is something deleting them?")

    def put(self, kind: str, rows: pl.DataFrame) -> None:
        """Store rows (a column `key` of 16 bytes or 32 hex characters, any others).

        `time` (microseconds) is when they are published, unless the rows bring it.

        All rows of one kind should have the same columns. Raises OSError where the disk is full.
        """
        if rows.height == 0:
            return
        if rows.schema["key"] == pl.String:
            rows = rows.with_columns(pl.col("key").str.decode("hex"))
        if rows.select(pl.col("key").bin.size().ne(KEY_LENGTH).any()).item():
            raise ValueError(f"{kind}: keys have {KEY_LENGTH} bytes (32 hex characters)")
        if not self.waiting_rows:
            self.waiting_since = time.monotonic()
        self.waiting.setdefault(kind, []).append(rows)
        self.waiting_rows += rows.height
        if self.waiting_rows >= self.flush_rows:
            self.flush()
        else:
            self.flush_due()

    def flush_due(self) -> None:
        """Publish what is waiting if the oldest row has waited for `flush_s`."""
        if self.waiting_rows and time.monotonic() - self.waiting_since >= self.flush_s:
            self.flush()

    def flush(self) -> None:
        """Publish what is waiting, one segment per kind. What could not be written stays in memory."""
        for kind in list(self.waiting):
            self.publish(kind, self._concat(self.waiting[kind]))
            self.waiting_rows -= sum(frame.height for frame in self.waiting.pop(kind))

    @staticmethod
    def _concat(frames: list[pl.DataFrame]) -> pl.DataFrame:
        """One row per key, of equal keys the one that was put first."""
        return pl.concat(frames, how="diagonal").unique("key", keep="first", maintain_order=True)

    def publish(self, kind: str, rows: pl.DataFrame) -> None:
        """Write rows (with `key` of 16 bytes) as a segment at once, but those whose keys are stored already: these stay.

        Rows without `time` get this moment's. A lock is held meanwhile, so that nobody publishes between the look and
        the write; where the file system has none, two that publish at the same moment may both succeed.
        Raises OSError where the disk is full.
        """
        folder = self.folder(kind)
        with publish_lock(folder.path):
            folder.refresh()
            rows = rows.unique("key", keep="first", maintain_order=True)
            rows = rows.join(folder.index, on="key", how="anti", maintain_order="left")
            if not rows.height:
                return
            now = pl.lit(time.time_ns() // 1000, dtype=pl.Int64)
            timed = pl.col("time").fill_null(now) if "time" in rows.columns else now
            rows = rows.with_columns(time=timed)
            folder.add_own(write_segment(folder.path, rows), rows)

    def kinds(self) -> list[str]:
        """Every kind that has segments."""
        kinds = {path.parent for path in self.root.rglob(f"*{SUFFIX}") if path.parent.name != "damaged"}
        return sorted(path.relative_to(self.root).as_posix() for path in kinds)


def key_frame(keys: Keys) -> tuple[pl.DataFrame, Any]:
    """Keys as a frame with a binary column `key`, and the function that gives results the form of these keys."""
    series = keys if isinstance(keys, pl.Series) else pl.Series("key", keys, dtype=None if len(keys) else pl.Binary)
    frame = pl.DataFrame({"key": series})
    if frame.schema["key"] == pl.String:
        return frame.with_columns(pl.col("key").str.decode("hex")), hex_keys
    return frame, binary_keys


def hex_keys(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.col("key").bin.encode("hex"))


def binary_keys(frame: pl.DataFrame) -> pl.DataFrame:
    return frame


def columns_of(frame: pl.DataFrame, columns: Sequence[str] | None) -> list[str]:
    return [name for name in frame.columns if columns is None or name == "key" or name in columns]


def segment_groups(
    folder: SegmentFolder, wanted: pl.DataFrame, rows: int | None
) -> Iterator[tuple[list[str], pl.DataFrame]]:
    """Segments that hold wanted keys, in groups of about `rows` rows, with the index rows of what is wanted of them.

    Of equal keys only the earliest is in the index rows, so groups are independent.
    """
    hits = folder.index.join(wanted, on="key", how="semi")
    if folder.has_duplicates:
        by_name = {number: place for place, (_, number) in enumerate(sorted(folder.numbers.items()))}
        places = pl.col("segment").replace_strict(by_name, return_dtype=pl.UInt32)
        hits = hits.sort("time", places).unique("key", keep="first", maintain_order=True)
    hits = hits.sort("segment")
    numbers = hits["segment"].unique(maintain_order=True).to_list()
    heights = dict(folder.index.group_by("segment").len().iter_rows()) if rows else {}
    group: list[int] = []
    size = 0
    for number in numbers:
        group.append(number)
        size += heights.get(number, 0)
        if rows is not None and size >= rows:
            yield group_of(folder, group, hits)
            group, size = [], 0
    if group:
        yield group_of(folder, group, hits)


def group_of(folder: SegmentFolder, group: list[int], hits: pl.DataFrame) -> tuple[list[str], pl.DataFrame]:
    """The segments of a group and the index rows of it; `hits` are sorted by segment.

    Raises FileNotFoundError where one was damaged, and is set aside now: another may hold the same rows.
    """
    wanted = [folder.names[number] for number in group]
    names = folder.check_intact(wanted)
    if len(names) < len(wanted):
        raise FileNotFoundError(folder.path)
    first, last = hits["segment"].search_sorted(pl.Series([group[0], group[-1] + 1], dtype=pl.UInt32))
    return names, hits.slice(first, last - first)


def read_segments(
    folder: SegmentFolder, names: list[str], hits: pl.DataFrame, columns: Sequence[str] | None
) -> pl.DataFrame:
    """The rows of these segments that `hits` (index rows) name."""
    keep = None if columns is None else ["key", "time", *(name for name in columns if name not in ("key", "time"))]
    paths = [folder.path / name for name in sorted(names)]  # of equal keys and times the first by name
    try:
        rows = pl.read_parquet(paths, columns=keep)
    except (pl.exceptions.SchemaError, pl.exceptions.ColumnNotFoundError):  # segments of several versions
        rows = pl.concat([pl.read_parquet(path, columns=keep) for path in paths], how="diagonal", rechunk=False)
    rows = rows.join(hits, on=["key", "time"], how="semi")
    return rows.unique("key", keep="first") if folder.has_duplicates else rows
