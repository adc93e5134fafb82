"""The benchmarks start as scripts and as modules, and none of them hides a module of that name."""

import json
import os
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BENCH = sorted((ROOT / "bench").glob("*.py"))


def test_as_a_script_no_benchmark_shadows_a_module():
    """A script's folder comes first on sys.path: a name there wins over the standard library's and the project's."""
    top_level = {path.name for path in ROOT.iterdir() if path.is_dir()}
    importable = set(sys.stdlib_module_names) | set(packages_distributions()) | top_level
    assert BENCH
    assert not importable & {path.stem for path in BENCH}


@pytest.mark.parametrize("start", (["bench/rebuild.py"], ["-m", "bench.rebuild"]), ids=" ".join)
def test_the_benchmark_that_imports_others_starts_both_ways(start):
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, *start, "--help"]
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert "--client-rows" in result.stdout, result.stderr


def test_admission_is_measured_at_a_small_size():
    command = [sys.executable, "-m", "bench.admit", "--small"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    measured = json.loads(result.stdout.splitlines()[-1])
    assert measured["rank_500k_cpu_s"] > 0 and measured["peak_mb"] > 0 and "growth_rank" in measured


def test_ingest_is_measured_at_a_small_size():
    command = [
        sys.executable,
        "-m",
        "bench.ingest",
        "--rows",
        "300",
        "--rounds",
        "1",
        "--workers",
        "cultivar",
        "polars",
    ]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    measured = json.loads(result.stdout.splitlines()[-1])
    assert measured["rows_per_s"] > 0 and measured["cpu_vs_polars"] > 0 and measured["peak_mb"] > 0
