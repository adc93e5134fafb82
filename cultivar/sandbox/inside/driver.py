"""Runs on a remote server: forks the program, waits for it and says how it ended, between two nonces on stdout.

It arrives as the code of a request and finds cultivar.json beside it.
"""

import base64
import contextlib
import json
import os
import sys
import tempfile
import time
import types

POLL_S = 0.002


def modules(sources):
    """The harness's own modules, from their source texts."""
    package = types.ModuleType("inside")
    package.__path__ = []
    sys.modules["inside"] = package
    for name, source in sources:
        module = types.ModuleType(f"inside.{name}")
        module.__package__ = "inside"
        sys.modules[f"inside.{name}"] = module
        setattr(package, name, module)
        exec(compile(source, f"<inside/{name}>", "exec"), module.__dict__)
    return sys.modules["inside.child"]


def start(child, config, files, beginning):
    """In the child: never returns."""
    for number in range(3):
        os.dup2(files[number].fileno(), number)
    result = files[3].fileno()
    with open("/proc/self/statm") as file:
        base = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    child.set_limits(base + config["memory"], config["cpu_ns"], config["largest"] + (1 << 20), None)
    child.close_others([0, 1, 2, result, beginning])
    child.streams()
    child.run(config["job"], "main", result, None, beginning)


def watch(pid, cpu_ns, wall_s):
    """(wait status, usage, 0 or why it was killed: 1 CPU, 2 wall)."""
    started = time.monotonic()
    while True:
        done, status, usage = os.wait4(pid, os.WNOHANG)
        if done:
            return status, usage, 0
        cpu = 0
        with contextlib.suppress(OSError):
            cpu = time.clock_gettime_ns(((~pid) << 3) | 2)
        if cpu >= cpu_ns or time.monotonic() - started >= wall_s:
            os.kill(pid, 9)
            _, status, usage = os.wait4(pid, 0)
            return status, usage, 1 if cpu >= cpu_ns else 2
        time.sleep(POLL_S)


def main():
    with open("cultivar.json") as file:
        config = json.load(file)
    os.unlink("cultivar.json")
    child = modules(config["sources"])
    with contextlib.ExitStack() as stack:
        stdin, stdout, stderr, result = files = [stack.enter_context(tempfile.TemporaryFile()) for _ in range(4)]
        stdin.write(base64.b64decode(config["stdin"]))
        stdin.seek(0)
        began, beginning = os.pipe()
        started = time.monotonic()
        pid = os.fork()
        if pid == 0:
            try:
                start(child, config, files, beginning)
            finally:
                os._exit(70)
        os.close(beginning)
        status, usage, killed = watch(pid, config["cpu_ns"], config["wall_s"])
        told = len(os.read(began, 1)) == 1
        spent = usage.ru_utime + usage.ru_stime
        answer = [status, killed, told, spent, time.monotonic() - started, usage.ru_maxrss, sys.version.split()[0]]
        for written in (result, stdout, stderr):
            answer.append(base64.b64encode(os.pread(written.fileno(), config["largest"] + 1, 0)).decode())
    nonce = config["nonce"]
    os.write(1, f"\n{nonce}{json.dumps(answer)}{nonce}\n".encode())


if __name__ == "__main__":
    main()
