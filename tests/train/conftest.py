"""Modules of this folder that are no tests, for tests and the processes they start."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))


@pytest.fixture(autouse=True)
def own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rewards of one test are nothing to another."""
    monkeypatch.setenv("CULTIVAR_STORE", str(tmp_path / "store"))
