"""The attack suite over one backend: every hostile program, the control after each, then the state of the host.

As a script, `python tests/sandbox/siege.py BACKEND [REPEATS]`, so that it can run as another user; prints JSON.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

REPO = Path(__file__).parents[2]
sys.path[:0] = [str(REPO), str(Path(__file__).parent)]

from hostile import (  # noqa: E402
    ANY,
    BEHAVIOURS,
    CONTROL,
    CONTROL_VALUE,
    FORGERIES,
    HONEST,
    LEAVERS,
    LOOKER,
    RAISES,
    RIGGED,
    STYLES,
    program,
)

from cultivar.sandbox import Case, Job, Limits, Sandbox, job_from_asserts  # noqa: E402

LIMITS = Limits(cpu_s=0.3, wall_s=3, memory_mb=192, threads=16)
PATIENT = replace(LIMITS, cpu_s=20, wall_s=120)
"""Of programs that end by themselves: on a slow machine a file of 64 MB alone took more than 0.3 CPU s."""


def descendants() -> set[int]:
    """Live (not zombie) processes below this one."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                state, parent = (entry / "stat").read_text().rsplit(")", 1)[1].split()[:2]
                if state != "Z":
                    parents[int(entry.name)] = int(parent)
    found = {os.getpid()}
    while grown := {p for p, parent in parents.items() if parent in found} - found:
        found |= grown
    return found - {os.getpid()}


def jobs(facts: dict[str, str], repeat: int) -> Iterator[Job]:
    """Hostile jobs, each followed by the control; before them an honest solution for every style of tests."""
    for job in all_jobs(facts, repeat):
        allowed = BEHAVIOURS[job.id][1] if job.id in BEHAVIOURS else ANY
        ends = job.id.startswith(("honest", "control")) or (allowed != ANY and "timeout" not in allowed)
        yield replace(job, limits=PATIENT) if ends else job


def all_jobs(facts: dict[str, str], repeat: int) -> Iterator[Job]:
    """As `jobs`, without limits of their own."""
    for style, tests in STYLES.items():
        code = HONEST.get(style, "def f(x): return x * x + 1")
        yield Job(f"honest {style}", "split", code, tests=[tests], entry_point="f")
    hostile = [
        Job(f"{name}", "call", program(body, facts), entry_point="f", cases=[Case([], "BREACH")])
        for name, (body, _) in BEHAVIOURS.items()
    ]
    for name, code in FORGERIES.items():
        hostile.append(job_from_asserts(f"{name}/call", code, STYLES["assert"].splitlines(), "f"))
        hostile += [Job(f"{name}/{style}", "split", code, tests=[t], entry_point="f") for style, t in STYLES.items()]
        raises = RAISES.items() if name in LEAVERS else ()
        hostile += [Job(f"{name}/{style}", "split", code, tests=[t], entry_point="f") for style, t in raises]
    hostile += [Job(f"{name}/rigged", "split", code, tests=[t], entry_point="f") for name, (code, t) in RIGGED.items()]
    for job in hostile:
        yield job
        if job.id.startswith("leave_"):
            yield Job(
                f"control that looks after {job.id} {repeat}", "call", LOOKER, entry_point="f", cases=[Case([], [])]
            )
        yield Job(f"control after {job.id} {repeat}", "call", CONTROL, entry_point="f", cases=[Case([], CONTROL_VALUE)])


def siege(backend: str, repeats: int = 1) -> dict:
    """{"verdicts": [{id: outcome} per repeat], "problems": attacks that succeeded, and processes, files or connections that they left}."""
    verdicts: list[dict[str, str]] = []
    problems: list[str] = []
    messages: dict[str, str] = {}
    os.environ["CULTIVAR_TEST_SECRET"] = "hush"
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        Path(folder).chmod(0o777)
        secret = Path(folder) / "secret"
        secret.write_text("hush")
        secret.chmod(0o666)
        os.utime(secret, (10**9, 10**9))
        tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        unix, abstract = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
        datagram = f"{folder}/unix"
        for sock, address in ((unix, datagram), (abstract, f"\0cultivar-{os.getpid()}")):
            stack.enter_context(sock)
            sock.bind(address)
            sock.listen()
        Path(datagram).chmod(0o777)
        victim = stack.enter_context(subprocess.Popen(["sleep", "1000"]))
        stack.callback(victim.kill)
        before = descendants()
        facts = {
            "SECRET": str(secret),
            "REPO": str(REPO),
            "VICTIM": str(victim.pid),
            "PORT": str(tcp.getsockname()[1]),
            "UNIX": datagram,
            "ABSTRACT": f"cultivar-{os.getpid()}",
        }
        with Sandbox(backend, slots=1, limits=LIMITS) as box:
            for repeat in range(repeats):
                verdicts.append({})
                for verdict in box.run(jobs(facts, repeat)):
                    if verdict.id.startswith("honest"):
                        if not verdict.passed:
                            problems.append(f"{verdict.id}: {verdict.outcome} {verdict.message}")
                        continue
                    if verdict.id.startswith("control"):
                        if not verdict.passed:
                            problems.append(f"{verdict.id}: {verdict.outcome} {verdict.message}")
                        continue
                    verdicts[-1][verdict.id] = verdict.outcome
                    messages[verdict.id] = verdict.message
                    if verdict.outcome in ("pass", "sandbox_error", "refused"):
                        problems.append(f"{verdict.id}: {verdict.outcome} {verdict.message}")
        deadline = time.monotonic() + 30
        while descendants() - before and time.monotonic() < deadline:
            time.sleep(0.02)
        if left := descendants() - before:
            problems.append(f"left over: {left}")
        if victim.poll() is not None:
            problems.append("the victim was killed")
        status = secret.stat()
        if secret.read_text() != "hush" or status.st_mtime != 10**9 or status.st_mode & 0o777 != 0o666:
            problems.append("the secret was changed")
        if extra := {path.name for path in Path(folder).iterdir()} - {"secret", "unix"}:
            problems.append(f"written: {extra}")
        for sock, name in ((tcp, "tcp"), (unix, "unix"), (abstract, "abstract")):
            sock.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                sock.accept()
                problems.append(f"{name}: a program connected")
    for name, (_, allowed) in BEHAVIOURS.items():
        if allowed != "*" and verdicts[0][name] not in allowed.split():
            problems.append(f"{name}: {verdicts[0][name]}, not {allowed} ({messages[name]})")
    return {"verdicts": verdicts, "problems": problems}


if __name__ == "__main__":
    print(json.dumps(siege(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1)))
