"""One run, in its own process: limits, then the program, then frames on the result memfd.

Frames are lines: `L` the program is loaded, `I kind message` the rest could not be run, `V i text` value of case i,
`X i kind message` case i raised, `E` end. Malformed frames are errors, never a pass. That the run has started is reported
before, through a pipe of the zygote that is closed before untrusted code starts: the program can erase the memfd.
"""

import _sitebuiltins
import atexit
import builtins
import contextlib
import io
import json
import os
import random
import re
import resource
import sys
import types

from . import split, suites
from .plain import PlainError, base_value, canonical, unpack
from .proxies import OutputLimit, PeerLost, Unsupported

write, exit_now, close_range = os.write, os._exit, os.closerange
CONTAINERS = (list, set, dict)  # of what a verifier found
PROGRAMS = ("__main__", "antigravity", "idlelib", "test", "turtledemo")  # importing them has side effects


def read_job(fd):
    """The JSON in a memfd, read without moving its position."""
    size = os.fstat(fd).st_size
    data = b""
    while len(data) < size:
        data += os.pread(fd, size - len(data), len(data))
    return json.loads(data)


def set_limits(address_space, cpu_ns, largest, threads):
    """Kernel limits as a fallback for the zygote's: RLIMIT_CPU counts full seconds, so it lies at least two seconds later.

    `address_space` and `largest` (file size) in bytes; `threads` None sets no limit on threads."""
    cpu = cpu_ns // 1_000_000_000 + 3
    limits = [
        (resource.RLIMIT_AS, address_space),
        (resource.RLIMIT_CPU, cpu),
        (resource.RLIMIT_FSIZE, largest),
        (resource.RLIMIT_NOFILE, 128),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
    ]
    if threads is not None:  # counted per user namespace, otherwise over all processes of the user
        limits.append((resource.RLIMIT_NPROC, threads + 8))
    for which, value in limits:
        _, hard = resource.getrlimit(which)
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(which, (value, value))


def close_other_fds(keep):
    """Close every descriptor but those in `keep`."""
    low = 0
    for fd in sorted(keep):
        if fd > low:
            close_range(low, fd)
        low = fd + 1
    close_range(low, 65536)


def import_named_modules(job, packages=()):
    """Import the modules that the job's sources import, before paths become inaccessible. A module that fails here fails
    again at the program's own import.

    Only the standard library and `packages`. Modules that are programs (`unittest.__main__`) run when imported, so they
    are left to the program, after the filter is installed.
    """
    import ast

    def fetch(name):
        parts = [*name.split("."), "__main__"]
        name, root = ".".join(parts[: parts.index("__main__")]), parts[0]
        if root in PROGRAMS or root not in (*sys.stdlib_module_names, *packages):
            return
        with contextlib.suppress(BaseException):
            __import__(name)

    for name, _ in job.get("modules", {}).values():
        fetch(name)
    for source in (job.get("setup", ""), job["code"], *job.get("tests", ())):
        try:
            nodes = list(ast.walk(ast.parse(source)))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        for node in nodes:
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module, *(f"{node.module}.{a.name}" for a in node.names)]
            for name in names:
                fetch(name)


def describe_error(error):
    """`Type: message`, at most 250 characters, whatever the exception's own methods do."""
    try:
        text = f"{type(error).__name__}: {error}"
    except BaseException:
        text = type(error).__name__
    return text[:250] if type(text) is str else "error"


def frame_kind(error):
    """The kind of failure that an exception stands for, as frames name it."""
    if isinstance(error, MemoryError):
        return "memory"
    if isinstance(error, SystemExit):
        return "early_exit"
    if isinstance(error, Unsupported):
        return "unsupported"
    if isinstance(error, OutputLimit):
        return "output_limit"
    if isinstance(error, split.LoadFailed):
        return error.kind
    if isinstance(error, PeerLost):
        return "lost"
    return "fail" if isinstance(error, AssertionError) else "error"


class FrameWriter:
    """Writer of the result memfd. Messages are JSON, so a frame is always one line."""

    def __init__(self, fd):
        self.fd = fd

    def __call__(self, *parts):
        data = (" ".join(parts) + "\n").encode("ascii", "backslashreplace")
        while data:
            data = data[write(self.fd, data) :]

    def write_error(self, where, error, kind=None):
        self(*where, kind or frame_kind(error), json.dumps(describe_error(error)))


def new_module(name):
    """The namespace of a new, empty module."""
    module = types.ModuleType(name)
    sys.modules[name] = module
    return module.__dict__


def exec_source(source, space, filename):
    """Execute source text in a namespace."""
    exec(compile(source.replace("\r\n", "\n"), filename, "exec", dont_inherit=True), space)


def signal_start(start_pipe):
    """Report the start through the pipe, and close it."""
    write(start_pipe, b"S")
    os.close(start_pipe)


def run_child(job, role, result, peer, start_pipe=None):
    """Run a job to its end and exit; never returns. `start_pipe` is None where the start was reported before."""
    random.seed(job["seed"])
    with contextlib.suppress(OSError):
        os.lseek(0, 0, os.SEEK_SET)
    if start_pipe is not None:
        signal_start(start_pipe)
    if role == "solution":
        split.serve_solution(job, peer, exec_source, new_module)
        exit_now(0)
    emit = FrameWriter(result)
    try:
        if run_job(job, emit, peer):
            flush_output()
            emit("E")
    except BaseException as error:
        emit.write_error(("I",), error)
    exit_now(0)


def flush_output():
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()


def run_job(job, emit, peer):
    """Run the job's program or tests and write its frames; whether the run came to its end."""
    mode = job["mode"]
    if mode == "io":
        return run_program(job, emit)

    def report(index, error):
        if error is None:
            emit("V", str(index), "N")
        else:
            emit.write_error(("X", str(index)), error)

    if mode == "split":
        split.run_tests(job, peer, exec_source, new_module, report)
        return True
    space = new_module("solution")
    exec_source(job["setup"], space, "<setup>")
    try:
        exec_source(job["code"], space, "<solution>")
    except AssertionError as error:
        emit.write_error(("I",), error, "error")
        return False
    if mode == "assert":
        suite = suites.Suite(exec_source, space)
        for index, test in enumerate(job["tests"]):
            report(index, suite.run(test, f"<test {index}>"))
        return True
    function = space.get(job["entry_point"])
    if function is None:
        emit("I", "error", json.dumps(f"NameError: {job['entry_point']} is not defined"))
        return False
    emit("L")
    for index in range(job["start"], len(job["calls"])):
        args, kwargs = unpack(job["calls"][index])
        try:
            value = function(*args, **kwargs)
            emit("V", str(index), verifier_result(value) if mode == "verifier" else canonical(value))
        except PlainError as error:
            emit("X", str(index), "opaque", json.dumps(describe_error(error)))
        except BaseException as error:
            kind = "error" if isinstance(error, AssertionError) else None
            emit.write_error(("X", str(index)), error, kind)
    return True


def run_program(job, emit):
    """Run a program in `io` mode. Like the interpreter, wait for its threads and run its exit functions at the end."""
    space = new_module("__main__")
    space["__file__"] = "program.py"
    sys.argv[:] = ["program.py"]
    for name in ("exit", "quit"):  # `site`, which defines them, is not imported
        setattr(builtins, name, _sitebuiltins.Quitter(name, "Ctrl-D (i.e. EOF)"))
    try:
        exec_source(job["setup"], space, "<setup>")
        try:
            exec_source(job["code"], space, "<program>")
        finally:
            threading = sys.modules.get("threading")  # a program that has not imported it has no threads
            if threading is not None:
                for thread in threading.enumerate():
                    if thread is not threading.current_thread() and not thread.daemon:
                        thread.join()
            atexit._run_exitfuncs()
    except SystemExit as stop:
        if stop.code not in (None, 0):
            emit("I", "error", json.dumps(f"exit status {stop.code!r}"[:250]))
            return False
    return True


def verifier_result(value):
    """ "true" or "false": the truth of a bool, number (NumPy's too), None, match, or of a container without bools; the
    words "true" and "false" are what they say. Raises TypeError for anything else: its truth may be no answer, as that
    of `(False, "too short")` or of a coroutine.
    """
    if value is None:
        return "false"
    if type(value) is re.Match:
        return "true"
    base = value if type(value) in (bool, int, float, str, *CONTAINERS) else base_value(value)
    if type(base) is str and base.strip().lower() in ("true", "false"):
        return base.strip().lower()
    if type(base) in (bool, int, float) and base == base:
        return "true" if base else "false"
    if type(base) in CONTAINERS and not any(type(item) is bool for item in base):
        return "true" if base else "false"
    raise TypeError("a verifier must return true or false")


def open_streams():
    """Create sys.stdin, stdout and stderr over the slot's memfds, once for all children."""
    sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, "r")), "utf-8", "surrogateescape")
    sys.stdout = io.TextIOWrapper(io.BufferedWriter(io.FileIO(1, "w")), "utf-8", "backslashreplace")
    sys.stderr = io.TextIOWrapper(io.FileIO(2, "w"), "utf-8", "backslashreplace", write_through=True)
