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
        folder = tmp_path / "annotations"
        folder.mkdir(exist_ok=True)
        (folder / "README.md").write_text("not a record")
        (folder / "ana.jsonl").write_text("".join(json.dumps(line) + "\n\n" for line in judgements))
        return Files("rank", (Path("annotations"),))

    return write


@pytest.fixture
def refinements(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Files]:
    """The files that `ontology` reads, with the given refinements (YAML) in them."""
    monkeypatch.chdir(tmp_path)

    def write(text: str = "") -> Files:
        (tmp_path / "ontology").mkdir(exist_ok=True)
        (tmp_path / "ontology/refinements.yaml").write_text(text)
        return Files("ontology", (Path("ontology"), Path("encoder")))

    return write
