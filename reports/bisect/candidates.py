"""What is trained: a data version, or its training with other tables for D and P, and one seed."""

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any

from cultivar.runlog.freshness import LockedStage
from schemas.errors import UserError


@dataclass(frozen=True)
class Step:
    """A step of a ladder: the data version of `commit`, with the rows of the `reverted` parts as in commit `origin`."""

    commit: str
    words: str
    reverted: tuple[str, ...] = ()
    by: str = ""
    origin: str = ""


@dataclass(frozen=True)
class Training:
    """What every candidate has in common: the metric's stage as dvc.lock names it, and the parameters that are seeds."""

    target: str
    seeds: tuple[tuple[str, int], ...]


def experiment_name(step: Step, target: str, seed: int) -> str:
    """The name under which DVC keeps a candidate: equal for equal candidates, so that a run is never repeated."""
    identity = json.dumps([step.commit, step.origin, step.by, sorted(step.reverted), target, seed])
    digest = hashlib.sha256(identity.encode()).hexdigest()[:8]
    words = re.sub(r"[^a-z0-9]+", "-", step.words.lower()).strip("-")[:40].strip("-")
    return f"bisect-{words}-s{seed}-{digest}"


def ancestors(stages: dict[str, LockedStage], target: str) -> set[str]:
    """Stages that a stage reads from, directly or not, and itself."""
    makers = {path: name for name, stage in stages.items() for path in stage.outs}
    found, waiting = set(), [target]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        waiting += [maker for path in stages[name].deps if (maker := maker_of(path, makers)) is not None]
    return found


def maker_of(path: str, makers: dict[str, str]) -> str | None:
    """The stage that makes a file, itself or within a folder."""
    parts = path.split("/")
    places = ("/".join(parts[:end]) for end in range(len(parts), 0, -1))
    return next((makers[place] for place in places if place in makers), None)


def descendants(stages: dict[str, LockedStage], first: set[str]) -> set[str]:
    """Stages that read from these, directly or not, and these."""
    makers = {path: name for name, stage in stages.items() for path in stage.outs}
    found = set(first)
    while True:
        new = {
            name
            for name, stage in stages.items()
            if name not in found and any(maker_of(path, makers) in found for path in stage.deps)
        }
        if not new:
            return found
        found |= new


def training_of(file: str, stages: dict[str, LockedStage], graph: dict[str, Any], params: dict[str, Any]) -> Training:
    """How to measure `metrics/<file>.json` again. Raises UserError where no stage of dvc.lock writes it.

    Seeds are the whole numbers called `seed` of the sections that the stages up to it declare. A metric whose stages have
    none, or which is made before D and P are, has no noise.
    """
    path = f"metrics/{file}.json"
    target = next((name for name, stage in stages.items() if path in stage.outs), None)
    if target is None:
        raise UserError(f"dvc.lock of the bad version records no {path}; name another --bad, or `dvc repro` and commit")
    seeds: dict[str, int] = {}
    for name in sorted(ancestors(stages, target)):
        declared = graph.get("stages", {}).get(name.partition("@")[0], {}).get("params", [])
        for section in (item for item in declared if isinstance(item, str)):
            value = params.get(section)
            seed = value.get("seed") if isinstance(value, dict) else None
            if isinstance(seed, int) and not isinstance(seed, bool):
                seeds[f"{section}.seed"] = seed
    return Training(target, tuple(sorted(seeds.items())))


def retrained(stages: dict[str, LockedStage], graph: dict[str, Any], training: Training) -> list[str]:
    """Stages up to the target that another seed or other tables run again."""
    sections = {key.removesuffix(".seed") for key, _ in training.seeds}
    declared = {
        name: set(
            filter(
                lambda item: isinstance(item, str), graph["stages"].get(name.partition("@")[0], {}).get("params", [])
            )
        )
        for name in stages
    }
    first = {name for name in stages if declared[name] & sections} or {training.target}
    up_to = ancestors(stages, training.target)
    return [name for name in stages if name in descendants(stages, first & up_to) & up_to]
