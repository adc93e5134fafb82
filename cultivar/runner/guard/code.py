"""The code guard: what a stage imports must be what its fingerprint says, before it begins and when it ends.

`dvc repro` runs stage `code` first, which brings fingerprints up to date; `dvc repro -s STAGE` after an edit does not,
and would record the old fingerprint as the origin of what the new code wrote.
"""

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from cultivar.runner.fingerprints import FOLDER, fingerprint
from cultivar.runner.fingerprints.closure import PACKAGES, SourceTree, file_of, is_exempt
from schemas.errors import GraphError, UserError
from schemas.stage import UndeclaredRead

START_S = 0.02
"""Seconds before an interpreter imports anything, and twice the kernel's resolution of when it was started."""


class OriginChanged(UserError, RuntimeError):
    """A dep, a parameter or the code of a stage changed while it ran."""


class StaleFingerprint(GraphError):
    """A stage's code or libraries are not what its fingerprint says."""


def started_ns() -> int:
    """When this process had begun (ns since the epoch) and imported nothing yet; elsewhere than on Linux, now."""
    try:
        ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
        age = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK") - START_S
    except (OSError, AttributeError):
        age = 0.0
    return time.time_ns() - int(age * 1e9)


STARTED = started_ns()


class Code:
    """The code of one stage in the project folder `root`.

    A module that was imported before the first look and is as it was then may since have been edited and reverted: what
    runs is in memory. One that is imported later counts as changed where its file was written after the process began.
    """

    def __init__(self, stage: str, root: Path) -> None:
        self.stage, self.root = stage, root
        self.path = FOLDER / f"{stage}.txt"
        self.known: set[Path] = set()

    def check_declared(self, deps: dict[Path, str]) -> None:
        """Raise UndeclaredRead where the stage does not list its fingerprint, GraphError where there is none."""
        if self.path not in deps:
            raise UndeclaredRead(self.stage, self.path)
        if not self.path.is_file():
            raise GraphError(f"stage {self.stage}: {self.path} is not there; `dvc repro code` writes it")

    def differences(self) -> list[str]:
        """Modules and libraries that are not as the fingerprint says, sorted."""
        recorded, now = lines(self.path.read_text(encoding="utf-8")), lines(fingerprint(self.stage, SourceTree()))
        return sorted(name for name in recorded.keys() | now.keys() if recorded.get(name) != now.get(name))

    def check_fresh(self) -> None:
        """Before the stage begins: raise StaleFingerprint with the command that brings the fingerprint up to date."""
        if stale := self.differences():
            raise StaleFingerprint(
                f"stage {self.stage}: {', '.join(stale)}: not as in {self.path}; run `dvc repro` without -s, "
                "or `dvc repro code` first"
            )
        self.note_imports()

    def note_imports(self) -> None:
        """Take what is imported by now as it stands in its file, where that was not written since the process began."""
        self.known |= {path for path in imported(self.root) if not written_since(path)}

    def check_unchanged(self) -> None:
        """When the stage ends: raise OriginChanged where its code is not as it was when it began."""
        try:
            differing = self.differences()
        except GraphError as error:  # a module is gone, or no Python any more
            differing = [str(error)]
        doubtful = [str(path.relative_to(self.root)) for path in imported(self.root) if self.is_doubtful(path)]
        if changed := sorted({*differing, *doubtful}):
            raise OriginChanged(
                f"stage {self.stage}: {', '.join(changed)} changed while it ran, so its tables are not "
                "recorded; run `dvc repro` again (finished model calls are cached)"
            )

    def is_doubtful(self, path: Path) -> bool:
        """Whether a module that counts may have been imported as something else than what its file says now."""
        module = ".".join(path.relative_to(self.root).with_suffix("").parts)
        return path not in self.known and written_since(path) and not is_exempt(module)

    def check_imports(self) -> None:
        """Raise GraphError for a first-party module that the stage imported but that is not in the fingerprint."""
        recorded = lines(self.path.read_text(encoding="utf-8"))
        if elsewhere := sorted(foreign(self.root)):
            raise GraphError(
                f"stage {self.stage} imported {elsewhere[0]}, which is not in {self.root}: code of this project comes "
                "from the folder of its dvc.yaml, never from an installed copy"
            )
        beside = {str(file_of(module)) for module in SourceTree().beside(self.stage)}
        for path in imported(self.root):
            place = str(path.relative_to(self.root))
            if place not in recorded and place not in beside and path.stat().st_size and is_ours(place):
                raise GraphError(
                    f"stage {self.stage} imported {place}, which {self.path} does not name: import it by a statement, "
                    "so that its fingerprint can see it (names that are put together at run time cannot be followed)"
                )


def is_ours(place: str) -> bool:
    return place.split("/")[0] in PACKAGES


def lines(text: str) -> dict[str, str]:
    """Module or library -> hash or version."""
    pairs = (line.rpartition(" ") for line in text.splitlines() if line and not line.startswith("#"))
    return {name: value for name, _, value in pairs}


def written_since(path: Path) -> bool:
    """Whether a file was written after this process began. A time to come is of a clock that is ahead: no edit."""
    return STARTED < path.stat().st_mtime_ns < time.time_ns()


def imported(root: Path) -> Iterator[Path]:
    """The files of the first-party modules that this process has imported."""
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if file and file.endswith(".py") and root in (path := Path(file)).parents and path.is_file():
            inside = path.relative_to(root).parts
            if not any(part.startswith(".") or part == "site-packages" for part in inside):
                yield path


def foreign(root: Path) -> Iterator[str]:
    """The files of modules of this project's packages that were imported from outside `root`."""
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and name.split(".")[0] in PACKAGES and root not in Path(file).parents:
            yield file
