"""The remote backend: a SandboxFusion server's /run_code runs the program, expected values and verdicts stay here.

A server that fails, answers oddly or cuts the frames short gives `sandbox_error` after three tries, never a fail; after
five such jobs in a row it is left alone for a while. What that server isolates is its own affair: a probe asks whether
a program can reach the network or read /etc/shadow there, and warns. Split tests need two processes that cannot touch
each other and are `refused`: nothing is known of the program.
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

from .inside import driver, plain
from .jobs import INTEGRITY, Job, Limits, SandboxUnavailable, Verdict, harness
from .judge import Finding, clean, first_bad, judge, payload, tests_of
from .resume import resume
from .slot import Ended, sources

TRIES = 3
BACKOFF_S = 0.2  # before the second try; doubled after it
BREAKER_JOBS = 5  # in a row that the server did not run
BREAKER_S = 10.0  # for which it is then left alone
LARGEST = 32 << 10  # bytes of frames or output: that server may block on more
LONGEST_ANSWER = 4 << 20
NEEDED = ("plain", "proxies", "handover", "peer", "suites", "split", "child")
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


class Trouble(Exception):
    """The server did not run the program; nothing is known of it. `server` is False where the program may be to blame."""

    def __init__(self, text: str, server: bool = True) -> None:
        super().__init__(text)
        self.server = server


@dataclass
class Breaker:
    """Counts the jobs in a row that the server did not run."""

    failures: int = 0
    until: float = 0.0

    def note(self, ran: bool) -> None:
        self.failures = 0 if ran else self.failures + 1
        if self.failures >= BREAKER_JOBS:
            self.until = time.monotonic() + BREAKER_S

    def open(self) -> bool:
        return time.monotonic() < self.until


class Remote:
    """Client of one SandboxFusion server. SandboxUnavailable where it does not run a harmless program."""

    def __init__(self, url: str | None) -> None:
        url = url or os.environ.get("CULTIVAR_SANDBOX_URL")
        if not url:
            raise SandboxUnavailable("backend 'remote' needs url= or CULTIVAR_SANDBOX_URL (a SandboxFusion server)")
        self.parts = urlsplit(url)
        if self.parts.scheme not in ("http", "https") or not self.parts.hostname:
            raise SandboxUnavailable(f"CULTIVAR_SANDBOX_URL {url!r} is not an http(s) address")
        self.breaker = Breaker()
        self.lock = threading.Lock()
        self.python = "remote"
        try:
            ended = self.ended(Job("probe", "io", PROBE), Limits(cpu_s=5, wall_s=10))
        except (Trouble, OSError, http.client.HTTPException) as error:
            raise SandboxUnavailable(f"the remote sandbox at {url} does not run a probe: {error}") from None
        if not isinstance(ended, Ended) or not ended.began:
            raise SandboxUnavailable(f"the remote sandbox at {url} does not run a probe: {ended}")
        if found := ended.stdout.decode(errors="replace").strip()[:200]:
            warnings.warn(f"the remote sandbox at {url} lets programs through: {found}", RuntimeWarning, stacklevel=3)

    def run(self, jobs: Iterable[Job], limits: Limits, slots: int) -> Iterator[Verdict]:
        """Verdicts as they come, at most `slots` requests at once and twice as many jobs taken ahead."""
        with ThreadPoolExecutor(slots) as pool:
            pending: set[Future[Verdict]] = set()
            try:
                for job in jobs:
                    pending.add(pool.submit(self.one, job, job.limits or limits))
                    if len(pending) >= 2 * slots:
                        done, pending = wait(pending, return_when=FIRST_COMPLETED)
                        yield from (f.result() for f in done)
                while pending:
                    done, pending = wait(pending, return_when=FIRST_COMPLETED)
                    yield from (f.result() for f in done)
            finally:
                for future in pending:
                    future.cancel()

    def one(self, job: Job, limits: Limits) -> Verdict:
        count = tests_of(job)
        spent = [0.0, 0.0, 0.0]
        if job.mode == "split":
            finding = Finding("refused", ["refused"] * count, "split tests need a local backend")
        else:
            try:
                finding = self.whole(job, limits, spent)
            except Trouble as error:
                finding = Finding("sandbox_error", ["sandbox_error"] * count, f"remote: {error}")
            except (plain.PlainError, SyntaxError, ValueError, RecursionError) as error:
                finding = Finding("refused", ["refused"] * count, str(error))
            except Exception as error:  # of this job alone
                said = f"the supervisor failed on this job: {type(error).__name__}: {error}"
                finding = Finding("sandbox_error", ["sandbox_error"] * count, said)
        return Verdict(
            id=job.id,
            outcome=finding.outcome,
            results=finding.results,
            message=clean(finding.message)[:300],
            cpu_s=spent[0],
            wall_s=spent[1],
            max_rss_mb=spent[2],
            backend="remote",
            mode=job.mode,
            integrity=INTEGRITY[job.mode],
            versions=f"python {self.python}; sandbox {harness()}",
            limits=limits,
        )

    def whole(self, job: Job, limits: Limits, spent: list[float]) -> Finding:
        """A job to its end: a verifier that timed out or crashed goes on with its next input."""
        results: list[str] = []
        message, deaths = "", 0
        while True:
            finding = self.tried(job, limits, len(results), spent)
            message = message or finding.message
            go_on, deaths = resume(job, finding, results, deaths)
            if not go_on:
                results += finding.results
                outcome = finding.outcome if len(results) == len(finding.results) else first_bad(results)
                return Finding(outcome, results, message)

    def tried(self, job: Job, limits: Limits, start: int, spent: list[float]) -> Finding:
        """One run, tried again where the server did not do it. Raises Trouble after the last try."""
        count = tests_of(job) - start
        for attempt in range(TRIES):
            if self.breaker.open():
                raise Trouble("left alone after failing several jobs in a row")
            try:
                ended = self.ended(job, limits, start)
            except (Trouble, OSError, http.client.HTTPException) as error:
                trouble = error
                if attempt + 1 < TRIES:
                    time.sleep(BACKOFF_S * 2**attempt * random.uniform(0.5, 1.5))
                continue
            with self.lock:
                self.breaker.note(True)
            if isinstance(ended, tuple):
                return Finding(ended[0], [ended[0]] * count, ended[1])
            spent[0] += ended.cpu_s
            spent[1] += ended.wall_s
            spent[2] = max(spent[2], ended.max_rss_mb)
            if any(len(data) > LARGEST for data in (ended.frames, ended.stdout, ended.stderr)):
                return Finding("output_limit", ["output_limit"] * count, "more than 32 KiB through the remote sandbox")
            return judge(job, limits, ended, start)
        with self.lock:
            self.breaker.note(isinstance(trouble, Trouble) and not trouble.server)
        raise Trouble(str(trouble)[:200])

    def ended(self, job: Job, limits: Limits, start: int = 0) -> Ended | tuple[str, str]:
        """How the server says that the run ended, or the outcome where it ended it itself. Raises Trouble, OSError."""
        main, _, stdin = payload(job, start)
        nonce = secrets.token_hex(16)
        config = {
            "job": main,
            "stdin": base64.b64encode(stdin).decode(),
            "sources": [s for s in sources() if s[0] in NEEDED],
            "nonce": nonce,
            "memory": limits.memory_mb << 20,
            "cpu_ns": int(limits.cpu_s * 1e9),
            "wall_s": limits.wall_s,
            "largest": LARGEST,
        }
        answer = self.post(
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
        result = answer.get("run_result")
        if answer.get("status") == "SandboxError" or not isinstance(result, dict):
            raise Trouble(str(answer.get("message") or "no run_result")[:200])
        if result.get("status") == "TimeLimitExceeded":
            return "timeout_wall", "the server's time limit"
        if result.get("return_code") in (-9, 137):
            return "memory", "killed by the server"
        pieces = str(result.get("stdout") or "").split(nonce)
        if len(pieces) != 3:
            raise Trouble("frames are missing or cut short", server=False)
        return self.read(pieces[1])

    def read(self, text: str) -> Ended:
        try:
            status, killed, told, cpu, wall, rss, python, *texts = json.loads(text)
            frames, stdout, stderr = [base64.b64decode(t, validate=True) for t in texts]
            ended = Ended(
                int(status), 0, int(killed), bool(told), float(cpu), float(wall), rss / 1024, frames, stdout, stderr
            )
        except (ValueError, TypeError) as error:
            raise Trouble(f"odd frames: {error}") from None
        self.python = str(python)[:20]
        return ended

    def post(self, body: dict) -> dict:
        kind = http.client.HTTPSConnection if self.parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(self.parts.hostname or "", self.parts.port, timeout=body["run_timeout"] + 30)
        try:
            path = self.parts.path.rstrip("/") + "/run_code"
            connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
            response = connection.getresponse()
            data = response.read(LONGEST_ANSWER)
        finally:
            connection.close()
        if response.status != 200:
            raise Trouble(f"HTTP {response.status}: {data[:150].decode(errors='replace')}")
        try:
            answer = json.loads(data)
        except ValueError:
            raise Trouble("the answer is not JSON") from None
        if not isinstance(answer, dict):
            raise Trouble("the answer is not an object")
        return answer
