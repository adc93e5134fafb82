"""One slot: a zygote process, its memfds and its control socket, on the supervisor's side."""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import signal
import socket
import struct
import subprocess
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from .cgroups import Group
from .inside.zygote import REPORT, REQUEST
from .interpreters import SlotFailed, bwrap_command, find_packages, interpreter
from .jobs import Limits

SOURCES = (
    *(
        "host",
        "syscalls",
        "linux",
        "filters",
        "jail",
        "plain",
        "proxies",
        "handover",
        "peer",
        "suites",
        "split",
        "child",
        "packages",
    ),
    "zygote",
)
START_SECONDS = 60.0
CREDENTIALS = struct.Struct("=3i")  # pid, uid, gid as the kernel attaches them to a message
FALLBACK_BASE = 128 << 20  # address space of a zygote where /proc cannot be read
# Modules that others import lazily; the seccomp backend cannot load anything once its filter is installed.
PRELOADED = """
ast bisect collections.abc copy datetime _strptime decimal fractions functools heapq itertools locale math numbers re
reprlib string textwrap traceback typing
""".split()
ENVIRONMENT = {
    "PYTHONHASHSEED": "0",
    "LC_ALL": "C.UTF-8",
    "TZ": "UTC",
    "MALLOC_ARENA_MAX": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
}
# The zygote's sources come through a memfd: the user that it becomes may not be able to read this folder.
BOOT = """
import json, os, sys, types
with open(int(sys.argv[1]), "rb") as file:
    config, sources = json.load(file)
package = types.ModuleType("inside"); package.__path__ = []; sys.modules["inside"] = package
for name, source in sources:
    module = types.ModuleType("inside." + name); module.__package__ = "inside"
    sys.modules["inside." + name] = module; setattr(package, name, module)
    exec(compile(source, "<inside/" + name + ">", "exec"), module.__dict__)
for name in config["early"]:
    __import__(name)
sys.modules["inside.child"].open_streams()
sys.modules["inside.zygote"].main(config)
"""


@dataclass(frozen=True)
class RunEnd:
    """How a run ended, as the kernel reports it, and what it wrote.

    status, peer_status  wait status of the main process and of a split run's solution process
    kill_reason          0 not killed, 1 CPU time, 2 wall time
    has_started          whether every process of the run reached the start of the program
    frames, stdout, stderr  at most one byte more than their limits
    """

    status: int
    peer_status: int
    kill_reason: int
    has_started: bool
    cpu_s: float
    wall_s: float
    max_rss_mb: float
    frames: bytes
    stdout: bytes
    stderr: bytes
    out_of_memory: bool = False  # the memory control group killed a process of this run


@cache
def inside_sources() -> list[tuple[str, str]]:
    """(name, source) of the modules of the zygote, in the order in which they are loaded."""
    folder = Path(__file__).parent / "inside"
    return [(name, (folder / f"{name}.py").read_text()) for name in SOURCES]


class Memfd:
    """A memfd of the supervisor (`fd`) and a descriptor with one direction for the zygote (`inside`)."""

    def __init__(self, name: str, flags: int) -> None:
        self.fd = os.memfd_create(name, os.MFD_CLOEXEC)
        self.inside = os.open(f"/proc/self/fd/{self.fd}", flags | os.O_CLOEXEC)

    def write(self, data: bytes) -> None:
        os.ftruncate(self.fd, 0)
        offset = 0
        while offset < len(data):
            offset += os.pwrite(self.fd, data[offset:], offset)

    def read(self, limit: int) -> bytes:
        """At most limit + 1 bytes, so that an excess can be seen."""
        return os.pread(self.fd, min(limit + 1, os.fstat(self.fd).st_size), 0)

    def close(self) -> None:
        for fd in (self.fd, self.inside):
            with contextlib.suppress(OSError):
                os.close(fd)


class Slot:
    """A zygote and its current run. Not thread-safe; `control` becomes readable when the zygote has sent something.

    Raises SlotFailed where the zygote cannot be started.
    """

    def __init__(self, backend: str, packages: tuple[str, ...] = (), group: Group | None = None) -> None:
        self.backend, self.group = backend, group
        executable, self.python, stdlib = interpreter(backend)
        modules, trees = find_packages(packages, self.python)
        self.pid = 0  # of the zygote, once it is ready
        self.base = FALLBACK_BASE
        self.ready = False
        self.started = time.monotonic()
        self.limits = Limits()
        append = os.O_WRONLY | os.O_APPEND
        self.memfds = {n: Memfd(n, os.O_RDONLY) for n in ("job", "job2", "stdin")}
        self.memfds |= {n: Memfd(n, append) for n in ("result", "stdout", "stderr")}
        self.control, zygote_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.control.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        fds = {n: self.memfds[n].inside for n in ("job", "job2", "result")}
        config = {
            "backend": backend,
            "control": zygote_end.fileno(),
            "fds": fds,
            "stdlib": list(stdlib),
            "trees": trees,
            "modules": modules,
            "early": PRELOADED if backend == "seccomp" else [],
        }
        boot = Memfd("boot", os.O_RDONLY)
        boot.write(json.dumps([config, inside_sources()]).encode())
        command = [executable, "-I", "-S", "-c", BOOT, str(boot.inside)]
        user = None
        if backend == "bwrap":
            command = bwrap_command(executable, stdlib, trees) + command
            user = pwd.getpwnam("nobody").pw_uid if os.getuid() == 0 else None
        try:
            self.process = subprocess.Popen(
                command,
                stdin=self.memfds["stdin"].inside,
                stdout=self.memfds["stdout"].inside,
                stderr=self.memfds["stderr"].inside,
                pass_fds=(zygote_end.fileno(), boot.inside, *fds.values()),
                env=ENVIRONMENT,
                cwd="/",
                user=user,
                group=user,
                extra_groups=[] if user is not None else None,
            )
        except OSError as error:
            self.control.close()
            for memfd in self.memfds.values():
                memfd.close()
            raise SlotFailed(str(error)) from None
        finally:
            zygote_end.close()
            boot.close()

    def receive_ready(self) -> None:
        """Read the zygote's first message. Raises SlotFailed with its reason where it could not set up its jail."""
        message: bytes = b""
        extra: list = []
        with contextlib.suppress(OSError):
            message, extra, _, _ = self.control.recvmsg(512, socket.CMSG_SPACE(CREDENTIALS.size))
        if message != b"ready":
            reason = message.decode(errors="replace").removeprefix("failed ")
            reason = reason or self.memfds["stderr"].read(4000).decode(errors="replace").strip()[-300:]
            self.close()
            raise SlotFailed(reason or "the zygote ended without a word")
        self.control.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 0)
        if extra:
            self.pid = CREDENTIALS.unpack(extra[0][2][: CREDENTIALS.size])[0]
        with contextlib.suppress(OSError, ValueError, IndexError):
            pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[0])
            self.base = pages * os.sysconf("SC_PAGE_SIZE")
        if self.group is not None and self.pid:
            with contextlib.suppress(OSError):  # optional
                self.group.add_process(self.pid)
        self.ready = True

    def wait_ready(self) -> None:
        """Wait at most START_SECONDS for the zygote. Raises SlotFailed."""
        self.control.settimeout(START_SECONDS)
        try:
            self.receive_ready()
        finally:
            if self.control.fileno() >= 0:
                self.control.settimeout(None)

    def send(self, job: dict, limits: Limits, stdin: bytes = b"", solution: dict | None = None) -> None:
        """Start a run: `job` is for the main process, `solution` for the second one of a split run. Raises OSError where the
        zygote has ended.
        """
        self.limits = limits
        if self.group is not None:
            self.group.set_limits(limits)
        for name in ("result", "stdout", "stderr"):
            os.ftruncate(self.memfds[name].fd, 0)
        self.memfds["job"].write(json.dumps(job).encode())
        self.memfds["job2"].write(json.dumps(solution).encode() if solution is not None else b"")
        self.memfds["stdin"].write(stdin)
        largest = max(limits.scratch_mb << 10, limits.result_kb, limits.stdout_kb, limits.stderr_kb) << 10
        packet = REQUEST.pack(
            solution is not None,
            int(limits.cpu_s * 1e9),
            int(limits.wall_s * 1e9),
            self.base + (limits.memory_mb << 20),
            limits.scratch_mb,
            largest,
            limits.threads,
        )
        self.control.send(packet)

    def receive(self) -> RunEnd | None:
        """The end of the run, None where the zygote died."""
        try:
            packet = self.control.recv(REPORT.size)
        except OSError:
            packet = b""
        if len(packet) != REPORT.size:
            return None
        status, peer, kill_reason, has_started, cpu, wall, rss = REPORT.unpack(packet)
        limits = self.limits
        sizes = (("result", limits.result_kb), ("stdout", limits.stdout_kb), ("stderr", limits.stderr_kb))
        frames, stdout, stderr = [self.memfds[name].read(kb << 10) for name, kb in sizes]
        was_killed = status == signal.SIGKILL and not kill_reason
        out_of_memory = was_killed and self.group is not None and self.group.had_oom_kill()
        times = cpu / 1e9, wall / 1e9
        return RunEnd(
            status, peer, kill_reason, bool(has_started), *times, rss / 1024, frames, stdout, stderr, out_of_memory
        )

    def close(self) -> None:
        self.control.close()
        for memfd in self.memfds.values():
            memfd.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.group is not None:
            self.group.close()
