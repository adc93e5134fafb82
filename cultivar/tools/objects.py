"""DVC's objects hashed again: those of the cache, of the workspace and of a remote. DVC trusts what it has linked once."""

import hashlib
import json
import shlex
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from fsspec.core import url_to_fs
from tqdm import tqdm

from cultivar.runlog.previous import LOCK, dvc_config, md5_of, objects_folder
from cultivar.runner.graph import load_yaml

UNCACHED = ("fingerprints", "metrics", "plots", "reports")
"""Folders of outputs that are in git and not in the cache."""


@dataclass(frozen=True)
class Finding:
    """Something wrong, and the command or step that mends it."""

    what: str
    remedy: str


@dataclass(frozen=True)
class Out:
    """A file that dvc.lock records: of the output `out` of `stage`, with its object's name and, where noted, its size."""

    stage: str
    out: str
    path: Path
    md5: str
    bytes: int | None = None


def cached_outs() -> list[Out]:
    """Every cached file among the outputs in dvc.lock, those in folders singly, the folders' own objects as well."""
    found = []
    for stage, entry in (load_yaml(LOCK)["stages"] if LOCK.exists() else {}).items():
        for out in entry.get("outs", []):
            path, md5 = Path(out["path"]), out["md5"]
            if path.parts[0] not in UNCACHED:
                found.append(Out(stage, out["path"], path, md5, None if "nfiles" in out else out.get("size")))
                if md5.endswith(".dir"):
                    listing = objects_folder() / md5[:2] / md5[2:]
                    inside = members(listing) if listing.exists() else []
                    found += [Out(stage, out["path"], path / one["relpath"], one["md5"]) for one in inside]
    return found


def hash_objects(folder: Path) -> dict[Path, str]:
    """The objects of the cache with what their bytes hash to."""
    objects = [path for path in folder.glob("??/*") if path.is_file() and path.suffix in ("", ".dir")]
    complete = [path for path in objects if not path.name.startswith(".")]
    with ThreadPoolExecutor() as threads:
        bar = tqdm(
            threads.map(md5_of, complete), total=len(complete), desc="cache", unit=" files", disable=None, leave=False
        )
        return dict(zip(complete, bar, strict=True))


def quoted(path: Path) -> str:
    """A path as a shell reads it: a file's name cannot add to the command that a remedy shows."""
    return shlex.quote(str(path))


def named(path: Path) -> str:
    """The hash in the name of an object."""
    return path.parent.name + path.name


def cache(folder: Path, hashes: dict[Path, str], recorded_outs: list[Out]) -> Iterator[Finding]:
    """Objects whose bytes do not hash to their name, and temporary files of interrupted transfers.

    The workspace may hold the same damaged bytes, which DVC goes on trusting: they have to go as well.
    """
    for path, digest in hashes.items():
        if digest != named(path).removesuffix(".dir"):
            owners = [out for out in recorded_outs if out.md5 == named(path)]
            files = " ".join(["rm -rf", quoted(path), *sorted({quoted(out.path) for out in owners})])
            outputs, stages = (" ".join(sorted({getattr(out, of) for out in owners})) for of in ("out", "stage"))
            remedy = f"{files}, then `dvc pull {outputs}` (or, where it was not pushed, `dvc repro {stages}`)"
            if not owners:  # of another version
                remedy = f"{files}, then `dvc fetch --all-commits` where it was pushed"
            yield Finding(f"cache: {path} is damaged: its bytes hash to {digest}", remedy)
    others = [path for path in folder.glob("??/*") if path.is_file() and path not in hashes]
    for path in others + [path for path in folder.glob(".*.tmp") if path.is_file()]:
        yield Finding(f"cache: {path} is left from an interrupted transfer", f"rm -f {quoted(path)}")


def workspace(objects: Path, hashes: dict[Path, str], recorded_outs: list[Out]) -> Iterator[Finding]:
    """Outputs whose bytes are not those that dvc.lock records.

    Links to an object were hashed with it, and what is to be done about a damaged one was reported.
    """
    for out in recorded_outs:
        place = objects / out.md5[:2] / out.md5[2:]
        damaged = place in hashes and hashes[place] != out.md5.removesuffix(".dir")
        if damaged or not out.path.is_file() or (place.exists() and place.samefile(out.path)):
            continue
        if md5_of(out.path) != out.md5:
            remedy = f"`dvc repro` where an input changed or a run was broken off; else rm -f {quoted(out.path)}, `dvc pull {out.out}`"
            yield Finding(f"{out.path}: its bytes are not those that dvc.lock records", remedy)


def members(folder: Path) -> list[dict[str, str]]:
    """What a directory object lists; nothing where it is damaged (which was reported already)."""
    try:
        return json.loads(folder.read_bytes())
    except ValueError:
        return []


def url_of(remote: str) -> str:
    """The URL of a remote of .dvc/config; anything else is one already."""
    config = dvc_config()
    for name in (f"remote {json.dumps(remote)}", f"'remote {json.dumps(remote)}'"):
        if config.has_option(name, "url"):
            url = config.get(name, "url")
            return url if "://" in url or Path(url).is_absolute() else str(Path(".dvc") / url)
    return remote


def remote(url: str, read_all: bool, sizes: dict[str, int]) -> Iterator[Finding]:
    """Remote objects that are not as long as `sizes` says by name, and (`complete`) those that hash to another name.

    A push tests for existence by name only, so a truncated object has to be deleted before it can be pushed again.
    """
    system, base = url_to_fs(url)
    if not system.exists(base):
        raise FileNotFoundError("no remote of .dvc/config has that name, and no such place exists")
    found = system.find(base.rstrip("/") + "/files/md5", detail=True)
    for path, about in tqdm(sorted(found.items()), desc="remote", unit=" objects", disable=None, leave=False):
        folder, name = path.split("/")[-2:]
        digest = folder + name
        remedy = f"delete {path}, then `dvc push` from a machine whose cache is sound"
        if "." in name.removesuffix(".dir"):
            yield Finding(f"remote: {path} is left from an interrupted transfer", f"delete {path}")
        elif digest in sizes and about["size"] != sizes[digest]:
            yield Finding(f"remote: {path} is truncated: {about['size']:,} of {sizes[digest]:,} bytes", remedy)
        elif read_all:
            content = hashlib.md5(system.cat_file(path), usedforsecurity=False).hexdigest()
            if content != digest.removesuffix(".dir"):
                yield Finding(f"remote: {path} is damaged: its bytes hash to {content}", remedy)


def sizes(hashes: dict[Path, str], recorded_outs: list[Out]) -> dict[str, int]:
    """Bytes of objects by name: what the local cache holds undamaged, and files as dvc.lock records them."""
    sound = {path for path, digest in hashes.items() if digest == named(path).removesuffix(".dir")}
    recorded = {out.md5: out.bytes for out in recorded_outs if out.bytes is not None}
    return {named(path): path.stat().st_size for path in sound} | recorded
