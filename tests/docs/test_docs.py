"""README and docs/: every shell command runs as it is written, links lead somewhere, quoted messages are real ones."""

import ast
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import polars as pl
import pytest
from pages import Block, blocks, run_block, write_block
from ruamel.yaml import YAML
from workspace import ROOT, Workspace

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCKS = [block for page in PAGES for block in blocks(page)]
NOT_RUN = {
    **{"README.md": 1, "docs/models.md": 1, "docs/sweeps.md": 2, "docs/training.md": 1},
    **{"docs/review.md": 4, "docs/rows.md": 1, "docs/export.md": 2},
}
"""Page -> shell blocks that need a GPU, the network or many minutes."""
LINK = re.compile(r"\]\((?!https?://)([^)#\s]+)\)")
TABLE_MESSAGE = re.compile(r"^\| (.+?) \|", re.MULTILINE)


def test_the_commands_run(tmp_path):
    """In the order of the pages, in one copy of the project, as a reader would who tries them all."""
    workspace = Workspace(tmp_path)
    shutil.copy2(ROOT / "params.yaml", tmp_path)  # with its comments, which the pages speak of
    problems = tmp_path / "data/seeds/arithmetic.jsonl"
    problems.write_text("".join(problems.read_text().splitlines(keepends=True)[:50]))  # plans and ingest in no time
    own = "git config user.name t; git config user.email t@t; git commit -qam params"
    run_block(workspace, Block("the test", "sh", own))
    printed = {}
    for block in BLOCKS:
        if block.file:
            write_block(workspace, block)
        elif block.language == "sh" and not block.notest:
            printed[block.page] = printed.get(block.page, "") + run_block(workspace, block)
    assert "tag: 144 rows in" in printed["README.md"]
    assert "human" in strategies_of_chats(tmp_path)  # beside what was made of the same prompts
    assert "data/raw/tickets/2026.jsonl:3" in printed["docs/data.md"]
    assert "nothing wrong" in printed["docs/troubleshooting.md"]


def strategies_of_chats(folder: Path) -> set[str]:
    """Strategies of the rows of D that come from the file of README's section on one's own data."""
    rows = pl.read_parquet(folder / "data/demonstrations.parquet")
    return set(rows.filter(pl.col("source").str.starts_with("data/raw/chats.jsonl:"))["strategy"])


def test_dvc_can_read_what_is_shown_as_yaml():
    for block in BLOCKS:
        if block.language == "yaml":
            YAML(typ="safe").load(block.text)


def test_what_is_not_run_says_why():
    skipped = [block for block in BLOCKS if block.notest]
    for block in skipped:
        print(f"{block.page}: not run ({block.reason}): {block.text.splitlines()[0]}")
    assert Counter(block.page for block in skipped) == NOT_RUN
    assert all(block.reason for block in skipped)
    assert {block.language for block in BLOCKS} <= {"sh", "yaml", "json", "python"}


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CONTRIBUTING.md"], ids=lambda page: page.name)
def test_links_lead_to_files(page):
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_quoted_messages_are_those_of_the_code():
    """`…` in a quoted message stands for what the code fills in."""
    page = (ROOT / "docs/troubleshooting.md").read_text(encoding="utf-8")
    ours, dvc = page.split("## DVC and git")
    cells = TABLE_MESSAGE.findall(ours) + [cell for cell in TABLE_MESSAGE.findall(dvc) if "(doctor)" in cell]
    quoted = [message for cell in cells for message in re.findall(r"`([^`]+)`", cell) if cell.startswith("`")]
    assert len(quoted) > 30
    texts = "\n".join(constants())
    for message in quoted:
        parts = [re.escape(part.strip()) for part in message.split("…") if part.strip()]
        assert re.search(".*".join(parts), texts), f"no code says: {message}"


def constants():
    """Every text in the code, on one line each, with … for what is filled in."""
    for room in ("cultivar", "schemas", "stages", "train"):
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_bytes())):
                if isinstance(node, ast.JoinedStr):
                    parts = [part.value if isinstance(part, ast.Constant) else "…" for part in node.values]
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    parts = [node.value]
                else:
                    continue
                yield "".join(map(str, parts)).replace("`", "").replace("\n", " ")


def test_methods_has_the_sections_that_docstrings_cite():
    sections = set(re.findall(r"^#{2,3} (\d+(?:\.\d+)?)[. ]", (ROOT / "docs/methods.md").read_text(), re.MULTILINE))
    cited = set()
    for room in ("cultivar", "schemas", "stages", "train", "tests"):
        for path in (ROOT / room).rglob("*.py"):
            found = re.findall(
                r"docs/methods\.md, sections? (\d+(?:\.\d+)?)(?: and (\d+(?:\.\d+)?))?", path.read_text()
            )
            cited |= {number for pair in found for number in pair if number}
    assert cited <= sections


def test_the_picture_is_that_of_the_graph():
    done = subprocess.run(
        [sys.executable, "-m", "bench.graph_picture", "--check"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{done.stderr}; `python -m bench.graph_picture` draws it anew"


def test_the_picture_shows_every_stage_but_the_hub():
    graph = (ROOT / "dvc.yaml").read_text(encoding="utf-8")
    stages = re.findall(r"^  (\w+):\n    desc:", graph, re.MULTILINE)
    shown = re.findall(r'font-weight="bold">(\w+)</text>', (ROOT / "reports/graph.svg").read_text(encoding="utf-8"))
    assert sorted(shown) == sorted(set(stages) - {"code"})
