"""What a stage's signature may name besides tables, params, engines and the sandbox; `cultivar.runner.run` binds them.

A stage never sees dvc.yaml, its own paths or a progress bar's drawing. Arguments of these types are bound by name to
the deps and outs that dvc.yaml lists for the stage.
"""

import glob
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from schemas.errors import UserError
from schemas.links import Links, normal

Progress = Callable[[int, int, str], None]
"""`progress(done, total, note)`: shown by the runner; `total` 0 means unknown."""


class UndeclaredRead(PermissionError):
    """A stage asked for a file, table, prompt or parameter that dvc.yaml does not list for it."""

    def __init__(self, stage: str, path: str | Path, kind: str = "deps", fault: str | None = None):
        """`fault`: why a path that looks declared is not, with the remedy (schemas/links.py)."""
        self.path = str(path)
        super().__init__(
            f"stage {stage} reads {path}, {fault}"
            if fault
            else f"stage {stage} reads {path}, which dvc.yaml does not list for it; add to dvc.yaml:\n"
            f"  {stage}:\n    {kind}:\n      - {path}"
        )


class Unfinished(UserError, RuntimeError):
    """Some of a stage's requests or programs got no result for a transient reason; all other results are stored.

    The stage fails, so that DVC records nothing, and its next run asks for what is left.
    """


class BudgetSpent(Unfinished):
    """A cap of the `budget` in params.yaml is reached; the message says which, and how to go on."""


@dataclass(frozen=True)
class Files:
    """Files that the stage's deps declare, by path or glob (sources, YAML that people edit, metrics to report on)."""

    stage: str
    declared: tuple[Path, ...]

    def find(self, pattern: str) -> list[Path]:
        """Declared files that match, sorted, each once. A folder stands for the files below it.

        What exists is itself before it is a pattern: `data[1].jsonl`, and `a[1]/*.jsonl` in an existing folder a[1].
        Raises UndeclaredRead for a file outside the declared deps, as it is written or where `..` and links really lead
        (schemas/links.py), FileNotFoundError when nothing matches.
        """
        links, files = Links(self.declared), []
        # one by one: `**` goes through links to folders, which may lead in circles, and the first such file is refused
        for match in glob.iglob(literal_start(pattern), recursive=True):  # noqa: PTH207  (patterns may be absolute)
            for as_written in below(Path(match)) if Path(match).is_dir() else [Path(match)]:
                file = normal(as_written)
                if not links.holds(file):
                    raise UndeclaredRead(self.stage, self.dep_of(pattern, file))
                if fault := links.fault(as_written):
                    raise UndeclaredRead(self.stage, as_written, fault=fault)
                files.append((match, file))
        if not files:
            raise FileNotFoundError(f"{pattern}: no such file; correct the path in params.yaml or dvc.yaml")
        return list(dict.fromkeys(file for _, file in sorted(files)))

    @staticmethod
    def dep_of(pattern: str, file: Path) -> Path:
        """What to list in dvc.yaml for a file that the pattern found: the folder that the pattern searches, or the file."""
        parts = Path(os.path.normpath(pattern)).parts
        start = next((n for n, part in enumerate(parts) if glob.has_magic(part) and part != file.parts[n]), len(parts))
        folder = Path(*parts[:start])
        return file if folder in (Path(), Path("data")) else folder  # stages write into data


def literal_start(pattern: str) -> str:
    """The pattern with its longest existing beginning taken literally."""
    for place in [Path(pattern), *Path(pattern).parents]:
        if glob.has_magic(str(place)) and place.exists():
            rest = Path(pattern).relative_to(place)
            return str(Path(glob.escape(str(place))) / rest)
    return pattern


def below(folder: Path) -> Iterable[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))


@dataclass(frozen=True)
class Model:
    """A model folder (config, tokenizer, safetensors) that the stage reads."""

    path: Path


@dataclass(frozen=True)
class ModelOut:
    """An empty folder that the stage fills with a model; it takes its declared place when the stage returns."""

    path: Path


@dataclass(frozen=True)
class Checkpoints:
    """A folder that outlives a killed run of the same stage with the same inputs, params and code.

    `steps`: optimizer steps between checkpoints.
    """

    path: Path
    steps: int = 200

    def below(self, name: str) -> "Checkpoints":
        """A folder within, for a part of the stage's work."""
        return Checkpoints(self.path / name, self.steps)


@dataclass(frozen=True)
class Plot:
    """Data of a plot; written as CSV."""

    frame: pl.DataFrame


@dataclass(frozen=True)
class Document:
    """A text (Markdown, HTML) that people read."""

    text: str
