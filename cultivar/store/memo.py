"""Expensive work of any kind, cached by content in the store: verdicts, embeddings, reward scores.

The caller names each piece of work by 16 bytes over everything that can change its result (`work_key`) and a kind, a
folder of the store ("verdicts", "embeddings", "rewards"). A row is a mapping of plain values (numbers, strings, lists of
them); all rows of a kind have the same columns.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from cultivar.store.keys import content_key, normalize_numbers
from cultivar.store.store import Store

Row = dict[str, Any]
Compute = Callable[[list[int]], Iterable[Sequence[tuple[int, Row | None]]]]


def work_key(*parts: Any) -> bytes:
    """16 bytes of sha256 over the canonical form of plain values."""
    return content_key(normalize_numbers(list(parts)))


def hash_folder(folder: Path) -> str:
    """32 hex characters of sha256 over the files of a model folder: new weights under an old name are a new model."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        with path.open("rb") as file:
            digest.update(path.relative_to(folder).as_posix().encode() + hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:32]


def cached_rows(store: Store, kind: str, keys: Sequence[bytes], compute: Compute) -> tuple[list[Row | None], int]:
    """A row per key, in order, and how many were cached.

    `compute` gets the positions of the keys that the store lacks (each key once, in order) and yields positions and
    rows, in groups as they are done; None is no result, is not stored and is computed again the next time. Groups are
    published as the store's `flush_rows` and `flush_s` say, each completely or not at all, so a kill costs little and
    does not change what was computed together. Of two processes that do the same at once both use what was published
    first. Raises OSError where the disk is full.
    """
    positions = {key: position for position, key in reversed(list(enumerate(keys)))}
    cached = stored_rows(store, kind, list(positions))
    missing = sorted(position for key, position in positions.items() if key not in cached)
    computed: dict[bytes, Row] = {}
    if missing:
        try:
            for group in compute(missing):
                results = {keys[position]: row for position, row in group if row is not None}
                computed |= results
                store.put(kind, pl.DataFrame([{"key": key, **row} for key, row in results.items()]))
        finally:
            store.flush()
    rows = computed | cached | (stored_rows(store, kind, list(computed)) if computed else {})
    return [rows.get(key) for key in keys], len(positions) - len(missing)


def stored_rows(store: Store, kind: str, keys: list[bytes]) -> dict[bytes, Row]:
    """The stored rows of these keys."""
    frame = store.get(kind, keys)
    return {row.pop("key"): row for row in frame.drop("time", strict=False).iter_rows(named=True)}
