"""Jobs, limits and verdicts: the vocabulary of the sandbox. Plain data only, no behaviour of any backend."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path

from ..syntax import code_hash
from .inside.plain import pack

Mode = str
MODES = ("call", "split", "io", "assert", "verifier")
OUTCOMES = (
    "pass",
    "fail",
    "error",
    "early_exit",
    "timeout_cpu",
    "timeout_wall",
    "memory",
    "output_limit",
    "crash",
    "unsupported",
    "sandbox_error",
    "refused",
)
INTEGRITY = {"call": "outside", "io": "outside", "verifier": "outside", "split": "split", "assert": "in-process"}
NO_VERDICT = ("sandbox_error", "refused")  # say nothing about the program
PASSING = ("pass", "true", "false")  # results of one test that are no trouble; a verifier answers true or false
TIMING_FIELDS = ("cpu_s", "wall_s", "max_rss_mb")


LARGEST_LIMIT = 1_000_000  # of any of the limits, in its unit


class SandboxUnavailable(RuntimeError):
    """No backend can run untrusted code here; the message says what was probed, why each failed and the remedies."""


@dataclass(frozen=True)
class Limits:
    """Bounds of one run. CPU seconds decide; wall seconds only catch sleepers. memory_mb is added address space."""

    cpu_s: float = 5.0
    wall_s: float = 20.0
    memory_mb: int = 512
    scratch_mb: int = 16
    stdout_kb: int = 64
    stderr_kb: int = 256
    result_kb: int = 1024
    threads: int = 32

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not 0 < value <= LARGEST_LIMIT:
                raise ValueError(f"Limits.{name} must be positive and at most {LARGEST_LIMIT}, got {value!r}")
            if not (name.endswith("_s") or isinstance(value, int)):
                raise ValueError(f"Limits.{name} must be a whole number, got {value!r}")


@dataclass(frozen=True)
class Case:
    """One call of the entry point: its arguments and the value that it must return (plain data only)."""

    args: list
    expected: object
    kwargs: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Job:
    """One program to run. `expected`, `expected_stdout` never enter the process that runs `code`.

    call      `code` defines `entry_point`; it is called once per case and its values are compared outside.
    split     `tests` run in one process, `code` in another.
    io        `code` is a program reading `stdin`; its stdout is compared outside (without `expected_stdout`, ending well
              is enough).
    assert    `tests` run in the process of `code`: forgeable, by explicit choice only.
    verifier  `code` defines `entry_point` (default "evaluate"), called once per element of `inputs`.
    `setup` runs before the tests (split, assert) or before the code (other modes). Each of `tests` gets a result of its
    own; all run in one namespace, in order, and one that fails does not stop the next. A string is one test. `turn`
    numbers runs of the same program that have to be made again, not remembered.
    """

    id: str
    mode: Mode
    code: str
    entry_point: str | None = field(default=None, kw_only=True)
    cases: list[Case] = field(default_factory=list, kw_only=True)
    tests: list[str] = field(default_factory=list, kw_only=True)
    setup: str = field(default="", kw_only=True)
    stdin: str = field(default="", kw_only=True)
    expected_stdout: str | None = field(default=None, kw_only=True)
    inputs: list = field(default_factory=list, kw_only=True)
    limits: Limits | None = field(default=None, kw_only=True)
    turn: int = field(default=0, kw_only=True)

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise ValueError(f"job {self.id}: mode {self.mode!r} is not one of {', '.join(MODES)}")
        if self.mode == "call" and not self.entry_point:
            raise ValueError(f"job {self.id}: mode call needs entry_point")
        if isinstance(self.tests, str):
            object.__setattr__(self, "tests", [self.tests])
        for name, texts in (("code", [self.code]), ("setup", [self.setup]), ("tests", self.tests)):
            if not all(isinstance(text, str) for text in texts):
                raise ValueError(f"job {self.id}: {name} must be text")
        if not {"call": self.cases, "split": self.tests, "assert": self.tests}.get(self.mode, True):
            raise ValueError(f"job {self.id}: mode {self.mode} without a single test would pass anything")

    @classmethod
    def from_asserts(
        cls,
        id: str,
        code: str,
        tests: list[str],
        entry_point: str | None = None,
        setup: str = "",
        limits: Limits | None = None,
    ) -> Job:
        """`call` where every test is `assert f(literals) == literal` (by AST, nothing is run), otherwise `split`."""
        from .convert import cases_of

        found = cases_of(tests, entry_point, code) if not setup.strip() else None
        if found is None:
            return cls(id, "split", code, entry_point=entry_point, tests=tests, setup=setup, limits=limits)
        return cls(id, "call", code, entry_point=found[0], cases=found[1], limits=limits)

    def key(self, context: object = ()) -> bytes:
        """16 bytes that name everything of this job that can change its verdict; `id` is not in it.

        `context` stands for the place where it runs (`Sandbox.key` fills it in: default limits, backend, Python,
        packages). The sandbox's own sources are always part of it.
        """
        content = [
            [self.mode, self.code, self.entry_point, self.setup, self.stdin, self.expected_stdout, self.tests],
            [pack([c.args, c.kwargs, c.expected], opaque) for c in self.cases],
            pack(list(self.inputs), opaque),
            asdict(self.limits) if self.limits else None,
            self.turn,
            context,
            harness(),
        ]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).digest()[:16]


def opaque(value: object) -> dict:
    """A value that no run can take (the job will be refused) still has to have a name."""
    return {"opaque": f"{type(value).__module__}.{type(value).__qualname__}"}


@cache
def harness() -> str:
    """The version of everything that decides verdicts: eight hex digits over the code of this package."""
    return code_hash(sorted(Path(__file__).parent.rglob("*.py")))[:8]


@dataclass(frozen=True)
class Verdict:
    """What came of a job. Only `pass` is a pass; `sandbox_error` and `refused` say nothing about the program."""

    id: str
    outcome: str
    results: list[str]
    message: str
    cpu_s: float
    wall_s: float
    max_rss_mb: float
    backend: str
    mode: str
    integrity: str
    versions: str
    limits: Limits = field(default_factory=Limits)

    @property
    def passed(self) -> bool:
        return self.outcome == "pass"

    @property
    def lasting(self) -> bool:
        """Whether the same job would get it again: infrastructure trouble and wall time depend on the hour."""
        return not {*NO_VERDICT, "timeout_wall"} & {self.outcome, *self.results}

    def record(self, timing: bool = False) -> dict:
        """As a table row (plain data); without `timing` the same program gives the same row every time."""
        row = asdict(self)
        if not timing:
            for name in TIMING_FIELDS:
                del row[name]
        return row

    @classmethod
    def of_record(cls, row: dict, id: str | None = None) -> Verdict:
        """The verdict of a row that `record` made (under another id where one is given); times that it lacks are 0."""
        fields = dict.fromkeys(TIMING_FIELDS, 0.0) | row
        fields |= {"limits": Limits(**row["limits"]), "results": list(row["results"])}
        return cls(**(fields | ({} if id is None else {"id": id})))
