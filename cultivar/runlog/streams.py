"""Standard output and standard error that no text and no reader can end a run with.

What a run prints changes no result, so a pipe whose reader has gone, a full disk under a log, a closed or non-blocking
terminal and an encoding without the characters cost lines and nothing else.
"""

import io
import os
import select
import sys

STREAMS = {1: "stdout", 2: "stderr"}


class LenientFile(io.FileIO):
    """A file whose writes do not fail: what cannot be written is dropped. `lost`: the first error."""

    lost: OSError | None = None

    def write(self, data: "bytes | bytearray | memoryview") -> int:  # type: ignore[override]
        """Write, waiting for a full non-blocking pipe; returns the number of bytes that are dealt with."""
        try:
            while (written := super().write(data)) is None:
                select.select([], [self.fileno()], [])
            return written
        except OSError as error:
            if self.lost is None:
                self.lost = error
                if self.fileno() == 1:
                    warn(f"standard output cannot be written ({error.strerror or error}): lines of it are lost")
            return len(data)


FILES: dict[int, LenientFile] = {}


def open_console() -> None:
    """Let sys.stdout and sys.stderr take any text and outlive their readers; characters that their encoding lacks are
    written as `\\uXXXX`. Closed ones lead nowhere: the next file that is opened would get their number.

    Called once where a process begins: in the command, the runner and each process of a training.
    """
    closed = [number for number in (0, *STREAMS) if is_closed(number)]
    for number in closed:
        nowhere = os.open(os.devnull, os.O_RDWR)
        os.dup2(nowhere, number)
        os.set_inheritable(number, True)
        if nowhere != number:
            os.close(nowhere)
    for number, name in STREAMS.items():
        stream = getattr(sys, name)
        if stream is None:  # closed; its number may be another file's by now
            setattr(sys, name, lenient(number if number in closed else os.open(os.devnull, os.O_RDWR), None))
        elif stream is getattr(sys, f"__{name}__") and isinstance(stream, io.TextIOWrapper):
            setattr(sys, name, lenient(number, stream))
        elif isinstance(stream, io.TextIOWrapper):  # of a test or a notebook
            stream.reconfigure(errors="backslashreplace")


def is_closed(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return True
    return False


def lenient(number: int, stream: io.TextIOWrapper | None) -> io.TextIOWrapper:
    """A text stream over a LenientFile, buffered as `stream` is; None: one that was closed."""
    if stream is not None:
        stream.flush()
    FILES[number] = file = LenientFile(number, "w", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(file),  # type: ignore[type-var]
        encoding="utf-8" if stream is None else stream.encoding,
        errors="backslashreplace",
        line_buffering=number == 2 or (stream is not None and stream.line_buffering),
        write_through=stream is not None and stream.write_through,
    )


def lost_output() -> OSError | None:
    """Why some of the standard output could not be written; None where all of it was, or its reader had enough."""
    if sys.stdout is not None:
        sys.stdout.flush()
    error = FILES[1].lost if 1 in FILES else None
    return None if isinstance(error, BrokenPipeError) else error


def warn(text: str) -> None:
    """Say on standard error what does not end the run."""
    print(f"warning: {text}", file=sys.stderr, flush=True)
