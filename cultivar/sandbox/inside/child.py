"""One run, in its own process: limits, then the program, then frames on the result memfd.

Frames are lines: `L` the program is loaded, `I kind message` the rest could not be run, `V i text` value of case i,
`X i kind message` case i raised, `E` end. Bad frames are errors, never a pass. That the run began at all is said before,
through a pipe of the zygote that is closed when foreign code starts: what is in the memfd, the program can erase.
"""

import _sitebuiltins
import atexit
import builtins
import contextlib
import io
import json
import os
import random
import resource
import sys
import types

from . import split, suites
from .plain import PlainError, canonical, inherited, unpack
from .proxies import Lost, Unsupported

write, exit_now, close_range = os.write, os._exit, os.closerange
PROGRAMS = ("__main__", "antigravity", "idlelib", "test", "turtledemo")  # importing them does more than define names


def read_all(fd):
    size = os.fstat(fd).st_size
    data = b""
    while len(data) < size:
        data += os.pread(fd, size - len(data), len(data))
    return json.loads(data)


def set_limits(address_space, cpu_ns, largest, threads):
    """Kernel limits behind the supervisor's own: CPU seconds count ticks, so theirs lie two seconds later."""
    cpu = cpu_ns // 1_000_000_000 + 3
    pairs = [
        (resource.RLIMIT_AS, address_space),
        (resource.RLIMIT_CPU, cpu),
        (resource.RLIMIT_FSIZE, largest),
        (resource.RLIMIT_NOFILE, 128),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
    ]
    if threads is not None:  # counted per user namespace; without one it would count every process of the user
        pairs.append((resource.RLIMIT_NPROC, threads + 8))
    for which, value in pairs:
        _, hard = resource.getrlimit(which)
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(which, (value, value))


def close_others(keep):
    low = 0
    for fd in sorted(keep):
        if fd > low:
            close_range(low, fd)
        low = fd + 1
    close_range(low, 65536)


def import_named(job, packages=()):
    """Import what the source names, before paths are locked away. A module's own failure shows at its import.

    Only the standard library and `packages`; programs among the modules (`unittest.__main__`) run at their import, so
    that they are left to the time when everything is locked.
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


def explain(error):
    """`Type: words`, bounded, whatever the exception's own methods do."""
    try:
        text = f"{type(error).__name__}: {error}"
    except BaseException:
        text = type(error).__name__
    return text[:250] if type(text) is str else "error"


def kind_of(error):
    if isinstance(error, MemoryError):
        return "memory"
    if isinstance(error, SystemExit):
        return "early_exit"
    if isinstance(error, Unsupported):
        return "unsupported"
    if isinstance(error, split.Failed):
        return error.kind
    if isinstance(error, Lost):
        return "lost"
    return "fail" if isinstance(error, AssertionError) else "error"


class Frames:
    """Writer of the result memfd. Messages are JSON, so a frame is always one line."""

    def __init__(self, fd):
        self.fd = fd

    def __call__(self, *words):
        data = (" ".join(words) + "\n").encode("ascii", "backslashreplace")
        while data:
            data = data[write(self.fd, data) :]

    def raised(self, where, error, kind=None):
        self(*where, kind or kind_of(error), json.dumps(explain(error)))


def module(name):
    made = types.ModuleType(name)
    sys.modules[name] = made
    return made.__dict__


def load(source, space, filename):
    exec(compile(source.replace("\r\n", "\n"), filename, "exec", dont_inherit=True), space)


def begin(began):
    """Tell the pipe of the start, and close it."""
    write(began, b"S")
    os.close(began)


def run(job, role, result, peer, began=None):
    """Never returns. `began` is the pipe that is told of the start, unless it was told before."""
    random.seed(job["seed"])
    with contextlib.suppress(OSError):
        os.lseek(0, 0, os.SEEK_SET)
    if began is not None:
        begin(began)
    if role == "solution":
        split.serve_solution(job, peer, load, module)
        exit_now(0)
    emit = Frames(result)
    try:
        if drive(job, emit, peer):
            flush()
            emit("E")
    except BaseException as error:
        emit.raised(("I",), error)
    exit_now(0)


def flush():
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()


def drive(job, emit, peer):
    """True where the run came to its end."""
    mode = job["mode"]
    if mode == "io":
        return program(job, emit)

    def report(index, error):
        if error is None:
            emit("V", str(index), "N")
        else:
            emit.raised(("X", str(index)), error)

    if mode == "split":
        split.run_tests(job, peer, load, module, report)
        return True
    space = module("solution")
    load(job["setup"], space, "<setup>")
    try:
        load(job["code"], space, "<solution>")
    except AssertionError as error:
        emit.raised(("I",), error, "error")
        return False
    if mode == "assert":
        suite = suites.Suite(load, space)
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
            emit("V", str(index), truth(value) if mode == "verifier" else canonical(value))
        except PlainError as error:
            emit("X", str(index), "opaque", json.dumps(explain(error)))
        except BaseException as error:
            kind = "error" if isinstance(error, AssertionError) else None
            emit.raised(("X", str(index)), error, kind)
    return True


def program(job, emit):
    """A whole program, which ends as the interpreter ends one: its threads are waited for, its exit functions run."""
    space = module("__main__")
    space["__file__"] = "program.py"
    sys.argv[:] = ["program.py"]
    for name in ("exit", "quit"):  # which `site` would have made
        setattr(builtins, name, _sitebuiltins.Quitter(name, "Ctrl-D (i.e. EOF)"))
    try:
        load(job["setup"], space, "<setup>")
        try:
            load(job["code"], space, "<program>")
        finally:
            threading = sys.modules.get("threading")  # where the program has not loaded it, it has no threads
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


def truth(value):
    """A verifier answers with bool, 0 or 1 (NumPy's too); anything else, None above all, is no answer."""
    value = value if type(value) in (bool, int) else inherited(value)
    if type(value) in (bool, int) and value in (0, 1):
        return "true" if value else "false"
    raise TypeError("a verifier must return bool")


def streams():
    """Text streams over the slot's memfds, made once and inherited by every child."""
    sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, "r")), "utf-8", "surrogateescape")
    sys.stdout = io.TextIOWrapper(io.BufferedWriter(io.FileIO(1, "w")), "utf-8", "backslashreplace")
    sys.stderr = io.TextIOWrapper(io.FileIO(2, "w"), "utf-8", "backslashreplace", write_through=True)
