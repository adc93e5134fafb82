"""Which stages of a dvc.lock are of one data version: a metric of a stage whose inputs have since changed is of another.

After `dvc repro assemble` the metrics of training in git are still those of the data before. dvc.lock tells: a stage
recorded other hashes of its deps than the stages that make them recorded since.
"""

from dataclasses import dataclass, field


@dataclass
class LockedStage:
    """Path -> md5 of a stage's deps and outs in dvc.lock."""

    deps: dict[str, str] = field(default_factory=dict)
    outs: dict[str, str] = field(default_factory=dict)


def locked_stages(text: str) -> dict[str, LockedStage]:
    """The stages of a dvc.lock, read by lines: DVC writes it always alike, and a YAML parser takes a second."""
    found: dict[str, LockedStage] = {}
    stage, section, path = "", "", ""
    for line in text.splitlines():
        if line.startswith("  ") and line[2:3] not in (" ", "-", ""):
            stage, section = line.strip().removesuffix(":").strip("'\""), ""
            found[stage] = LockedStage()
        elif line.startswith("    ") and line[4:5] not in (" ", "-", ""):
            section = line.strip().removesuffix(":")
        elif section in ("deps", "outs") and line[4:6] in ("- ", "  ") and line[6:7] != " ":
            key, _, value = line[6:].partition(": ")
            if key == "path":
                path = value.strip().strip("'\"")
            elif key == "md5":
                getattr(found[stage], section)[path] = value.strip().strip("'\"")
    return found


def outdated(stages: dict[str, LockedStage]) -> set[str]:
    """Stages that were run on other inputs than dvc.lock now records, or after one that was."""
    makers = {path: name for name, stage in stages.items() for path in stage.outs}
    found: set[str] = set()
    known: set[str] = set()

    def visit(name: str) -> bool:
        if name not in known:
            known.add(name)
            for path, md5 in stages[name].deps.items():
                maker = makers.get(path)
                if maker is not None and (visit(maker) or stages[maker].outs[path] != md5):
                    found.add(name)
        return name in found

    for name in stages:
        visit(name)
    return found
