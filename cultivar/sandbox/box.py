"""Sandbox: jobs in, verdicts out, over a handful of warm slots."""

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
from .interpreters import SlotFailed, interpreter
from .jobs import INTEGRITY, Job, Limits, SandboxUnavailable, Verdict, harness
from .judge import clean
from .memory import affordable
from .remote import Remote
from .rounds import Round, Running
from .slot import Slot


class Sandbox:
    """A bounded number of warm slots that run untrusted programs.

    backend  "auto" (the strongest that works here, then a remote one where its address is given), "userns", "bwrap", "landlock", "seccomp", "remote", "none"
    slots    runs at once; 2 per core by default, fewer where memory is short
    weakest  the weakest backend that "auto" may take
    packages names of installed packages (say "numpy") that programs may import: bound read-only, imported in the jail
    url      of a SandboxFusion server for "remote" (default CULTIVAR_SANDBOX_URL)
    cgroup   put each slot into a control group of its own where one can be made
    allow_unsandboxed  must be said besides backend="none"; every verdict then says it

    Raises SandboxUnavailable at once where nothing works: no code is run.
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
        self.remote: Remote | None = None
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
            self.remote = Remote(url)
            self.backend = "remote"
        else:
            try:
                self.backend = backends.choose(backend, weakest)
            except SandboxUnavailable:
                if backend != "auto" or not (url or os.environ.get("CULTIVAR_SANDBOX_URL")):
                    raise
                self.remote = Remote(url)
                self.backend = "remote"
        self.slots = slots or affordable(backends.default_slots(), self.limits)
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
        """End every slot. Nothing of a run outlives this."""
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
                    yield from Round(self, jobs).verdicts()
            finally:
                self._owner = None

    @property
    def python(self) -> str:
        """Version of the Python that runs the programs; "remote" where a server decides."""
        if self.remote is not None:
            return self.remote.python
        with contextlib.suppress(SlotFailed):  # which every verdict then says
            return interpreter(self.backend)[1]
        return "missing"

    def key(self, job: Job) -> bytes:
        """16 bytes that name the job's content and everything of this sandbox that can change its verdict: backend,
        Python, packages, default limits, the sandbox's sources. Equal keys mean that a `lasting` verdict may be reused.
        """
        limits = None if job.limits else asdict(self.limits)
        return job.key([self.backend, self.python, sorted(self.packages), limits])

    def new_slot(self) -> Slot:
        """A slot that is starting. SlotFailed where the host refuses."""
        group = open_group() if self.cgroup and self.backend != "none" else None
        try:
            return Slot(self.backend, self.packages, group)
        except BaseException:
            if group is not None:
                group.close()
            raise

    def verdict(self, running: Running, outcome: str, results: list[str], message: str) -> Verdict:
        mode = running.job.mode
        return Verdict(
            id=running.job.id,
            outcome=outcome,
            results=results,
            message=clean(message)[:300],
            cpu_s=running.cpu_s,
            wall_s=running.wall_s,
            max_rss_mb=running.max_rss_mb,
            backend=self.backend,
            mode=mode,
            integrity="none" if self.backend == "none" else INTEGRITY[mode],
            versions=f"python {self.python}; sandbox {harness()}",
            limits=running.limits,
        )
