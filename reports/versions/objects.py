"""DVC's objects by their md5: from the cache, and from the remote what the cache lacks."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from cultivar.outgoing.redaction import redacted
from cultivar.runlog.previous import objects_folder
from schemas.errors import UserError


class MissingObject(UserError):
    """Bytes of a data version are neither in the workspace, nor in DVC's cache, nor on the remote."""


class Recorded(NamedTuple):
    """An output as dvc.lock records it: `md5` ends with `.dir` for a folder; `size` in bytes."""

    stage: str
    path: str
    md5: str
    size: int | None = None


def object_path(md5: str) -> Path:
    """Where the cache keeps an object."""
    return objects_folder() / md5[:2] / md5[2:]


def folder_members(md5: str) -> dict[str, str]:
    """Relative path -> md5 of the files of a folder's object, which the cache holds."""
    return {entry["relpath"]: entry["md5"] for entry in json.loads(object_path(md5).read_bytes())}


def provide(md5s: Iterable[str]) -> None:
    """Bring what the cache lacks from DVC's default remote, folders with their files.

    Raises MissingObject where there is no remote, or it has not all of them.
    """
    lacking = sorted({md5 for md5 in md5s if not object_path(md5).is_file()})
    if not lacking:
        return
    fetch(lacking)
    inside = {md5 for folder in lacking if folder.endswith(".dir") for md5 in folder_members(folder).values()}
    if files := sorted(md5 for md5 in inside if not object_path(md5).is_file()):
        fetch(files)


def fetch(md5s: list[str]) -> None:
    """Copy objects from the remote into the cache."""
    # DVC takes a second to import; most calls never come here
    from dvc.exceptions import DvcException
    from dvc.repo import Repo
    from dvc_data.hashfile.hash_info import HashInfo

    named = f"{len(md5s):,} object{'s' * (len(md5s) > 1)} of this version (first {md5s[0]})"
    remedy = "`dvc fetch --all-commits` where a remote has them, or check that version out and `dvc repro`"
    try:
        with Repo() as repo:
            result = repo.cloud.pull([HashInfo("md5", md5) for md5 in md5s])
    except (DvcException, OSError) as error:
        words = " ".join(redacted(str(error)).split())
        raise MissingObject(f"DVC's cache lacks {named}: {words}; {remedy}") from error
    if result.failed or not all(object_path(md5).is_file() for md5 in md5s):
        raise MissingObject(f"neither DVC's cache nor its remote has {named}; {remedy}")
