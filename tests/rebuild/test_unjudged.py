"""Where the sandbox fails a job has no verdict: the stage fails, other verdicts stay cached, the next run does the rest."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cultivar.runner.verdicts import CachedSandbox
from cultivar.sandbox import Job, Sandbox, SandboxUnavailable, Verdict
from cultivar.store.store import Store
from schemas.stage import Unfinished

CODE = "def evaluate(response):\n    return len(response) < 5\n"


class Failing(Sandbox):
    """A real sandbox whose host fails under some jobs, `times` times each."""

    failing: frozenset[int] = frozenset()
    times = 99
    outcome = "sandbox_error"
    failures: Counter[str] = Counter()

    def run(self, jobs: Iterable[Job]) -> Iterator[Verdict]:
        for verdict in super().run(jobs):
            if int(verdict.id) in self.failing and self.failures[verdict.id] < self.times:
                self.failures[verdict.id] += 1
                yield replace(verdict, outcome=self.outcome, results=[self.outcome], message="no memory")
            else:
                yield verdict


@pytest.fixture(scope="module")
def box() -> Iterator[Failing]:
    try:
        with Failing(slots=2) as sandbox:
            yield sandbox
    except SandboxUnavailable as error:
        pytest.skip(str(error))


def jobs() -> Iterator[Job]:
    for index in range(8):
        yield Job(f"job {index}", "verifier", CODE, entry_point="evaluate", inputs=["x" * index])


def test_a_failing_sandbox_fails_the_stage_and_keeps_other_verdicts(box: Failing, tmp_path: Path) -> None:
    box.failing = frozenset({2, 5})
    cached = CachedSandbox(box, Store(tmp_path))
    with pytest.raises(Unfinished, match="2 of 8 programs have no verdict .* job [25]: no memory.*`dvc repro` again"):
        list(cached.run(jobs()))
    with pytest.raises(Unfinished):  # also where a stage does not read to the end: the runner calls it
        cached.settle()
    box.failing = frozenset()
    cached = CachedSandbox(box, Store(tmp_path))
    verdicts = {verdict.id: verdict.results for verdict in cached.run(jobs())}
    assert verdicts == {f"job {index}": [str(index < 5).lower()] for index in range(8)}
    assert cached.requests - cached.hits == 2
    cached.settle()


@pytest.mark.parametrize("outcome", ["sandbox_error", "timeout_wall"])
def test_a_transient_outcome_is_run_once_more(box: Failing, tmp_path: Path, outcome: str) -> None:
    box.failing, box.times, box.outcome, box.failures = frozenset({2, 5}), 1, outcome, Counter()
    cached = CachedSandbox(box, Store(tmp_path))
    verdicts = {verdict.id: verdict.results for verdict in cached.run(jobs())}
    assert verdicts == {f"job {index}": [str(index < 5).lower()] for index in range(8)}
    assert not cached.unjudged
    again = CachedSandbox(box, Store(tmp_path))
    assert len(list(again.run(jobs()))) == again.hits == 8


def test_without_strict_missing_verdicts_do_not_fail(box: Failing, tmp_path: Path) -> None:
    box.failing, box.times, box.outcome = frozenset({2}), 99, "sandbox_error"
    cached = CachedSandbox(box, Store(tmp_path), strict=False)
    assert len(list(cached.run(jobs()))) == 8
    cached.settle()
