"""Which backend can run here: each is built in a disposable process and has to withstand nine attacks.

That `unshare` succeeds proves nothing (AppArmor lets it succeed and then removes the rights), so the probe starts a
complete zygote. The probing process itself never enters a jail.
"""

from __future__ import annotations

import os
import shutil
import socket
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from .interpreters import SlotFailed
from .jobs import Job, Limits, SandboxUnavailable
from .judge import job_payload, judge_run
from .slot import Slot

ORDER = ("userns", "bwrap", "landlock", "seccomp")  # strongest first
REMEDIES = (
    "Remedies: (1) allow unprivileged user namespaces (Ubuntu: an AppArmor profile or sysctl "
    "kernel.apparmor_restrict_unprivileged_userns=0; Docker: a seccomp profile that allows unshare, mount and "
    "pivot_root, never --privileged) or a kernel with Landlock (>= 5.13, lsm=landlock); (2) run in a Linux "
    "container or VM; (3) backend='remote' with the address of a SandboxFusion server (CULTIVAR_SANDBOX_URL)."
)


@dataclass(frozen=True)
class Probe:
    """Whether a backend works here and, if not, why."""

    backend: str
    works: bool
    reason: str


def attacks(secret: str, port: int) -> dict[str, str]:
    """{name: program} of the self-test: each must end without printing BREACH.

    `secret` is the path of a file of the host, `port` a listening TCP port on loopback.
    """
    return {
        "read a host file": f"print('BREACH' if open({secret!r}).read() else '')",
        "read /etc/passwd": "print('BREACH' if open('/etc/passwd').read() else '')",
        "open a socket": f"import socket\nsocket.create_connection(('127.0.0.1', {port}), 2)\nprint('BREACH')",
        "start a process": "import os\nif os.fork() == 0: os._exit(0)\nprint('BREACH')",
        "write outside scratch": f"open({secret + '.written'!r}, 'w').write('x')\nprint('BREACH')",
        "signal the parent": "import os\nos.kill(os.getppid() or 1 if os.getpid() != 1 else 2, 9)\nprint('BREACH')",
        "make namespaces": "import ctypes\nprint('BREACH' if ctypes.CDLL(None).unshare(0x10000000) == 0 else '')",
        "take memory": "x = bytearray(600 << 20)\nprint('BREACH')",
        "take CPU": "while True: pass",
    }


def self_test(slot: Slot) -> str:
    """An empty string, or the reason why the backend failed: an attack succeeded or a harmless program did not pass."""
    limits = Limits(cpu_s=0.2, wall_s=5, memory_mb=256)
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as server:
        Path(folder).chmod(0o755)
        secret = Path(folder) / "secret"
        secret.write_text("secret")
        secret.chmod(0o644)
        programs = attacks(str(secret), server.getsockname()[1])
        for name, code in {**programs, "control": "import json, math\nprint(json.dumps([1]), math.pi)"}.items():
            job = Job(name, "io", code)
            slot.send(job_payload(job)[0], limits)
            end = slot.receive()
            if end is None:
                return f"self-test: the zygote died of '{name}'"
            result = judge_run(job, limits, end)
            if result.outcome == "sandbox_error":
                return f"self-test: {result.message}"
            if name == "control" and result.outcome != "pass":
                return f"self-test: a harmless program ended as {result.outcome}: {result.message}"
            if b"BREACH" in end.stdout or Path(str(secret) + ".written").exists():
                return f"self-test: '{name}' got through"
    return ""


@cache
def _probe(backend: str, user: int) -> Probe:
    if not sys.platform.startswith("linux"):
        return Probe(backend, False, f"{sys.platform} has none of the kernel interfaces that it needs")
    if backend == "bwrap" and not shutil.which("bwrap"):
        return Probe(backend, False, "bubblewrap is not installed (bwrap not on PATH)")
    try:
        slot = Slot(backend)
    except (SlotFailed, OSError, KeyError) as error:
        return Probe(backend, False, str(error))
    try:
        slot.wait_ready()
    except (SlotFailed, OSError) as error:
        return Probe(backend, False, str(error))
    try:
        failure = self_test(slot)
    except OSError as error:
        failure = f"self-test: {error}"
    finally:
        slot.close()
    return Probe(backend, not failure, failure)


def default_slots() -> int:
    """Two per core: the processes of a run wait for each other, so a second run keeps the core busy."""
    return 2 * len(os.sched_getaffinity(0))


def disabled_backends() -> set[str]:
    """Backends that CULTIVAR_SANDBOX_DISABLE forbids (comma-separated names, or `all`)."""
    names = os.environ.get("CULTIVAR_SANDBOX_DISABLE", "")
    return set(ORDER) if names == "all" else {n for n in names.split(",") if n}


def probe(backend: str) -> Probe:
    """Whether this backend can be built, cached for this process and user."""
    if backend not in ORDER:
        return Probe(backend, False, f"not one of {', '.join(ORDER)}")
    if backend in disabled_backends():
        return Probe(backend, False, "disabled by CULTIVAR_SANDBOX_DISABLE")
    return _probe(backend, os.getuid())


def choose_backend(backend: str, weakest: str = "seccomp") -> str:
    """The named backend, or for `auto` the strongest that works. Raises SandboxUnavailable with every reason, ValueError
    for an unknown name."""
    if backend != "auto" and backend not in ORDER:
        raise ValueError(f"backend {backend!r} is not one of auto, {', '.join(ORDER)}, remote, none")
    names = ORDER[: ORDER.index(weakest) + 1] if backend == "auto" else (backend,)
    failures = []
    for name in names:
        result = probe(name)
        if result.works:
            return name
        failures.append(f"  {name}: {result.reason}")
    reasons = "\n".join(failures)
    raise SandboxUnavailable(f"No sandbox backend works here, so no code is run.\n{reasons}\n{REMEDIES}")
