"""Seccomp programs: one large allow-list for the zygote, one short filter for each child.

Both apply to a child; the stricter result wins. The first is a binary search over ranges of call numbers, the second
denies what only the zygote needs and checks arguments.
"""

import struct

from .host import machine
from .linux import NUMBERS
from .syscalls import ABSENT, METADATA, PATHS, SNIPPET, ZYGOTE

EPERM, ENOSYS = 0x00050001, 0x00050026
ALLOW = 0x7FFF0000
ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7, "arm64": 0xC00000B7}[machine()]
LD, JEQ, JGE, JSET, RET = 0x20, 0x15, 0x35, 0x45, 0x06
NEWEST = 450  # later calls did not exist when this list was written: ENOSYS


def instruction(code, k, yes=0, no=0):
    return struct.pack("=HBBI", code, yes, no, k)


def search_tree(edges, leaves):
    """Instructions of a binary search for the call number: leaves[i] is run for edges[i-1] <= number < edges[i]."""
    if not edges:
        return leaves[0]
    middle = len(edges) // 2
    below = search_tree(edges[:middle], leaves[: middle + 1])
    above = search_tree(edges[middle + 1 :], leaves[middle + 1 :])
    return [instruction(JGE, edges[middle], len(below), 0), *below, *above]


def filter_tree(leaf_for):
    """The filter that runs `leaf_for(number)` for every number up to NEWEST; later ones do not exist, x32 ones are denied."""
    edges: list = []
    leaves: list = []
    previous = None
    for number in range(NEWEST + 1):
        leaf = leaf_for(number)
        if previous is not None and leaf != previous:
            edges.append(number)
            leaves.append(previous)
        previous = leaf
    edges += [NEWEST + 1, 0x40000000]  # from the second edge on: x32 numbers on x86-64
    return b"".join(
        prologue() + search_tree(edges, [*leaves, previous, [instruction(RET, ENOSYS)], [instruction(RET, EPERM)]])
    )


def prologue():
    """Kill the process on another architecture, else load the call number."""
    return [instruction(LD, 4), instruction(JEQ, ARCH, 1, 0), instruction(RET, 0x80000000), instruction(LD, 0)]


def zygote_filter():
    """The allow-list of the zygote and the programs."""
    allowed = {NUMBERS[n] for n in (*SNIPPET, *ZYGOTE) if n in NUMBERS}
    absent = {NUMBERS[n] for n in ABSENT}
    return filter_tree(
        lambda number: [instruction(RET, ENOSYS if number in absent else ALLOW if number in allowed else EPERM)]
    )


def allow_argument(index, values, high=False):
    """Allow where the low word of argument `index` is one of `values`, else EPERM."""
    code = [instruction(LD, 16 + 8 * index + (4 if high else 0))]
    for i, value in enumerate(values):
        code.append(instruction(JEQ, value & 0xFFFFFFFF, len(values) - i, 0))
    return [*code, instruction(RET, EPERM), instruction(RET, ALLOW)]


# Not F_SETOWN and F_SETSIG, which send signals; not F_SETFL and locks of open file descriptions, which the descriptors
# of the next run would share. (FIONBIO is allowed because sockets need it: the zygote resets it.)
FCNTL = (0, 1, 2, 3, 5, 6, 7, 1030, 1032)
IOCTL = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)  # terminal queries, FIONREAD, FIONBIO, close-on-exec
PRCTL = (15, 16, 0x53564D41)  # thread names, names of mappings
# Of a socket's options those that say nothing of the process at its other end: SO_PEERPIDFD would give a descriptor of the
# zygote, which made the pair of a split run, and SO_PEERCRED its number.
SOL_SOCKET = 1
SOCKET_OPTIONS = (
    2,
    3,
    4,
    7,
    8,
    9,
    13,
    20,
    21,
    30,
    38,
    39,
)  # type, error, buffers, time limits, domain, protocol
NEW_NAMESPACES = 0x7E020080
CLONE_FLAGS = NEW_NAMESPACES | 0x1000 | 0x2000 | 0x8000  # CLONE_PIDFD, CLONE_PTRACE, CLONE_PARENT


def child_filter(pid, backend):
    """The filter of one child: no call that only the zygote needs, threads but no processes, signals to itself only."""
    denied = [n for n in ZYGOTE if n in NUMBERS]
    if backend == "seccomp":
        denied += [n for n in PATHS if n in NUMBERS]
    elif backend in ("landlock", "bwrap"):
        denied += [n for n in METADATA if n in NUMBERS]
    tests = {
        "clone": [
            instruction(LD, 16),
            instruction(JSET, 0x10000, 0, 1),
            instruction(JSET, CLONE_FLAGS, 0, 1),
            instruction(RET, EPERM),
            instruction(RET, ALLOW),
        ],
        "fcntl": allow_argument(1, FCNTL),
        "ioctl": allow_argument(1, IOCTL),
        "prctl": allow_argument(0, PRCTL),
        "kill": allow_argument(0, (pid,)),
        "tgkill": allow_argument(0, (pid,)),
        "prlimit64": allow_argument(0, (0,)),
        "getpriority": allow_argument(1, (0, pid)),
        "getpgid": allow_argument(0, (0, pid)),
        "getsid": allow_argument(0, (0, pid)),
        "get_robust_list": allow_argument(0, (0, pid)),
        "getsockopt": [
            instruction(LD, 24),
            instruction(JEQ, SOL_SOCKET, 1, 0),
            instruction(RET, EPERM),
            *allow_argument(2, SOCKET_OPTIONS),
        ],
        # a connected stream cannot be aimed at another address, a datagram socket could
        "socketpair": [
            instruction(LD, 16),
            instruction(JEQ, 1, 0, 3),
            instruction(LD, 24),
            instruction(JSET, 0xE, 1, 0),
            instruction(RET, ALLOW),
            instruction(RET, EPERM),
        ],
    }
    leaves = {NUMBERS[name]: body for name, body in tests.items()} | {
        NUMBERS[name]: [instruction(RET, EPERM)] for name in denied
    }
    return filter_tree(lambda number: leaves.get(number, [instruction(RET, ALLOW)]))


ANY_PID = 0x5A5A5A5A


class ChildFilter:
    """`child_filter` built once; only the pid is replaced for each child. The kernel evaluates a filter for every call
    number, so a search tree saves each run a quarter of a millisecond compared with a list.
    """

    def __init__(self, backend):
        self.template = child_filter(ANY_PID, backend)

    def for_pid(self, pid):
        return self.template.replace(struct.pack("=I", ANY_PID), struct.pack("=I", pid))
