"""Versions made by hand, each in a folder of its own."""

from collections.abc import Callable
from pathlib import Path

import pytest
from made_versions import MadeVersion


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., MadeVersion]:
    """A new, empty version by a name."""

    def made(name: str = "new") -> MadeVersion:
        (tmp_path / name).mkdir()
        return MadeVersion(tmp_path / name, name)

    return made
