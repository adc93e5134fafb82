"""Runs on a remote server: forks the program, waits for it and prints how it ended, between two nonces on stdout.

It is sent as the code of a request, with the file cultivar.json in its working folder.
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


def load_modules(sources):
    """Load the modules of `inside` from their sources; the module `child`."""
    package = types.ModuleType("inside")
    package.__path__ = []
    sys.modules["inside"] = package
    for name, source in sources:
        new_module = types.ModuleType(f"inside.{name}")
        new_module.__package__ = "inside"
        sys.modules[f"inside.{name}"] = new_module
        setattr(package, name, new_module)
        exec(compile(source, f"<inside/{name}>", "exec"), new_module.__dict__)
    return sys.modules["inside.child"]


def start_child(child, config, files, start_write):
    """Run the job in the child process; never returns."""
    for number in range(3):
        os.dup2(files[number].fileno(), number)
    result = files[3].fileno()
    with open("/proc/self/statm") as file:
        base = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    child.set_limits(base + config["memory"], config["cpu_ns"], config["largest"] + (1 << 20), None)
    child.close_other_fds([0, 1, 2, result, start_write])
    sys.modules["inside.host"].hide_host()
    child.open_streams()
    child.run_child(config["job"], "main", result, None, start_write)


def wait_for_child(pid, cpu_ns, wall_s):
    """(wait status, resource usage, kill reason: 0 none, 1 CPU time, 2 wall time)."""
    started = time.monotonic()
    while True:
        exited, status, usage = os.wait4(pid, os.WNOHANG)
        if exited:
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
    child = load_modules(config["sources"])
    with contextlib.ExitStack() as stack:
        stdin, stdout, stderr, result = files = [stack.enter_context(tempfile.TemporaryFile()) for _ in range(4)]
        stdin.write(base64.b64decode(config["stdin"]))
        stdin.seek(0)
        start_read, start_write = os.pipe()
        started = time.monotonic()
        pid = os.fork()
        if pid == 0:
            try:
                start_child(child, config, files, start_write)
            finally:
                os._exit(70)
        os.close(start_write)
        status, usage, kill_reason = wait_for_child(pid, config["cpu_ns"], config["wall_s"])
        has_started = len(os.read(start_read, 1)) == 1
        cpu_s = usage.ru_utime + usage.ru_stime
        report = [
            status,
            kill_reason,
            has_started,
            cpu_s,
            time.monotonic() - started,
            usage.ru_maxrss,
            sys.version.split()[0],
        ]
        for written in (result, stdout, stderr):
            report.append(base64.b64encode(os.pread(written.fileno(), config["largest"] + 1, 0)).decode())
    nonce = config["nonce"]
    os.write(1, f"\n{nonce}{json.dumps(report)}{nonce}\n".encode())


if __name__ == "__main__":
    main()
