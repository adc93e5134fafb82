"""The warm process of one slot: enters its jail once, then forks one child per run and reports how it ended.

It never reads a job or a result, so a child inherits no other job and no expected value. Its reports (wait status, CPU,
wall time, memory) come from the kernel, not from the child.
"""

import _socket as socket  # without the rest of `socket`: a smaller process forks faster
import contextlib
import gc
import os
import select
import signal
import struct
import time

from . import child, host, jail, linux, packages
from .filters import ChildFilter, zygote_filter

# mode (0 one process, 1 split), CPU ns, wall ns, address space bytes, scratch MB, largest file bytes, threads
REQUEST = struct.Struct("=BqqqqqI")
# wait status of the main process, of the solution process, why killed (0, 1 CPU, 2 wall), whether every process began
# its run, CPU ns, wall ns, RSS KB
REPORT = struct.Struct("=iiBBqqq")
CORES = os.cpu_count() or 1


class SupervisorGone(Exception):
    """The supervisor has closed its end of the control socket."""


class Zygote:
    def __init__(self, config):
        self.backend = config["backend"]
        self.control = socket.socket(fileno=config["control"])
        self.fds = config["fds"]  # {"job", "job2", "result"}: memfds, reopened with one direction each
        self.stdlib, self.trees, self.modules = config["stdlib"], config["trees"], config["modules"]
        self.namespace = self.score = None
        self.filter = ChildFilter(self.backend)
        self.shared = {fd: os.fstat(fd).st_mode & 0o7777 for fd in (0, 1, 2, self.fds["result"])}
        self.start_read, self.start_write = os.pipe()
        os.set_blocking(self.start_read, False)

    def lock_down(self):
        """Enter the jail of the backend."""
        os.setsid()
        if self.backend != "userns":
            self.score = jail.open_score()
        if self.backend == "userns":
            self.namespace, self.score = jail.enter_jail(self.stdlib, self.trees)
            linux.drop_bounding_set()
        elif os.getuid() == 0 and self.backend != "bwrap":
            linux.become_nobody()
        if self.backend == "none":
            return
        linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
        if self.backend in ("landlock", "bwrap"):
            paths = [*jail.readable_paths(self.stdlib, self.trees), *(f"/dev/{name}" for name in jail.DEVICES)]
            # bubblewrap isolates without Landlock, which is added where the kernel has it
            with contextlib.suppress(OSError) if self.backend == "bwrap" else contextlib.nullcontext():
                linux.apply_landlock(paths)
        linux.install_filter(zygote_filter())

    def serve(self):
        """Enter the jail, then run requests until the supervisor closes the control socket."""
        self.lock_down()
        host.hide_host()  # before packages are imported, which may ask
        prefix = jail.PACKAGES if self.backend == "userns" else ""
        packages.import_packages(self.modules, prefix)
        gc.collect()
        gc.freeze()
        self.control.send(b"ready")
        while packet := self.control.recv(REQUEST.size):
            self.control.send(self.run(REQUEST.unpack(packet)))

    def run(self, request):
        split, cpu, wall, *_ = request
        self.reset_shared_fds()
        pair: tuple = socket.socketpair() if split else (None, None)
        started = time.monotonic_ns()
        pids = [self.fork_child(request, "main", pair[0], pair[1])]
        if split:
            pids.append(self.fork_child(request, "solution", pair[1], pair[0]))
            for end in pair:
                end.close()
        kill_reason, exits = self.wait_for_children(pids, started, cpu, wall)
        statuses, cpu_ns, rss = [], 0, 0
        for pid in pids:
            _, status, usage = exits[pid]
            statuses.append(status)
            cpu_ns += int((usage.ru_utime + usage.ru_stime) * 1e9)
            rss = max(rss, usage.ru_maxrss)
        has_started = b""
        with contextlib.suppress(BlockingIOError):
            has_started = os.read(self.start_read, 16)
        elapsed = time.monotonic_ns() - started
        return REPORT.pack(
            statuses[0], (statuses + [0])[1], kill_reason, len(has_started) == len(pids), cpu_ns, elapsed, rss
        )

    def reset_shared_fds(self):
        """The runs of a slot share these open files: reset position, mode and times, so that a run learns nothing of the one
        before. (The supervisor truncates them.)
        """
        for fd, mode in self.shared.items():
            os.lseek(fd, 0, os.SEEK_SET)
            os.set_blocking(fd, True)
            if os.fstat(fd).st_mode & 0o7777 != mode:
                os.fchmod(fd, mode)
            with contextlib.suppress(OSError):
                os.utime(fd)

    def fork_child(self, request, role, mine, other):
        if self.namespace is not None:
            linux.unshare(linux.CLONE_NEWPID)
        self.set_oom_score(b"500")
        pid = os.fork()
        if pid == 0:
            try:
                if other is not None:
                    other.close()
                self.become_child(request, role, mine)
            finally:
                os._exit(70)
        self.set_oom_score(b"0")
        if self.namespace is not None:
            linux.syscall("setns", self.namespace, linux.CLONE_NEWPID)
        return pid

    def set_oom_score(self, score):
        """Set the oom_score_adj that the next child inherits, so that the kernel kills it rather than the zygote."""
        if self.score is not None:
            with contextlib.suppress(OSError):
                os.write(self.score, score)

    def become_child(self, request, role, peer):
        _, _, _, memory, scratch, largest, threads = request
        linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)
        os.setsid()
        if self.namespace is not None:
            jail.mount_scratch(scratch)
        child.set_limits(memory, request[1], largest, threads if self.namespace is not None else None)
        job = child.read_job(self.fds["job2" if role == "solution" else "job"])
        keep = [0, 1, 2, self.start_write]
        keep.append(self.fds["result"] if role == "main" else peer.fileno())
        if role == "main" and peer is not None:
            keep.append(peer.fileno())
        child.close_other_fds(keep)
        if self.backend != "none":
            if self.namespace is not None:
                linux.drop_capabilities()
            if self.backend == "seccomp":
                child.signal_start(self.start_write)  # the modules that the program imports count as its own code
                child.import_named_modules(job, self.modules)
            linux.install_filter(self.filter.for_pid(os.getpid()))
        child.run_child(job, role, self.fds["result"], peer, self.start_write if self.backend != "seccomp" else None)

    def wait_for_children(self, pids, started, cpu, wall):
        """Wait for the main process and kill it when CPU or wall time (ns) is used up; then kill the solution's process.

        Returns (kill reason, {pid: (pid, wait status, resource usage)}). Raises SupervisorGone."""
        exits: dict = {}
        kill_reason = 0
        handles = {os.pidfd_open(pid): pid for pid in pids}
        poller = select.poll()
        for fd in (*handles, self.control.fileno()):
            poller.register(fd, select.POLLIN)
        while pids[0] not in exits:
            cpu_used = sum(linux.cpu_clock(p) if p not in exits else 0 for p in pids)
            cpu_used += sum(int((e[2].ru_utime + e[2].ru_stime) * 1e9) for e in exits.values())
            elapsed = time.monotonic_ns() - started
            if cpu_used >= cpu or elapsed >= wall:
                kill_reason = 1 if cpu_used >= cpu else 2
                break
            left = min((cpu - cpu_used) / CORES, wall - elapsed)
            for fd, _ in poller.poll(max(1, left / 1e6)):
                if fd == self.control.fileno():
                    for pid in pids:
                        os.kill(pid, signal.SIGKILL)
                    raise SupervisorGone
                pid = handles[fd]
                if pid not in exits:
                    exits[pid] = os.wait4(pid, 0)
                    poller.unregister(fd)
        for pid in pids:
            if pid not in exits:
                os.kill(pid, signal.SIGKILL)
                exits[pid] = os.wait4(pid, 0)
        for fd in handles:
            os.close(fd)
        return kill_reason, exits


def main(config):
    zygote = Zygote(config)
    try:
        zygote.serve()
    except (SupervisorGone, BrokenPipeError, ConnectionResetError):
        os._exit(0)
    except (OSError, ImportError) as error:
        zygote.control.send(f"failed {getattr(error, 'strerror', None) or error}".encode()[:400])
        os._exit(1)
