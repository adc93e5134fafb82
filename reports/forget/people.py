"""What people have said of rows (human/annotations): which lines are of whom or of what, and the files without them."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from reports.forget.recording import PEOPLE
from schemas.conversations import text_of
from stages.annotation.rankings import item_hash


@dataclass
class CutLines:
    """Lines that go: `files` with their new content (None: nothing is left), the texts in them, and how many."""

    files: dict[Path, bytes | None] = field(default_factory=dict)
    texts: set[str] = field(default_factory=set)
    count: int = 0


def cut_lines(goes: Callable[[dict[str, Any]], bool]) -> CutLines:
    """The lines of human/annotations for which `goes` holds; what is no judgement stays."""
    found = CutLines()
    for path in sorted(PEOPLE.glob("*.jsonl")):
        lines = path.read_bytes().splitlines(keepends=True)
        gone = {number for number, line in enumerate(lines) if (one := judgement_in(line)) is not None and goes(one)}
        if gone:
            kept = b"".join(line for number, line in enumerate(lines) if number not in gone)
            found.files[path] = kept if kept.strip() else None
            found.count += len(gone)
            for number in gone:
                judgement = judgement_in(lines[number]) or {}
                edited = judgement.get("edited")
                found.texts |= {str(judgement.get("note") or ""), lines[number].decode("utf-8", "replace").strip()}
                found.texts |= {str(text) for text in edited.values()} if isinstance(edited, dict) else set()
    return found


def judgement_in(line: bytes) -> dict[str, Any] | None:
    """The fields of a line; None where it holds none."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def items_of(rows: set[str]) -> set[str]:
    """What people rank of these instructions, and of those that grew from them: item hashes."""
    candidates, evolved = Path("data/candidates.parquet"), Path("data/evolved.parquet")
    if not rows or not candidates.is_file() or not any(PEOPLE.glob("*.jsonl")):
        return set()
    made = set(rows)
    if evolved.is_file():
        frame = pl.read_parquet(evolved, columns=["id", "parents"])  # every step names where it began
        made |= set(frame.filter(pl.col("parents").list.eval(pl.element().is_in(list(rows))).list.any())["id"])
    groups = pl.read_parquet(candidates).filter(pl.col("prompt_id").is_in(list(made))).partition_by("prompt_id")
    return {
        item_hash(
            text_of(group["prompt"][0].to_list()),
            [text_of(turns) for turns in group["completion"].to_list()],
        )
        for group in groups
    }
