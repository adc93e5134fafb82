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


def is_within(folder: Path, dep: Path) -> bool:
    """Whether a folder is a declared one or lies below it, both without `..` but at their beginning."""
    rest = folder.parts[len(dep.parts) :]
    return (
        folder.parts[: len(dep.parts)] == dep.parts and ".." not in rest and folder.is_absolute() == dep.is_absolute()
    )


class Links:
    """Where files below the declared paths really lie. What is asked of every file of a folder is found once."""

    def __init__(self, declared: Iterable[Path]) -> None:
        self.declared = [normal(dep) for dep in declared]
        self.real_folder = cache(lambda folder: Path(os.path.realpath(folder)))
        self.holders = cache(lambda folder: [dep for dep in self.declared if is_within(folder, dep)])

    def holds(self, path: Path) -> bool:
        """Whether a path without `..` is, as it is written, a declared one or lies below it."""
        return bool(self.holders(path.parent)) or path in self.declared

    def fault(self, written: Path) -> str | None:
        """What is wrong with a file below declared paths; None where one of them is it or really holds it."""
        path = normal(written) if ".." in written.parts else written
        if path is not written and (real := Path(os.path.realpath(written))) != Path(os.path.realpath(path)):
            return f"which is {real}: its `..` stands behind a link. Write the path without it"
        if path in self.declared:
            return None
        faults = [self.fault_below(path, dep) for dep in self.holders(path.parent)]
        return None if None in faults or not faults else faults[0]

    def fault_below(self, path: Path, dep: Path) -> str | None:
        """What is wrong with a file that is written below the declared folder `dep`."""
        root, place = self.real_folder(dep), self.real_folder(path.parent)
        expected = root if path.parent == dep else root / path.parent.relative_to(dep)
        is_link = path.is_symlink()
        if not is_link and place == expected:
            return None
        real = Path(os.path.realpath(path)) if is_link else place / path.name
        if root not in real.parents and not OBJECT.search(real.as_posix()):
            return (
                f"which is a link to {real}, outside of {dep} that dvc.yaml lists: copy it to its place, or list "
                f"{real} (or a folder that holds it) among the deps and name it as it is"
            )
        if place != expected:
            return f"which is in {place} behind a link to a folder; DVC does not follow it. Name that folder itself"
        return None
