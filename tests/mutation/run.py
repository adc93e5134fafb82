"""Run the tests of every mutant, each in a process forked from one that has loaded the libraries already.

The child imports the project afresh, with the mutated module in place of the file's, collects the tests that reach the
mutated function, and stops at the first that fails.
"""

import gc
import importlib
import importlib.machinery
import importlib.util
import math
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, ModuleType
from typing import Literal

import pytest

from tests.mutation.mutants import Mutant
from tests.mutation.reach import OPTIONS, Reach, file_of, file_part, redirect

Outcome = Literal["killed", "timeout", "survived", "unreached", "error"]
MEMORY = 3 << 30
"""Bytes of data that a mutant may allocate."""
SPARE = 5.0
"""CPU seconds on top of three times those of the tests; a mutant that takes more is killed by its limit."""
WAIT = 60.0
"""Seconds by the clock on top of twenty times those of the tests: the limit of a mutant that waits for ever."""


@dataclass
class Result:
    """What came of a mutant. `by`: the test that failed, or else why; `seconds`: CPU time; `tests`: how many judge it."""

    mutant: Mutant
    outcome: Outcome
    by: str = ""
    seconds: float = 0.0
    tests: int = 0


@dataclass
class Trial:
    """A mutant whose tests are running."""

    mutant: Mutant
    tests: list[str]
    folder: Path
    deadline: float


class Finder(importlib.machinery.PathFinder):
    """Finds one module, with other code than its file's."""

    def __init__(self, name: str, file: Path, code: CodeType) -> None:
        self.name, self.file, self.code = name, file, code

    def find_spec(self, fullname: str, path: object = None, target: object = None):  # type: ignore[override]
        if fullname != self.name:
            return None
        return importlib.util.spec_from_file_location(
            fullname, self.file, loader=Loader(fullname, self.file, self.code)
        )


class Loader(importlib.machinery.SourceFileLoader):
    def __init__(self, name: str, file: Path, code: CodeType) -> None:
        super().__init__(name, str(file))
        self.code = code

    def exec_module(self, module: ModuleType) -> None:
        exec(self.code, vars(module))


class Picker:
    """A pytest plugin: only the given tests, in the given order; properties are not shrunk; who failed is written."""

    def __init__(self, tests: Sequence[str], verdict: Path) -> None:
        self.ranks = {test: rank for rank, test in enumerate(tests)}
        self.verdict = verdict

    def pytest_sessionstart(self) -> None:
        if "hypothesis" in sys.modules:
            from hypothesis import Phase, settings

            phases = (Phase.explicit, Phase.generate)
            settings.register_profile("mutation", settings(), phases=phases, report_multiple_bugs=False)
            settings.load_profile("mutation")

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = sorted((i for i in items if i.nodeid in self.ranks), key=lambda item: self.ranks[item.nodeid])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.verdict.write_text(report.nodeid)


def warm(libraries: Sequence[str]) -> None:
    """Load the libraries here, so that no child has to."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in libraries:
            with suppress(Exception):
                importlib.import_module(name)
    gc.collect()
    gc.freeze()


def run(root: Path, mutants: Sequence[Mutant], reach: Reach, slowest: float, jobs: int) -> Iterator[Result]:
    """The results of all mutants, as they come; `jobs` of them at a time."""
    left = list(reversed(mutants))
    kills: Counter[tuple[str, str]] = Counter()
    trials: dict[int, Trial] = {}
    base = Path(tempfile.mkdtemp(prefix="mutation-"))
    try:
        while left or trials:
            while left and len(trials) < jobs:
                mutant = left.pop()
                tests = reach.judges(mutant.module, mutant.lines, mutant.line, slowest)
                if not tests:
                    slow = reach.judges(mutant.module, mutant.lines, mutant.line, math.inf)
                    yield Result(
                        mutant, "unreached", f"reached by {len(slow)} slow tests" if slow else "reached by none"
                    )
                    continue
                # a file that has killed mutants of this module will kill more
                tests.sort(key=lambda test: -kills[mutant.module, file_part(test)])
                seconds = sum(reach.seconds[test] for test in tests)
                folder = Path(tempfile.mkdtemp(dir=base))
                sys.stdout.flush()
                if not (pid := os.fork()):
                    judge(root, mutant, tests, folder, SPARE + 3 * seconds)
                trials[pid] = Trial(mutant, tests, folder, time.monotonic() + WAIT + 20 * seconds)
            if trials:
                result = await_end(trials)
                kills[result.mutant.module, file_part(result.by)] += result.outcome == "killed"
                yield result
    finally:
        for pid in trials:
            end(pid)
            os.waitpid(pid, 0)
        shutil.rmtree(base, ignore_errors=True)


def judge(root: Path, mutant: Mutant, tests: Sequence[str], folder: Path, limit: float) -> None:
    """The child: runs the tests with the mutant and ends with pytest's exit code."""
    os.setsid()
    redirect(folder / "output")
    seconds = math.ceil(limit)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 2))
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    code = 4
    with suppress(BaseException):
        sys.path.insert(0, str(root))
        file = file_of(root, mutant.module)
        sys.meta_path.insert(0, Finder(mutant.module, file, mutant.compiled(file)))
        options = ["-x", *OPTIONS, f"--rootdir={root}", f"--basetemp={folder}/tmp"]
        # file by file: most mutants are killed by the first one, and the others need not be imported
        for test_file in dict.fromkeys(map(file_part, tests)):
            code = int(pytest.main([*options, test_file], plugins=[Picker(tests, folder / "verdict")]))
            if code:
                break
    os._exit(code)


def await_end(trials: dict[int, Trial]) -> Result:
    """Wait for the next trial to end; one past its deadline is ended."""
    while True:
        for pid in list(trials):
            if time.monotonic() > trials[pid].deadline:
                end(pid)
            done, status, usage = os.wait4(pid, os.WNOHANG)
            if done:
                end(pid)
                trial = trials.pop(pid)
                late = time.monotonic() > trial.deadline
                result = outcome(trial, os.waitstatus_to_exitcode(status), late)
                result.seconds = usage.ru_utime + usage.ru_stime
                shutil.rmtree(trial.folder, ignore_errors=True)
                return result
        time.sleep(0.01)


def end(pid: int) -> None:
    """End a child and what it has started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def outcome(trial: Trial, code: int, late: bool) -> Result:
    """A test that fails kills; so does a module that cannot be imported, and tests that are no longer there."""
    tests = len(trial.tests)
    verdict = trial.folder / "verdict"
    if code == 0:
        return Result(trial.mutant, "survived", tests=tests)
    if late or code in (-signal.SIGXCPU, -signal.SIGKILL):
        return Result(trial.mutant, "timeout", "limit", tests=tests)
    if code in (pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.USAGE_ERROR):
        text = (trial.folder / "output").read_text(errors="replace")[-2000:]
        return Result(trial.mutant, "error", text, tests=tests)
    by = verdict.read_text() if verdict.is_file() else "a crash" if code < 0 else "its import"
    return Result(trial.mutant, "killed", by, tests=tests)
