"""The table: a line a data version, with rows of D and P, what changed of them, and the chosen metrics."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from cultivar.runlog.freshness import LockedStage, locked_stages, outdated
from reports.history.measures import Measure, Measured, Metrics, addresses, number_at
from reports.history.revisions import Revision, read_blobs, workspace
from reports.history.rows import RowChange, row_change
from reports.history.state import State
from reports.versions.repository import git
from reports.versions.version import LOCK, Version

PRODUCTS = {"D": "data/demonstrations.parquet", "P": "data/preferences.parquet"}


@dataclass(frozen=True)
class Line:
    """A line of the table; `rows` and `changes` are by product, `values` in the order of the measures."""

    revision: Revision
    rows: dict[str, int | None]
    changes: dict[str, RowChange | None]
    values: tuple[Measured | None, ...]
    stale: tuple[str, ...] = ()


@dataclass(frozen=True)
class Timeline:
    """The lines, oldest first, and the measures of their values."""

    measures: tuple[Measure, ...]
    lines: tuple[Line, ...] = field(default_factory=tuple)


def read_states(revisions: Sequence[Revision]) -> list[State]:
    """Metrics and hashes of every version: of commits by two processes of git, of the working tree from its files."""
    commits = [one.commit for one in revisions if one.commit is not None]
    names = {commit: metric_files(commit) for commit in commits}
    places = [(commit, path) for commit in commits for path in (LOCK, *names[commit])]
    blobs = dict(zip(places, read_blobs(places), strict=True)) if places else {}
    states = []
    for one in revisions:
        if one.commit is None:
            here = Version(one.name)
            files = {name: here.blob(name) for name in Version.files_on_disk("metrics")}
            lock = here.text(LOCK) or ""
        else:
            files = {path: blobs[one.commit, path] for path in names[one.commit]}
            lock = (blobs[one.commit, LOCK] or b"").decode(errors="replace")
        states.append(state_of(one, files, locked_stages(lock)))
    return states


def metric_files(commit: str) -> list[str]:
    listed = git("ls-tree", "-r", "-z", "--name-only", commit, "--", "metrics").decode(errors="surrogateescape")
    return [name for name in listed.split("\0") if name.endswith(".json")]


def state_of(revision: Revision, files: dict[str, bytes | None], stages: dict[str, LockedStage]) -> State:
    """What counts of a version's metrics: those that dvc.lock records, byte for byte, of stages that are up to date."""
    of_earlier = outdated(stages)
    recorded = {path: (name, md5) for name, stage in stages.items() for path, md5 in stage.outs.items()}
    metrics: Metrics = {}
    stale = []
    for path, content in files.items():
        if not path.endswith(".json") or content is None or path not in recorded:
            continue
        name = path.removeprefix("metrics/").removesuffix(".json")
        stage, md5 = recorded[path]
        if stage in of_earlier or hashlib.md5(content, usedforsecurity=False).hexdigest() != md5:
            stale.append(name)
        elif isinstance(value := parsed(content), dict):
            metrics[name] = value
    products = {letter: recorded[path][1] for letter, path in PRODUCTS.items() if path in recorded}
    return State(revision, metrics, tuple(sorted(stale)), products)


def parsed(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):  # deeper than Python reads
        return None


def known_addresses(states: Sequence[State]) -> list[str]:
    """Every address that some version has a number at, in the order of the newest."""
    return list(dict.fromkeys(address for state in reversed(states) for address in addresses(state.metrics)))


def timeline(states: Sequence[State], measures: Sequence[Measure], count_rows: bool) -> Timeline:
    """The table. An experiment's change is against its baseline, every other version's against the one before it."""
    lines: list[Line] = []
    by_commit = {state.revision.commit: state for state in states}
    before: State | None = None
    for state in states:
        baseline = by_commit.get(state.revision.baseline) if state.revision.baseline else before
        lines.append(
            Line(
                state.revision,
                {letter: rows_of(state, letter) for letter in PRODUCTS},
                {letter: row_change(baseline, state, letter, path, count_rows) for letter, path in PRODUCTS.items()},
                tuple(measure.find(state.metrics) for measure in measures),
                state.stale,
            )
        )
        before = before if state.revision.baseline else state
    return Timeline(tuple(measures), tuple(lines))


def rows_of(state: State, letter: str) -> int | None:
    """Rows of D or P as assemble counted them."""
    name = PRODUCTS[letter].removeprefix("data/").removesuffix(".parquet")
    value = number_at(state.metrics, f"assemble:out.{name}")
    return None if value is None else int(value)


def with_workspace(revisions: list[Revision]) -> list[Revision]:
    return [*revisions, workspace()]
