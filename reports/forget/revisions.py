"""What every revision of the repository records of DVC's objects: dvc.lock, pointers (*.dvc) and DVC's own run cache."""

import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from cultivar.runlog.previous import LOCK, objects_folder
from reports.versions.lockfile import unquoted
from reports.versions.objects import folder_members, object_path

RUNS = "runs"
"""Beside DVC's objects: a record per run of a stage, which holds the hashes of what it read and wrote."""


@dataclass(frozen=True)
class Run:
    """One stage as it was recorded once: what it read and wrote, path -> md5."""

    stage: str
    deps: dict[str, str]
    outs: dict[str, str]


@dataclass(frozen=True)
class Revision:
    """A commit with what it records: `runs` of dvc.lock, and files under a pointer, path -> md5."""

    commit: str
    title: str
    runs: tuple[Run, ...]
    pointed: dict[str, str]

    @cached_property
    def objects(self) -> dict[str, str]:
        """md5 -> path of everything that it names, the files of folders as well."""
        found = {md5: path for path, md5 in self.pointed.items()}
        for run in self.runs:
            found |= {md5: path for path, md5 in run.outs.items()}
        for md5, path in list(found.items()):
            found |= {inside: f"{path}/{name}" for name, inside in members_of(md5).items()}
        return found


@dataclass
class Repository:
    """Every revision that any branch, tag or experiment reaches, and the workspace; runs of DVC's run cache besides."""

    revisions: list[Revision]
    cached_runs: dict[Path, Run] = field(default_factory=dict)

    @property
    def runs(self) -> Iterator[Run]:
        for revision in self.revisions:
            yield from revision.runs
        yield from self.cached_runs.values()

    @classmethod
    def read(cls) -> "Repository":
        revisions = [Revision("", "the workspace", tuple(runs_in(text_of(LOCK))), pointed_in(workspace_pointers()))]
        seen: dict[tuple[tuple[str, str], ...], Revision] = {}
        for commit, title, blobs in recorded_blobs():
            key = tuple(sorted(blobs.items()))
            if key not in seen:
                lock = blobs.get(str(LOCK))
                texts = {path: show(blob) for path, blob in blobs.items() if path.endswith(".dvc")}
                seen[key] = Revision(commit, title, tuple(runs_in(show(lock))) if lock else (), pointed_in(texts))
            one = seen[key]
            revisions.append(Revision(commit, title, one.runs, one.pointed))
        return cls(revisions, cached_runs())


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def workspace_pointers() -> dict[str, str]:
    """Pointers in the workspace (DVC has them beside data): path -> text."""
    found = [*Path().glob("*.dvc"), *Path("data").rglob("*.dvc")]
    return {str(path): path.read_text(encoding="utf-8") for path in found if path.is_file()}


def recorded_blobs() -> Iterator[tuple[str, str, dict[str, str]]]:
    """Commits of every reference that changed what is recorded: name, title, path -> blob of dvc.lock and pointers."""
    listed = git("log", "--all", "--format=%H%x00%s", "--", "dvc.lock", "*.dvc")
    for line in listed.splitlines():
        commit, _, title = line.partition("\0")
        tree = git("ls-tree", "-r", "-z", commit, "--", ".")
        blobs = {}
        for entry in filter(None, tree.split("\0")):
            about, _, path = entry.partition("\t")
            if path == str(LOCK) or path.endswith(".dvc"):
                blobs[path] = about.split()[2]
        yield commit, title, blobs


def git_bytes(*arguments: str) -> bytes:
    """What git prints; nothing where this is no repository of git, or nothing has that name."""
    done = subprocess.run(["git", *arguments], capture_output=True)
    return done.stdout if done.returncode == 0 else b""


def git(*arguments: str) -> str:
    return git_bytes(*arguments).decode("utf-8", "replace")


def show(blob: str) -> str:
    return git("cat-file", "blob", blob)


def runs_in(text: str) -> Iterator[Run]:
    """The stages of a dvc.lock, or the one of a file of the run cache, by their lines."""
    stage, section, path = "", "", ""
    deps: dict[str, str] = {}
    outs: dict[str, str] = {}
    indent = 4 if text.startswith("schema") or "\nstages:" in text or text.startswith("stages:") else 0
    for line in [*text.splitlines(), "  end:" if indent else ""]:
        depth = len(line) - len(line.lstrip(" "))
        if indent and depth == 2 and line.rstrip().endswith(":") and not line.startswith("  -"):
            if outs or deps:
                yield Run(stage, deps, outs)
            stage, section, deps, outs = unquoted(line.strip().removesuffix(":")), "", {}, {}
        elif depth == indent and not line.lstrip().startswith("- "):
            section, path = line.strip().rstrip(":"), ""
        elif section in ("deps", "outs"):
            key, _, value = line.strip().removeprefix("- ").partition(": ")
            if key == "path":
                path = unquoted(value)
            elif key == "md5" and path:
                (deps if section == "deps" else outs)[path] = unquoted(value)
    if not indent and (outs or deps):
        yield Run(stage, deps, outs)


def pointed_in(texts: dict[str, str]) -> dict[str, str]:
    """Path -> md5 of what pointers name."""
    found = {}
    for pointer, text in texts.items():
        fields = dict(line.strip().removeprefix("- ").partition(": ")[::2] for line in text.splitlines())
        if "md5" in fields and "path" in fields:
            found[str(Path(pointer).parent / unquoted(fields["path"]))] = unquoted(fields["md5"])
    return found


def cached_runs() -> dict[Path, Run]:
    """The records of DVC's run cache, by file."""
    folder = objects_folder().parent.parent / RUNS
    found = {}
    for path in sorted(folder.glob("??/*/*")):
        if path.is_file():
            for run in runs_in(path.read_text(encoding="utf-8", errors="replace")):
                found[path] = run
    return found


def members_of(md5: str) -> dict[str, str]:
    """Relative path -> md5 of a folder's files; nothing for a file, or where the cache lacks the folder's object."""
    if not md5.endswith(".dir"):
        return {}
    try:
        return folder_members(md5) if object_path(md5).is_file() else {}
    except (ValueError, KeyError, TypeError):  # damaged: `cultivar doctor`
        return {}


def with_members(md5s: Iterable[str]) -> set[str]:
    """Objects with the files of those that are folders."""
    found = set(md5s)
    return found.union(*(members_of(md5).values() for md5 in list(found)))
