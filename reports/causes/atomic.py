"""The atomic changes between two versions, found from params.yaml, git, data tracked by DVC and fingerprints, not from rows.

`runtime` and `budget` change no result and are no cause; neither is what no stage reads that D and P come from.
"""

from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any

from cultivar.runlog.previous import md5_of
from cultivar.runner.fingerprints import FOLDER as FINGERPRINTS
from cultivar.runner.guard.code import lines as fingerprint_lines
from reports.causes.change import KINDS, Change, Kind, Lines
from reports.causes.human import human_records
from reports.causes.lines import edits
from reports.causes.stages import DataStage
from reports.versions.repository import git
from reports.versions.version import Version

NO_CAUSE = ("runtime", "budget")
"""Sections of params.yaml that change no result."""
MODEL_KEYS = ("engine", "model", "revision")
"""Of a role: which model answers."""
Missing = object()


def atomic_changes(old: Version, new: Version, stages: dict[str, DataStage]) -> list[Change]:
    """Every atomic change that can reach D or P, in the graph's order, then by kind and name. `stages`: `data_stages`."""
    found = [
        *param_changes(old.params(), new.params(), stages),
        *file_changes(old, new, stages),
        *code_changes(old, new, stages),
        *graph_changes(old, new, stages),
    ]
    order = {name: stage.order for name, stage in stages.items()}
    return sorted(found, key=lambda change: (order[change.stages[0]], KINDS.index(change.kind), sort_key(change)))


def sort_key(change: Change) -> tuple[str, int, str]:
    """Source rows by their line."""
    lines = change.lines
    return (lines.path, lines.new or lines.old or 0, change.name) if lines else (change.name, 0, "")


def in_order(names: Iterable[str], stages: dict[str, DataStage]) -> tuple[str, ...]:
    return tuple(sorted(names, key=lambda name: stages[name].order))


# ---------------------------------------------------------------- params.yaml


def param_changes(old: dict[str, Any], new: dict[str, Any], stages: dict[str, DataStage]) -> list[Change]:
    """Keys of params.yaml that differ; of a role its model, with engine and revision, is one change."""
    before, after = flat(old), flat(new)
    for entry in entries(old) ^ entries(new):  # a source that is new or gone is one change, not one for each key
        before, after = (with_entry(values, entry) for values in (before, after))
    found: list[Change] = []
    models: dict[str, list[str]] = {}
    for key in sorted(before.keys() | after.keys()):
        value, other = before.get(key, Missing), after.get(key, Missing)
        if same(value, other) or key.split(".")[0] in NO_CAUSE:
            continue
        readers = in_order((name for name, stage in stages.items() if stage.declares(key)), stages)
        if not readers:
            continue
        parts = key.split(".")
        if parts[0] == "roles" and parts[-1] in MODEL_KEYS:
            models.setdefault(parts[1], []).append(key)
            continue
        found.append(Change("parameter", key, f"{key}: {shown(value)} → {shown(other)}", readers, key))
    for role, keys in models.items():
        readers = in_order((name for name, stage in stages.items() if stage.declares(keys[0])), stages)
        words = ", ".join(f"{key.split('.')[-1]} {shown(before.get(key))} → {shown(after.get(key))}" for key in keys)
        found.append(Change("model", f"roles.{role}", f"model of role {role}: {words}", readers, f"roles.{role}"))
    return found


def same(value: Any, other: Any) -> bool:
    """Equal and of one type, but for 1 and 1.0; a key without a value is a missing one."""
    value, other = (None if each is Missing else each for each in (value, other))
    return value == other and isinstance(value, bool) == isinstance(other, bool)


def entries(value: Any, prefix: str = "") -> set[str]:
    """Dotted keys of the entries of lists whose entries have names."""
    if is_named(value):
        return {f"{prefix}.{entry['name']}" for entry in value}
    if not isinstance(value, dict):
        return set()
    return {key for name, inner in value.items() for key in entries(inner, f"{prefix}.{name}" if prefix else str(name))}


def with_entry(values: dict[str, Any], entry: str) -> dict[str, Any]:
    """The values with all keys below an entry as one."""
    below = {key: value for key, value in values.items() if key.startswith(f"{entry}.")}
    words = ", ".join(f"{key.removeprefix(f'{entry}.')} {shown(value)}" for key, value in below.items())
    return {key: value for key, value in values.items() if key not in below} | ({entry: words} if below else {})


def is_named(value: Any) -> bool:
    return (
        isinstance(value, list) and bool(value) and all(isinstance(entry, dict) and "name" in entry for entry in value)
    )


def flat(value: Any, prefix: str = "") -> dict[str, Any]:
    """Dotted key -> value; entries of a list that have names each are keys by these."""
    if is_named(value):
        value = {str(entry["name"]): {key: one for key, one in entry.items() if key != "name"} for entry in value}
    if not isinstance(value, dict) or not value:
        return {prefix: value} if prefix else {}
    return {
        name: one
        for key, inner in value.items()
        for name, one in flat(inner, f"{prefix}.{key}" if prefix else str(key)).items()
    }


def shown(value: Any) -> str:
    return "none" if value is Missing or value is None else str(value)


# ---------------------------------------------------------------- files


def file_changes(old: Version, new: Version, stages: dict[str, DataStage]) -> list[Change]:
    """Sources by their rows, prompts, and what people decided by its records."""
    written = {out for stage in stages.values() for out in stage.outs}
    found: list[Change] = []
    for path in sorted(changed_files(old, new)):
        readers = in_order((name for name, stage in stages.items() if stage.reads(path)), stages)
        if not readers or path in written or PurePosixPath(path).parts[0] == FINGERPRINTS.as_posix():
            continue
        match PurePosixPath(path).parts[0]:
            case "prompts":
                found.append(Change("prompt", path, f"{happened(old, new, path)} {path}", readers, path))
            case "human":
                found += human_records(path, old.content(path), new.content(path), readers)
            case _:
                found += source_rows(path, old.content(path), new.content(path), readers)
    return found


def happened(old: Version, new: Version, path: str) -> str:
    before, after = (version.content(path) is not None for version in (old, new))
    return "edited" if before and after else "added" if after else "removed"


def changed_files(old: Version, new: Version) -> set[str]:
    """Paths whose bytes differ, of git and of folders that .dvc files track."""
    commits = [version.commit for version in (old, new) if version.commit is not None]
    if old.commit is None:  # git names the working tree last
        commits = commits[:1]
    listed = git("diff", "--name-only", "--no-renames", "-z", "--relative", *commits, "--") if commits else b""
    found = {name for name in listed.decode(errors="surrogateescape").split("\0") if name}
    if None in (old.commit, new.commit):
        untracked = git("ls-files", "-z", "--others", "--exclude-standard").decode(errors="surrogateescape")
        found |= {name for name in untracked.split("\0") if name}
    found = {name for name in found if not name.endswith(".dvc")}
    before, after = old.tracked, new.tracked
    for name in before.keys() | after.keys():
        if md5_at(old, name) != md5_at(new, name):
            found.add(name)
    return found


def md5_at(version: Version, path: str) -> str | None:
    """Of a file that a .dvc file tracks; of the working tree that on disk."""
    if version.commit is not None or path not in version.tracked:
        return version.tracked.get(path)
    return md5_of(Path(path)) if Path(path).is_file() else None


def source_rows(path: str, old: bytes | None, new: bytes | None, readers: tuple[str, ...]) -> list[Change]:
    """A source's edited, added and removed lines; one change for a file that is new, gone or no text."""
    listed = edits(old or b"", new or b"") if old is not None and new is not None else None
    if listed is None:
        how = "edited" if old is not None and new is not None else "added" if new is not None else "removed"
        return [Change("source row", path, f"{how} source {path}", readers, path, Lines(path, None, None))]
    found = []
    for edit in listed:
        how = "edited" if edit.old and edit.new else "added" if edit.new else "removed"
        name = f"{path}:{edit.new or edit.old}" + ("" if edit.new else " (removed)")
        found.append(
            Change("source row", name, f"{how} row {path}:{edit.new or edit.old}", readers, path, Lines(path, *edit))
        )
    return found


# ---------------------------------------------------------------- code and the graph


def code_changes(old: Version, new: Version, stages: dict[str, DataStage]) -> list[Change]:
    """Modules and libraries whose line in a stage's fingerprint differs, each once with its stages."""
    touched: dict[str, dict[str, tuple[str | None, str | None]]] = {}
    for name in stages:
        before, after = (fingerprint_lines(version.text(FINGERPRINTS / f"{name}.txt") or "") for version in (old, new))
        if not before or not after:  # a stage that is new or gone is a change of the graph
            continue
        for line in before.keys() | after.keys():
            if before.get(line) != after.get(line):
                touched.setdefault(line, {})[name] = before.get(line), after.get(line)
    found = []
    for line, by_stage in touched.items():
        readers = in_order(by_stage, stages)
        value, other = by_stage[readers[0]]
        kind: Kind = "module" if line.endswith(".py") else "library"
        how = "edited" if value and other else "added" if other else "no longer reached"
        text = f"{how} module {line}" if kind == "module" else f"library {line} {shown(value)} → {shown(other)}"
        found.append(Change(kind, line, text, readers, line))
    return found


def graph_changes(old: Version, new: Version, stages: dict[str, DataStage]) -> list[Change]:
    """Stages that are new, gone, or whose command, deps or outs differ in dvc.yaml; their params are the keys' own."""
    before, after = (version.graph().get("stages", {}) for version in (old, new))
    found = []
    for name in stages:
        entry, other = (
            None
            if graph.get(name) is None
            else {key: graph[name].get(key) for key in ("cmd", "deps", "outs", "matrix")}
            for graph in (before, after)
        )
        if entry != other:
            how = "added" if entry is None else "removed" if other is None else "changed"
            found.append(Change("graph", f"dvc.yaml: {name}", f"{how} stage {name} in dvc.yaml", (name,), "dvc.yaml"))
    return found
