"""Fixtures of the store's room."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cultivar.store.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store."""
    with Store(tmp_path / "store") as opened:
        yield opened
