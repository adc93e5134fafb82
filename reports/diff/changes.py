"""What else differs between two versions: parameters, files that people write, code and libraries, stages of dvc.lock."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from io import StringIO
from pathlib import Path
from typing import Any, Literal

from ruamel.yaml import YAML

from cultivar.runlog.previous import md5_of
from reports.diff.model import Change, CodeChange, FileChange, ParamChange, StageChange
from reports.versions.repository import git
from reports.versions.version import LOCK, Version

FINGERPRINTS = "fingerprints"
CODE = "code"
"""The stage whose dependencies are code; what of it reaches a stage stands in the stage's fingerprints."""


def find_changes(old: Version, new: Version) -> tuple[Change, ...]:
    """Parameters, files, code and stages that differ, each sorted by name; stages in the graph's order."""
    return (
        *param_changes(old.params(), new.params()),
        *file_changes(old, new),
        *code_changes(old, new),
        *stage_changes(old, new),
    )


# ---------------------------------------------------------------- parameters


def param_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[ParamChange]:
    """Values that differ, by dotted keys; an item of a list that has a name goes by it: ingest.sources[code].license."""
    before, after = (dict(flat(params)) for params in (old, new))
    keys = sorted(key for key in {*before, *after} if before.get(key) != after.get(key))
    return [ParamChange(key, before.get(key), after.get(key)) for key in keys]


def flat(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted key and value of every leaf."""
    if isinstance(value, Mapping) and value:
        for name, inner in value.items():
            yield from flat(inner, f"{key}.{name}" if key else str(name))
    elif isinstance(value, list) and value and all(isinstance(one, Mapping) and "name" in one for one in value):
        for one in value:
            yield from flat({name: inner for name, inner in one.items() if name != "name"}, f"{key}[{one['name']}]")
    else:
        yield key, value


# ---------------------------------------------------------------- files


def file_changes(old: Version, new: Version) -> list[FileChange]:
    """Files that stages read and no stage writes: sources, prompts, what people decided."""
    folders = sorted({dep for version in (old, new) for dep in read_paths(version)})
    before, after = (file_hashes(version, folders) for version in (old, new))
    found = []
    for path in sorted({*before, *after}):
        if before.get(path) != after.get(path):
            kind: Literal["added", "removed", "edited"]
            kind = "added" if path not in before else "removed" if path not in after else "edited"
            found.append(FileChange(path, kind))
    return found


def read_paths(version: Version) -> list[str]:
    """Dependencies of the graph that are no output, those of the code apart."""
    stages = version.graph().get("stages", {})
    outs = {path for stage in stages.values() for path in listed(stage, "outs", "metrics", "plots")}
    deps = [dep for name, stage in stages.items() if name != CODE for dep in listed(stage, "deps")]
    return [dep for dep in dict.fromkeys(deps) if dep not in outs and Path(dep).parts[0] != FINGERPRINTS]


def listed(stage: Mapping[str, Any], *keys: str) -> list[str]:
    """Paths that a stage of dvc.yaml lists."""
    entries = [one for key in keys for one in stage.get(key, [])]
    return [next(iter(one)) if isinstance(one, Mapping) else one for one in entries]


def file_hashes(version: Version, folders: list[str]) -> dict[str, str]:
    """File -> a hash of its bytes: git's for what git has, md5 for what a .dvc file tracks."""
    within = [
        file for file in version.tracked if any(Path(folder) in (Path(file), *Path(file).parents) for folder in folders)
    ]
    tracked = {file: md5_of(Path(file)) if version.commit is None else version.tracked[file] for file in within}
    if version.commit is None:
        names = {name for folder in folders for name in version.names(folder)}
        return {name: git_hash(Path(name)) for name in sorted(names - set(tracked))} | tracked
    if not folders:
        return tracked
    entries = git("ls-tree", "-r", "-z", version.commit, "--", *folders).decode(errors="surrogateescape").split("\0")
    split = [entry.partition("\t") for entry in entries if entry]
    hashes = {path: words.split()[2] for words, _, path in split}
    return {path: one for path, one in hashes.items() if not path.endswith((".dvc", ".gitignore"))} | tracked


def git_hash(path: Path) -> str:
    """The name that git gives a file's bytes."""
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


# ---------------------------------------------------------------- code


def code_changes(old: Version, new: Version) -> list[CodeChange]:
    """Modules and libraries whose line differs in some stage's fingerprints."""
    stages = dict.fromkeys([*new.stages(), *old.stages()])
    found: dict[tuple[str, str | None, str | None], list[str]] = {}
    for stage in stages:
        before, after = (fingerprint_lines(version, stage) for version in (old, new))
        for name in sorted({*before, *after}):
            if before.get(name) != after.get(name):
                found.setdefault((name, before.get(name), after.get(name)), []).append(stage)
    return [
        CodeChange("module" if name.endswith(".py") else "library", name, before, after, tuple(of))
        for (name, before, after), of in sorted(found.items(), key=lambda item: item[0][0])
    ]


def fingerprint_lines(version: Version, stage: str) -> dict[str, str]:
    """Module or library -> its hash or version, as fingerprints/<stage>.txt lists them."""
    text = version.text(f"{FINGERPRINTS}/{stage}.txt") or ""
    pairs = [line.rpartition(" ") for line in text.splitlines() if line and not line.startswith("#")]
    return {name: value for name, _, value in pairs}


# ---------------------------------------------------------------- stages


def stage_changes(old: Version, new: Version) -> list[StageChange]:
    """Stages whose entry of dvc.lock differs, in the graph's order."""
    before, after = (lock_entries(version.text(LOCK) or "") for version in (old, new))
    order = {name: place for place, name in enumerate(dict.fromkeys([*new.stages(), *old.stages()]))}
    names = [name for name in {*before, *after} if before.get(name) != after.get(name)]
    names.sort(key=lambda name: (order.get(name.partition("@")[0], len(order)), name))
    return [stage_change(name, *(parsed(side.get(name, "")) for side in (before, after))) for name in names]


def lock_entries(text: str) -> dict[str, str]:
    """Stage -> the lines of its entry; a YAML parser takes far longer for all of them."""
    found: dict[str, list[str]] = {}
    name = ""
    for line in text.splitlines():
        if line.startswith("  ") and line[2:3] not in (" ", "-", ""):
            name = line.strip().removesuffix(":").strip("'\"")
            found[name] = []
        elif name and line.startswith("   "):
            found[name].append(line)
    return {stage: "\n".join(lines) for stage, lines in found.items()}


def parsed(entry: str) -> dict[str, Any]:
    return YAML(typ="safe", pure=True).load(StringIO(entry)) or {} if entry else {}


def stage_change(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> StageChange:
    """What differs between two entries of dvc.lock."""
    paths = []
    for key in ("deps", "outs"):
        sides = [{one["path"]: one.get("md5") for one in entry.get(key, [])} for entry in (old, new)]
        paths.append(tuple(path for path in sorted({*sides[0], *sides[1]}) if sides[0].get(path) != sides[1].get(path)))
    params = param_changes(*(merged(entry.get("params", {})) for entry in (old, new)))
    return StageChange(name, paths[0], tuple(change.key for change in params), paths[1])


def merged(params: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of all files."""
    return {key: value for section in params.values() if isinstance(section, Mapping) for key, value in section.items()}


# ---------------------------------------------------------------- what has not run yet


def pending_stages(version: Version) -> tuple[str, ...]:
    """Stages of the working tree whose parameters or files differ from what dvc.lock records, or which read an output of another stage
    in its earlier state; what follows from these is left out.

    Looks at files of git, at parameters and at what dvc.lock says of outputs; `dvc status` says it for certain.
    """
    if version.commit is not None:
        return ()
    outs = {path: out.md5 for path, out in version.recorded().items()}
    lock = version.lock()
    found = []
    for stage in version.stages():
        entries = {name: entry for name, entry in lock.items() if name.partition("@")[0] == stage}
        if not entries or any(is_pending(version, entry, outs) for entry in entries.values()):
            found.append(stage)
    return tuple(found)


def is_pending(version: Version, entry: Mapping[str, Any], outs: Mapping[str, str]) -> bool:
    params = version.params()
    if any(value_at(params, key) != value for key, value in merged(entry.get("params", {})).items()):
        return True
    return any(
        (outs[dep["path"]] if dep["path"] in outs else md5_now(version, dep["path"], dep["md5"])) != dep["md5"]
        for dep in entry.get("deps", [])
        if dep.get("md5") and not dep["path"].startswith(f"{FINGERPRINTS}/")
    )


def value_at(params: Any, key: str) -> Any:
    """The value under a dotted key, as DVC reads it; None where there is none."""
    for name in key.split("."):
        params = params.get(name) if isinstance(params, Mapping) else None
    return params


def md5_now(version: Version, path: str, recorded: str) -> str | None:
    """The md5 that DVC would give a file or folder of git; the recorded one where DVC itself has the files."""
    place = Path(path)
    if place.is_file():
        return md5_of(place)
    if not place.is_dir():
        return None
    if any(place in Path(file).parents for file in version.tracked):
        return recorded
    members = [
        {"md5": md5_of(Path(name)), "relpath": Path(name).relative_to(place).as_posix()}
        for name in version.names(place)
    ]
    listing = json.dumps(sorted(members, key=lambda one: one["relpath"]), sort_keys=True)
    return hashlib.md5(listing.encode(), usedforsecurity=False).hexdigest() + ".dir"
