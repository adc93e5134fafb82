"""Arrow files (stream and file format, Feather), and folders that Hugging Face's `save_to_disk` wrote.

Such a folder holds `state.json`, which names its Arrow files, and `dataset_info.json`; a folder of several splits holds
`dataset_dict.json` and a folder per split.
"""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import pyarrow as pa

from schemas.errors import UserError
from schemas.parsing import Unreadable, parse_json, parsed

ARROW = (".arrow", ".feather", ".ipc")


class NotArrow(ValueError):
    """The file is not Arrow, or ends too early; the message says so."""


class FolderError(UserError, ValueError):
    """A folder of `save_to_disk` cannot be read; the message says why."""


class SavedFiles(NamedTuple):
    """`files` to read, and rows by the name of a split that is not read."""

    files: list[Path]
    other_splits: dict[str, int]


def arrow_frames(path: Path) -> Iterator[pl.DataFrame]:
    """The batches of an Arrow file. Raises NotArrow where its bytes end."""
    for batch in batches(path):
        try:
            frame = frame_of(batch)
        except Unreadable as error:
            raise NotArrow(f"a type that cannot be read: {error}") from error
        yield frame


def batches(path: Path) -> Iterator[pa.RecordBatch]:
    with pa.memory_map(str(path)) if path.stat().st_size else path.open("rb") as source:
        try:
            if source.read(6) == b"ARROW1":
                file = parsed(pa.ipc.open_file, source)
                yield from (parsed(file.get_batch, number) for number in range(file.num_record_batches))
            else:
                source.seek(0)
                stream = parsed(pa.ipc.open_stream, source)
                while (batch := parsed(next, stream, None)) is not None:
                    yield batch
        except Unreadable as error:
            raise NotArrow(
                f"not Arrow, or cut short: {error}; write the file anew, or exclude it in params.yaml"
            ) from error


def frame_of(batch: pa.RecordBatch | pa.Table) -> pl.DataFrame:
    """A batch or table as a frame. Raises Unreadable where its bytes contradict each other, or Polars has no such type.

    Polars trusts what it is given: lengths and offsets that point elsewhere would end the process.
    """
    parsed(batch.validate, full=True)
    frame = parsed(pl.from_arrow, batch)
    assert isinstance(frame, pl.DataFrame)
    return frame


def saved_files(files: list[Path], split: str) -> SavedFiles:
    """Files without what `save_to_disk` puts beside the data, and of several splits only the one named `split`.

    Raises FolderError for a split that is not there, and for a folder with rows chosen from its files by an index.
    """
    present, other_splits = set(files), dict[str, int]()
    for marker in [file for file in files if file.name == "dataset_dict.json"]:
        names = read_json(marker).get("splits") or []
        if split not in names:
            raise FolderError(
                f"{marker.parent} holds the splits {', '.join(names)}, not {split}; name one as the source's `split` "
                "in params.yaml, or give the path of its folder"
            )
        present.remove(marker)
        for name in names:
            if name != split:
                folder = marker.parent / name
                present = {file for file in present if folder not in file.parents}
                other_splits[name] = other_splits.get(name, 0) + rows_of(folder)
    for state in sorted(file for file in present if file.name == "state.json" and "_data_files" in read_json(file)):
        if read_json(state).get("_indices_data_files"):
            raise FolderError(f"{state.parent} chooses its rows by an index: save it again after `flatten_indices()`")
        data = {state.parent / part["filename"] for part in read_json(state)["_data_files"]}
        if missing := sorted(data - present):
            raise FolderError(f"{missing[0]} is missing: {state} names it")
        present = {file for file in present if file.parent != state.parent or file in data}
    return SavedFiles([file for file in files if file in present], other_splits)


def read_json(path: Path) -> dict[str, Any]:
    """Raises FolderError."""
    try:
        value = parse_json(path.read_bytes())
    except Unreadable as error:
        raise FolderError(f"{path} is not JSON: {error}") from error
    return value if isinstance(value, dict) else {}


def rows_of(folder: Path) -> int:
    """Rows of the Arrow files of a split, as far as they can be read."""
    rows = 0
    for path in sorted(folder.glob("data-*.arrow")):
        with suppress(NotArrow):
            for batch in batches(path):
                rows += batch.num_rows
    return rows
