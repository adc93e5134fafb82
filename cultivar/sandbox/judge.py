"""Decides verdicts, and nothing else does: from the wait status, from bytes that are compared and never decoded into
objects, and from expected values that never entered the jail.
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Collection
from dataclasses import asdict, dataclass, field

from schemas.parsing import Unreadable, parse_json

from .bindings import find_bindings
from .inside.plain import canonical, pack
from .jobs import PASSING_RESULTS, Job, Limits
from .modules import missing_modules
from .slot import RunEnd
from .uncalled_tests import add_test_calls

ADDRESS = re.compile(r"0x[0-9a-f]{8,}")
KINDS = ("fail", "error", "early_exit", "memory", "output_limit", "unsupported")
CASE_KINDS, LOAD_KINDS = (*KINDS, "opaque"), (*KINDS, "lost")  # allowed in frames of a case, and of the run


@dataclass
class ParsedFrames:
    """Frames of one process, strictly parsed: after anything malformed the rest is an error."""

    is_loaded: bool = False
    is_complete: bool = False
    failure: tuple[str, str] | None = None
    cases: dict[int, tuple[str, str]] = field(default_factory=dict)  # index -> (kind or "value", message or text)
    is_malformed: bool = False


def decode_message(text: str) -> str:
    """The JSON string of a message frame: untrusted, so bounded, and any other value becomes "". Memory addresses, which
    differ between runs, are masked."""
    try:
        value = parse_json(text[:4000])
    except Unreadable:
        return ""
    return ADDRESS.sub("0x...", escape_surrogates(value)) if isinstance(value, str) else ""


def escape_surrogates(text: str) -> str:
    """Text that can be encoded: lone surrogates become escapes."""
    return text.encode("utf-8", "backslashreplace").decode()


def signal_name(number: int) -> str:
    """Real-time signals have no name in Python."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def read_frames(data: bytes, start: int) -> ParsedFrames:
    """Parse the frames of a run that began at case `start` (the format is described in inside/child.py)."""
    parsed = ParsedFrames()
    lines = data.split(b"\n")
    expected_index = start
    for line in lines[:-1]:
        kind, _, rest = line.decode("ascii", "replace").partition(" ")
        if parsed.is_complete or parsed.failure:
            parsed.is_malformed = True
        elif kind == "E" and not rest:
            parsed.is_complete = True
        elif kind == "L" and not rest and expected_index == start and not parsed.is_loaded:
            parsed.is_loaded = True
        elif kind == "I":
            label, _, text = rest.partition(" ")
            parsed.failure = (label if label in LOAD_KINDS else "error", decode_message(text))
        elif kind in ("V", "X"):
            index, _, text = rest.partition(" ")
            if index != str(expected_index):
                parsed.is_malformed = True
            elif kind == "V":
                parsed.cases[expected_index] = ("value", text)
            else:
                label, _, message = text.partition(" ")
                parsed.cases[expected_index] = (label if label in CASE_KINDS else "error", decode_message(message))
            expected_index += 1
        else:
            parsed.is_malformed = True
        if parsed.is_malformed:
            break
    if lines[-1]:
        parsed.is_malformed = True
    return parsed


def kernel_outcome(end: RunEnd, limits: Limits) -> tuple[str, str] | None:
    """(outcome, message) of a run that was killed or exited early, from the kernel's report; None where it exited with 0."""
    if end.kill_reason == 1:
        return "timeout_cpu", f"more than {limits.cpu_s:g} s of CPU"
    if end.kill_reason == 2:
        return "timeout_wall", f"more than {limits.wall_s:g} s of wall time"
    for name, data, kb in (
        ("result", end.frames, limits.result_kb),
        ("stdout", end.stdout, limits.stdout_kb),
        ("stderr", end.stderr, limits.stderr_kb),
    ):
        if len(data) > kb << 10:
            return "output_limit", f"more than {kb} KiB of {name}"
    if os.WIFSIGNALED(end.status):
        number = os.WTERMSIG(end.status)
        if end.out_of_memory:
            return "memory", "the run's control group was out of memory"
        if number == signal.SIGXCPU:
            return "timeout_cpu", f"more than {limits.cpu_s:g} s of CPU"
        return "crash", f"ended by {signal_name(number)}"
    code = os.WEXITSTATUS(end.status)
    return ("early_exit", f"ended with exit status {code} before its end") if code else None


def job_payload(job: Job, start: int = 0) -> tuple[dict, dict | None, bytes]:
    """What enters the jail: (job of the main process, job of the solution process, stdin). No expected value.

    Each `turn` of a job has its own seed for `random`, so that the gate detects results that depend on it. Raises
    PlainError for values that are not plain data, ValueError for tests that cannot be run, as Unreadable those that do not
    parse.
    """
    setup = job.setup
    seed: dict = {"seed": job.turn}
    main: dict
    if job.mode == "io":
        main = {"mode": "io", "code": job.code, "setup": setup} | seed
        return main, None, job.stdin.encode("utf-8", "surrogateescape")
    if job.mode == "split":
        tests = [add_test_calls(test, job.entry_point) for test in job.tests]
        names = asdict(find_bindings(job.code, "\n".join([setup, *tests]), job.entry_point))
        main = {"mode": "split", "tests": tests, "setup": setup, "code": ""} | names
        return main | seed, {"code": job.code, "exports": names["exports"]} | seed, b""
    entry = job.entry_point or "evaluate"
    main = {"mode": job.mode, "code": job.code, "setup": setup, "entry_point": entry} | seed
    if job.mode == "assert":
        return main | {"tests": [add_test_calls(test, job.entry_point) for test in job.tests]}, None, b""
    if job.mode == "verifier":
        return main | {"start": start, "calls": [pack(((i,), {})) for i in job.inputs]}, None, b""
    for case in job.cases:
        canonical(case.expected)  # so that it raises before the run, not after
    calls = [pack((tuple(c.args), dict(c.kwargs))) for c in job.cases]
    return main | {"start": start, "calls": calls}, None, b""


def normalize_output(text: str) -> list[str]:
    """Lines without trailing whitespace and without blank lines at the end: how program output is compared."""
    return [line.rstrip() for line in text.replace("\r\n", "\n").rstrip().split("\n")]


@dataclass(frozen=True)
class RunResult:
    """The result of one run: overall outcome, one result per test, a message. `ended_at` is the index of the case at which
    the process ended early, None where it did not or where running on would end the same way."""

    outcome: str
    results: list[str]
    message: str
    ended_at: int | None = None


def count_tests(job: Job) -> int:
    if job.mode == "io":
        return 1
    tests: dict[str, list] = {"call": job.cases, "verifier": job.inputs}
    return len(tests.get(job.mode, job.tests))


def judge_run(job: Job, limits: Limits, end: RunEnd, start: int = 0, packages: Collection[str] = ()) -> RunResult:
    """Judge one run of `job` from case `start` on (results of earlier cases are not included).

    An error for want of a module that is not of the standard library and not among `packages` is `unsupported`.
    """
    count = count_tests(job) - start
    if not end.has_started:
        stderr = end.stderr.decode(errors="replace").strip()[-200:]
        return RunResult("sandbox_error", ["sandbox_error"] * count, f"the run did not start {stderr}".strip())
    parsed = read_frames(end.frames, start)
    excuse_missing_modules(parsed, job, packages)
    fatal, from_frame = kernel_outcome(end, limits), False
    if parsed.failure and not (fatal and fatal[0] in ("timeout_cpu", "timeout_wall", "output_limit")):
        fatal, from_frame = solution_end_outcome(end) if parsed.failure[0] == "lost" else parsed.failure, True
    elif fatal is None and parsed.is_malformed:
        fatal = ("error", "frames that the driver did not write")
    elif fatal is None and not parsed.is_complete:
        fatal = ("early_exit", "ended early")
    if job.mode == "io":
        return judge_io(job, end, fatal)
    results, message = [], ""
    for index in range(start, start + count):
        if index not in parsed.cases:
            fatal = fatal or ("early_exit", "a case was not answered")
            results += [fatal[0]] * (start + count - index)
            can_resume = parsed.is_loaded and not from_frame  # a program that ends while loading would do so again
            return RunResult(first_failure(results), results, message or fatal[1], index if can_resume else None)
        kind, text = parsed.cases[index]
        outcome, case_message = judge_case(job, index, kind, text)
        results.append(outcome)
        message = message or case_message
    if fatal:
        return RunResult(fatal[0], results, fatal[1])
    return RunResult(first_failure(results), results, message)


def excuse_missing_modules(parsed: ParsedFrames, job: Job, packages: Collection[str]) -> None:
    """Make errors `unsupported` that come from modules which the job imports and the sandbox does not have."""
    errors = {index: text for index, (kind, text) in parsed.cases.items() if kind == "error"}
    failure = parsed.failure[1] if parsed.failure and parsed.failure[0] == "error" else None
    if not errors and failure is None:
        return
    missing = missing_modules(job, packages)
    if failure is not None and missing.explains(failure):
        parsed.failure = ("unsupported", failure)
    parsed.cases |= {index: ("unsupported", text) for index, text in errors.items() if missing.explains(text)}


def first_failure(results: list[str]) -> str:
    return next((r for r in results if r not in PASSING_RESULTS), "pass")


def judge_case(job: Job, index: int, kind: str, text: str) -> tuple[str, str]:
    if kind == "opaque":
        return "fail", f"case {index}: {text}"
    if kind != "value":
        return kind, f"case {index}: {text}"
    if job.mode == "verifier":
        return (text, "") if text in ("true", "false") else ("error", f"input {index}: no answer")
    if job.mode != "call":
        return "pass", ""
    expected = canonical(job.cases[index].expected)
    if text == expected:
        return "pass", ""
    return "fail", f"case {index}: returned {text[:100]}, expected {expected[:100]}"


def judge_io(job: Job, end: RunEnd, fatal: tuple[str, str] | None) -> RunResult:
    if fatal:
        return RunResult(fatal[0], [fatal[0]], fatal[1])
    if job.expected_stdout is None:
        return RunResult("pass", ["pass"], "")
    printed, expected = normalize_output(end.stdout.decode("utf-8", "replace")), normalize_output(job.expected_stdout)
    if printed == expected:
        return RunResult("pass", ["pass"], "")
    line = next(
        (i for i, (a, b) in enumerate(zip(printed, expected, strict=False)) if a != b), min(len(printed), len(expected))
    )
    shown = [repr(lines[line][:80]) if line < len(lines) else "nothing" for lines in (printed, expected)]
    return RunResult("fail", ["fail"], f"line {line + 1}: printed {shown[0]}, expected {shown[1]}")


def solution_end_outcome(end: RunEnd) -> tuple[str, str]:
    """(outcome, message) where the solution's process of a split run ended during the tests."""
    status = end.peer_status
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number == signal.SIGXCPU:
            return "timeout_cpu", "more than its CPU time"
        if number != signal.SIGKILL:
            return "crash", f"ended by {signal_name(number)}"
    return "early_exit", "the solution's process ended under the tests"
