"""Some of the changes between two versions applied to a folder that holds the old one."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from reports.causes.change import Change
from reports.causes.lines import edits
from reports.versions.version import PARAMS, Version

MODEL_KEYS = ("engine", "model", "revision")
"""Of a role: which model answers."""


def apply(changes: Sequence[Change], folder: Path, old: Version, new: Version) -> None:
    """Bring the folder's files to what these changes make of the old version."""
    keys = [change.unit for change in changes if change.kind in ("parameter", "model")]
    if keys:
        edit_params(folder / PARAMS, keys, new.params())
    rows: dict[str, list[Change]] = {}
    for change in changes:
        if change.kind in ("prompt", "module", "graph"):
            replace(folder / change.unit, new.content(change.unit))
        elif change.kind in ("source row", "human"):
            rows.setdefault(change.unit, []).append(change)
    for path, several in rows.items():
        before, after = old.content(path), new.content(path)
        chosen = [change.lines for change in several if change.lines and (change.lines.old or change.lines.new)]
        listed = edits(before, after) if chosen and before is not None and after is not None else None
        if listed is None or len(listed) == len(chosen) or before is None or after is None:
            replace(folder / path, after)
        else:
            replace(folder / path, edited(before, after, {(one.old, one.new) for one in chosen}, listed))


def replace(path: Path, content: bytes | None) -> None:
    """Write a file anew (what stands there may be a link), or remove it."""
    path.unlink(missing_ok=True)
    if content is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def edited(before: bytes, after: bytes, chosen: set[tuple[int | None, int | None]], listed: list[Any]) -> bytes:
    """The old text with some of its edits made. `listed`: all edits, in the order of the new text."""
    lines, others = before.split(b"\n"), after.split(b"\n")
    inserts: dict[int, list[bytes]] = {}
    added = removed = 0
    kept: list[bytes | None] = list(lines)
    for old, new in listed:
        if old is None:
            if (old, new) in chosen:  # behind the old line that precedes it
                inserts.setdefault(new - 1 - added + removed, []).append(others[new - 1])
            added += 1
        elif (old, new) in chosen:
            kept[old - 1] = None if new is None else others[new - 1]
        removed += new is None
    found: list[bytes] = []
    for place, line in enumerate([*kept, None]):
        found += inserts.pop(place, [])
        if line is not None:
            found.append(line)
    return b"\n".join([*found, *(line for several in inserts.values() for line in several)])


def edit_params(path: Path, keys: Sequence[str], new: dict[str, Any]) -> None:
    """Give the keys the values of the new version; of a role whose model changed, its engine, model and revision."""
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.width = 10_000
    params = yaml.load(path) or {}
    for key in keys:
        parts = key.split(".")
        if parts[0] == "roles" and len(parts) == 2:
            for name in MODEL_KEYS:
                assign(params, [*parts, name], new)
        else:
            assign(params, parts, new)
    path.unlink()
    yaml.dump(params, path)


def assign(params: Any, parts: list[str], new: Any) -> None:
    """Set one dotted key to the value that `new` has there, or remove it where `new` has none."""
    for part in parts[:-1]:
        new = entry(new, part)
        following = entry(params, part)
        if following is None:
            if new is None:
                return
            following = {}
            params[part] = following
        params = following
    last = parts[-1]
    value = entry(new, last)
    if isinstance(params, list):
        place = next((number for number, one in enumerate(params) if one.get("name") == last), None)
        if value is None and place is not None:
            params.pop(place)
        elif value is not None and place is None:
            params.append(value)
    elif value is None and not (isinstance(new, dict) and last in new):
        params.pop(last, None)
    else:
        params[last] = value


def entry(value: Any, part: str) -> Any:
    """What stands under a key, or under a name in a list of entries with names."""
    if isinstance(value, list):
        return next((one for one in value if isinstance(one, dict) and str(one.get("name")) == part), None)
    return value.get(part) if isinstance(value, dict) else None
