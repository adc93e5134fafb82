"""Dear work of any kind, remembered by content in the store: verdicts, embeddings, reward scores.

Who computes names each piece of work by 16 bytes over everything that can change its result (`work_key`) and a kind, a
folder of the store ("verdicts", "embeddings", "rewards"). A row is a mapping of plain values (numbers,
strings, lists of them), with the same columns for a whole kind.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import orjson
import polars as pl

from cultivar.llm.request import normal
from cultivar.store.store import Store

Row = dict[str, Any]
Compute = Callable[[list[int]], Iterable[Sequence[tuple[int, Row | None]]]]


def work_key(*parts: Any) -> bytes:
    """16 bytes of sha256 over the canonical form of plain values."""
    return hashlib.sha256(orjson.dumps(normal(list(parts)), option=orjson.OPT_SORT_KEYS)).digest()[:16]


def hash_folder(folder: Path) -> str:
    """What a model folder holds: hash of its files, so that new weights under an old name are a new model."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        with path.open("rb") as file:
            digest.update(path.relative_to(folder).as_posix().encode() + hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:32]


def cached_rows(store: Store, kind: str, keys: Sequence[bytes], compute: Compute) -> tuple[list[Row | None], int]:
    """A row per key, in order, and how many were known.

    `compute` gets the places of work that the store does not know (each key once, in order) and yields places and rows,
    in groups as they are done; None is no result, is not kept and is tried again the next time. Groups are published as
    the store's `flush_rows` and `flush_s` say, each whole or not at all, so a kill costs little and does not change what
    was computed together. Of two processes that do the same at once both use what was published first. Raises OSError
    where the disk is full.
    """
    places = {key: place for place, key in reversed(list(enumerate(keys)))}
    known = rows_of(store, kind, list(places))
    missing = sorted(place for key, place in places.items() if key not in known)
    mine: dict[bytes, Row] = {}
    if missing:
        try:
            for group in compute(missing):
                made = {keys[place]: row for place, row in group if row is not None}
                mine |= made
                store.put(kind, pl.DataFrame([{"key": key, **row} for key, row in made.items()]))
        finally:
            store.flush()
    found = mine | known | (rows_of(store, kind, list(mine)) if mine else {})
    return [found.get(key) for key in keys], len(places) - len(missing)


def rows_of(store: Store, kind: str, keys: list[bytes]) -> dict[bytes, Row]:
    """What the store has of these keys."""
    frame = store.get(kind, keys)
    return {row.pop("key"): row for row in frame.drop("time", strict=False).iter_rows(named=True)}
