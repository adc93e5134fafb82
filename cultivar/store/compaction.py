"""Compaction of the store: many small segments become few large ones, while others read and append.

    cultivar compact [FOLDER OF THE STORE]

A merged segment is published before those that it replaces are removed; a reader that finds one gone lists the folder
again. Of equal keys the same row stays that is read before.
"""

import polars as pl

from cultivar.store.segments import SegmentFolder, write_segment
from cultivar.store.store import Store

ROWS = 200_000  # rows of a merged segment, at most about twice as many: bounds the memory


def compact(store: Store, kind: str, keep: pl.Series | None = None, rows: int = ROWS) -> tuple[int, int]:
    """Merge the small segments of one kind; with `keep` (binary keys) drop every other row.

    Returns the number of segments before and after.
    """
    folder = store.folder(kind)
    folder.refresh()
    heights = dict(folder.index.group_by("segment").len().iter_rows())
    before = len(folder.numbers)
    group: list[str] = []
    size = 0
    for name in sorted(folder.numbers):
        try:
            if not folder.check_intact([name]):
                continue
        except FileNotFoundError:  # another process is compacting
            continue
        height = heights[folder.numbers[name]]
        if height >= rows and keep is None:
            continue
        group.append(name)
        size += height
        if size >= rows:
            merge_segments(folder, group, keep)
            group, size = [], 0
    if len(group) > 1 or (group and keep is not None):
        merge_segments(folder, group, keep)
    folder.refresh()
    return before, len(folder.numbers)


def merge_segments(folder: SegmentFolder, names: list[str], keep: pl.Series | None) -> None:
    """Publish one segment with the rows of these, then remove them."""
    try:
        rows = pl.concat([pl.read_parquet(folder.path / name) for name in sorted(names)], how="diagonal")
    except FileNotFoundError:  # as above: the next run sees what is left
        return
    if keep is not None:
        rows = rows.filter(pl.col("key").is_in(keep.implode()))
    rows = rows.sort("time", "key", maintain_order=True).unique("key", keep="first", maintain_order=True)
    written = write_segment(folder.path, rows) if rows.height else None
    for name in names:
        if written is None or name != written.name:
            (folder.path / name).unlink(missing_ok=True)
