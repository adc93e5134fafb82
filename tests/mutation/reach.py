"""Which tests reach which lines of the mutated modules: one run of the tests with the modules as they are.

The run is a process of its own, so that this one stays free of the project's modules; it also says which libraries the
tests load. A mutant is judged by the tests that reach its function. What tests do in processes that they start anew is
not seen, nor would such a process see the mutant.
"""

import ast
import os
import pickle
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Collection, Generator, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

Line = tuple[str, int]
"""A module and a line of it."""
PLUGINS_OFF = ("no:cacheprovider", "no:xdist", "no:timeout")
OPTIONS = ("-q", *(f"-p{plugin}" for plugin in PLUGINS_OFF), "-oaddopts=", "--assert=plain", "--tb=short")


@dataclass
class Reach:
    """Of every test that passed: the lines it reaches and its CPU seconds; and the libraries that were loaded."""

    lines: dict[str, set[Line]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    libraries: list[str] = field(default_factory=list)

    def judges(self, module: str, span: tuple[int, int] | None, line: int, slowest: float) -> list[str]:
        """The tests of a mutant: those that reach its function (for module level: its module), the surest first.

        A test that reaches the mutated line comes before one that does not, a quick one before a slow one; tests of
        one file stay together, because they share fixtures.
        """
        found = []
        for test, lines in self.lines.items():
            if self.seconds[test] <= slowest:
                own = [number for name, number in lines if name == module]
                if own if span is None else any(span[0] <= number <= span[1] for number in own):
                    found.append((line not in own, self.seconds[test], test))
        ranked = [test for *_, test in sorted(found)]
        files = list(dict.fromkeys(map(file_part, ranked)))
        return sorted(ranked, key=lambda test: files.index(file_part(test)))


def file_part(test: str) -> str:
    return test.partition("::")[0]


class Recorder:
    """A pytest plugin that records the lines of given files as each test runs."""

    def __init__(self, files: dict[str, str]) -> None:
        self.files = files
        self.reach = Reach()
        self.current: set[Line] = set()
        self.shared: dict[int, tuple[set[Line], float]] = {}
        self.uses: list[tuple[set[Line], float]] = []
        self.set_up = 0.0
        self.skipped: set[str] = set()

    def trace(self, frame: FrameType, event: str, arg: Any) -> Any:
        module = self.files.get(frame.f_code.co_filename)
        if module is None:
            return None
        self.current.add((module, frame.f_lineno))
        return self.trace

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        forget_results(self.files.values())
        lines: set[Line] = set()
        self.current = lines
        self.uses, self.set_up = [], 0.0
        started = time.process_time()
        sys.settrace(self.trace)
        threading.settrace(self.trace)
        try:
            return (yield)
        finally:
            sys.settrace(None)
            threading.settrace(None)
            self.reach.lines[item.nodeid] = lines
            own = time.process_time() - started - self.set_up
            self.reach.seconds[item.nodeid] = own + sum(seconds for _, seconds in self.uses)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any, request: Any) -> Generator[None, Any, Any]:
        """What a fixture of several tests does counts for each of them, though it runs in the first one only."""
        if fixturedef.scope == "function":
            return (yield)
        outer, self.current = self.current, set()
        before, started = self.set_up, time.process_time()
        try:
            return (yield)
        finally:
            elapsed, inner = time.process_time() - started, self.set_up - before
            self.shared[id(fixturedef)] = (self.current, elapsed - inner)
            self.set_up = before + elapsed
            outer |= self.current
            self.current = outer

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> None:
        defined = getattr(item, "_fixtureinfo").name2fixturedefs.values()  # noqa: B009
        self.uses = [self.shared[id(one)] for several in defined for one in several if id(one) in self.shared]
        for lines, _ in self.uses:
            self.current |= lines

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.reach.failed.append(report.nodeid)
        if report.skipped:
            self.skipped.add(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.reach.failed.append(report.nodeid)


def forget_results(modules: Iterable[str]) -> None:
    """Empty the modules' `functools.cache`s: a remembered result would hide that a test depends on the function."""
    for name in modules:
        for value in list(vars(sys.modules.get(name, object)).values()):
            if callable(clear := getattr(value, "cache_clear", None)):
                clear()


def record(root: Path, modules: Collection[str], tests: Sequence[str]) -> Reach:
    """Run the tests once, with the modules as they are. Raises RuntimeError with pytest's output unless they pass."""
    files = {str(file_of(root, module)): module for module in modules}
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
        answer, output = Path(folder, "reach"), Path(folder, "output")
        if not (pid := os.fork()):
            redirect(output)
            sys.path.insert(0, str(root))
            recorder = Recorder(files)
            code = pytest.main([*OPTIONS, f"--rootdir={root}", f"--basetemp={folder}/tmp", *tests], plugins=[recorder])
            reach = recorder.reach
            for test in recorder.skipped:
                reach.lines.pop(test, None)
            reach.libraries = libraries(root)
            answer.write_bytes(pickle.dumps(reach))
            os._exit(int(code))
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        text = output.read_text(errors="replace")[-4000:]
        reach = pickle.loads(answer.read_bytes()) if answer.is_file() else Reach()
        if code or not reach.lines:
            failed = ", ".join(reach.failed) or "all of them"
            raise RuntimeError(f"{text}\nexit code {code}: these do not pass without any mutant: {failed}")
        return reach


def redirect(output: Path) -> None:
    """Send what this process and its children print to a file."""
    descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(descriptor, stream)


def libraries(root: Path) -> list[str]:
    """Loaded modules that are not the project's own."""
    found = []
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        own = file is not None and Path(file).is_relative_to(root) and not Path(file).is_relative_to(sys.prefix)
        if file is not None and not own:
            found.append(name)
    return found


def file_of(root: Path, module: str) -> Path:
    return root / (module.replace(".", "/") + ".py")


def tests_of(root: Path, module: str, paths: Iterable[str]) -> list[str]:
    """Test files below the paths that import the module, straight or through others, relative to the root."""
    found: set[Path] = set()
    for path in paths:
        found |= {root / path} if path.endswith(".py") else set((root / path).rglob("test_*.py"))
    wanted = file_of(root, module)
    return sorted(str(f.relative_to(root)) for f in found if f.is_file() and wanted in closure(root, f))


def closure(root: Path, file: Path, known: dict[Path, set[Path]] = defaultdict(set)) -> set[Path]:  # noqa: B006
    """The project's files that a file imports, straight or through others. Syntax trees are read once."""
    seen, left = {file}, [file]
    while left:
        one = left.pop()
        if one not in known:
            known[one] = imports_of(root, one)
        left += known[one] - seen
        seen |= known[one]
    return seen


def imports_of(root: Path, file: Path) -> set[Path]:
    """The project's files that a file imports itself; a test also takes the modules and conftest beside it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    folders = [root, file.parent]
    found = {folder / (name.replace(".", "/") + ".py") for name in names for folder in folders}
    found.add(file.with_name("conftest.py"))
    return {one for one in found if one.is_file() and one != file}
