"""Where a declared path really leads: `..` and symbolic links.

DVC hashes a declared file through a link, and the files of a declared folder; it does not follow a link to a folder within
it. So what a stage reads must lie where it says, within the declared path: else it could change and nothing would run
again. Links to content by its hash stay what they are: DVC's own into its cache (`cache.type symlink`), and those of a
Hugging Face snapshot into its blobs.
"""

import os
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

OBJECT = re.compile(r"(?:^|/)(?:[0-9a-f]{2}/[0-9a-f]{30}|blobs/(?:[0-9a-f]{40}|[0-9a-f]{64}))\Z")
"""A file that is named by the hash of its content."""


def normal(path: str | Path) -> Path:
    """The path without `.` and `..`, as it is written."""
    return Path(os.path.normpath(path))


def is_below(path: Path, dep: Path) -> bool:
    """Whether a path, as it is written, is a declared one or lies below it."""
    path, dep = normal(path), normal(dep)
    return path == dep or dep in path.parents


class Links:
    """The real places of files; folders are resolved once."""

    def __init__(self) -> None:
        self.real_folder = cache(lambda folder: Path(os.path.realpath(folder)))

    def real(self, path: Path) -> Path:
        """Where the path leads, all links followed."""
        return Path(os.path.realpath(path)) if path.is_symlink() else self.real_folder(path.parent) / path.name

    def outside(self, path: Path, dep: Path) -> str | None:
        """What is wrong with a file that is written below the declared `dep`; None where it really is there."""
        written, dep = normal(path), normal(dep)
        if ".." in Path(path).parts and (real := Path(os.path.realpath(path))) != Path(os.path.realpath(written)):
            return f"which is {real}: its `..` stands behind a link. Write the path without it"
        if written == dep:
            return None
        root, real = self.real_folder(dep), self.real(written)
        if root not in real.parents and not OBJECT.search(real.as_posix()):
            return (
                f"which is a link to {real}, outside of {dep} that dvc.yaml lists: copy it to its place, or list "
                f"{real} (or a folder that holds it) among the deps and name it as it is"
            )
        place = self.real_folder(written.parent)
        if place != root / written.parent.relative_to(dep):
            return f"which is in {place} behind a link to a folder; DVC does not follow it. Name that folder itself"
        return None

    def misplaced(self, path: Path, declared: Iterable[Path]) -> str | None:
        """What is wrong with a file that is written below at least one declared path; None where one really holds it."""
        faults = [self.outside(path, dep) for dep in declared if is_below(path, dep)]
        return None if None in faults or not faults else faults[0]
