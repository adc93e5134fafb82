"""Each job is run once: a changed verification function runs again for the rows it judges, and for no others."""

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
    cached = CachedSandbox(box, store)
    results: dict[str, list[str]] = {}
    for turn in range(times):
        jobs = [
            Job(f"{turn}/{limit}/{index}", "verifier", SHORTER.format(limit), entry_point="evaluate", inputs=[response])
            for limit in limits
            for index, response in enumerate(RESPONSES)
        ]
        results |= {verdict.id: list(verdict.results) for verdict in cached.run(iter(jobs))}
    return results, cached.requests - cached.hits


def test_only_the_changed_function_runs_again(box, tmp_path):
    first, runs = judge(box, Store(tmp_path), [5, 20])
    assert runs == 6
    assert first == {f"0/{n}/{index}": [str(len(r) < n).lower()] for n in (5, 20) for index, r in enumerate(RESPONSES)}
    again, runs = judge(box, Store(tmp_path), [20, 5])
    assert (again, runs) == (first, 0)
    changed, runs = judge(box, Store(tmp_path), [5, 30])
    assert runs == 3 and changed["0/5/0"] == first["0/5/0"] and changed["0/30/1"] == ["true"]


def test_repeated_runs_of_a_job_are_cached_separately(box, tmp_path):
    _, runs = judge(box, Store(tmp_path), [5], times=3)
    assert runs == 9
    _, runs = judge(box, Store(tmp_path), [5], times=4)
    assert runs == 3


def test_a_transient_outcome_is_not_cached(box, tmp_path):
    code = "import time\n\ndef evaluate(response):\n    time.sleep(60)\n"
    slow = Job("slow", "verifier", code, entry_point="evaluate", inputs=["x"], limits=Limits(cpu_s=5, wall_s=1))
    for _ in range(2):
        cached = CachedSandbox(box, Store(tmp_path))
        [verdict] = cached.run([slow])
        assert "timeout_wall" in {verdict.outcome, *verdict.results} and verdict.id == "slow"
        assert cached.hits == 0


def test_a_message_with_a_lone_surrogate_is_cached(box, tmp_path):
    broken = Job("b", "call", "def f(): raise ValueError('\\ud800')", entry_point="f", cases=[Case([], 1)])
    for hits in (0, 1):
        cached = CachedSandbox(box, Store(tmp_path))
        [verdict] = cached.run([broken])
        assert verdict.outcome == "error" and "\\ud800" in verdict.message and cached.hits == hits


class Fixed:
    """A sandbox that gives every job the same outcome."""

    def __init__(self, box, verdict, outcome):
        self.key, self.verdict, self.outcome = box.key, verdict, outcome

    def run(self, jobs):
        return [replace(self.verdict, id=job.id, outcome=self.outcome, results=[self.outcome]) for job in jobs]


@pytest.mark.parametrize(
    ("outcome", "expected", "rechecked"),
    [("sandbox_error", "pass", []), ("fail", "fail", [False]), ("pass", "pass", [True])],
)
def test_a_recheck_compares_verdicts_but_not_failures_of_the_sandbox(box, tmp_path, outcome, expected, rechecked):
    job = Job("j", "io", "print(1)", expected_stdout="1")
    first = CachedSandbox(box, Store(tmp_path))
    [verdict] = first.run([job])
    again = CachedSandbox(Fixed(box, verdict, outcome), Store(tmp_path), first.seen)  # type: ignore[arg-type]
    assert [verdict.outcome for verdict in again.run([job])] == [expected]
    assert list(again.rechecked.values()) == rechecked
