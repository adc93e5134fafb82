"""Fenced blocks of the project's pages, and how their commands are run."""

import re
import subprocess
from pathlib import Path
from typing import NamedTuple

from workspace import ROOT, Workspace

FENCE = re.compile(
    r"(?:^<!-- notest: (?P<reason>[^\n]+) -->\n)?"
    r"^```(?P<language>\w*)(?: file=(?P<file>\S+))?(?: after=\"(?P<after>[^\"]+)\")?(?P<notest> notest)?\n"
    r"(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


class Block(NamedTuple):
    """A fenced block. `notest`: it is not run, for the `reason` in the comment above it."""

    page: str
    language: str
    text: str
    file: str | None = None
    after: str | None = None
    notest: bool = False
    reason: str | None = None


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    name = str(page.relative_to(ROOT))
    return [
        Block(name, m["language"], m["text"], m["file"], m["after"], bool(m["notest"]), m["reason"])
        for m in FENCE.finditer(page.read_text(encoding="utf-8"))
    ]


def run_block(workspace: Workspace, block: Block) -> str:
    """Run a block's commands in one shell that stops at the first failure; what it printed. Fails with the output."""
    done = subprocess.run(
        ["bash", "-eu", "-c", block.text],
        cwd=workspace.folder,
        env=workspace.environment(),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, f"{block.page}:\n{block.text}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def write_block(workspace: Workspace, block: Block) -> None:
    """Put a block with `file=` into its file: at its end, or behind the first line that begins with `after=`."""
    assert block.file is not None
    path = workspace.folder / block.file
    path.parent.mkdir(parents=True, exist_ok=True)
    present = path.read_text(encoding="utf-8") if path.exists() else ""
    if block.after:
        lines = present.splitlines(keepends=True)
        index = next(number for number, line in enumerate(lines) if line.startswith(block.after))
        path.write_text("".join([*lines[: index + 1], block.text, *lines[index + 1 :]]), encoding="utf-8")
    else:
        path.write_text(f"{present}\n\n{block.text}" if present else block.text, encoding="utf-8")
