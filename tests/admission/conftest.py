"""A project folder for the tests of admission."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from schemas.stage import Files

ROOT = Path(__file__).parents[2]


@pytest.fixture
def people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Files]:
    """The files that `rank` reads, with the given judgements in them; the prompts are the project's."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "prompts").symlink_to(ROOT / "prompts")

    def write(*judgements: dict) -> Files:
        folder = tmp_path / "human/annotations"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "README.md").write_text("not a record")
        (folder / "ana.jsonl").write_text("".join(json.dumps(line) + "\n\n" for line in judgements))
        return Files("rank", (Path("human/annotations"),))

    return write
