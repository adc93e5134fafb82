"""Entries of the store that only the forgotten asks for, and their removal from the segments.

Of the store's folders, `rewards` are numbers under hashes of a reward model and tokens: whose they are cannot be told, so
all go with a reward model that was trained on what is forgotten, and training works them out again. Damaged segments
cannot be read and count as missing anyway, so they go.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import polars as pl

from cultivar.llm.cache import cached_frame
from cultivar.store.journal import SUFFIX as JOURNAL
from cultivar.store.journal import orphaned_records
from cultivar.store.segments import publish_lock, write_segment
from cultivar.store.store import Store
from reports.forget.probes import Probes, strings_of
from reports.forget.recording import Lookups
from schemas.errors import UserError

REWARDS = "rewards"
BATCH = 20
"""Segments read at once."""


def take_in_journals(store: Store) -> None:
    """Publish answers that killed processes have left. Raises UserError where a process is asking right now."""
    folders = sorted({path.parent for path in store.root.rglob(f".*{JOURNAL}")})
    for folder in folders:
        for records in orphaned_records(folder):
            if records:
                store.publish(folder.relative_to(store.root).as_posix(), cached_frame(records))
        if left := sorted(folder.glob(f".*{JOURNAL}")):
            raise UserError(f"{left[0]}: a run is asking models right now; let it end, then forget")


def stored_keys(store: Store, kind: str) -> set[bytes]:
    """Every key of a kind."""
    folder = store.folder(kind)
    folder.refresh()
    return set(folder.index["key"])


def labelled_keys(store: Store) -> dict[str, set[bytes]]:
    """Model (label) -> keys of its answers."""
    found: dict[str, set[bytes]] = {}
    for kind in store.kinds():
        for frame in segments(store, kind):
            if "engine" in frame.columns:
                for (label,), rows in frame.select("key", "engine").group_by("engine"):
                    found.setdefault(str(label), set()).update(rows["key"])
    return found


def segments(store: Store, kind: str) -> Iterator[pl.DataFrame]:
    """The intact segments of a kind, one by one."""
    folder = store.folder(kind)
    folder.refresh()
    for name in sorted(folder.numbers):
        if folder.check_intact([name]):
            yield pl.read_parquet(folder.path / name)


def asked_alone(before: Lookups, after: Lookups, store: Store) -> Lookups:
    """Stored keys that only the build with the forgotten looks up."""
    everywhere = set().union(*after.values()) if after else set()
    found = {kind: (keys - everywhere) & stored_keys(store, kind) for kind, keys in before.items()}
    return {kind: keys for kind, keys in found.items() if keys}


def kept_rows(store: Store, kind: str, keys: set[bytes]) -> Iterator[pl.DataFrame]:
    """The rows of a kind that stay, segment by segment, without their keys."""
    for frame in segments(store, kind):
        yield frame.filter(pl.col("key").is_in(list(keys))).drop("key", "time", strict=False)


def telling(store: Store, probes: Probes, kept: Lookups) -> Lookups:
    """Keys of answers that hold a forgotten text, or have a forgotten key, and that no other row asks for."""
    found: Lookups = {}
    for kind in store.kinds():
        for frame in segments(store, kind):
            rest = frame.filter(~pl.col("key").is_in(list(kept.get(kind, ()))))
            texts = rest.drop("time", strict=False)
            if texts.height and probes.in_frame(texts):
                rows = (row for row in texts.iter_slices(1) if probes.in_frame(row))
                found.setdefault(kind, set()).update(row["key"][0] for row in rows)
    return found


def shared_texts(frames: Iterable[pl.DataFrame], probes: Probes) -> set[str]:
    """What of the forgotten the rows that stay hold as well."""
    found: set[str] = set()
    for frame in frames:
        if any(True for _ in strings_of(frame)):
            found |= probes.in_frame(frame)
    return found


def remove(store: Store, kind: str, keys: set[bytes]) -> list[str]:
    """Rewrite the segments that hold these keys without them; the names of those that went.

    A segment's successor is published before it goes, so a kill costs no other answer; running it again finishes it.
    """
    folder = store.folder(kind)
    gone = []
    with publish_lock(folder.path):
        folder.refresh()
        hit = folder.index.filter(pl.col("key").is_in(list(keys)))["segment"].unique()
        for name in sorted(folder.names[number] for number in hit):
            if not folder.check_intact([name]):
                continue
            rows = pl.read_parquet(folder.path / name).filter(~pl.col("key").is_in(list(keys)))
            if rows.height:
                write_segment(folder.path, rows)
            (folder.path / name).unlink()
            gone.append(name)
        folder.refresh()
    return gone


def damaged_segments(root: Path) -> list[Path]:
    """Segments that were set aside, and drafts of killed processes."""
    return sorted(path for path in [*root.rglob("damaged/*"), *root.rglob(".*.tmp")] if path.is_file())
