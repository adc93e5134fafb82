"""Data sets of a hub (huggingface_hub), at a commit that the source names: the same files whenever they are read.

Files lie in the hub's own cache (HF_HOME, HF_HUB_CACHE), and are fetched only where they are not there; HF_HUB_OFFLINE=1
fetches none. The endpoint is HF_ENDPOINT's. A token is HF_TOKEN's, never one that a login has written to a file, and goes
to the endpoint alone.
"""

import glob
import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
from huggingface_hub import HfApi, constants, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    IncompleteSnapshotError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from cultivar.outgoing.redaction import redacted
from schemas.errors import UserError
from stages.curation.hub_path import HubPath
from stages.curation.readers.lines import COMPRESSED
from stages.curation.readers.records import ARCHIVE, BINARY, TEXTS

SPLITS = {
    "train": {"train", "training"},
    "test": {"test", "testing", "eval", "evaluation"},
    "validation": {"validation", "valid", "val", "dev"},
}
"""Names of splits in names of files, as the library `datasets` knows them."""
ETAG = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")


class HubError(UserError, RuntimeError):
    """A data set of a hub cannot be read; the message says why and how to go on."""


class Fetched(NamedTuple):
    """`files`: (path in the cache, name in rows). `left`: files of other splits. `is_one`: the path names one file."""

    files: list[tuple[Path, str]]
    left: dict[str, int]
    is_one: bool


def fetched(path: HubPath, split: str) -> Fetched:
    """The files of a data set that a path names, in the cache. Raises HubError."""
    if not path.is_pinned:
        raise HubError(unpinned(path))
    folder = Path(snapshot(path))
    names = sorted(inside(folder, path.inside))
    is_one = bool(path.inside) and (folder / path.inside).is_file()
    if not names:
        raise HubError(f"{path.at(path.revision)}: the data set has no such file; {listing(folder)}")
    kept, left = (names, {}) if is_one else of_split(names, split, path)
    for name in kept:
        check_content(folder / name, path)
    return Fetched([(folder / name, f"{path._replace(inside=name).at(path.revision)}") for name in kept], left, is_one)


def unpinned(path: HubPath) -> str:
    """How to pin a path, with the commit that its branch is at where a hub can be asked."""
    why = f"{path.at(path.revision) if path.revision else f'hf://datasets/{path.repo}'} is not pinned to a commit"
    if (now := commit_now(path)) is None:
        return f"{why}, so its rows could change unseen: write {path.at('COMMIT')} (40 hex digits; the hub's page of the data set has a list of commits)"
    return f"{why}, so its rows could change unseen; {path.revision or 'main'} is now at {now}: write {path.at(now)}"


def pinned(path: HubPath) -> HubPath:
    """The path at the commit that its branch or tag is at now. Raises HubError where no hub can be asked."""
    if path.is_pinned:
        return path
    if (now := commit_now(path)) is None:
        raise HubError(unpinned(path))
    return path._replace(revision=now)


def commit_now(path: HubPath) -> str | None:
    """The commit that a path's branch or tag is at, None where no hub can be asked."""
    try:
        return str(client().dataset_info(path.repo, revision=path.revision or None).sha)
    except (HfHubHTTPError, OfflineModeIsEnabled, httpx2.HTTPError, OSError, ValueError):
        return None


def token() -> str | bool:
    """The environment's token, False for none: never that of a file."""
    return os.environ.get("HF_TOKEN") or False  # changes no result


def endpoint() -> str | None:
    return os.environ.get("HF_ENDPOINT") or None  # changes no result


def client() -> HfApi:
    quiet()
    return HfApi(endpoint=endpoint(), token=token())


def quiet() -> None:
    """Tell the hub nothing of this machine: which libraries it has, which program calls."""
    constants.HF_HUB_DISABLE_TELEMETRY = True


def snapshot(path: HubPath) -> str:
    """The folder of a data set's files in the cache, with those that a path names. Raises HubError."""
    quiet()
    try:
        return snapshot_download(
            path.repo,
            repo_type="dataset",
            revision=path.revision,
            allow_patterns=patterns(path.inside),
            token=token(),
            endpoint=endpoint(),
        )
    except (
        HfHubHTTPError,
        LocalEntryNotFoundError,
        IncompleteSnapshotError,
        OfflineModeIsEnabled,
        httpx2.HTTPError,
        OSError,
    ) as error:
        raise HubError(f"{path.at(path.revision)}: {reason(error)}") from error


def reason(error: Exception) -> str:
    """Why a data set cannot be fetched, with the remedy."""
    match error:
        case GatedRepoError():
            return "its owner grants access: ask for it on the page of the data set, and set HF_TOKEN to your token"
        case RevisionNotFoundError():
            return "the data set has no such commit; correct the revision in params.yaml"
        case RepositoryNotFoundError():
            return "no such data set, or it is private: correct the name in params.yaml, or set HF_TOKEN to a token that may read it"
        case LocalEntryNotFoundError() | IncompleteSnapshotError() | OfflineModeIsEnabled():
            if constants.HF_HUB_OFFLINE:
                return "its files are not in the cache, and HF_HUB_OFFLINE=1 forbids to fetch them: run once without it"
            return f"its files are not in the cache, and the hub cannot be reached: {redacted(str(error.__cause__ or error))[:300]}"
    return redacted(str(error))[:300]


def patterns(asked: str) -> list[str]:
    """What to fetch, in the hub's notation, where `*` goes through folders too; of a whole data set what readers take."""
    if not asked:
        suffixes = [*TEXTS, *BINARY, ARCHIVE, *(text + packed for text in TEXTS for packed in COMPRESSED)]
        return [f"*{suffix}" for suffix in suffixes]
    written = glob.escape(asked)  # a[1].jsonl is a name before it is a pattern
    return [asked, written, f"{asked}/*", f"{written}/*", *([asked.replace("**/", "")] if "**/" in asked else [])]


def inside(folder: Path, asked: str) -> Iterator[str]:
    """Names of the files of a data set that a path within it names: a file, a folder, a glob, or "" for all."""
    if asked and (folder / asked).is_file():
        yield asked
        return
    is_folder = not asked or (folder / asked).is_dir()
    start = glob.escape(asked) + "/" if asked else ""
    pattern = f"{start}**" if is_folder else asked
    for name in glob.iglob(pattern, root_dir=folder, recursive=True):  # noqa: PTH207  (as in schemas/stage.py)
        if (folder / name).is_file():
            yield Path(name).as_posix()


def of_split(names: list[str], split: str, path: HubPath) -> tuple[list[str], dict[str, int]]:
    """The files of one split, told by their names, and the number of files of others. A name without a split is of any.

    Raises HubError where the names tell of other splits only.
    """
    tail = {name: name.removeprefix(f"{path.inside}/") for name in names}
    own = {name for name in names if split in re.split(r"[-./ ]", tail[name])}  # train_sft-00000-of-00001.parquet
    splits = {name: split_of(tail[name]) for name in names}
    wanted = split_of(split) or split
    own = own or {name for name in names if splits[name] == wanted}
    others = {name: found for name, found in splits.items() if found and name not in own}
    if others and not own:
        raise HubError(
            f"{path.at(path.revision)} has the splits {', '.join(sorted(set(others.values())))}, not {split}; name one as the "
            "source's `split` in params.yaml, or name the files"
        )
    left: dict[str, int] = {}
    for found in others.values():
        left[f"files of split {found}"] = left.get(f"files of split {found}", 0) + 1
    return [name for name in names if name not in others], left


def split_of(name: str) -> str | None:
    words = set(re.split(r"[^a-z]+", name.lower()))
    return next((split for split, known in SPLITS.items() if words & known), None)


def check_content(file: Path, path: HubPath) -> None:
    """Raise HubError where a file of the cache is not what its name says: the hash of its content, sha256 or git's sha1."""
    blob = file.resolve()
    if not file.is_symlink() or not ETAG.match(blob.name):  # a cache without links
        return
    digest: Any = hashlib.sha256()
    if len(blob.name) == 40:
        digest = hashlib.sha1(f"blob {blob.stat().st_size}\0".encode(), usedforsecurity=False)
    with blob.open("rb") as content:
        while chunk := content.read(2**20):
            digest.update(chunk)
    if digest.hexdigest() != blob.name:
        raise HubError(
            f"{path.at(path.revision)}: {file.name} in the cache is not what the hub sent, somebody changed it or a download was cut: "
            f"delete {blob} and run again"
        )


def listing(folder: Path) -> str:
    names = sorted(inside(folder, ""))
    return f"it has {', '.join(names[:20])}{', …' if len(names) > 20 else ''}" if names else "none of it can be read"
