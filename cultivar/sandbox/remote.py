"""The remote backend: a SandboxFusion server's /run_code runs the program, expected values and verdicts stay here.

A server that fails, replies with malformed data or truncates the frames gives `sandbox_error` after three tries, never
`fail`; after five such jobs in a row no request is sent for a while. How strongly the server isolates is outside our
control: a probe checks whether a program can reach the network or read /etc/shadow there, and warns. Split tests need two
isolated processes and are `refused`.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import random
import secrets
import threading
import time
import warnings
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from cultivar.outgoing.redaction import CONSIDERED, redacted
from schemas.parsing import Unreadable, parse_json

from .inside import driver
from .jobs import INTEGRITY, Job, Limits, SandboxUnavailable, Verdict, sandbox_version
from .judge import RunResult, count_tests, escape_surrogates, first_failure, job_payload, judge_run
from .resume import resume_verifier
from .slot import RunEnd, inside_sources

TRIES = 3
BACKOFF_S = 0.2  # before the second try, doubled before each further one
BREAKER_JOBS = 5  # consecutive jobs that the server did not run
BREAKER_S = 10.0  # without requests afterwards
MAX_OUTPUT = 32 << 10  # bytes of frames or output: the server may block on more
MAX_REPLY = 4 << 20
DRIVER_MODULES = ("host", "plain", "proxies", "handover", "peer", "suites", "split", "child")
CONFIG = "cultivar.json"
DRIVER = Path(driver.__file__).read_text()
PROBE = """
import socket
found = []
try:
    open("/etc/shadow").read(); found.append("reads /etc/shadow")
except OSError: pass
try:
    socket.create_connection(("1.1.1.1", 53), 2).close(); found.append("reaches the internet")
except OSError: pass
print("; ".join(found))
"""


class RemoteFailure(Exception):
    """The server did not run the program. `server` is False where the program itself may be the cause."""

    def __init__(self, text: str, server: bool = True) -> None:
        super().__init__(text)
        self.server = server


@dataclass
class ServerBreaker:
    """Circuit breaker: counts consecutive jobs that the server did not run, and pauses requests after too many."""

    failures: int = 0
    open_until: float = 0.0

    def record(self, ran: bool) -> None:
        self.failures = 0 if ran else self.failures + 1
        if self.failures >= BREAKER_JOBS:
            self.open_until = time.monotonic() + BREAKER_S

    def is_open(self) -> bool:
        return time.monotonic() < self.open_until


class RemoteServer:
    """Client of one SandboxFusion server. Raises SandboxUnavailable where it does not run a harmless program."""

    def __init__(self, url: str | None) -> None:
        url = url or os.environ.get("CULTIVAR_SANDBOX_URL")
        if not url:
            raise SandboxUnavailable("backend 'remote' needs url= or CULTIVAR_SANDBOX_URL (a SandboxFusion server)")
        try:
            self.parts = urlsplit(url)
            is_address = self.parts.scheme in ("http", "https") and self.parts.hostname and self.parts.port != 0
        except ValueError:  # a bracket or a port that is none
            is_address = False
        if not is_address:
            raise SandboxUnavailable(f"CULTIVAR_SANDBOX_URL {url!r} is not an http(s) address")
        self.breaker = ServerBreaker()
        self.lock = threading.Lock()
        self.python = "remote"
        # not in the threads: Python 3.11 may fail where two parse at once
        self.code_version = sandbox_version()
        try:
            end = self.request_run(Job("probe", "io", PROBE), Limits(cpu_s=5, wall_s=10))
        except (RemoteFailure, OSError, http.client.HTTPException) as error:
            raise SandboxUnavailable(f"the remote sandbox at {url} does not run a probe: {error}") from None
        if not isinstance(end, RunEnd) or not end.has_started:
            raise SandboxUnavailable(f"the remote sandbox at {url} does not run a probe: {end}")
        if abilities := end.stdout.decode(errors="replace").strip()[:200]:
            warnings.warn(
                f"the remote sandbox at {url} lets programs through: {abilities}", RuntimeWarning, stacklevel=3
            )

    def run(self, jobs: Iterable[Job], limits: Limits, slots: int) -> Iterator[Verdict]:
        """Verdicts as they finish; at most `slots` concurrent requests, and at most twice as many jobs read ahead."""
        with ThreadPoolExecutor(slots) as pool:
            pending: set[Future[Verdict]] = set()
            try:
                for job in jobs:
                    pending.add(pool.submit(self.run_job, job, job.limits or limits))
                    if len(pending) >= 2 * slots:
                        done, pending = wait(pending, return_when=FIRST_COMPLETED)
                        yield from (f.result() for f in done)
                while pending:
                    done, pending = wait(pending, return_when=FIRST_COMPLETED)
                    yield from (f.result() for f in done)
            finally:
                for future in pending:
                    future.cancel()

    def run_job(self, job: Job, limits: Limits) -> Verdict:
        """The verdict of one job; an error of this module is its `sandbox_error`."""
        count = count_tests(job)
        usage = [0.0, 0.0, 0.0]
        if job.mode == "split":
            result = RunResult("refused", ["refused"] * count, "split tests need a local backend")
        else:
            try:
                result = self.run_all_inputs(job, limits, usage)
            except RemoteFailure as error:
                result = RunResult("sandbox_error", ["sandbox_error"] * count, f"remote: {error}")
            except (ValueError, RecursionError) as error:
                result = RunResult("refused", ["refused"] * count, str(error))
            except Exception as error:  # of this job alone
                message = f"the supervisor failed on this job: {type(error).__name__}: {error}"
                result = RunResult("sandbox_error", ["sandbox_error"] * count, message)
        return Verdict(
            id=job.id,
            outcome=result.outcome,
            results=result.results,
            message=escape_surrogates(result.message)[:300],
            cpu_s=usage[0],
            wall_s=usage[1],
            max_rss_mb=usage[2],
            backend="remote",
            mode=job.mode,
            integrity=INTEGRITY[job.mode],
            versions=f"python {self.python}; sandbox {self.code_version}",
            limits=limits,
        )

    def run_all_inputs(self, job: Job, limits: Limits, usage: list[float]) -> RunResult:
        """Run a job to its end: a verifier that timed out or crashed continues with its next input in another run.

        `usage` sums CPU seconds and wall seconds, and keeps the largest memory in MiB."""
        results: list[str] = []
        message, aborts = "", 0
        while True:
            result = self.run_with_retries(job, limits, len(results), usage)
            message = message or result.message
            has_more, aborts = resume_verifier(job, result, results, aborts)
            if not has_more:
                results += result.results
                outcome = result.outcome if len(results) == len(result.results) else first_failure(results)
                return RunResult(outcome, results, message)

    def run_with_retries(self, job: Job, limits: Limits, start: int, usage: list[float]) -> RunResult:
        """One run, repeated where the server did not run it. Raises RemoteFailure after the last try."""
        count = count_tests(job) - start
        for attempt in range(TRIES):
            if self.breaker.is_open():
                raise RemoteFailure("left alone after failing several jobs in a row")
            try:
                end = self.request_run(job, limits, start)
            except (RemoteFailure, OSError, http.client.HTTPException) as error:
                failure = error
                if attempt + 1 < TRIES:
                    time.sleep(BACKOFF_S * 2**attempt * random.uniform(0.5, 1.5))
                continue
            with self.lock:
                self.breaker.record(True)
            if isinstance(end, tuple):
                return RunResult(end[0], [end[0]] * count, end[1])
            usage[0] += end.cpu_s
            usage[1] += end.wall_s
            usage[2] = max(usage[2], end.max_rss_mb)
            if any(len(data) > MAX_OUTPUT for data in (end.frames, end.stdout, end.stderr)):
                return RunResult(
                    "output_limit", ["output_limit"] * count, "more than 32 KiB through the remote sandbox"
                )
            return judge_run(job, limits, end, start)
        with self.lock:
            self.breaker.record(isinstance(failure, RemoteFailure) and not failure.server)
        raise RemoteFailure(redacted(str(failure)[:CONSIDERED])[:200])

    def request_run(self, job: Job, limits: Limits, start: int = 0) -> RunEnd | tuple[str, str]:
        """The run's end as the server reports it, or (outcome, message) where the server itself ended the run.

        Raises RemoteFailure, OSError."""
        main, _, stdin = job_payload(job, start)
        nonce = secrets.token_hex(16)
        config = {
            "job": main,
            "stdin": base64.b64encode(stdin).decode(),
            "sources": [s for s in inside_sources() if s[0] in DRIVER_MODULES],
            "nonce": nonce,
            "memory": limits.memory_mb << 20,
            "cpu_ns": int(limits.cpu_s * 1e9),
            "wall_s": limits.wall_s,
            "largest": MAX_OUTPUT,
        }
        reply = self.post(
            {
                "code": DRIVER,
                "language": "python",
                "stdin": "",
                "compile_timeout": 10,
                "run_timeout": limits.wall_s + 5,
                "memory_limit_MB": limits.memory_mb + 128,
                "files": {CONFIG: base64.b64encode(json.dumps(config).encode()).decode()},
                "fetch_files": [],
            }
        )
        result = reply.get("run_result")
        if reply.get("status") == "SandboxError" or not isinstance(result, dict):
            raise RemoteFailure(redacted(str(reply.get("message") or "no run_result")[:CONSIDERED])[:200])
        if result.get("status") == "TimeLimitExceeded":
            return "timeout_wall", "the server's time limit"
        if result.get("return_code") in (-9, 137):
            return "memory", "killed by the server"
        parts = str(result.get("stdout") or "").split(nonce)
        if len(parts) != 3:
            raise RemoteFailure("frames are missing or cut short", server=False)
        return self.parse_report(parts[1])

    def parse_report(self, text: str) -> RunEnd:
        """The report of inside/driver.py. Raises RemoteFailure where it is malformed."""
        try:
            status, kill_reason, has_started, cpu, wall, rss, python, *texts = parse_json(text)
            frames, stdout, stderr = [base64.b64decode(t, validate=True) for t in texts]
            end = RunEnd(
                int(status),
                0,
                int(kill_reason),
                bool(has_started),
                float(cpu),
                float(wall),
                rss / 1024,
                frames,
                stdout,
                stderr,
            )
        except (ValueError, TypeError, OverflowError) as error:
            raise RemoteFailure(f"odd frames: {error}") from None
        self.python = str(python)[:20]
        return end

    def post(self, body: dict) -> dict:
        """The reply to one request. Raises RemoteFailure, OSError, HTTPException."""
        kind = http.client.HTTPSConnection if self.parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(self.parts.hostname or "", self.parts.port, timeout=body["run_timeout"] + 30)
        try:
            path = self.parts.path.rstrip("/") + "/run_code"
            connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
            response = connection.getresponse()
            data = response.read(MAX_REPLY)
        finally:
            connection.close()
        if response.status != 200:
            raise RemoteFailure(f"HTTP {response.status}: {redacted(data[:CONSIDERED].decode(errors='replace'))[:150]}")
        try:
            reply = parse_json(data)
        except Unreadable:
            raise RemoteFailure("the answer is not JSON") from None
        if not isinstance(reply, dict):
            raise RemoteFailure("the answer is not an object")
        return reply
