"""The warm process of one slot: enters its jail once, then forks one child per run and reports how it ended.

It never reads a job or a result, so what a child inherits holds no other job and no expected value. Its reports (wait
status, CPU, wall, memory) come from the kernel, not from the child.
"""

import _socket as socket  # the sockets alone: a smaller process forks faster
import contextlib
import gc
import os
import select
import signal
import struct
import time

from . import child, jail, linux, packages
from .filters import ChildFilter, zygote_filter

# mode (0 one process, 1 split), CPU ns, wall ns, address space bytes, scratch MB, largest file bytes, threads
REQUEST = struct.Struct("=BqqqqqI")
# wait status of the main process, of the solution process, why killed (0, 1 CPU, 2 wall), whether every process began
# its run, CPU ns, wall ns, RSS KB
REPORT = struct.Struct("=iiBBqqq")
CORES = os.cpu_count() or 1


class Gone(Exception):
    """The supervisor has closed its end."""


class Zygote:
    def __init__(self, config):
        self.backend = config["backend"]
        self.control = socket.socket(fileno=config["control"])
        self.fds = config["fds"]  # {"job", "job2", "result"}: memfds, reopened with one direction each
        self.stdlib, self.trees, self.modules = config["stdlib"], config["trees"], config["modules"]
        self.namespace = self.score = None
        self.filter = ChildFilter(self.backend)
        self.shared = {fd: os.fstat(fd).st_mode & 0o7777 for fd in (0, 1, 2, self.fds["result"])}
        self.began, self.beginning = os.pipe()
        os.set_blocking(self.began, False)

    def lock(self):
        """Enter the jail of the backend."""
        os.setsid()
        if self.backend != "userns":
            self.score = jail.open_score()
        if self.backend == "userns":
            self.namespace, self.score = jail.enter(self.stdlib, self.trees)
            linux.drop_bounding_set()
        elif os.getuid() == 0 and self.backend != "bwrap":
            linux.become_nobody()
        if self.backend == "none":
            return
        linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
        if self.backend in ("landlock", "bwrap"):
            paths = [*jail.readable(self.stdlib, self.trees), *(f"/dev/{name}" for name in jail.DEVICES)]
            # bubblewrap's mounts hold without Landlock, which is then a second wall where the kernel has it
            with contextlib.suppress(OSError) if self.backend == "bwrap" else contextlib.nullcontext():
                linux.landlock(paths)
        linux.install_filter(zygote_filter())

    def serve(self):
        self.lock()
        prefix = jail.PACKAGES if self.backend == "userns" else ""
        packages.load(self.modules, prefix)
        gc.collect()
        gc.freeze()
        self.control.send(b"ready")
        while packet := self.control.recv(REQUEST.size):
            self.control.send(self.run(REQUEST.unpack(packet)))

    def run(self, request):
        split, cpu, wall, *_ = request
        self.wipe()
        pair: tuple = socket.socketpair() if split else (None, None)
        started = time.monotonic_ns()
        pids = [self.fork(request, "main", pair[0], pair[1])]
        if split:
            pids.append(self.fork(request, "solution", pair[1], pair[0]))
            for end in pair:
                end.close()
        why, ended = self.watch(pids, started, cpu, wall)
        statuses, spent, rss = [], 0, 0
        for pid in pids:
            _, status, usage = ended[pid]
            statuses.append(status)
            spent += int((usage.ru_utime + usage.ru_stime) * 1e9)
            rss = max(rss, usage.ru_maxrss)
        told = b""
        with contextlib.suppress(BlockingIOError):
            told = os.read(self.began, 16)
        elapsed = time.monotonic_ns() - started
        return REPORT.pack(statuses[0], (statuses + [0])[1], why, len(told) == len(pids), spent, elapsed, rss)

    def wipe(self):
        """Runs of one slot share these descriptions, so position, mode and times must not tell what the last one did.
        (Their contents the supervisor cuts off.)
        """
        for fd, mode in self.shared.items():
            os.lseek(fd, 0, os.SEEK_SET)
            os.set_blocking(fd, True)
            if os.fstat(fd).st_mode & 0o7777 != mode:
                os.fchmod(fd, mode)
            with contextlib.suppress(OSError):
                os.utime(fd)

    def fork(self, request, role, mine, other):
        if self.namespace is not None:
            linux.unshare(linux.CLONE_NEWPID)
        self.first_to_go(b"500")
        pid = os.fork()
        if pid == 0:
            try:
                if other is not None:
                    other.close()
                self.become_child(request, role, mine)
            finally:
                os._exit(70)
        self.first_to_go(b"0")
        if self.namespace is not None:
            linux.call("setns", self.namespace, linux.CLONE_NEWPID)
        return pid

    def first_to_go(self, score):
        """Set the score that the next child inherits, so that the kernel out of memory ends it rather than the zygote."""
        if self.score is not None:
            with contextlib.suppress(OSError):
                os.write(self.score, score)

    def become_child(self, request, role, peer):
        _, _, _, memory, scratch, largest, threads = request
        linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)
        os.setsid()
        if self.namespace is not None:
            jail.scratch(scratch)
        child.set_limits(memory, request[1], largest, threads if self.namespace is not None else None)
        job = child.read_all(self.fds["job2" if role == "solution" else "job"])
        keep = [0, 1, 2, self.beginning]
        keep.append(self.fds["result"] if role == "main" else peer.fileno())
        if role == "main" and peer is not None:
            keep.append(peer.fileno())
        child.close_others(keep)
        if self.backend != "none":
            if self.namespace is not None:
                linux.drop_capabilities()
            if self.backend == "seccomp":
                child.begin(self.beginning)  # what the modules of the program's choice do is its own doing
                child.import_named(job, self.modules)
            linux.install_filter(self.filter.of(os.getpid()))
        child.run(job, role, self.fds["result"], peer, self.beginning if self.backend != "seccomp" else None)

    def watch(self, pids, started, cpu, wall):
        """Wait for the main process, killing it where CPU or wall time is over; the solution process dies with it."""
        ended: dict = {}
        why = 0
        handles = {os.pidfd_open(pid): pid for pid in pids}
        poller = select.poll()
        for fd in (*handles, self.control.fileno()):
            poller.register(fd, select.POLLIN)
        while pids[0] not in ended:
            used = sum(linux.cpu_clock(p) if p not in ended else 0 for p in pids)
            used += sum(int((e[2].ru_utime + e[2].ru_stime) * 1e9) for e in ended.values())
            elapsed = time.monotonic_ns() - started
            if used >= cpu or elapsed >= wall:
                why = 1 if used >= cpu else 2
                break
            left = min((cpu - used) / CORES, wall - elapsed)
            for fd, _ in poller.poll(max(1, left / 1e6)):
                if fd == self.control.fileno():
                    for pid in pids:
                        os.kill(pid, signal.SIGKILL)
                    raise Gone
                pid = handles[fd]
                if pid not in ended:
                    ended[pid] = os.wait4(pid, 0)
                    poller.unregister(fd)
        for pid in pids:
            if pid not in ended:
                os.kill(pid, signal.SIGKILL)
                ended[pid] = os.wait4(pid, 0)
        for fd in handles:
            os.close(fd)
        return why, ended


def main(config):
    zygote = Zygote(config)
    try:
        zygote.serve()
    except (Gone, BrokenPipeError, ConnectionResetError):
        os._exit(0)
    except (OSError, ImportError) as error:
        zygote.control.send(f"failed {getattr(error, 'strerror', None) or error}".encode()[:400])
        os._exit(1)
