"""Find what is wrong with the workspace's versions, and how to mend it: `python -m stages.doctor`.

DVC trusts a read-only cache object without hashing it again, so damaged bytes are checked out,
called up to date and pushed. The doctor re-hashes every object and every segment of the generation store, looks for
truncated objects in a remote, and for what killed runs leave behind: temporary files in the cache, lock entries of
stages that are gone, half-written outputs, checkpoints that nobody took up again, experiments that left HEAD detached or
edits in a stash. It changes nothing.
Exit status 1 when it found something.
"""

import argparse
import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psutil
from fsspec.core import url_to_fs
from ruamel.yaml.error import YAMLError
from tqdm import tqdm

from llm.segments import is_whole
from llm.store import of_project
from schemas.errors import UserError
from stages.graph import GRAPH, PARAMS, GraphError, load_yaml
from stages.guard import LOCKS
from stages.notes import DAYS, aged, cache_folder
from stages.versions import dvc_config, objects_folder

LOCK = Path("dvc.lock")
YAMLS = (GRAPH, PARAMS, LOCK)
OUTPUTS = ("data", "models", "reports", "metrics", "plots")


@dataclass(frozen=True)
class Finding:
    """Something wrong, and the command or step that mends it."""

    what: str
    mend: str


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m stages.doctor", description="Check DVC's cache and remote, the store, dvc.lock and git's state."
    )
    parser.add_argument("--remote", help="also check a remote: its name in .dvc/config, a folder or any fsspec URL")
    parser.add_argument(
        "--hash", action="store_true", help="read the objects of the remote whole, not only their sizes"
    )
    arguments = parser.parse_args()
    findings = [*unreadable()]
    broken = {finding.what.partition(" ")[0] for finding in findings}
    try:
        objects = objects_folder()
        findings += cache(objects)
    except UserError as error:
        findings.append(Finding(str(error), "correct it: DVC cannot work before"))
        objects = None
    findings += [*leftovers(), *aged_checkpoints()]
    if str(PARAMS) not in broken:  # it names the store
        try:
            findings += segments(of_project())
        except ValueError as error:
            findings.append(Finding(str(error), "correct it"))
    if objects is not None and not {str(GRAPH), str(LOCK)} & broken:
        findings += lock(objects)
    findings += experiments()
    try:
        if arguments.remote and objects is not None:
            findings += remote(url_of(arguments.remote), arguments.hash)
    except (OSError, ImportError, ValueError) as error:
        print(f"error: {arguments.remote}: {error}", file=sys.stderr)
        return 1
    for finding in findings:
        print(f"{finding.what}\n    {finding.mend}")
    print("nothing wrong" if not findings else f"{len(findings)} findings")
    return 1 if findings else 0


def unreadable() -> Iterator[Finding]:
    """Files of the graph that are no YAML, as a merge with conflicts leaves them."""
    for path in YAMLS:
        try:
            content = load_yaml(path) if path.exists() else {}
            if path != PARAMS and path.exists() and not isinstance(content.get("stages"), dict):
                raise GraphError(f"{path}: it has no stages")
        except (GraphError, YAMLError, AttributeError, UnicodeDecodeError) as error:
            reason = " ".join(str(error).split())[:200]
            if path.read_bytes().startswith(b"<<<<<<<") or b"\n<<<<<<<" in path.read_bytes():
                reason = "it holds the marks of a merge with conflicts"
            mend = (
                "`git checkout dvc.lock` (in a merge with --ours or --theirs), then `dvc repro`"
                if path == LOCK
                else "correct it"
            )
            yield Finding(f"{path} cannot be read: {reason}", mend)


def leftovers() -> Iterator[Finding]:
    """Half-written outputs of runs that were killed; a later run of their stage removes them too."""
    for folder in OUTPUTS:
        for path in sorted(Path(folder).rglob(".*.tmp")):
            number = path.name.removesuffix(".tmp").rpartition(".")[2]
            if not (number.isdigit() and psutil.pid_exists(int(number))):
                yield Finding(f"{path} is left from a run that was killed", f"rm -rf {path}")
    try:
        json.loads(LOCKS.read_bytes()) if LOCKS.exists() else None
    except ValueError:
        yield Finding(f"{LOCKS} was cut short by a kill: DVC refuses to work", f"rm {LOCKS}, while no dvc runs")


def aged_checkpoints() -> Iterator[Finding]:
    """Checkpoints of trainings that were killed and not taken up again; the next training that ends removes them too."""
    for path in sorted(aged(cache_folder() / "checkpoints", "*")):
        yield Finding(f"{path}: checkpoints that nobody has touched for {DAYS} days", f"rm -rf {path}")


def cache(folder: Path) -> Iterator[Finding]:
    """Objects whose bytes do not hash to their name, and temporary files of interrupted transfers."""
    objects = [path for path in folder.glob("??/*") if path.is_file()]
    whole = [path for path in objects if path.suffix in ("", ".dir") and not path.name.startswith(".")]
    with ThreadPoolExecutor() as threads:
        hashes = tqdm(threads.map(md5, whole), total=len(whole), desc="cache", unit=" files", disable=None, leave=False)
        for path, digest in zip(whole, hashes, strict=True):
            if digest != path.parent.name + path.name.removesuffix(".dir"):
                mend = f"rm -f {path}, then `dvc fetch` (or `dvc repro -f` of the stage that made it)"
                yield Finding(f"cache: {path} is damaged: its bytes hash to {digest}", mend)
    for path in [path for path in objects if path not in whole] + [p for p in folder.glob(".*.tmp") if p.is_file()]:
        yield Finding(f"cache: {path} is left from an interrupted transfer", f"rm -f {path}")


def segments(root: Path) -> Iterator[Finding]:
    """Segments of the generation store that are damaged, and those that were set aside as such."""
    for path in sorted(root.rglob("*.parquet")):
        if path.parent.name == "damaged":
            yield Finding(f"store: {path} was set aside as damaged; what it held is asked again", f"rm -f {path}")
        elif not is_whole(path):
            mend = f"rm -f {path}, then `python -m llm.sync pull URL` where it was pushed; else it is asked again"
            yield Finding(f"store: {path} is damaged: its bytes do not hash to its name", mend)


def url_of(remote: str) -> str:
    """The URL of a remote of .dvc/config; anything else is one already."""
    config = dvc_config()
    for name in (f"remote {json.dumps(remote)}", f"'remote {json.dumps(remote)}'"):
        if config.has_option(name, "url"):
            url = config.get(name, "url")
            return url if "://" in url or Path(url).is_absolute() else str(Path(".dvc") / url)
    return remote


def remote(url: str, whole: bool) -> Iterator[Finding]:
    """Remote objects that are not as long as they were recorded, and (`whole`) those that hash to another name.

    A push tests for existence by name only, so a truncated object has to be deleted before it can be pushed again.
    """
    system, base = url_to_fs(url)
    sizes = recorded_sizes()
    found = system.find(base.rstrip("/") + "/files/md5", detail=True)
    for path, about in tqdm(sorted(found.items()), desc="remote", unit=" objects", disable=None, leave=False):
        folder, name = path.split("/")[-2:]
        digest = folder + name
        mend = f"delete {path}, then `dvc push` from a machine whose cache is sound"
        if "." in name.removesuffix(".dir"):
            yield Finding(f"remote: {path} is left from an interrupted transfer", f"delete {path}")
        elif digest in sizes and about["size"] != sizes[digest]:
            yield Finding(f"remote: {path} is truncated: {about['size']:,} of {sizes[digest]:,} bytes", mend)
        elif whole:
            content = hashlib.md5(system.cat_file(path), usedforsecurity=False).hexdigest()
            if content != digest.removesuffix(".dir"):
                yield Finding(f"remote: {path} is damaged: its bytes hash to {content}", mend)


def recorded_sizes() -> dict[str, int]:
    """Sizes of objects by hash: files as dvc.lock records them, and everything that the local cache holds."""
    objects = objects_folder()
    sizes = {path.parent.name + path.name: path.stat().st_size for path in objects.glob("??/*") if path.is_file()}
    try:
        stages = load_yaml(LOCK)["stages"] if LOCK.exists() else {}
    except (GraphError, YAMLError, KeyError, TypeError):  # found by `unreadable`
        stages = {}
    files = [out for entry in stages.values() for out in entry.get("outs", []) if "nfiles" not in out]
    return sizes | {out["md5"]: out["size"] for out in files if "size" in out}


def md5(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def lock(objects: Path) -> Iterator[Finding]:
    """Entries of dvc.lock whose stage is no longer in dvc.yaml, and outs whose object is nowhere."""
    if not LOCK.exists():
        return
    stages = load_yaml(GRAPH)["stages"]
    for name, entry in load_yaml(LOCK)["stages"].items():
        stage, _, item = name.partition("@")
        items = {str(value) for values in stages.get(stage, {}).get("matrix", {}).values() for value in values}
        if stage not in stages or (item and not set(item.split("-")) <= items):
            yield Finding(
                f"dvc.lock: {name} is no longer in dvc.yaml",
                f"remove its entry from dvc.lock and its outs: "
                f"{', '.join(out['path'] for out in entry.get('outs', []))}",
            )
            continue
        for out in entry.get("outs", []):
            path = objects / out["md5"][:2] / out["md5"][2:]
            uncached = out["path"].startswith(("metrics/", "plots/", "reports/"))
            if not uncached and not path.exists():
                yield Finding(f"dvc.lock: {out['path']} is not in the cache", f"`dvc pull`, or `dvc repro {name}`")
            elif path.suffix == ".dir" and not uncached:
                for member in members(path):
                    if not (objects / member["md5"][:2] / member["md5"][2:]).exists():
                        yield Finding(
                            f"dvc.lock: {out['path']}/{member['relpath']} is not in the cache", f"`dvc repro {name}`"
                        )


def members(folder: Path) -> list[dict[str, str]]:
    """What a directory object lists; nothing where it is damaged (which was said already)."""
    try:
        return json.loads(folder.read_bytes())
    except ValueError:
        return []


def experiments() -> Iterator[Finding]:
    """What a killed experiment leaves: a detached HEAD, edits in a stash, folders of dead workers."""
    if git("symbolic-ref", "-q", "HEAD") is None and git("rev-parse", "HEAD") is not None:
        yield Finding(
            "git: HEAD is detached, as a killed `dvc exp run` leaves it", "`git switch main` (or your branch)"
        )
    for line in (git("stash", "list") or "").splitlines():
        if "WIP" in line or "dvc" in line:
            yield Finding(
                f"git: {line}: edits that a killed experiment may have put away", "`git stash pop` brings them back"
            )
    for ref in (git("for-each-ref", "--format=%(refname)", "refs/exps/exec") or "").split():
        yield Finding(
            f"git: {ref} is left from an experiment in the workspace", f"`git update-ref -d {ref}`, if none is running"
        )
    for path in sorted(Path(".dvc/tmp/exps").glob("**/tmp*")):
        if path.is_dir() and (path / ".git").exists():
            yield Finding(
                f"{path}: the folder of an experiment that never ended", f"`dvc queue status`, then rm -r {path}"
            )


def git(*arguments: str) -> str | None:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True)
    return done.stdout if done.returncode == 0 else None


if __name__ == "__main__":
    sys.exit(main())
