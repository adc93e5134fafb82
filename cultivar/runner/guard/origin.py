"""The stage guard: the inputs of a stage must be unchanged when it ends.

DVC hashes deps only after the command (its issue 11058), so an edit during a long run would be recorded as the
origin of tables that it did not produce. The guard looks at deps and params before and after, and fails the stage. Before,
it refuses links in declared folders that lead out of them.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cultivar.runner.guard.code import OriginChanged
from schemas.links import Links
from schemas.stage import UndeclaredRead, below

HASHED_BYTES = 64 * 2**20
"""Size up to which a file is hashed; larger ones are compared by size, mtime and inode."""


@dataclass
class Origin:
    """The inputs of a stage: its declared deps and its parameters."""

    deps: Iterable[Path]
    params: Any
    seen: dict[Path, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.deps = tuple(self.deps)
        self.seen = {path: file_identity(path) for path in self.files()}

    def check_links(self, stage: str) -> None:
        """Raise UndeclaredRead for a file in a declared folder that is a link to elsewhere (schemas/links.py)."""
        links = Links(self.deps)
        for dep in self.deps:
            for file in below(dep) if dep.is_dir() else ():
                if file.is_symlink() and (fault := links.fault(file)):
                    raise UndeclaredRead(stage, file, fault=fault)

    def files(self) -> list[Path]:
        return [
            file
            for dep in self.deps
            for file in (below(dep) if dep.is_dir() else [dep])
            if "__pycache__" not in file.parts
        ]

    def digest(self) -> str:
        """Identity of deps and params together (for checkpoints)."""
        return hashlib.sha256(repr((sorted(self.seen.items()), self.params)).encode()).hexdigest()[:16]

    def check(self, stage: str, params: Any) -> None:
        """Raise OriginChanged when a dep or the stage's params are no longer what they were at the start."""
        now = {path: file_identity(path) for path in self.files()}
        changed = sorted(str(path) for path in self.seen.keys() | now.keys() if self.seen.get(path) != now.get(path))
        if params != self.params:
            changed.append("params.yaml")
        if changed:
            raise OriginChanged(
                f"stage {stage}: {', '.join(changed)} changed while it ran, so its tables are not "
                "recorded; run `dvc repro` again (finished model calls are cached)"
            )


def file_identity(path: Path) -> tuple[Any, ...] | None:
    """Size and md5 of a file; of a large one its size, mtime (ns) and inode; None where there is none."""
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    if stat.st_size > HASHED_BYTES:
        return stat.st_size, stat.st_mtime_ns, stat.st_ino
    return stat.st_size, hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
