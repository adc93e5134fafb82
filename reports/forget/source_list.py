"""The sources that params.yaml declares, some of them taken out of its text."""

from typing import Any

from ruamel.yaml import YAML

from cultivar.runner.graph import PARAMS
from schemas.errors import UserError


def without_sources(names: set[str]) -> str:
    """params.yaml without these sources: their lines go, and no other line changes."""
    text = PARAMS.read_text(encoding="utf-8")
    ingest = YAML(typ="rt", pure=True).load(text)["ingest"]
    gone: set[int] = set()
    lines = text.splitlines(keepends=True)
    emptied = []
    for key in ("sources", "evaluation"):
        entries: Any = ingest.get(key) or []
        for number, entry in enumerate(entries):
            if entry["name"] in names:
                first, _ = entries.lc.item(number)
                end = first + 1
                indent = len(lines[first]) - len(lines[first].lstrip(" "))
                while end < len(lines) and (
                    len(lines[end]) - len(lines[end].lstrip(" ")) > indent or not lines[end].strip()
                ):
                    end += 1
                gone |= set(range(first, end))
        if entries and all(entry["name"] in names for entry in entries):
            emptied.append((ingest.lc.key(key)[0], key))
    for line, key in emptied:
        lines[line] = f"{' ' * (len(lines[line]) - len(lines[line].lstrip(' ')))}{key}: []\n"
    rest = "".join(line for number, line in enumerate(lines) if number not in gone)
    left = YAML(typ="safe", pure=True).load(rest)["ingest"]
    kept = [
        entry["name"]
        for key in ("sources", "evaluation")
        for entry in ingest.get(key) or []
        if entry["name"] not in names
    ]
    if [entry["name"] for key in ("sources", "evaluation") for entry in left.get(key) or []] != kept:
        raise UserError(
            f"{PARAMS}: {', '.join(sorted(names))} cannot be cut out of ingest; remove it by hand and begin again"
        )
    return rest
