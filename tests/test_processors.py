"""The numeric tests as older processors would compute: once for each set of vector instructions that this one has."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

TESTS = Path(__file__).parent
OLDER = {  # PyTorch's own kernels and oneDNN's matrix products
    "default": {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41"},
    "avx2": {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"},
    "avx512": {"ATEN_CPU_CAPABILITY": "avx512", "ONEDNN_MAX_CPU_ISA": "AVX512_CORE"},
}


@pytest.mark.parametrize("capability", list(OLDER))
def test_numeric_tests_pass_on_older_processors(capability):
    """PyTorch reads the variable once, so each capability has a process; that of this run needs none."""
    if "ATEN_CPU_CAPABILITY" in os.environ:
        pytest.skip("ATEN_CPU_CAPABILITY is set: this run is of one capability")
    own = torch.backends.cpu.get_cpu_capability().lower()
    if capability == own:
        pytest.skip(f"the numeric tests of this run itself are at {own}")
    lower = list(OLDER)[: list(OLDER).index(own)] if own in OLDER else ["default"]
    if capability not in lower:
        pytest.skip(f"this processor has no {capability}: its best is {own}")
    files = [str(file) for file in sorted(TESTS.rglob("test_*.py")) if "pytest.mark.numeric" in file.read_text()]
    files.remove(__file__)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-m", "numeric", "-p", "no:cacheprovider", *files],
        cwd=TESTS.parent,
        env=environment | OLDER[capability],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"with ATEN_CPU_CAPABILITY={capability}:\n{done.stdout[-20_000:]}"
