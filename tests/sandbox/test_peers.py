"""What the solution of a split run holds of the processes beside it: the descriptors of its run, and no way to another."""

import json

import pytest

from cultivar.sandbox import Job, Sandbox, backends

# name: (number on x86-64, generic number, arguments with which it would succeed, or fail for another reason than a filter)
CALLS = {
    "pidfd_open": (434, 434, "os.getpid(), 0"),
    "pidfd_getfd": (438, 438, "-1, 0, 0"),
    "pidfd_send_signal": (424, 424, "-1, 0, 0, 0"),
    "process_madvise": (440, 440, "-1, 0, 0, 0, 0"),
    "process_mrelease": (448, 448, "-1, 0"),
    "process_vm_readv": (310, 270, "os.getpid(), 0, 0, 0, 0, 0"),
    "process_vm_writev": (311, 271, "os.getpid(), 0, 0, 0, 0, 0"),
    "ptrace of itself by its parent": (101, 117, "0, 0, 0, 0"),
    "kcmp": (312, 272, "os.getpid(), os.getpid(), 0, 0, 0"),
    "setns": (308, 268, "-1, 0"),
    "waitid of a pidfd": (247, 95, "3, -1, 0, 4, 0"),
    "clone with CLONE_PIDFD": (56, 220, "0x1000 | 0x10f00, 0, 0, 0, 0"),
    "clone with CLONE_PARENT": (56, 220, "0x8000 | 0x10f00, 0, 0, 0, 0"),
    "clone3": (435, 435, "0, 0"),
    "open_by_handle_at": (304, 265, "-1, 0, 0"),
    "fanotify_init": (300, 262, "0x80, 0"),
    "io_uring_setup": (425, 425, "0, 0"),
    "move_pages": (279, 239, "os.getpid(), 0, 0, 0, 0, 0"),
    "get_robust_list of its parent": (274, 100, "os.getppid() or 2, 0, 0"),
    "getpgid of its parent": (121, 155, "os.getppid() or 2"),
    "setsockopt SO_PASSPIDFD": (54, 208, "socket_fd, 1, 76, one, 4"),
    "getsockopt SO_PEERCRED": (55, 209, "socket_fd, 1, 17, room, size"),
    "getsockopt SO_PEERGROUPS": (55, 209, "socket_fd, 1, 59, room, size"),
    "getsockopt SO_PEERPIDFD": (55, 209, "socket_fd, 1, 77, room, size"),
    "getsockopt of another level": (55, 209, "socket_fd, 0x10001, 77, room, size"),
}
SOLUTION = """
import ctypes, json, os
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
one, room, size = b"\\1\\0\\0\\0", ctypes.create_string_buffer(64), b"\\x40\\0\\0\\0"

def kinds():
    found = {}
    for fd in range(200):
        try: os.close(os.dup(fd))
        except OSError: continue
        found[fd] = "socket" if libc.getsockopt(fd, 1, 3, room, size) == 0 else "file"  # SO_TYPE
    return found

def attack():
    socket_fd = max(fd for fd, kind in kinds().items() if kind == "socket")
    found = []
    for name, (x86, generic, arguments) in json.loads(CALLS).items():
        ctypes.set_errno(0)
        values = eval(f"({arguments},)", {"os": os, "socket_fd": socket_fd, "one": one, "room": room, "size": size})
        number = x86 if os.uname().machine == "x86_64" else generic
        result = libc.syscall(ctypes.c_long(number), *[ctypes.c_long(v) if isinstance(v, int) else v for v in values])
        if result >= 0 or ctypes.get_errno() not in (1, 38): found.append(name)  # EPERM, ENOSYS
    return sorted(found)
"""
CODE = f"CALLS = {json.dumps(json.dumps(CALLS))}" + SOLUTION
HARMLESS = {name: call for name, call in CALLS.items() if not name.startswith(("clone", "ptrace", "setns"))}


def message_of(box: Sandbox, code: str, test: str) -> str:
    (verdict,) = box.run([Job("a", "split", code, tests=[test])])
    return "" if verdict.passed else f"{verdict.outcome}: {verdict.message}"


@pytest.mark.parametrize("backend", backends.ORDER)
def test_a_solution_reaches_no_other_process(backend):
    if not (found := backends.probe(backend)).works:
        pytest.skip(f"{backend} cannot be built here: {found.reason}")
    with Sandbox(backend, 1) as box:
        assert message_of(box, CODE, "assert attack() == [], attack()") == ""
        held = "held = sorted(kinds().values()); assert held == ['file', 'file', 'file', 'socket'], held"
        assert message_of(box, CODE, held) == ""


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_without_a_filter_the_same_attacks_succeed():
    code = f"CALLS = {json.dumps(json.dumps(HARMLESS))}" + SOLUTION
    with Sandbox("none", 1, allow_unsandboxed=True) as box:
        assert message_of(box, code, "assert {'pidfd_open', 'getsockopt SO_PEERCRED'} <= set(attack()), attack()") == ""
