"""Find what is wrong with the workspace's versions, and how to repair it: `cultivar doctor`.

DVC trusts a read-only cache object without hashing it again, so damaged bytes are checked out,
called up to date and pushed. The doctor re-hashes every object, every output of the workspace that is not a link to one,
and every segment of the generation store, looks for truncated objects in a remote, and for what killed runs leave
behind: temporary files in the cache and the store, lock entries of stages that are gone, half-written outputs,
checkpoints that nobody took up again, experiments that left HEAD detached or edits in a stash. It also looks at what all
of that stands on: DVC's own lock file, git, the default remote, folders that cannot be written, disks without room. It
changes nothing, and reaches no remote unasked. Exit status 1 when it found something.
"""

import contextlib
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Annotated

import psutil
import typer
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from cultivar.outgoing.redaction import redacted
from cultivar.runlog.console import complain, say
from cultivar.runlog.folders import MAX_AGE_DAYS, cache_folder, expired, runs_folder
from cultivar.runlog.previous import objects_folder
from cultivar.runner.graph import GRAPH, PARAMS, load_yaml
from cultivar.store.segments import is_intact
from cultivar.store.store import project_store_folder
from cultivar.tools.objects import (
    LOCK,
    UNCACHED,
    Finding,
    Out,
    cache,
    cached_outs,
    hash_objects,
    members,
    quoted,
    remote,
    sizes,
    url_of,
    workspace,
)
from cultivar.tools.parallel import items
from cultivar.tools.surroundings import default_remote, notes, repository, room, torn_locks, unwritable
from schemas.errors import GraphError, UserError

YAMLS = (GRAPH, PARAMS, LOCK)
OUTPUTS = ("data", "models", "reports", "metrics", "plots")


def main(
    remote_name: Annotated[
        str, typer.Option("--remote", help="also check a remote: its name in .dvc/config, a folder or any fsspec URL")
    ] = "",
    read_all: Annotated[
        bool, typer.Option("--hash", help="read the remote's objects entirely, not only their sizes")
    ] = False,
) -> int:
    findings = [*unreadable()]
    broken = {finding.what.partition(" ")[0] for finding in findings}
    recorded: list[Out] = []
    hashes: dict[Path, str] = {}
    try:
        objects = objects_folder()
        recorded = cached_outs() if str(LOCK) not in broken else []
        hashes = hash_objects(objects)
        findings += [*cache(objects, hashes, recorded), *workspace(objects, hashes, recorded)]
    except (UserError, OSError) as error:
        findings.append(Finding(str(error), "correct it: DVC cannot work before"))
        objects = None
    checks: list[Callable[[], Iterable[Finding]]] = [torn_locks, leftovers, aged_checkpoints]
    if objects is not None:  # the configuration of DVC can be read
        checks += [repository, default_remote, unwritable]
    if str(LOCK) not in broken and objects is not None:
        checks.append(room)
    if str(PARAMS) not in broken:  # it names the store
        checks.append(lambda: segments(project_store_folder()))
    if objects is not None and not {str(GRAPH), str(LOCK)} & broken:
        checks.append(lambda: lock_entries(objects))
    for check in [*checks, experiments]:
        findings += findings_of(check)
    if remote_name and objects is not None:
        try:
            findings += remote(url_of(remote_name), read_all, sizes(hashes, recorded))
        except Exception as error:  # of any library that reaches remotes
            reason = " ".join(redacted(str(error)).split())[:300] or type(error).__name__
            findings.append(
                Finding(
                    f"remote: {remote_name} cannot be read: {reason}", "see that it can be reached; `dvc remote list`"
                )
            )
    if objects is not None:
        for note in notes():
            complain(f"note: {note}")
    for finding in findings:
        say(f"{finding.what}\n    {finding.remedy}")
    say("nothing wrong" if not findings else f"{len(findings)} findings")
    return 1 if findings else 0


def findings_of(check: Callable[[], Iterable[Finding]]) -> list[Finding]:
    """What a check finds; where it cannot look, that is the finding."""
    try:
        return [*check()]
    except (OSError, ValueError) as error:
        return [Finding(str(error), "correct it, then look again")]


def unreadable() -> Iterator[Finding]:
    """Files of the graph that are no YAML, as a merge with conflicts leaves them."""
    for path in YAMLS:
        try:
            content = load_yaml(path) if path.exists() else {}
            if path.exists():  # DVC's parser is stricter where libyaml is installed: {url: http://host} needs quotes
                YAML(typ="safe").load(path)
            if path != PARAMS and path.exists() and not isinstance(content.get("stages"), dict):
                raise GraphError(f"{path}: it has no stages")
        except (GraphError, YAMLError, AttributeError, UnicodeDecodeError) as error:
            reason = " ".join(redacted(str(error)).split())[:200]
            if path.read_bytes().startswith(b"<<<<<<<") or b"\n<<<<<<<" in path.read_bytes():
                reason = "it holds the marks of a merge with conflicts"
            remedy = (
                "`git checkout dvc.lock` (in a merge with --ours or --theirs), then `dvc repro`"
                if path == LOCK
                else "correct it"
            )
            yield Finding(f"{path} cannot be read: {reason}", remedy)


def leftovers() -> Iterator[Finding]:
    """Half-written outputs of runs that were killed; a later run of their stage removes them too."""
    for folder in [*map(Path, OUTPUTS), runs_folder()]:
        for path in sorted(folder.rglob(".*.tmp")):
            number = path.name.removesuffix(".tmp").rpartition(".")[2]
            if not (number.isdigit() and psutil.pid_exists(int(number))):
                yield Finding(f"{path} is left from a run that was killed", f"rm -rf {quoted(path)}")


def aged_checkpoints() -> Iterator[Finding]:
    """Checkpoints of trainings that were killed and not taken up again; the next training that ends removes them too."""
    for path in sorted(expired(cache_folder() / "checkpoints", "*")):
        yield Finding(f"{path}: checkpoints that nobody has touched for {MAX_AGE_DAYS} days", f"rm -rf {quoted(path)}")


def segments(root: Path) -> Iterator[Finding]:
    """Segments of the store that are damaged or were set aside as such, and drafts of killed writers, a day old."""
    for path in sorted(root.rglob(".*.tmp")):
        with contextlib.suppress(FileNotFoundError):  # its writer is alive
            if time.time() - path.stat().st_mtime > 86400:
                yield Finding(f"store: {path} is left from a writer that was killed", f"rm -f {quoted(path)}")
    for path in sorted(root.rglob("*.parquet")):
        if path.parent.name == "damaged":
            yield Finding(
                f"store: {path} was set aside as damaged; what it held is asked again", f"rm -f {quoted(path)}"
            )
        elif not is_intact(path):
            remedy = f"rm -f {quoted(path)}, then `cultivar sync pull URL` where it was pushed; else it is asked again"
            yield Finding(f"store: {path} is damaged: its bytes do not hash to its name", remedy)


def lock_entries(objects: Path) -> Iterator[Finding]:
    """Entries of dvc.lock whose stage is no longer in dvc.yaml, and outs whose object is nowhere."""
    if not LOCK.exists():
        return
    stages = items(load_yaml(GRAPH)["stages"])
    for name, entry in load_yaml(LOCK)["stages"].items():
        if name not in stages:
            yield Finding(
                f"dvc.lock: {name} is no longer in dvc.yaml",
                f"remove its entry from dvc.lock and its outs: "
                f"{', '.join(out['path'] for out in entry.get('outs', []))}",
            )
            continue
        for out in entry.get("outs", []):
            path = objects / out["md5"][:2] / out["md5"][2:]
            uncached = Path(out["path"]).parts[0] in UNCACHED
            if not uncached and not path.exists():
                yield Finding(f"dvc.lock: {out['path']} is not in the cache", f"`dvc pull`, or `dvc repro {name}`")
            elif path.suffix == ".dir" and not uncached:
                for member in members(path):
                    if not (objects / member["md5"][:2] / member["md5"][2:]).exists():
                        yield Finding(
                            f"dvc.lock: {out['path']}/{member['relpath']} is not in the cache", f"`dvc repro {name}`"
                        )


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
    busy = working_folders()
    for path in sorted(Path(".dvc/tmp/exps").glob("**/tmp*")):
        if path.is_dir() and (path / ".git").exists() and path.resolve() not in busy:
            yield Finding(f"{path}: the folder of an experiment that never ended", f"rm -r {quoted(path)}")


def working_folders() -> set[Path]:
    """Folders in which processes work, with all above them."""
    folders: set[Path] = set()
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            here = Path(process.cwd())
            folders |= {here, *here.parents}
    return folders


def git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, encoding="utf-8", errors="replace")
    except OSError:  # not installed
        return None
    return done.stdout if done.returncode == 0 else None


if __name__ == "__main__":
    from cultivar.cli import run_module

    run_module("doctor")
