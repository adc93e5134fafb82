"""Sandbox: runs jobs in a bounded number of warm slots and yields their verdicts."""

from __future__ import annotations

import contextlib
import os
import threading
import warnings
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from types import TracebackType

from . import backends
from .cgroups import open_group
from .interpreters import SlotFailed, find_packages, interpreter
from .jobs import INTEGRITY, Job, Limits, SandboxUnavailable, Verdict, sandbox_version
from .judge import escape_surrogates
from .memory import cap_slots
from .modules import package_versions
from .remote import RemoteServer
from .scheduler import JobState, Scheduler
from .slot import Slot


class Sandbox:
    """A bounded number of warm slots that run untrusted programs.

    backend  "auto" (the strongest that works here, then the remote one if its address is given), "userns", "bwrap",
             "landlock", "seccomp", "remote" or "none"
    slots    concurrent runs; by default 2 per core, fewer where memory is short
    weakest  the weakest backend that "auto" may take
    packages names of installed packages (say "numpy") that programs may import: bound read-only, imported in the jail
    url      of a SandboxFusion server for "remote" (default CULTIVAR_SANDBOX_URL)
    cgroup   put each slot into a control group of its own where one can be created
    allow_unsandboxed  required with backend="none"; every verdict then has integrity "none"

    Raises SandboxUnavailable where no backend works, or a package is not installed: no code is run. (What a remote server
    has installed is its own; `packages` changes nothing there.)
    """

    def __init__(
        self,
        backend: str = "auto",
        slots: int | None = None,
        limits: Limits | None = None,
        allow_unsandboxed: bool = False,
        *,
        weakest: str = "seccomp",
        packages: tuple[str, ...] = (),
        url: str | None = None,
        cgroup: bool = True,
    ) -> None:
        self.limits = limits or Limits()
        self.packages, self.cgroup = tuple(packages), cgroup
        self.idle: deque[Slot] = deque()
        self.remote: RemoteServer | None = None
        if backend == "none":
            if not allow_unsandboxed:
                raise SandboxUnavailable(
                    "backend 'none' runs untrusted code with the rights of this user. Say allow_unsandboxed=True "
                    "besides it if that is what you want (on the command line: --allow-unsandboxed, or "
                    "CULTIVAR_ALLOW_UNSANDBOXED=1 before dvc repro)."
                )
            warnings.warn("untrusted code runs UNSANDBOXED; every verdict says so", RuntimeWarning, stacklevel=2)
            self.backend = "none"
        elif backend == "remote":
            self.remote = RemoteServer(url)
            self.backend = "remote"
        else:
            try:
                self.backend = backends.choose_backend(backend, weakest)
            except SandboxUnavailable:
                if backend != "auto" or not (url or os.environ.get("CULTIVAR_SANDBOX_URL")):
                    raise
                self.remote = RemoteServer(url)
                self.backend = "remote"
        if self.packages and self.remote is None:
            try:
                find_packages(self.packages, interpreter(self.backend)[1])
            except SlotFailed as error:
                raise SandboxUnavailable(str(error)) from None
        self.slots = slots or cap_slots(backends.default_slots(), self.limits)
        self._lock = threading.Lock()
        self._owner: int | None = None
        self._closed = False

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End every slot; no process of a run outlives this."""
        self._closed = True
        while self.idle:
            self.idle.pop().close()

    def run(self, jobs: Iterable[Job]) -> Iterator[Verdict]:
        """One verdict per job, as each finishes (sort by id for a table). Jobs are taken as slots become free.

        Threads take turns; a second `run` inside the loop over a first one raises RuntimeError.
        """
        if self._closed:
            raise RuntimeError("this Sandbox is closed")
        if self._owner == threading.get_ident():
            raise RuntimeError("finish the first run of this Sandbox before starting another in the same thread")
        with self._lock:
            self._owner = threading.get_ident()
            try:
                if self.remote is not None:
                    yield from self.remote.run(jobs, self.limits, self.slots)
                else:
                    yield from Scheduler(self, jobs).verdicts()
            finally:
                self._owner = None

    @property
    def python(self) -> str:
        """Version of the Python that runs the programs; "remote" where a server decides."""
        if self.remote is not None:
            return self.remote.python
        with contextlib.suppress(SlotFailed):  # reported by every verdict instead
            return interpreter(self.backend)[1]
        return "missing"

    def key(self, job: Job) -> bytes:
        """16 bytes that name the job's content and everything of this sandbox that can change its verdict: backend,
        Python, packages and their versions, default limits, the sandbox's sources. Equal keys mean that a verdict with `is_cacheable` may be
        reused.
        """
        limits = None if job.limits else asdict(self.limits)
        return job.key([self.backend, self.python, package_versions(self.packages), limits])

    def new_slot(self) -> Slot:
        """A slot that is starting. Raises SlotFailed where the host refuses."""
        group = open_group() if self.cgroup and self.backend != "none" else None
        try:
            return Slot(self.backend, self.packages, group)
        except BaseException:
            if group is not None:
                group.close()
            raise

    def build_verdict(self, state: JobState, outcome: str, results: list[str], message: str) -> Verdict:
        """The verdict of a job, with what its runs have used."""
        mode = state.job.mode
        return Verdict(
            id=state.job.id,
            outcome=outcome,
            results=results,
            message=escape_surrogates(message)[:300],
            cpu_s=state.cpu_s,
            wall_s=state.wall_s,
            max_rss_mb=state.max_rss_mb,
            backend=self.backend,
            mode=mode,
            integrity="none" if self.backend == "none" else INTEGRITY[mode],
            versions=f"python {self.python}; sandbox {sandbox_version()}",
            limits=state.limits,
        )
