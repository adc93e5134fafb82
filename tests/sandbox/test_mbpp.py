"""MBPP (974 tasks): every reference passes its own tests in the default modes, no cheating solution passes any."""

import json
import os
from pathlib import Path

import pytest

from cultivar.sandbox import Job, Limits, Sandbox, SandboxUnavailable, job_from_asserts

FILE = Path(os.environ.get("CULTIVAR_REAL_DATA", Path(__file__).parents[3] / "shared" / "data")) / "mbpp" / "mbpp.jsonl"

EQUAL = (
    "class A(int):\n  __hash__ = int.__hash__\n  def __eq__(s, o): return True\n  def __call__(s, *a, **k): return s\n"
)
CHEATS = {
    "always equal": EQUAL + "{name} = lambda *a, **k: A(1)",
    "os._exit": "import os\ndef {name}(*a, **k): os._exit(0)",
    "SystemExit": "def {name}(*a, **k): raise SystemExit",
    "frames": """
import sys
def {name}(*a, **k):
    frame, found = sys._getframe(), []
    while frame:
        for v in list(frame.f_locals.values()):
            if isinstance(v, dict): found += [v[n] for n in ("expected", "calls", "cases") if n in v]
        frame = frame.f_back
    return found[0] if found else None""",
}


@pytest.fixture(scope="module")
def tasks():
    if not FILE.exists():
        pytest.skip(f"{FILE} is not here (set CULTIVAR_REAL_DATA)")
    return [json.loads(line) for line in FILE.read_text().splitlines()]


@pytest.fixture(scope="module")
def box():
    try:
        with Sandbox(limits=Limits(cpu_s=30.0, wall_s=120.0)) as box:  # some references take seconds on a busy machine
            yield box
    except SandboxUnavailable as error:
        pytest.skip(str(error))


def job(task: dict, code: str | None = None) -> Job:
    converted = job_from_asserts(
        str(task["task_id"]), task["code"], task["test_list"], entry_point=None, setup=task["test_setup_code"]
    )
    if code is None:
        return converted
    name = converted.entry_point or task["test_list"][0].split("assert ")[1].split("(")[0].strip()
    return job_from_asserts(converted.id, code.format(name=name), task["test_list"], setup=task["test_setup_code"])


def test_every_reference_passes(tasks, box):
    verdicts = list(box.run(job(task) for task in tasks))
    assert len(verdicts) == len(tasks) == 974
    assert {v.id: (v.outcome, v.message) for v in verdicts if not v.passed} == {}
    # objects of the solution's classes, a type as argument, a value that the tests compute
    assert {v.id for v in verdicts if v.mode == "split"} == {"367", "533", "596", "601", "912", "927"}


@pytest.mark.parametrize("cheat", CHEATS)
def test_no_cheat_passes(tasks, box, cheat):
    verdicts = list(box.run(job(task, CHEATS[cheat]) for task in tasks))
    assert [v.id for v in verdicts if v.passed] == []
    assert not any(v.outcome == "sandbox_error" for v in verdicts)
