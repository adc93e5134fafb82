"""A sandbox that fails gives no verdict: the stage fails, the verdicts that there are are kept, the next run does the rest."""

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

    fails: frozenset[int] = frozenset()
    times = 99
    outcome = "sandbox_error"
    ran: Counter[str] = Counter()

    def run(self, jobs: Iterable[Job]) -> Iterator[Verdict]:
        for verdict in super().run(jobs):
            if int(verdict.id) in self.fails and self.ran[verdict.id] < self.times:
                self.ran[verdict.id] += 1
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
    for at in range(8):
        yield Job(f"job {at}", "verifier", CODE, entry_point="evaluate", inputs=["x" * at])


def test_a_failing_sandbox_fails_the_stage_and_keeps_what_was_judged(box: Failing, tmp_path: Path) -> None:
    box.fails = frozenset({2, 5})
    judge = CachedSandbox(box, Store(tmp_path))
    with pytest.raises(Unfinished, match="2 of 8 programs have no verdict .* job [25]: no memory.*`dvc repro` again"):
        list(judge.run(jobs()))
    with pytest.raises(Unfinished):  # also where a stage did not read to the end: the runner asks
        judge.settle()
    box.fails = frozenset()
    judge = CachedSandbox(box, Store(tmp_path))
    verdicts = {verdict.id: verdict.results for verdict in judge.run(jobs())}
    assert verdicts == {f"job {at}": [str(at < 5).lower()] for at in range(8)}
    assert judge.requests - judge.hits == 2
    judge.settle()


@pytest.mark.parametrize("outcome", ["sandbox_error", "timeout_wall"])
def test_what_may_be_the_hours_fault_is_run_once_more(box: Failing, tmp_path: Path, outcome: str) -> None:
    box.fails, box.times, box.outcome, box.ran = frozenset({2, 5}), 1, outcome, Counter()
    judge = CachedSandbox(box, Store(tmp_path))
    said = {verdict.id: verdict.results for verdict in judge.run(jobs())}
    assert said == {f"job {at}": [str(at < 5).lower()] for at in range(8)}
    assert not judge.unjudged
    again = CachedSandbox(box, Store(tmp_path))
    assert len(list(again.run(jobs()))) == again.known == 8


def test_a_plan_may_rehearse_without_verdicts(box: Failing, tmp_path: Path) -> None:
    box.fails, box.times, box.outcome = frozenset({2}), 99, "sandbox_error"
    judge = CachedSandbox(box, Store(tmp_path), strict=False)
    assert len(list(judge.run(jobs()))) == 8
    judge.settle()
