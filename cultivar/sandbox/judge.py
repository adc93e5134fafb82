"""Verdicts, made only here: from the wait status, from bytes that are compared and never decoded into objects, and from
expected values that never entered the jail."""

from __future__ import annotations

import json
import os
import re
import signal
from dataclasses import asdict, dataclass, field

from .complete import complete
from .convert import bindings
from .inside.plain import canonical, pack
from .jobs import PASSING, Job, Limits
from .slot import Ended

ADDRESS = re.compile(r"0x[0-9a-f]{8,}")
KINDS = ("fail", "error", "early_exit", "memory", "unsupported")
CASE_KINDS, LOAD_KINDS = (*KINDS, "opaque"), (*KINDS, "lost")  # what a frame may say of a case, and of the whole run


@dataclass
class Reading:
    """Frames of one process, strictly read: anything odd makes the rest an error."""

    loaded: bool = False
    ended: bool = False
    load: tuple[str, str] | None = None
    cases: dict[int, tuple[str, str]] = field(default_factory=dict)  # index -> (kind or "value", message or text)
    odd: bool = False


def words(text: str) -> str:
    """A message frame's JSON string; hostile, so only a bounded string comes out. Addresses differ from run to run."""
    try:
        value = json.loads(text[:4000])
    except (ValueError, RecursionError):
        return ""
    return ADDRESS.sub("0x...", clean(value)) if isinstance(value, str) else ""


def clean(text: str) -> str:
    """Text that every encoder takes: lone surrogates become their escapes."""
    return text.encode("utf-8", "backslashreplace").decode()


def signal_name(number: int) -> str:
    """Real-time signals have no name in Python."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def read_frames(data: bytes, start: int) -> Reading:
    reading = Reading()
    lines = data.split(b"\n")
    following = start
    for line in lines[:-1]:
        kind, _, rest = line.decode("ascii", "replace").partition(" ")
        if reading.ended or reading.load:
            reading.odd = True
        elif kind == "E" and not rest:
            reading.ended = True
        elif kind == "L" and not rest and following == start and not reading.loaded:
            reading.loaded = True
        elif kind == "I":
            label, _, text = rest.partition(" ")
            reading.load = (label if label in LOAD_KINDS else "error", words(text))
        elif kind in ("V", "X"):
            index, _, text = rest.partition(" ")
            if index != str(following):
                reading.odd = True
            elif kind == "V":
                reading.cases[following] = ("value", text)
            else:
                label, _, message = text.partition(" ")
                reading.cases[following] = (label if label in CASE_KINDS else "error", words(message))
            following += 1
        else:
            reading.odd = True
        if reading.odd:
            break
    if lines[-1]:
        reading.odd = True
    return reading


def death(ended: Ended, limits: Limits) -> tuple[str, str] | None:
    """Outcome of a run that did not come to its own end, from the kernel's word; None where it exited with 0."""
    if ended.killed == 1:
        return "timeout_cpu", f"more than {limits.cpu_s:g} s of CPU"
    if ended.killed == 2:
        return "timeout_wall", f"more than {limits.wall_s:g} s of wall time"
    for name, data, kb in (
        ("result", ended.frames, limits.result_kb),
        ("stdout", ended.stdout, limits.stdout_kb),
        ("stderr", ended.stderr, limits.stderr_kb),
    ):
        if len(data) > kb << 10:
            return "output_limit", f"more than {kb} KiB of {name}"
    if os.WIFSIGNALED(ended.status):
        number = os.WTERMSIG(ended.status)
        if ended.starved:
            return "memory", "the run's control group was out of memory"
        if number == signal.SIGXCPU:
            return "timeout_cpu", f"more than {limits.cpu_s:g} s of CPU"
        return "crash", f"ended by {signal_name(number)}"
    code = os.WEXITSTATUS(ended.status)
    return ("early_exit", f"ended with exit status {code} before its end") if code else None


def payload(job: Job, start: int = 0) -> tuple[dict, dict | None, bytes]:
    """What goes into the jail: (job of the main process, job of the solution process, stdin). No expected value.

    Each turn of a job has a seed of its own for `random`, so that the gate sees what depends on it.
    """
    setup = job.setup
    seed: dict = {"seed": job.turn}
    main: dict
    if job.mode == "io":
        main = {"mode": "io", "code": job.code, "setup": setup} | seed
        return main, None, job.stdin.encode("utf-8", "surrogateescape")
    if job.mode == "split":
        tests = [complete(test, job.entry_point) for test in job.tests]
        names = asdict(bindings(job.code, "\n".join([setup, *tests]), job.entry_point))
        main = {"mode": "split", "tests": tests, "setup": setup, "code": ""} | names
        return main | seed, {"code": job.code, "exports": names["exports"]} | seed, b""
    entry = job.entry_point or "evaluate"
    main = {"mode": job.mode, "code": job.code, "setup": setup, "entry_point": entry} | seed
    if job.mode == "assert":
        return main | {"tests": [complete(test, job.entry_point) for test in job.tests]}, None, b""
    if job.mode == "verifier":
        return main | {"start": start, "calls": [pack(((i,), {})) for i in job.inputs]}, None, b""
    for case in job.cases:
        canonical(case.expected)  # raises here rather than when the answer is there
    calls = [pack((tuple(c.args), dict(c.kwargs))) for c in job.cases]
    return main | {"start": start, "calls": calls}, None, b""


def tidy(text: str) -> list[str]:
    """Lines without trailing blanks, without blank lines at the end: how program output is compared."""
    return [line.rstrip() for line in text.replace("\r\n", "\n").rstrip().split("\n")]


@dataclass(frozen=True)
class Finding:
    """What a run said: overall outcome, one result per test, a message; `died_at` is the case where a fork ended early."""

    outcome: str
    results: list[str]
    message: str
    died_at: int | None = None


def tests_of(job: Job) -> int:
    if job.mode == "io":
        return 1
    tests: dict[str, list] = {"call": job.cases, "verifier": job.inputs}
    return len(tests.get(job.mode, job.tests))


def judge(job: Job, limits: Limits, ended: Ended, start: int = 0) -> Finding:
    """The finding of one run of `job` from case `start` on (results of earlier cases are not in it)."""
    count = tests_of(job) - start
    if not ended.began:
        said = ended.stderr.decode(errors="replace").strip()[-200:]
        return Finding("sandbox_error", ["sandbox_error"] * count, f"the run did not start {said}".strip())
    reading = read_frames(ended.frames, start)
    fatal, told = death(ended, limits), False
    if reading.load and not (fatal and fatal[0] in ("timeout_cpu", "timeout_wall", "output_limit")):
        fatal, told = lost(ended) if reading.load[0] == "lost" else reading.load, True
    elif fatal is None and reading.odd:
        fatal = ("error", "frames that the driver did not write")
    elif fatal is None and not reading.ended:
        fatal = ("early_exit", "ended early")
    if job.mode == "io":
        return judge_io(job, ended, fatal)
    results, message = [], ""
    for index in range(start, start + count):
        if index not in reading.cases:
            fatal = fatal or ("early_exit", "a case was not answered")
            results += [fatal[0]] * (start + count - index)
            again = reading.loaded and not told  # a program that ends while it is loaded will do so again
            return Finding(first_bad(results), results, message or fatal[1], index if again else None)
        kind, text = reading.cases[index]
        outcome, said = judge_case(job, index, kind, text)
        results.append(outcome)
        message = message or said
    if fatal:
        return Finding(fatal[0], results, fatal[1])
    return Finding(first_bad(results), results, message)


def first_bad(results: list[str]) -> str:
    return next((r for r in results if r not in PASSING), "pass")


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


def judge_io(job: Job, ended: Ended, fatal: tuple[str, str] | None) -> Finding:
    if fatal:
        return Finding(fatal[0], [fatal[0]], fatal[1])
    if job.expected_stdout is None:
        return Finding("pass", ["pass"], "")
    got, wanted = tidy(ended.stdout.decode("utf-8", "replace")), tidy(job.expected_stdout)
    if got == wanted:
        return Finding("pass", ["pass"], "")
    line = next((i for i, (a, b) in enumerate(zip(got, wanted, strict=False)) if a != b), min(len(got), len(wanted)))
    shown = [repr(lines[line][:80]) if line < len(lines) else "nothing" for lines in (got, wanted)]
    return Finding("fail", ["fail"], f"line {line + 1}: printed {shown[0]}, expected {shown[1]}")


def lost(ended: Ended) -> tuple[str, str]:
    """Why the solution's process of a split run ended under the tests."""
    status = ended.peer_status
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number == signal.SIGXCPU:
            return "timeout_cpu", "more than its CPU time"
        if number != signal.SIGKILL:
            return "crash", f"ended by {signal_name(number)}"
    return "early_exit", "the solution's process ended under the tests"
