"""Fixtures of the llm room."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cultivar.store.store import Store
from tests.llm.fault_server import FaultServer


@pytest.fixture
def server() -> Iterator[FaultServer]:
    """A server on loopback that fails on request."""
    with FaultServer() as running:
        yield running


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store."""
    with Store(tmp_path / "store") as opened:
        yield opened
