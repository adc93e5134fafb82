"""No orphans: processes that a library starts end when this process is killed.

vLLM's engine runs in processes of its own, which go on computing after a `kill -9` of the process that started them. A
watcher holds one end of a pipe whose other end is held by this process: when it ends, however that happens, the watcher
reads the end of the pipe and kills them.
"""

import subprocess
import sys

import psutil

WATCH = """
import os, signal, sys
if not sys.stdin.buffer.read(1):
    for pid in map(int, sys.argv[1:]):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
"""


class Watch:
    """Watches over the processes that were started between `Watch()` and `begin()`."""

    def __init__(self) -> None:
        self.before = descendants()
        self.watcher: subprocess.Popen[bytes] | None = None

    def begin(self) -> None:
        """From now on they are killed when this process ends."""
        started = [str(pid) for pid in sorted(descendants() - self.before)]
        command = [sys.executable, "-I", "-S", "-c", WATCH, *started]
        self.watcher = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)

    def end(self) -> None:
        """They have ended normally."""
        if self.watcher is not None:
            self.watcher.communicate(b".")
            self.watcher = None


def descendants() -> set[int]:
    return {process.pid for process in psutil.Process().children(recursive=True)}
