"""What every test shares."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# a busy machine is slow, and the same commit is to get the same answer
settings.register_profile("calm", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("calm")

ROOT = Path(__file__).parent.parent
sys.path.append(str(ROOT / "tests" / "runner"))


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real inputs; tests that need it skip where it is absent."""
    folder = Path(os.environ.get("CULTIVAR_REAL_DATA", ROOT / ".." / "shared" / "data")).resolve()
    if not folder.is_dir():
        pytest.skip(f"real inputs are not at {folder}; set CULTIVAR_REAL_DATA to run this test")
    return folder


@pytest.fixture(autouse=True, scope="module")
def no_bounds_left() -> Iterator[None]:
    """What one stage may read is not left to the modules that follow in the same process."""
    yield
    prompts = sys.modules.get("cultivar.llm.prompt")
    assert prompts is None or prompts._allowed is None
