"""What a program sees of the host, per backend: the table of the sandbox's README and the probes behind it."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from functools import cache

from cultivar.sandbox.inside.host import HOST_NAME, RELEASE, VERSION, machine

COLUMNS = ("userns", "bwrap", "landlock", "seccomp", "none", "remote")
ISOLATED = {**dict.fromkeys(COLUMNS[:4], "hidden"), "none": "visible", "remote": "visible"}
FIXED, VISIBLE = dict.fromkeys(COLUMNS, "fixed"), dict.fromkeys(COLUMNS, "visible")
FILES = """
/proc/version /proc/cpuinfo /proc/meminfo /proc/cmdline /proc/loadavg /proc/stat /proc/uptime /proc/self/status
/proc/sys/kernel/hostname /proc/sys/kernel/osrelease /proc/sys/kernel/random/boot_id /sys/kernel/notes
/sys/devices/system/cpu/online /sys/class/dmi/id/sys_vendor /etc/hostname /etc/hosts /etc/machine-id /etc/passwd
""".split()


@dataclass(frozen=True)
class Row:
    """`probe` is an expression over PROBES: its value, or OSError where nothing is told. `near` values count as equal."""

    name: str
    probe: str
    cells: dict[str, str]
    fixed: object = None
    near: float = 0


ROWS = [
    Row(
        "host name and kernel in Python: `os.uname()`, `platform`, `socket.gethostname()`",
        "[*os.uname(), platform.release(), platform.node(), socket.gethostname()]",
        FIXED,
        ["Linux", HOST_NAME, RELEASE, VERSION, machine(), RELEASE, HOST_NAME, HOST_NAME],
    ),
    Row(
        "number of CPUs in Python: `os.cpu_count()`, `os.sched_getaffinity(0)`, `os.sysconf`",
        "[os.cpu_count(), multiprocessing.cpu_count(), list(os.sched_getaffinity(0)), os.sysconf('SC_NPROCESSORS_ONLN')]",
        FIXED,
        [1, 1, [0], 1],
    ),
    Row("the same from the kernel: `uname`", "uname()", ISOLATED),
    Row("`sched_getaffinity` (which CPUs)", "call(libc.sched_getaffinity, 0, 128)", ISOLATED),
    Row("`sysinfo` (memory, load, time since boot)", "call(libc.sysinfo, size=32, offset=32)[:8]", ISOLATED),
    Row(
        "`/proc`, `/sys` (DMI, CPUs), `/etc` (host name, machine id, users)",
        f"sorted(path for path in {FILES} if readable(path)) or hidden()",
        ISOLATED,
    ),
    Row(
        "the process at the other end of a socket (`SO_PEERCRED`, `SO_PEERPIDFD`)",
        "sorted(option for option in (17, 59, 77) if peer(option)) or hidden()",
        ISOLATED,
    ),
    Row(
        "its process number in the host",
        "host_pid()",
        {**VISIBLE, "userns": "hidden", "bwrap": "hidden"},
    ),
    Row("its user's number (in `userns`, and where root starts it, nobody's)", "os.getuid()", VISIBLE),
    Row(
        "whether a path of the host exists",
        "os.path.exists('/etc/passwd') or hidden()",
        {**ISOLATED, "landlock": "visible"},
    ),
    Row(
        "the distribution (`/usr/lib/os-release`)",
        "readable('/usr/lib/os-release') or hidden()",
        {**VISIBLE, "seccomp": "hidden"},
    ),
    Row(
        "modules of the kernel (`/lib/modules`, named after its release)",
        "os.listdir('/lib/modules') or hidden()",
        {**ISOLATED, "landlock": "visible"},
    ),
    Row(
        "size of the disk that holds the standard library",
        "os.statvfs(os.__file__).f_blocks",
        {**VISIBLE, "seccomp": "hidden"},
    ),
    Row(
        "Python: version, build, path of its folder; the C library's version",
        "[sys.version, sys.prefix, libc_version()]",
        VISIBLE,
    ),
    Row("the kernel's version in machine memory (a note of the vDSO)", "vdso_version()", VISIBLE),
    Row("features of the CPU (`CPUID`, auxiliary vector)", "libc.getauxval(16)", VISIBLE),
    Row("the CPU that it runs on just now (`rseq`, vDSO)", "libc.sched_getcpu()", VISIBLE, near=1e6),
    Row("time of day and time since boot", "[time.time(), time.clock_gettime(time.CLOCK_BOOTTIME)]", VISIBLE, near=600),
    Row("its own nice value", "os.getpriority(os.PRIO_PROCESS, 0)", VISIBLE),
]

PROBES = r"""
import ctypes, json, multiprocessing, os, platform, socket, struct, sys, time
libc = ctypes.CDLL(None, use_errno=True)
libc.getauxval.restype = ctypes.c_ulong
libc.gnu_get_libc_version.restype = ctypes.c_char_p
def hidden():
    raise OSError
def call(function, *arguments, size=128, offset=0):
    buffer = ctypes.create_string_buffer(4096)
    if function(*arguments, buffer) < 0: hidden()
    return buffer.raw[offset : offset + size].hex()
def uname():
    buffer = ctypes.create_string_buffer(6 * 65)
    return buffer.raw.hex() if libc.uname(buffer) == 0 else hidden()
def readable(path):
    try:
        with open(path, "rb") as file: return bool(file.read(1))
    except OSError: return False
def peer(option):
    pair = socket.socketpair()
    buffer, size = ctypes.create_string_buffer(64), ctypes.c_int(64)
    return libc.getsockopt(pair[0].fileno(), 1, option, buffer, ctypes.byref(size)) == 0
def host_pid():
    return os.getppid() > 10 and "a number of the host" or hidden()
def libc_version():
    return libc.gnu_get_libc_version().decode()
def vdso_version():
    base = libc.getauxval(33)
    take = lambda form, at: struct.unpack(form, ctypes.string_at(base + at, struct.calcsize(form)))
    (headers,), (size, count) = take("=Q", 32), take("=HH", 54)
    for at in range(headers, headers + size * count, size):
        kind, _, start, _, _, length = take("=IIQQQQ", at)
        while kind == 4 and length > 12:
            names, values, number = take("=III", start)
            if number == 0 and ctypes.string_at(base + start + 12, names) == b"Linux\0":
                return take("=I", start + 12 + (names + 3) // 4 * 4)[0]
            step = 12 + (names + 3) // 4 * 4 + (values + 3) // 4 * 4
            start, length = start + step, length - step
    hidden()
found = {}
for name, probe in json.loads(input()).items():
    try: found[name] = eval(probe)
    except OSError: found[name] = None
print(json.dumps(found))
"""
QUESTIONS = json.dumps({row.name: row.probe for row in ROWS})


@cache
def seen_on_the_host(python: str) -> dict:
    """{name of a row: value, None where the host itself does not tell}."""
    command = [python, "-I", "-S", "-c", PROBES]
    return json.loads(subprocess.run(command, input=QUESTIONS, capture_output=True, text=True, check=True).stdout)


def is_near(value: object, other: object, gap: float) -> bool:
    if isinstance(value, list) and isinstance(other, list):
        return len(value) == len(other) and all(is_near(a, b, gap) for a, b in zip(value, other, strict=True))
    if isinstance(value, int | float) and isinstance(other, int | float):
        return abs(value - other) <= gap
    return value == other


def name_cell(row: Row, value: object, host: object) -> str:
    """What the table says of a row whose probe gave `value` in the sandbox and `host` outside it."""
    if value is None:
        return "hidden"
    if row.fixed is not None and value == row.fixed:
        return "fixed"
    return "visible" if is_near(value, host, row.near) else f"{value!r}, on the host {host!r}"


def table() -> str:
    """The table of the README, in Markdown."""
    lines = ["| | " + " | ".join(f"`{name}`" for name in COLUMNS) + " |", "| --- " * (len(COLUMNS) + 1) + "|"]
    lines += ["| " + " | ".join([row.name, *(row.cells[name] for name in COLUMNS)]) + " |" for row in ROWS]
    return "\n".join(lines)
