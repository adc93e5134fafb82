"""One slot: a zygote process, its memfds and its control socket, as the supervisor sees them."""

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
# Modules that others import late; the seccomp backend cannot load anything after its lock.
LATE = """
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
# The zygote's program comes through a memfd: the folder of this file may be closed to the user that it becomes.
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
sys.modules["inside.child"].streams()
sys.modules["inside.zygote"].main(config)
"""


@dataclass(frozen=True)
class Ended:
    """How a run ended, from the kernel, and what it wrote. `killed`: 0 no, 1 CPU, 2 wall; `began`: code was reached."""

    status: int
    peer_status: int
    killed: int
    began: bool
    cpu_s: float
    wall_s: float
    max_rss_mb: float
    frames: bytes
    stdout: bytes
    stderr: bytes
    starved: bool = False  # the memory cgroup killed something in this run


@cache
def sources() -> list[tuple[str, str]]:
    folder = Path(__file__).parent / "inside"
    return [(name, (folder / f"{name}.py").read_text()) for name in SOURCES]


class Memory:
    """A memfd of the supervisor and the number of its one-way copy for the zygote."""

    def __init__(self, name: str, flags: int) -> None:
        self.fd = os.memfd_create(name, os.MFD_CLOEXEC)
        self.inside = os.open(f"/proc/self/fd/{self.fd}", flags | os.O_CLOEXEC)

    def write(self, data: bytes) -> None:
        os.ftruncate(self.fd, 0)
        offset = 0
        while offset < len(data):
            offset += os.pwrite(self.fd, data[offset:], offset)

    def read(self, limit: int) -> bytes:
        """At most limit + 1 bytes, so that too much is seen as too much."""
        return os.pread(self.fd, min(limit + 1, os.fstat(self.fd).st_size), 0)

    def close(self) -> None:
        for fd in (self.fd, self.inside):
            with contextlib.suppress(OSError):
                os.close(fd)


class Slot:
    """A zygote and the run in it. Not for two threads at once; `control` becomes readable when there is news."""

    def __init__(self, backend: str, packages: tuple[str, ...] = (), group: Group | None = None) -> None:
        self.backend, self.group = backend, group
        executable, self.python, stdlib = interpreter(backend)
        modules, trees = find_packages(packages, self.python)
        self.pid = 0  # of the zygote, once it has spoken
        self.base = FALLBACK_BASE
        self.ready = False
        self.started = time.monotonic()
        self.limits = Limits()
        append = os.O_WRONLY | os.O_APPEND
        self.memory = {n: Memory(n, os.O_RDONLY) for n in ("job", "job2", "stdin")}
        self.memory |= {n: Memory(n, append) for n in ("result", "stdout", "stderr")}
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.control.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        fds = {n: self.memory[n].inside for n in ("job", "job2", "result")}
        config = {
            "backend": backend,
            "control": theirs.fileno(),
            "fds": fds,
            "stdlib": list(stdlib),
            "trees": trees,
            "modules": modules,
            "early": LATE if backend == "seccomp" else [],
        }
        boot = Memory("boot", os.O_RDONLY)
        boot.write(json.dumps([config, sources()]).encode())
        command = [executable, "-I", "-S", "-c", BOOT, str(boot.inside)]
        user = None
        if backend == "bwrap":
            command = bwrap_command(executable, stdlib, trees) + command
            user = pwd.getpwnam("nobody").pw_uid if os.getuid() == 0 else None
        try:
            self.process = subprocess.Popen(
                command,
                stdin=self.memory["stdin"].inside,
                stdout=self.memory["stdout"].inside,
                stderr=self.memory["stderr"].inside,
                pass_fds=(theirs.fileno(), boot.inside, *fds.values()),
                env=ENVIRONMENT,
                cwd="/",
                user=user,
                group=user,
                extra_groups=[] if user is not None else None,
            )
        except OSError as error:
            self.control.close()
            for memory in self.memory.values():
                memory.close()
            raise SlotFailed(str(error)) from None
        finally:
            theirs.close()
            boot.close()

    def hello(self) -> None:
        """Take the zygote's first word. SlotFailed with its reason where it could not lock itself in."""
        word: bytes = b""
        extra: list = []
        with contextlib.suppress(OSError):
            word, extra, _, _ = self.control.recvmsg(512, socket.CMSG_SPACE(CREDENTIALS.size))
        if word != b"ready":
            reason = word.decode(errors="replace").removeprefix("failed ")
            reason = reason or self.memory["stderr"].read(4000).decode(errors="replace").strip()[-300:]
            self.close()
            raise SlotFailed(reason or "the zygote ended without a word")
        self.control.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 0)
        if extra:
            self.pid = CREDENTIALS.unpack(extra[0][2][: CREDENTIALS.size])[0]
        with contextlib.suppress(OSError, ValueError, IndexError):
            pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[0])
            self.base = pages * os.sysconf("SC_PAGE_SIZE")
        if self.group is not None and self.pid:
            with contextlib.suppress(OSError):  # a back-stop only
                self.group.take(self.pid)
        self.ready = True

    def wait_ready(self) -> None:
        self.control.settimeout(START_SECONDS)
        try:
            self.hello()
        finally:
            if self.control.fileno() >= 0:
                self.control.settimeout(None)

    def send(self, job: dict, limits: Limits, stdin: bytes = b"", solution: dict | None = None) -> None:
        """Start a run. OSError where the zygote is gone."""
        self.limits = limits
        if self.group is not None:
            self.group.allow(limits)
        for name in ("result", "stdout", "stderr"):
            os.ftruncate(self.memory[name].fd, 0)
        self.memory["job"].write(json.dumps(job).encode())
        self.memory["job2"].write(json.dumps(solution).encode() if solution is not None else b"")
        self.memory["stdin"].write(stdin)
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

    def receive(self) -> Ended | None:
        """The end of the run; None where the zygote died."""
        try:
            packet = self.control.recv(REPORT.size)
        except OSError:
            packet = b""
        if len(packet) != REPORT.size:
            return None
        status, peer, killed, began, cpu, wall, rss = REPORT.unpack(packet)
        limits = self.limits
        sizes = (("result", limits.result_kb), ("stdout", limits.stdout_kb), ("stderr", limits.stderr_kb))
        frames, stdout, stderr = [self.memory[name].read(kb << 10) for name, kb in sizes]
        died = status == signal.SIGKILL and not killed
        starved = died and self.group is not None and self.group.killed()
        times = cpu / 1e9, wall / 1e9
        return Ended(status, peer, killed, bool(began), *times, rss / 1024, frames, stdout, stderr, starved)

    def close(self) -> None:
        self.control.close()
        for memory in self.memory.values():
            memory.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.group is not None:
            self.group.close()
