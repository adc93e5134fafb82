"""Independent stages run side by side under the real DVC, and nothing outlives the process that started them."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from itertools import combinations

import psutil
import shell_project

from cultivar.runner.graph import load_yaml
from tests.processes import below, survivors


def spans(project):
    """Start and end of every strategy's last run."""
    lines = [line.split() for line in (project.parent / "log").read_text().splitlines()]
    return {name: (float(start), float(end)) for name, start, end in lines}


def test_strategies_run_at_once_and_the_lock_is_complete(tmp_path):
    project = shell_project.make(tmp_path, seconds=9)
    done = shell_project.module(project, "cultivar.tools.parallel", "--jobs", "4")
    assert done.returncode == 0, done.stdout + done.stderr
    ran = spans(project)
    overlapping = [
        pair
        for pair in combinations(shell_project.NAMES, 2)
        if max(ran[name][0] for name in pair) < min(ran[name][1] for name in pair)
    ]
    assert len(overlapping) >= 3, ran
    lock = load_yaml(project / "dvc.lock")["stages"]
    assert set(lock) == {"ingest", *shell_project.NAMES, "train@a", "train@b", "join"}
    assert shell_project.run(project, sys.executable, "-m", "dvc", "status", "-q").returncode == 0
    again = shell_project.module(project, "cultivar.tools.parallel", "--jobs", "2")
    assert again.returncode == 0 and "Running stage" not in again.stdout
    shell_project.commit(project)
    assert shell_project.module(project, "cultivar.tools.doctor").stdout == "nothing wrong\n"


def test_a_failure_stops_what_depends_on_it_and_nothing_else(tmp_path):
    project = shell_project.make(tmp_path)
    graph = (project / "dvc.yaml").read_text()
    copy = "cp data/one.txt data/model-${item.model}.txt"
    (project / "dvc.yaml").write_text(graph.replace(copy, f"test ${{item.model}} = a && {copy}"))
    done = shell_project.module(project, "cultivar.tools.parallel", "--jobs", "3")
    assert done.returncode == 1 and "failed: train@b" in done.stderr
    assert set(load_yaml(project / "dvc.lock")["stages"]) == {"ingest", *shell_project.NAMES, "train@a"}


def test_nothing_outlives_a_killed_driver(tmp_path):
    project = shell_project.make(tmp_path, seconds=60)
    command = [sys.executable, "-m", "cultivar.tools.parallel", "--jobs", "4"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    driver = subprocess.Popen(
        command, cwd=project, env=shell_project.environment(project), start_new_session=True, **quiet
    )
    deadline = time.monotonic() + 120
    started: list[psutil.Process] = []
    while len(started) < 4 and time.monotonic() < deadline:
        started = [one for one, line in below(driver.pid) if line and line[-1].startswith("import time")]
        time.sleep(0.2)
    runs = [one for one, _ in below(driver.pid, recursive=False)]
    os.kill(driver.pid, signal.SIGKILL)
    driver.wait()
    alive = survivors(runs, 30)
    for one in (
        started
    ):  # commands of this small project; stages of the real one die with their dvc (cultivar/runner/guard.py)
        with suppress(psutil.NoSuchProcess):
            one.kill()
    assert len(started) == len(runs) == 4 and not alive
