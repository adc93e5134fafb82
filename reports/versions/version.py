"""A data version: its files, parameters, tables and metrics, read from git and DVC's cache without a checkout."""

import json
from collections.abc import Iterable
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from cultivar.runlog.freshness import locked_stages, outdated
from cultivar.runlog.previous import md5_of
from reports.versions.lockfile import recorded_outs
from reports.versions.objects import MissingObject, Recorded, folder_members, object_path, provide
from reports.versions.repository import find_commit, read_blob, tree_files
from schemas.errors import UserError

WORKSPACE = "workspace"
LOCK, GRAPH, PARAMS = "dvc.lock", "dvc.yaml", "params.yaml"


def open_version(name: str | None = None) -> "Version":
    """The version of that name: a git revision, tag, branch or DVC experiment; the working tree for None or "workspace".

    Raises UserError where there is none.
    """
    if name is None or name == WORKSPACE:
        version = Version(WORKSPACE)
    else:
        commit = find_commit(name)
        version = Version(name, commit.name, commit.title, commit.date)
    if version.blob(GRAPH) is None and version.blob(LOCK) is None:  # else every table would count as absent
        where = "here" if version.commit is None or not Path(GRAPH).is_file() else f"in {name}"
        remedy = "run from the folder that holds it" if where == "here" else "name a version that has it"
        raise UserError(f"{GRAPH} is not {where}; {remedy}")
    return version


def holds(file: Path, md5: str) -> bool:
    """Whether a file of the working tree has these bytes."""
    return file.is_file() and md5_of(file) == md5


def current_md5(file: Path, recorded: str) -> str:
    """The md5 of a file, which git may have brought another dvc.lock for since; a link to the recorded object proves it."""
    cached = object_path(recorded)
    return recorded if cached.is_file() and cached.samefile(file) else md5_of(file)


class Version:
    """One data version. Paths are from the project's folder, which is the current one.

    `commit` is None for the working tree, whose files are read as they are on disk; `date` is an ISO day.
    """

    def __init__(self, name: str, commit: str | None = None, title: str = "", date: str = "") -> None:
        self.name, self.commit, self.title, self.date = name, commit, title, date

    def __repr__(self) -> str:
        return f"Version({self.label})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and (self.name, self.commit) == (other.name, other.commit)

    def __hash__(self) -> int:
        return hash((self.name, self.commit))

    @property
    def label(self) -> str:
        """The name, with the abbreviated commit where that says more."""
        if self.commit is None:
            return self.name
        return self.commit[:9] if self.commit.startswith(self.name) else f"{self.name} ({self.commit[:9]})"

    # ---- git

    def blob(self, path: str | Path) -> bytes | None:
        """The bytes of a file of git at this version, or on disk in the working tree; None where it is absent."""
        if self.commit is not None:
            return read_blob(self.commit, Path(path))
        return Path(path).read_bytes() if Path(path).is_file() else None

    def text(self, path: str | Path) -> str | None:
        """`blob` as text; what is no UTF-8 is replaced."""
        content = self.blob(path)
        return None if content is None else content.decode("utf-8", errors="replace")

    def names(self, folder: str | Path) -> list[str]:
        """Files below a folder at this version, sorted: those of git, and those of a folder that a .dvc file tracks."""
        below = set(tree_files(self.commit, Path(folder)))
        below |= {name for name in self.tracked if Path(folder) in (Path(name), *Path(name).parents)}
        return sorted(name for name in below if not name.endswith((".dvc", ".gitignore")))

    def yaml(self, path: str) -> dict[str, Any]:
        """A YAML 1.2 file; {} where it is absent. Raises UserError where it cannot be read."""
        text = self.text(path)
        try:
            return (YAML(typ="safe", pure=True).load(text) if text else None) or {}
        except YAMLError as error:
            raise UserError(f"{path} of {self.name} is not valid YAML: {error}; correct it there") from error

    @cached_property
    def _params(self) -> dict[str, Any]:
        return self.yaml(PARAMS)

    def params(self) -> dict[str, Any]:
        """params.yaml."""
        return self._params

    @cached_property
    def _graph(self) -> dict[str, Any]:
        return self.yaml(GRAPH)

    def graph(self) -> dict[str, Any]:
        """dvc.yaml."""
        return self._graph

    def stages(self) -> list[str]:
        """Names of the stages, in the graph's order."""
        return list(self.graph().get("stages", {}))

    @cached_property
    def _lock(self) -> dict[str, Any]:
        return self.yaml(LOCK).get("stages", {})

    def lock(self) -> dict[str, Any]:
        """Stage or item of a matrix -> its entry of dvc.lock. Takes about a second; `recorded` is quick."""
        return self._lock

    def metrics(self) -> dict[str, dict[str, Any]]:
        """metrics/filter.json under "filter", metrics/evaluate/sft.json under "evaluate/sft"; what is no JSON is left out."""
        found = {}
        for name in self.files_on_disk("metrics") if self.commit is None else self.names("metrics"):
            try:
                value = json.loads(self.blob(name) or b"")
            except ValueError:
                continue
            if name.endswith(".json") and isinstance(value, dict):
                found[name.removeprefix("metrics/").removesuffix(".json")] = value
        return found

    @cached_property
    def earlier_metrics(self) -> frozenset[str]:
        """Names of metrics whose stage dvc.lock records with inputs that are no longer this version's: they tell of other data."""
        stages = locked_stages(self.text(LOCK) or "")
        paths = (path for name in outdated(stages) for path in stages[name].outs if path.startswith("metrics/"))
        return frozenset(path.removeprefix("metrics/").removesuffix(".json") for path in paths)

    def measured(self) -> dict[str, dict[str, Any]]:
        """The metrics of this version's own data."""
        return {name: value for name, value in self.metrics().items() if name not in self.earlier_metrics}

    @staticmethod
    def files_on_disk(folder: str | Path) -> list[str]:
        return sorted(path.as_posix() for path in Path(folder).rglob("*") if path.is_file())

    # ---- DVC

    @cached_property
    def _recorded(self) -> dict[str, Recorded]:
        return recorded_outs(self.text(LOCK) or "")

    def recorded(self) -> dict[str, Recorded]:
        """Path of an output -> what dvc.lock of this version records of it, in its order."""
        return self._recorded

    def tables(self) -> dict[str, Recorded]:
        """The tables of this version by path, in the graph's order: data/x.parquet, data/dropped/<stage>.parquet, …

        Of the working tree those that are on disk.
        """
        order = {name: place for place, name in enumerate(self.stages())}
        found = [
            out for out in self.recorded().values() if out.path.startswith("data/") and out.path.endswith(".parquet")
        ]
        found.sort(key=lambda out: order.get(out.stage.partition("@")[0], len(order)))
        return {out.path: out for out in found if self.commit is not None or Path(out.path).exists()}

    @cached_property
    def _current(self) -> dict[str, str]:
        return {
            path: out.md5 if self.commit is not None else current_md5(Path(path), out.md5)
            for path, out in self.tables().items()
        }

    def current(self) -> dict[str, str]:
        """Table -> md5: as recorded, and in the working tree that of the bytes on disk."""
        return self._current

    def lacking(self, paths: Iterable[str]) -> list[str]:
        """Of outputs, those whose bytes are not to be had. What the cache lacks is fetched in one go."""
        if self.commit is None:
            return [path for path in paths if not Path(path).exists()]
        absent = {path: self.recorded()[path].md5 for path in paths}
        absent = {
            path: md5 for path, md5 in absent.items() if not object_path(md5).is_file() and not holds(Path(path), md5)
        }
        with suppress(MissingObject):
            provide(absent.values())
        return [path for path, md5 in absent.items() if not object_path(md5).is_file()]

    def files(self, path: str | Path) -> list[Path]:
        """Local files that hold an output's bytes at this version, those of a folder sorted by name.

        They are the workspace's own, the cache's objects, or fetched from the remote. Raises MissingObject.
        """
        place = Path(path)
        if self.commit is None:
            if not place.exists():
                raise MissingObject(f"{place} is not there; `dvc repro` makes it, `dvc checkout` restores it")
            return sorted(file for file in place.rglob("*") if file.is_file()) if place.is_dir() else [place]
        out = self.recorded().get(place.as_posix())
        if out is None:
            raise MissingObject(f"{place} is not recorded in dvc.lock of {self.name}; its stage had not run there")
        if not object_path(out.md5).is_file() and holds(place, out.md5):
            return [place]
        provide([out.md5])
        if out.md5.endswith(".dir"):
            members = sorted(folder_members(out.md5).items())
            provide(md5 for _, md5 in members)
            return [object_path(md5) for _, md5 in members]
        return [object_path(out.md5)]

    @cached_property
    def tracked(self) -> dict[str, str]:
        """File -> md5 of what .dvc files track (data/raw and its like) at this version, folders by their files.

        In the working tree the files are those on disk, and the md5 is what the .dvc file records of them together.
        """
        found: dict[str, str] = {}
        for name in tree_files(self.commit, Path()):
            if not name.endswith(".dvc"):
                continue
            for out in self.yaml(name).get("outs", []):
                place, md5 = Path(name).parent / out["path"], out.get("md5", "")
                if self.commit is None:
                    found |= dict.fromkeys(self.files_on_disk(place) if place.is_dir() else [place.as_posix()], md5)
                elif md5.endswith(".dir"):
                    provide([md5])
                    found |= {(place / inner).as_posix(): one for inner, one in folder_members(md5).items()}
                elif md5:
                    found[place.as_posix()] = md5
        return found

    def content(self, path: str | Path) -> bytes | None:
        """The bytes of any file at this version: of git, of an output, or in a folder that a .dvc file tracks.

        None where there is no such file. Raises MissingObject where its bytes are not to be had.
        """
        name = Path(path).as_posix()
        if (found := self.blob(path)) is not None or self.commit is None:
            return found
        if name in self.recorded():
            return b"".join(file.read_bytes() for file in self.files(name))
        if (md5 := self.tracked.get(name)) is not None:
            provide([md5])
            return object_path(md5).read_bytes()
        return None
