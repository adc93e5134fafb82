"""What the tests of rebuilding share: the reduced graph, the counting server."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "integration"))

from counting_server import CountingServer  # noqa: E402


@pytest.fixture(scope="module")
def server() -> Iterator[CountingServer]:
    with CountingServer() as running:
        yield running
