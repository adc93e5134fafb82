"""The demo graph from seeds to report: equal runs, nothing twice, hermetic stages, kills that cost nothing.

Training is cut to a few steps here (QUICK); `make demo` runs it at full length.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from workspace import ROOT, Workspace, no_stage_ran

from cultivar.runner.graph import load_yaml
from cultivar.tools.hermetic import alone

QUICK = YAML(typ="safe", pure=True).load(Path(__file__).with_name("quick.yaml"))
STAGES = load_yaml(ROOT / "dvc.yaml")["stages"]


def quick(params):
    for section, values in QUICK.items():
        params[section] |= values


@pytest.fixture(scope="session")
def demo(tmp_path_factory) -> Workspace:
    """The entire graph, run once."""
    work = Workspace(tmp_path_factory.mktemp("demo"), quick)
    work.repro()
    return work


def test_the_graph_runs_and_a_second_repro_runs_nothing(demo):
    assert set(demo.lock()) >= set(STAGES) - {"evaluate"}
    assert no_stage_ran(demo.repro())
    assert "simulated" in (demo.folder / "reports/summary.md").read_text()
    done = demo.python("-m", "cultivar.tools.summary")
    begins = [line.split()[0] for line in done.stdout.splitlines()]
    assert done.returncode == 0 and begins == ["D", "by", "held", "report:"]
    assert "stages together" in demo.python("-m", "cultivar.tools.summary", "--all").stdout


def test_a_clean_run_in_another_folder_is_byte_identical(demo, tmp_path):
    other = Workspace(tmp_path, quick)
    other.repro()
    assert other.lock() == demo.lock()


@pytest.mark.parametrize("stage", [stage for stage in STAGES if stage != "code"])
def test_a_stage_runs_with_nothing_but_what_it_declares(demo, tmp_path, stage):
    """A folder with the declared deps and params alone gives the same bytes."""
    items = {"model": "sft"} if "matrix" in STAGES[stage] else {}
    assert alone(stage, items, demo.folder, tmp_path) is None


def test_kill_9_costs_no_finished_call_and_leaves_no_half_table(demo, tmp_path):
    """dvc and its stage are killed in the middle; the next run ends with the same bytes and asks only the rest."""
    work = Workspace(tmp_path, quick)
    target = "select"
    process = subprocess.Popen(
        [sys.executable, "-m", "dvc", "repro", target],
        cwd=work.folder,
        env=os.environ
        | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "CULTIVAR_STORE": str(work.store)},
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 120
    while not list(work.store.rglob("*.parquet")) and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    work.remove_torn_files()
    assert not list((work.folder / "data").glob(".*.tmp"))
    work.repro(target)
    lock, expected = work.lock(), demo.lock()
    assert {stage: lock[stage] for stage in lock} == {stage: expected[stage] for stage in lock}
