"""What every test shares."""

import os
import sys
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
