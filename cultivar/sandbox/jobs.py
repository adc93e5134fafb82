"""Jobs, limits and verdicts: the data types of the sandbox, independent of any backend."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path

from schemas import parsing

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
NO_VERDICT = ("sandbox_error", "refused")  # the program was not judged
UNDECIDED = (*NO_VERDICT, "unsupported")  # outcomes that say nothing of whether the program is right
PASSING_RESULTS = ("pass", "true", "false")  # results of one test without a failure; a verifier returns true or false
TIMING_FIELDS = ("cpu_s", "wall_s", "max_rss_mb")


MAX_LIMIT = 1_000_000  # of any of the limits, in its unit


class SandboxUnavailable(RuntimeError):
    """No backend can run untrusted code here; the message lists why each backend failed and the remedies."""


@dataclass(frozen=True)
class Limits:
    """Bounds of one run: seconds, MiB, KiB, a count of threads. Raises ValueError outside (0, MAX_LIMIT].

    CPU seconds decide; wall seconds only catch programs that sleep. `memory_mb` is address space beyond the interpreter's.
    """

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
            if not 0 < value <= MAX_LIMIT:
                raise ValueError(f"Limits.{name} must be positive and at most {MAX_LIMIT}, got {value!r}")
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
    io        `code` is a program reading `stdin`; its stdout is compared outside (without `expected_stdout`, a normal
              exit passes).
    assert    `tests` run in the process of `code`: forgeable, so only by explicit choice.
    verifier  `code` defines `entry_point` (default "evaluate"), called once per element of `inputs`.
    `setup` runs before the tests (split, assert) or before the code (other modes). Each of `tests` has its own result;
    they run in order in one namespace, and a failing test does not stop the next. A string is one test. `turn` numbers
    repeated runs of the same program: it is part of the key and seeds `random`.
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

    def key(self, context: object = ()) -> bytes:
        """16 bytes that identify everything in this job that can change its verdict; `id` is not included.

        `context` identifies where it runs (`Sandbox.key` passes default limits, backend, Python version and packages). The
        sandbox's own sources are always included.
        """
        content = [
            [self.mode, self.code, self.entry_point, self.setup, self.stdin, self.expected_stdout, self.tests],
            [pack([c.args, c.kwargs, c.expected], pack_opaque) for c in self.cases],
            pack(list(self.inputs), pack_opaque),
            asdict(self.limits) if self.limits else None,
            self.turn,
            context,
            sandbox_version(),
        ]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).digest()[:16]


def pack_opaque(value: object) -> dict:
    """Stands in a key for a value that no run accepts (the job will be refused)."""
    return {"opaque": f"{type(value).__module__}.{type(value).__qualname__}"}


@cache
def sandbox_version() -> str:
    """The version of the code that decides verdicts: eight hex digits of a hash of this package and of how it parses."""
    return code_hash([*sorted(Path(__file__).parent.rglob("*.py")), Path(parsing.__file__)])[:8]


@dataclass(frozen=True)
class Verdict:
    """The result of a job. Only `pass` is a pass; with `sandbox_error` and `refused` the program was not judged."""

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
    def is_cacheable(self) -> bool:
        """Whether another run of the job would give the same: infrastructure failures and wall time are transient."""
        return not {*NO_VERDICT, "timeout_wall"} & {self.outcome, *self.results}

    def record(self, timing: bool = False) -> dict:
        """As a table row (plain data); without `timing` (seconds, MiB) the row is the same in every run."""
        row = asdict(self)
        if not timing:
            for name in TIMING_FIELDS:
                del row[name]
        return row

    @classmethod
    def from_record(cls, row: dict, id: str | None = None) -> Verdict:
        """The verdict of a row from `record`, under another id if one is given; missing timing fields are 0."""
        fields = dict.fromkeys(TIMING_FIELDS, 0.0) | row
        fields |= {"limits": Limits(**row["limits"]), "results": list(row["results"])}
        return cls(**(fields | ({} if id is None else {"id": id})))
