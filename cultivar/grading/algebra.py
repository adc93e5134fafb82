"""math-verify in processes of its own: no expression can hang or kill the one that asks.

Workers are started at the first question, kept, and ended at exit; one that exceeds its limits is replaced, and its
question stays undecided. Callable from any thread and after a fork. Of a worker that dies, the questions behind the
culprit are asked again.
"""

import atexit
import json
import os
import select
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Lock

from cultivar.grading import algebra_worker

CPU_SECONDS = 3.0
"""CPU time of one question. Time of the processor, so that a loaded machine decides as an idle one does."""
MEMORY_BYTES = 2 * 2**30
"""Address space of a worker."""
WALL_SECONDS = 300.0
"""After so long a worker that uses no CPU time is given up."""
BATCH = 32
"""Questions that a worker is sent at once; their lines fit into a pipe."""
MAX_CHARS = 600
"""Characters of an expression."""

Question = tuple[str, str]


class Worker:
    """One process, started at the first question and again after it ended."""

    def __init__(self, cpu_seconds: float) -> None:
        self.cpu_seconds = cpu_seconds
        self.process: subprocess.Popen[bytes] | None = None
        self.unread = b""

    def answer(self, questions: Sequence[Question]) -> list[bool | None]:
        """A verdict per question; None for one that ended the process."""
        verdicts: list[bool | None] = []
        while len(verdicts) < len(questions):
            rest = questions[len(verdicts) : len(verdicts) + BATCH]
            answered = self.exchange(rest)
            verdicts += answered
            if len(answered) < len(rest):
                verdicts.append(None)
                self.close()
        return verdicts

    def exchange(self, questions: Sequence[Question]) -> list[bool | None]:
        """The verdicts that come before the process ends, as far as it does."""
        if self.process is not None and self.process.poll() is not None:
            self.close()  # ended from outside since the last question
        process = self.process = self.process or self.start()
        assert process.stdin is not None and process.stdout is not None
        verdicts: list[bool | None] = []
        with suppress(BrokenPipeError):
            process.stdin.write(b"".join(json.dumps(question).encode() + b"\n" for question in questions))
            process.stdin.flush()
        while len(verdicts) < len(questions):
            line, end, rest = self.unread.partition(b"\n")
            if end:
                verdicts.append(json.loads(line))
                self.unread = rest
                continue
            if not (read := self.read(process)):
                break
            self.unread += read
        return verdicts

    def read(self, process: subprocess.Popen[bytes]) -> bytes:
        """What the process has written; nothing where it ended, or is given up."""
        assert process.stdout is not None
        poll = select.poll()
        poll.register(process.stdout, select.POLLIN)
        return os.read(process.stdout.fileno(), 2**16) if poll.poll(1000 * WALL_SECONDS) else b""

    def start(self) -> subprocess.Popen[bytes]:
        """A process that has loaded its libraries. Raises RuntimeError where it cannot."""
        process = subprocess.Popen(
            [sys.executable, "-P", algebra_worker.__file__, str(self.cpu_seconds), str(MEMORY_BYTES)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONHASHSEED": "0"},
        )
        if self.read(process) != algebra_worker.READY:
            process.kill()
            raise RuntimeError("math-verify cannot be started: try `python -c 'import math_verify'`")
        return process

    def close(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            for pipe in (self.process.stdin, self.process.stdout):
                with suppress(OSError):
                    if pipe is not None:
                        pipe.close()
        self.process, self.unread = None, b""


class Pool:
    """Workers for any number of threads; a call uses at most `size`, and so many are kept."""

    def __init__(self, size: int | None = None, cpu_seconds: float = CPU_SECONDS) -> None:
        self.size = size or os.cpu_count() or 1
        self.cpu_seconds = cpu_seconds
        self.reset()

    def reset(self) -> None:
        """Forget all workers: a process that is forked has its parent's pipes."""
        self.lock = Lock()
        self.idle: list[Worker] = []

    def compare(self, questions: Sequence[Question]) -> dict[Question, bool | None]:
        """Question (gold, given) -> whether both are equal; None where that is not shown, or not within the limits."""
        wanted = sorted({each for each in questions if max(map(len, each)) <= MAX_CHARS})
        chunks = [wanted[start : start + BATCH] for start in range(0, len(wanted), BATCH)]
        with ThreadPoolExecutor(min(self.size, len(chunks)) or 1) as threads:
            answers = list(threads.map(self.answer, chunks))
        verdicts = [verdict for of_chunk in answers for verdict in of_chunk]
        return dict.fromkeys(questions) | dict(zip(wanted, verdicts, strict=True))

    def answer(self, questions: Sequence[Question]) -> list[bool | None]:
        with self.lock:
            worker = self.idle.pop() if self.idle else Worker(self.cpu_seconds)
        try:
            return worker.answer(questions)
        except BaseException:
            worker.close()
            raise
        finally:
            with self.lock:
                keep = len(self.idle) < self.size
                self.idle += [worker] if keep else []
            if not keep:
                worker.close()

    def close(self) -> None:
        """End all workers; the next question starts new ones."""
        with self.lock:
            for worker in self.idle:
                worker.close()
            self.idle.clear()


POOL = Pool()
"""The workers of this process."""
atexit.register(POOL.close)
os.register_at_fork(after_in_child=POOL.reset)
