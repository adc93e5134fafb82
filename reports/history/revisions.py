"""Data versions in their order: commits that changed dvc.lock, experiments on them, the working tree."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from reports.versions.repository import EXPERIMENTS, find_commit, git
from reports.versions.version import LOCK, WORKSPACE
from schemas.errors import UserError


@dataclass(frozen=True)
class Revision:
    """A data version: `commit` is None for the working tree; `baseline` is the commit that an experiment stands on."""

    name: str
    commit: str | None
    date: str
    title: str
    baseline: str | None = None


def data_revisions(first: str | None, last: str | None, all_branches: bool = False) -> list[Revision]:
    """Data versions, oldest first: from `first` (with it) to `last` (HEAD). Raises UserError where there is none.

    A merge counts where its dvc.lock is none of its parents'.
    """
    ends = ["--branches"] if all_branches and last is None else [find_commit(last or "HEAD").name]
    # not --date-order: two commits of a second stay in the order of the graph
    listed = git("log", "--topo-order", "--reverse", "--format=%H%x00%cs%x00%s", *ends, "--", LOCK)
    commits = [line.split("\0", 2) for line in listed.decode(errors="replace").splitlines()]
    found = [Revision(name[:7], name, date, title) for name, date, title in commits]
    if first is not None:
        start = find_commit(first)
        if not is_ancestor(start.name, ends[0]) and not all_branches:
            raise UserError(f"--from {first} is no ancestor of {last or 'HEAD'}; exchange them, or add --all-branches")
        at_start = git("log", "-1", "--format=%H", start.name, "--", LOCK).decode().strip()  # what it was built from
        earlier = set(git("rev-list", start.name).decode().split())
        found = [one for one in found if one.commit == at_start or one.commit not in earlier]
    if not found:
        raise UserError(f"no commit changed {LOCK}; `dvc repro`, then commit {LOCK} and what it names")
    return found


def is_ancestor(one: str, other: str) -> bool:
    """Whether a commit is another one or before it."""
    if other.startswith("--"):
        return True
    return subprocess.run(["git", "merge-base", "--is-ancestor", one, other], capture_output=True).returncode == 0


def experiments(baselines: Sequence[str]) -> list[Revision]:
    """DVC's experiments on these commits, by baseline and name."""
    listed = git("for-each-ref", "--format=%(refname)%00%(objectname)%00%(committerdate:short)", EXPERIMENTS)
    found = []
    for line in listed.decode(errors="replace").splitlines():
        reference, commit, date = line.split("\0")
        parts = reference.removeprefix(EXPERIMENTS + "/").split("/")
        if len(parts) == 3 and len(parts[0]) == 2 and (baseline := parts[0] + parts[1]) in baselines:
            found.append(Revision(parts[2], commit, date, "experiment", baseline))
    return sorted(found, key=lambda one: (baselines.index(one.baseline or ""), one.name))


def with_experiments(revisions: list[Revision]) -> list[Revision]:
    """Each revision with its experiments after it."""
    held = experiments([one.commit or "" for one in revisions])
    return [shown for one in revisions for shown in (one, *(held_ for held_ in held if held_.baseline == one.commit))]


def workspace() -> Revision:
    """The working tree."""
    return Revision(WORKSPACE, None, "", "working tree")


def read_blobs(places: Sequence[tuple[str, str]]) -> list[bytes | None]:
    """The bytes of (commit, path) each, in one process of git; None where there is no such file."""
    asked = "".join(f"{commit}:./{path}\n" for commit, path in places).encode()
    done = subprocess.run(["git", "cat-file", "--batch"], input=asked, capture_output=True)
    output, at = done.stdout, 0
    found: list[bytes | None] = []
    for _ in places:
        end = output.index(b"\n", at)
        words = output[at:end].split(b" ")
        if words[-1] == b"missing" or words[-1] == b"ambiguous":
            found.append(None)
            at = end + 1
            continue
        size = int(words[-1])
        found.append(output[end + 1 : end + 1 + size])
        at = end + size + 2
    return found
