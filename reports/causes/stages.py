"""The part of the graph that D and P come from, of two versions together: what each stage reads and writes."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from reports.diff.model import PRODUCTS
from reports.versions.version import Version

CODE = "code"
"""The stage that writes the fingerprints."""


@dataclass(frozen=True)
class DataStage:
    """A stage that D and P depend on: paths that it reads and writes, and the params that it declares."""

    name: str
    order: int
    deps: frozenset[str]
    outs: frozenset[str]
    params: frozenset[str]

    def reads(self, path: str) -> bool:
        """Whether a file is one of its deps, or stands in a folder that is."""
        place = PurePosixPath(path)
        return not self.deps.isdisjoint({path, *(parent.as_posix() for parent in place.parents)})

    def declares(self, key: str) -> bool:
        """Whether it declares this dotted key of params.yaml, or a section that holds it."""
        return any(key == name or key.startswith(f"{name}.") for name in self.params)

    @property
    def tables(self) -> list[str]:
        """The tables that it writes, without those of rows that it dropped or quarantined."""
        return sorted(
            out
            for out in self.outs
            if out.endswith(".parquet") and not out.startswith(("data/dropped/", "data/quarantine/"))
        )


def data_stages(old: Version, new: Version) -> dict[str, DataStage]:
    """The stages that D and P come from in either version, each behind those that it reads from."""
    entries: dict[str, list[dict[str, Any]]] = {}
    for version in (new, old):
        for name, entry in version.graph().get("stages", {}).items():
            entries.setdefault(name, []).append(entry)
    found = {
        name: DataStage(
            name,
            0,
            frozenset(path for entry in several for path in paths(entry.get("deps", []))),
            frozenset(path for entry in several for path in paths(entry.get("outs", []))),
            frozenset(key for entry in several for key in entry.get("params", []) if isinstance(key, str)),
        )
        for name, several in entries.items()
        if name != CODE
    }
    wanted = upstream(found, PRODUCTS)
    ordered = in_graph_order([stage for stage in found.values() if stage.name in wanted])
    return {stage.name: replace(stage, order=order) for order, stage in enumerate(ordered)}


def in_graph_order(stages: list[DataStage]) -> list[DataStage]:
    """Each stage behind those that it reads from; where that leaves a choice, as dvc.yaml has them."""
    left, ordered = list(stages), []
    while left:
        written = {out for stage in left for out in stage.outs}
        ready = next((stage for stage in left if stage.deps.isdisjoint(written - stage.outs)), left[0])
        left.remove(ready)
        ordered.append(ready)
    return ordered


def upstream(stages: dict[str, DataStage], outputs: Iterable[str]) -> set[str]:
    """The stages that these outputs come from."""
    writer = {out: stage for stage in stages.values() for out in stage.outs}
    waiting, found = [writer[out] for out in outputs if out in writer], set()
    while waiting:
        stage = waiting.pop()
        if stage.name not in found:
            found.add(stage.name)
            waiting += [writer[dep] for dep in stage.deps if dep in writer]
    return found


def paths(listed: Iterable[Any]) -> list[str]:
    """The paths of a list of deps or outs, which may have settings each."""
    return [next(iter(item)) if isinstance(item, dict) else item for item in listed]
