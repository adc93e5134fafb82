"""Which lines of a text differ between two versions of it, by git's own line diff."""

import difflib
import re
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

HUNK = re.compile(rb"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@", re.MULTILINE)
PAIRED = 200
"""Lines of a hunk up to which edited lines are paired by likeness; beyond, in order."""


class Edit(NamedTuple):
    """A line that was edited (both numbers), added (`new` alone) or removed (`old` alone); from 1."""

    old: int | None
    new: int | None


def edits(old: bytes, new: bytes) -> list[Edit] | None:
    """The lines that differ, in their order; None where a text is no text (it holds a NUL). Lines that moved are left out."""
    if b"\0" in old[:8000] or b"\0" in new[:8000]:
        return None
    before, after = old.split(b"\n"), new.split(b"\n")
    found = []
    for start, count, new_start, new_count in hunks(old, new):
        gone, come = list(range(start, start + count)), list(range(new_start, new_start + new_count))
        found += pairs(gone, come, before, after)
    return without_moves(found, before, after)


def hunks(old: bytes, new: bytes) -> list[tuple[int, int, int, int]]:
    """(first old line, number, first new line, number) of every run of lines that differ."""
    with tempfile.TemporaryDirectory(prefix="cultivar-lines-") as folder:
        names = [Path(folder) / "old", Path(folder) / "new"]
        for name, content in zip(names, (old, new), strict=True):
            name.write_bytes(content)
        command = [
            "git",
            "diff",
            "--no-index",
            "--no-ext-diff",
            "--no-textconv",
            "--text",
            "--no-color",
            "-U0",
            "--inter-hunk-context=0",
        ]
        done = subprocess.run([*command, "--", *map(str, names)], capture_output=True, check=False)
    found = []
    for match in HUNK.finditer(done.stdout):
        start, count, new_start, new_count = (1 if group is None else int(group) for group in match.groups())
        found.append((start, count, new_start, new_count))
    return found


def pairs(gone: list[int], come: list[int], before: list[bytes], after: list[bytes]) -> list[Edit]:
    """Lines of one hunk as edits: of unequal numbers the most alike are one line edited."""
    if len(gone) == len(come) or len(gone) + len(come) > PAIRED:
        edited = list(zip(gone, come, strict=False))
    else:
        likeness = sorted(
            (-difflib.SequenceMatcher(None, before[one - 1], after[other - 1], autojunk=False).ratio(), one, other)
            for one in gone
            for other in come
        )
        edited, used_old, used_new = [], set(), set()
        for negative, one, other in likeness:
            if negative < -0.5 and one not in used_old and other not in used_new:
                edited.append((one, other))
                used_old.add(one)
                used_new.add(other)
    left = {one for one, _ in edited}, {other for _, other in edited}
    return [
        *(Edit(one, other) for one, other in sorted(edited)),
        *(Edit(one, None) for one in gone if one not in left[0]),
        *(Edit(None, other) for other in come if other not in left[1]),
    ]


def without_moves(found: list[Edit], before: list[bytes], after: list[bytes]) -> list[Edit]:
    """Edits less lines that stand elsewhere with the same text, and empty ones."""
    gone: dict[bytes, list[int]] = {}
    for edit in found:
        if edit.old is not None:
            gone.setdefault(before[edit.old - 1].strip(), []).append(edit.old)
    moved_old, moved_new = set(), set()
    for edit in found:
        if edit.new is not None and (places := gone.get(after[edit.new - 1].strip())):
            moved_old.add(places.pop(0))
            moved_new.add(edit.new)
    left = []
    for edit in found:
        old = None if edit.old in moved_old or edit.old and not before[edit.old - 1].strip() else edit.old
        new = None if edit.new in moved_new or edit.new and not after[edit.new - 1].strip() else edit.new
        if old is not None or new is not None:
            left.append(Edit(old, new))
    return sorted(left, key=lambda edit: (edit.new or edit.old or 0, edit.old or 0))
