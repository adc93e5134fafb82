"""Copy the store to and from anywhere that fsspec can write: `cultivar sync push s3://bucket/generations`.

    cultivar sync push URL [--store FOLDER]
    cultivar sync pull URL [--store FOLDER]

Segments are immutable and named by the hash of their bytes, so copying means copying what is missing, in any order, from
any number of machines at once. A segment is checked against its name before it takes its place; one that is damaged is
reported and left out. Nothing is ever overwritten. A push that was interrupted continues where it was.

An answer that is here already stays the one that runs here read, also where a pulled segment holds another for the same
key with an earlier time (its machine's clock, or an earlier run): those rows are left out of the segment.
"""

import hashlib
import io
import os
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
from fsspec.core import url_to_fs
from tqdm import tqdm

from cultivar.outgoing.redaction import redacted
from cultivar.store.segments import SUFFIX, SegmentFolder, publish_lock, write_segment
from cultivar.store.store import Store
from schemas.writing import naming

ATOMIC = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oci", "memory"})
"""Protocols whose uploads are atomic; elsewhere a temporary file is renamed."""


def push(root: Path, url: str) -> tuple[int, list[str]]:
    """Copy the segments that `url` lacks; how many, and the names of local ones that are damaged."""
    system, base = url_to_fs(url)
    remote_names = remote_segments(system, base)
    local_names = local_segments(root)

    def copy(name: str) -> bool | None:
        try:
            content = (root / name).read_bytes()
        except FileNotFoundError:  # merged into another by a compaction: the next push takes that
            return None
        if not is_intact_content(name, content):
            return False
        target = f"{base}/{name}"
        system.makedirs(target.rpartition("/")[0], exist_ok=True)
        if system.protocol in ATOMIC or ATOMIC & set(system.protocol):
            system.pipe_file(target, content)
        else:
            draft = f"{target.rpartition('/')[0]}/.{uuid.uuid4().hex}.tmp"
            system.pipe_file(draft, content)
            system.mv(draft, target)
        return True

    return copy_missing(sorted(local_names - remote_names), copy, f"push {url}")


def pull(root: Path, url: str) -> tuple[int, list[str]]:
    """Copy the segments that the store lacks; how many, and the names of remote ones that are damaged.

    Raises FileNotFoundError where nothing is at `url`.
    """
    system, base = url_to_fs(url)
    if not system.exists(base):
        raise FileNotFoundError(
            f"nothing is there; correct the address, or `cultivar sync push {url}` from where answers are"
        )
    store = Store(root)
    pulled: set[str] = set()

    def copy(name: str) -> bool:
        content = system.cat_file(f"{base}/{name}")
        if not is_intact_content(name, content):
            return False
        with naming(root / name):
            pulled.add(add_segment(store, name, content, pulled))
        return True

    return copy_missing(sorted(remote_segments(system, base) - local_segments(root)), copy, f"pull {url}")


def add_segment(store: Store, name: str, content: bytes, pulled: set[str]) -> str:
    """Put a segment in its place, without the rows that would replace what is read here; the name that it got.

    `pulled`: segments that came in the same pull. Among these the earlier time counts, as for a store that is new.
    """
    folder = store.folder(Path(name).parent.as_posix())
    with publish_lock(folder.path):
        folder.refresh()
        rows = pl.read_parquet(io.BytesIO(content))
        rivals = rivals_of(store, folder, rows, pulled)
        if rivals.is_empty():
            write_atomically(store.root / name, content)
            return name
        rest = rows.filter(~pl.col("key").is_in(rivals.implode()))
        return f"{Path(name).parent.as_posix()}/{write_segment(folder.path, rest).name}" if rest.height else name


def rivals_of(store: Store, folder: SegmentFolder, rows: pl.DataFrame, pulled: set[str]) -> pl.Series:
    """The keys of `rows` that are stored here with other values and a later time, so that the rows would replace them."""
    recent = [
        number for name, number in folder.numbers.items() if f"{folder.path.relative_to(store.root)}/{name}" in pulled
    ]
    here = folder.index.filter(~pl.col("segment").is_in(recent)).group_by("key").agg(here=pl.col("time").min())
    earlier = rows.join(here, on="key").filter(pl.col("time") <= pl.col("here")).drop("here")
    if not earlier.height:
        return earlier["key"]
    stored = store.get(str(folder.path.relative_to(store.root)), earlier["key"])
    columns = [column for column in earlier.columns if column in stored.columns and column != "time"]
    hashes = [frame.select("key", row=frame.select(columns).hash_rows()) for frame in (earlier, stored)]
    return hashes[0].join(hashes[1], on=["key", "row"], how="anti")["key"]


def copy_missing(names: list[str], copy: Callable[[str], bool | None], what: str) -> tuple[int, list[str]]:
    """Copy one by one with a progress bar: how many were, and which were damaged (False; None: gone)."""
    results = {
        name: copy(name) for name in tqdm(names, desc=redacted(what), unit=" segments", disable=None, leave=False)
    }
    return sum(ok is True for ok in results.values()), [name for name, ok in results.items() if ok is False]


def is_intact_content(name: str, content: bytes) -> bool:
    """Whether bytes hash to the name of their segment."""
    return hashlib.sha256(content).hexdigest()[:32] == Path(name).stem


def write_atomically(path: Path, content: bytes) -> None:
    """Write a segment under a temporary name, sync, rename. Raises OSError (disk full) and leaves nothing behind."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{uuid.uuid4().hex}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
    finally:
        temporary.unlink(missing_ok=True)


def local_segments(root: Path) -> set[str]:
    """Names (folder/segment) of the segments of a store."""
    return {path.relative_to(root).as_posix() for path in root.rglob(f"*{SUFFIX}") if path.parent.name != "damaged"}


def remote_segments(system: Any, base: str) -> set[str]:
    """The same of a remote folder; nothing where there is none yet."""
    try:
        paths = system.find(base)
    except FileNotFoundError:
        return set()
    start = base.rstrip("/") + "/"
    names = {path.removeprefix(start) for path in paths if path.startswith(start) and path.endswith(SUFFIX)}
    return {name for name in names if "damaged" not in Path(name).parts and not Path(name).name.startswith(".")}
