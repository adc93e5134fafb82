"""The strongest backend that works here."""

from collections.abc import Iterator

import pytest
from judging import FAST

from cultivar.sandbox import Sandbox, SandboxUnavailable


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    try:
        with Sandbox(limits=FAST, slots=2) as box:
            yield box
    except SandboxUnavailable as error:
        pytest.skip(str(error))
