"""A project made by hand, in which each test stands; a small real one is made with tests/integration/workspace.py."""

import sys
from pathlib import Path

import pytest
from made_rows import make_project

sys.path.append(str(Path(__file__).parents[1] / "integration"))


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Its working tree is the current folder."""
    made = make_project(tmp_path / "project")
    monkeypatch.chdir(made.folder)
    return made
