"""A project folder with the graph and the knobs of this one, in git and DVC, without seeds."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from project import ROOT

CHAT = {"messages": [{"role": "user", "content": "What is rust?"}, {"role": "assistant", "content": "Iron oxide."}]}


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project before anything is added."""
    folder = tmp_path_factory.mktemp("untouched") / "project"
    folder.mkdir()
    for name in ("params.yaml", "dvc.yaml", ".gitignore"):
        shutil.copy(ROOT / name, folder / name)
    for name in ("cultivar", "schemas", "stages", "train"):  # which sections params.yaml has is read from their source
        (folder / name).symlink_to(ROOT / name)
    for command in (["git", "init", "-q"], [sys.executable, "-m", "dvc", "init", "-q"]):
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture
def project(untouched: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project's folder, which is the working folder; people's own files stand beside it."""
    folder = Path(shutil.copytree(untouched, tmp_path / "project", symlinks=True))
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def own(tmp_path: Path) -> Callable[..., str]:
    """Writes a person's file of JSON lines outside the project; its path."""

    def write(*rows: dict, name: str = "chats.jsonl") -> str:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(json.dumps(row) + "\n" for row in rows or (CHAT,)))
        return str(path)

    return write
