"""The files of a source: what its path finds, unpacked and fetched, and what of it is no data, by name."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from schemas.stage import Files
from stages.curation.hub_path import HUB, parse_hub
from stages.curation.params import SourceFile
from stages.curation.readers import archives
from stages.curation.readers.arrow import saved_files
from stages.curation.readers.fields import bounded
from stages.curation.readers.record import FormatError, Record
from stages.curation.readers.records import ARCHIVE, no_reader

DOCUMENTS = frozenset(
    "readme license licence copying notice changelog citation authors contributing requirements code_of_conduct".split()
)
DOCUMENT_KINDS = ("", ".txt", ".md", ".rst", ".json")
DESCRIPTIONS = frozenset({"dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json"})
"""What stands beside the data of a data set and holds none."""


class Part(NamedTuple):
    """A file to read. `path` has its bytes, `name` says where it stands: `path` itself, or archive.zip/folder/a.jsonl."""

    path: Path
    name: str


class Skipped(NamedTuple):
    """A file that is no data, and why."""

    name: str
    reason: str


class Chosen(NamedTuple):
    """The files of a source. `left`: rows and files of other splits. `is_one`: the path names one file, which is data."""

    parts: list[Part]
    skipped: list[Skipped]
    left: dict[str, int]
    broken: list[tuple[str, Record]]
    is_one: bool = False

    @property
    def archives(self) -> list[Part]:
        return [part for part in self.parts if is_archive(part.path)]

    @property
    def plain(self) -> "Chosen":
        return self._replace(parts=[part for part in self.parts if not is_archive(part.path)])


def paths_of(source: SourceFile, files: Files) -> list[Path]:
    """Files of a source in this project; none for one of a hub. A path below the working folder becomes relative, as
    dvc.yaml names it.

    What `dvc add` writes beside data (`x.dvc`) is no data.
    """
    return [] if source.path.startswith(HUB) else [file for file in files.find(local(source)) if file.suffix != ".dvc"]


def local(source: SourceFile) -> str:
    path = Path(source.path)
    if path.is_absolute() and path.is_relative_to(Path.cwd()):
        path = path.relative_to(Path.cwd())
    return str(path)


def chosen_files(source: SourceFile, files: Files) -> Chosen:
    """The files of a source, archives as they are. Raises FormatError where none can be read, FileNotFoundError where none
    is there, FolderError for a saved data set that is not whole, HubError for a data set that cannot be fetched.
    """
    if source.path.startswith(HUB):
        from stages.curation.readers import hub  # what few need, and slow to import

        found = hub.fetched(parse_hub(source.path), source.split)
        parts = [Part(path, name) for path, name in found.files]
        return of_data(parts, source, [], found.left, is_one=found.is_one)
    path = Path(local(source))
    everything = files.find(str(path))
    if path.is_file():
        return Chosen([Part(path, str(path)) for path in everything], [], {}, [], is_one=True)
    hidden = sorted(file for file in path.rglob(".*") if file.is_file()) if path.is_dir() else []
    paths, other_splits = saved_files(everything, source.split)
    left = {f"rows of split {name}": rows for name, rows in other_splits.items()}
    skipped = [Skipped(str(file), "hidden") for file in hidden]
    return of_data([Part(path, str(path)) for path in paths], source, skipped, left)


def of_data(
    parts: list[Part], source: SourceFile, skipped: list[Skipped], left: dict[str, int], is_one: bool = False
) -> Chosen:
    """The parts that may hold data; the others are skipped by name. Raises FormatError where all are."""
    kept: list[Part] = []
    for part in parts:
        reason = "" if is_one else why_skipped(part.path, source.format)
        if reason:
            skipped.append(Skipped(part.name, reason))
        else:
            kept.append(part)
    if not kept:
        raise nothing_read(source, skipped)
    return Chosen(kept, skipped, left, [], is_one)


@contextmanager
def unpacked(archive: Part, source: SourceFile, is_one: bool) -> Iterator[Chosen]:
    """The files of an archive, while they are needed. What is refused is broken, by name."""
    with TemporaryDirectory(prefix="cultivar-") as folder:
        found = archives.unpack(archive.path, Path(folder))
        broken = [(name, Record(1, None, "", reason)) for name, reason in found.refused]
        paths, other_splits = saved_files(found.files, source.split)
        kept, skipped = list[Part](), list[Skipped]()
        for path in paths:
            part = Part(path, f"{archive.name}/{path.relative_to(folder).as_posix()}")
            reason = "an archive within an archive" if is_archive(path) else why_skipped(path, source.format)
            if reason:
                skipped.append(Skipped(part.name, reason))
            else:
                kept.append(part)
        if is_one and not kept and not broken:
            raise nothing_read(source, skipped)
        left = {f"rows of split {name}": rows for name, rows in other_splits.items()}
        named = [(f"{archive.name}/{name}" if name else archive.name, record) for name, record in broken]
        yield Chosen(kept, skipped, left, named)


def why_skipped(path: Path, form: str) -> str:
    """Why a file that a folder or a pattern finds is no data; "" where it may be."""
    stem = re.split(r"[.\-_ ]", path.name.lower(), maxsplit=1)[0]
    if path.name.startswith("."):
        return "hidden"
    if path.suffix == ".dvc":
        return "of DVC"
    if not path.stat().st_size:
        return "empty"
    if path.name in DESCRIPTIONS or (stem in DOCUMENTS and path.suffix.lower() in DOCUMENT_KINDS):
        return "a document beside the data"
    if is_archive(path):
        return ""
    if form == "book" and is_text(path):  # of any name
        return ""
    return "no reader" if no_reader(path) else ""


def is_archive(path: Path) -> bool:
    return path.suffix.lower() == ARCHIVE


def is_text(path: Path) -> bool:
    with path.open("rb") as file:
        return b"\0" not in file.read(1024)


MOST_NAMED = 50
"""Files that the metrics name; a folder may hold many more."""


def metrics_of(not_taken: Mapping[str, int], taken: Mapping[str, Any], skipped: list[str]) -> dict[str, Any]:
    """What `ingest` measures: rows by source, what is not taken, and the first of the skipped files by name."""
    more = [f"and {len(skipped) - MOST_NAMED:,} more"] if len(skipped) > MOST_NAMED else []
    named = {"skipped_files": sorted(skipped)[:MOST_NAMED] + more} if skipped else {}
    return {"not_taken": bounded(not_taken), "rows_by_source": taken} | named


def nothing_read(source: SourceFile, skipped: list[Skipped]) -> FormatError:
    named = ", ".join(f"{name} ({reason})" for name, reason in skipped[:20])
    more = f" and {len(skipped) - 20:,} more" if len(skipped) > 20 else ""
    return FormatError(
        f"{source.path}: source {source.name} has no file that can be read; skipped were {named or 'none'}{more}. Correct "
        "its path in params.yaml, or name a file by itself to see why it is not read"
    )
