"""What git knows of a revision, asked through its command line; paths are from the project's folder."""

import io
import subprocess
import tarfile
from pathlib import Path
from typing import NamedTuple

from schemas.errors import UserError

EXPERIMENTS = "refs/exps"
"""DVC keeps an experiment NAME as refs/exps/xx/…/NAME."""


class Commit(NamedTuple):
    """A commit: its full name, its ISO day and the first line of its message."""

    name: str
    date: str
    title: str


def git(*arguments: str) -> bytes:
    """Standard output of git in this folder. Raises UserError with git's own words."""
    done = subprocess.run(["git", *arguments], capture_output=True)
    if done.returncode:
        words = done.stderr.decode(errors="replace").strip().splitlines() or ["failed without a word"]
        raise UserError(f"git {arguments[0]}: {words[-1]}")
    return done.stdout


def find_commit(name: str) -> Commit:
    """The commit of a revision, tag, branch or experiment. Raises UserError where there is none of that name."""
    for candidate in (name, *experiment_refs(name)):
        done = subprocess.run(
            [
                "git",
                "log",
                "-1",
                "--no-show-signature",
                "--format=%H%n%cs%n%s",
                "--end-of-options",
                f"{candidate}^{{commit}}",
                "--",
            ],
            capture_output=True,
        )
        found = done.stdout.decode(errors="replace").split("\n", 2)
        if done.returncode == 0 and len(found) == 3:  # a range may hold no commit; the title may be empty
            return Commit(found[0], found[1], found[2].rstrip("\n"))
    if is_shallow():
        raise UserError(
            f"{name} is not in this clone, which is shallow; `git fetch --unshallow --tags` brings all history"
        )
    raise UserError(
        f"{name} is no revision, tag, branch or experiment of this repository; "
        "`git log --oneline -- dvc.lock` and `dvc exp list --all` show what there is"
    )


def is_shallow() -> bool:
    """Whether this clone lacks a part of the history, as CI makes it; False outside a repository."""
    done = subprocess.run(["git", "rev-parse", "--is-shallow-repository"], capture_output=True)
    return done.stdout.strip() == b"true"


def experiment_refs(name: str) -> list[str]:
    """References of DVC's experiments of this name, sorted."""
    done = subprocess.run(["git", "for-each-ref", "--format=%(refname)", EXPERIMENTS], capture_output=True, text=True)
    return sorted(ref for ref in done.stdout.splitlines() if ref.rpartition("/")[2] == name)


def data_commits(first: str | None = None, last: str = "HEAD") -> list[Commit]:
    """Commits that changed dvc.lock, newest first: the data versions from `last` back to `first` (left out)."""
    span = f"{first}..{last}" if first else last
    listed = git("log", "--no-show-signature", "--format=%H%x00%cs%x00%s", span, "--", "dvc.lock").decode(
        errors="replace"
    )
    # a title may hold what splitlines takes for the end of a line
    return [Commit(*line.split("\0", 2)) for line in listed.split("\n") if line]


def merge_base(one: str, other: str) -> str:
    """The full name of the best common ancestor. Raises UserError where there is none."""
    return git("merge-base", one, other).decode().strip()


def read_blob(commit: str, path: Path) -> bytes | None:
    """The bytes of a file at a commit; None where it is not there."""
    done = subprocess.run(["git", "cat-file", "blob", f"{commit}:./{path.as_posix()}"], capture_output=True)
    return done.stdout if done.returncode == 0 else None


def tree_files(commit: str | None, folder: Path) -> list[str]:
    """Files below a folder (or the file itself), sorted: at a commit, or tracked or new in the working tree."""
    at = folder.as_posix()
    if commit is None:
        listed = git("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", at)
    else:
        listed = git("ls-tree", "-r", "-z", "--name-only", commit, "--", at if folder.parts else ".")
    names = {name for name in listed.decode(errors="surrogateescape").split("\0") if name}
    return sorted(name for name in names if commit is not None or Path(name).is_file())


def unpack(archive: bytes, folder: Path) -> None:
    """Write the files of a tar of git's own making below a folder."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        # Python 3.11.3 and older have no filters
        tar.extractall(folder, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))  # type: ignore[arg-type]
