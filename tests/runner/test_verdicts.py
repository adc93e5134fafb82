"""A verdict is run for once: a changed verification function runs again for the rows it judges, and for no others."""

from dataclasses import replace

import pytest

from cultivar.runner.verdicts import CachedSandbox
from cultivar.sandbox import Case, Job, Limits, Sandbox, SandboxUnavailable
from cultivar.store.store import Store

SHORTER = "def evaluate(response):\n    return len(response) < {}\n"
RESPONSES = ["a", "a longer response", "the longest response of all of them"]


@pytest.fixture(scope="module")
def box():
    try:
        with Sandbox(slots=2) as sandbox:
            yield sandbox
    except SandboxUnavailable as error:
        pytest.skip(str(error))


def judge(box: Sandbox, store: Store, limits: list[int], times: int = 1) -> tuple[dict[str, list[str]], int]:
    """Results by job, and how many jobs were run."""
    judge = CachedSandbox(box, store)
    found: dict[str, list[str]] = {}
    for turn in range(times):
        jobs = [
            Job(f"{turn}/{limit}/{at}", "verifier", SHORTER.format(limit), entry_point="evaluate", inputs=[response])
            for limit in limits
            for at, response in enumerate(RESPONSES)
        ]
        found |= {verdict.id: list(verdict.results) for verdict in judge.run(iter(jobs))}
    return found, judge.requests - judge.hits


def test_only_the_changed_function_runs_again(box, tmp_path):
    first, ran = judge(box, Store(tmp_path), [5, 20])
    assert ran == 6
    assert first == {f"0/{n}/{at}": [str(len(r) < n).lower()] for n in (5, 20) for at, r in enumerate(RESPONSES)}
    again, ran = judge(box, Store(tmp_path), [20, 5])
    assert (again, ran) == (first, 0)
    changed, ran = judge(box, Store(tmp_path), [5, 30])
    assert ran == 3 and changed["0/5/0"] == first["0/5/0"] and changed["0/30/1"] == ["true"]


def test_runs_that_look_for_unsteadiness_are_runs(box, tmp_path):
    _, ran = judge(box, Store(tmp_path), [5], times=3)
    assert ran == 9
    _, ran = judge(box, Store(tmp_path), [5], times=4)
    assert ran == 3


def test_what_says_nothing_of_the_code_is_tried_again(box, tmp_path):
    code = "import time\n\ndef evaluate(response):\n    time.sleep(60)\n"
    slow = Job("slow", "verifier", code, entry_point="evaluate", inputs=["x"], limits=Limits(cpu_s=5, wall_s=1))
    for _ in range(2):
        remembering = CachedSandbox(box, Store(tmp_path))
        [verdict] = remembering.run([slow])
        assert "timeout_wall" in {verdict.outcome, *verdict.results} and verdict.id == "slow"
        assert remembering.known == 0


def test_a_message_with_half_a_character_is_remembered(box, tmp_path):
    broken = Job("b", "call", "def f(): raise ValueError('\\ud800')", entry_point="f", cases=[Case([], 1)])
    for known in (0, 1):
        remembering = CachedSandbox(box, Store(tmp_path))
        [verdict] = remembering.run([broken])
        assert verdict.outcome == "error" and "\\ud800" in verdict.message and remembering.known == known


def test_trouble_says_nothing_against_what_is_remembered(box, tmp_path):
    job = Job("j", "io", "print(1)", expected_stdout="1")
    first = CachedSandbox(box, Store(tmp_path))
    [before] = first.run([job])

    class Broken:
        key = staticmethod(box.key)

        def run(self, jobs):
            return [replace(before, id=job.id, outcome="sandbox_error", results=["sandbox_error"]) for job in jobs]

    again = CachedSandbox(Broken(), Store(tmp_path), first.seen)  # type: ignore[arg-type]
    assert [verdict.outcome for verdict in again.run([job])] == ["pass"] and again.fresh == {}
