"""Seccomp programs: one large allow-list for the zygote, one short filter for each child.

Both apply to a child; the stricter answer wins. The first is a binary search over ranges of numbers, the second denies
what only the zygote needs and looks at arguments.
"""

import os
import struct

from .linux import NUMBERS
from .syscalls import METADATA, PATHS, SNIPPET, ZYGOTE

EPERM, ENOSYS = 0x00050001, 0x00050026
ALLOW = 0x7FFF0000
ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7, "arm64": 0xC00000B7}[os.uname().machine]
LD, JEQ, JGE, JSET, RET = 0x20, 0x15, 0x35, 0x45, 0x06
NEWEST = 450  # later calls did not exist when this list was written: they are told not to exist


def op(code, k, yes=0, no=0):
    return struct.pack("=HBBI", code, yes, no, k)


def search(edges, leaves):
    """Instructions that find the interval of the number: the code leaves[i] is for edges[i-1] <= number < edges[i]."""
    if not edges:
        return leaves[0]
    middle = len(edges) // 2
    below = search(edges[:middle], leaves[: middle + 1])
    above = search(edges[middle + 1 :], leaves[middle + 1 :])
    return [op(JGE, edges[middle], len(below), 0), *below, *above]


def tree(leaf_of):
    """A search over `leaf_of(number)` for every number that has a meaning; the rest as filters.py says at the top."""
    edges: list = []
    leaves: list = []
    previous = None
    for number in range(NEWEST + 1):
        leaf = leaf_of(number)
        if previous is not None and leaf != previous:
            edges.append(number)
            leaves.append(previous)
        previous = leaf
    edges += [NEWEST + 1, 0x40000000]  # from the second on: x32 numbers on x86-64
    return b"".join(prologue() + search(edges, [*leaves, previous, [op(RET, ENOSYS)], [op(RET, EPERM)]]))


def prologue():
    return [op(LD, 4), op(JEQ, ARCH, 1, 0), op(RET, 0x80000000), op(LD, 0)]


def zygote_filter():
    """Allow-list of what the snippets and the zygote may call."""
    allowed = {NUMBERS[n] for n in (*SNIPPET, *ZYGOTE) if n in NUMBERS}
    missing = NUMBERS["clone3"]  # ENOSYS makes glibc fall back to clone, whose flags can be seen
    return tree(lambda number: [op(RET, ENOSYS if number == missing else ALLOW if number in allowed else EPERM)])


def argument(index, values, high=False):
    """Allow where the low word of argument `index` is one of `values`, else EPERM."""
    code = [op(LD, 16 + 8 * index + (4 if high else 0))]
    for i, value in enumerate(values):
        code.append(op(JEQ, value & 0xFFFFFFFF, len(values) - i, 0))
    return [*code, op(RET, EPERM), op(RET, ALLOW)]


# no F_SETOWN and F_SETSIG, which send signals; no F_SETFL, whose flags the descriptors of the next run would share, nor
# locks of open file descriptions, which it would meet. (FIONBIO stays, sockets need it: the zygote takes it back.)
FCNTL = (0, 1, 2, 3, 5, 6, 7, 1030, 1032)
IOCTL = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)  # terminal questions, FIONREAD, FIONBIO, close-on-exec
PRCTL = (15, 16, 0x53564D41)  # thread names, names of mappings
NEW_NAMESPACES = 0x7E020080


def child_filter(pid, backend):
    """The filter of one child: no zygote calls, threads but no processes, signals to itself only."""
    denied = [n for n in ZYGOTE if n in NUMBERS]
    if backend == "seccomp":
        denied += [n for n in PATHS if n in NUMBERS]
    elif backend in ("landlock", "bwrap"):
        denied += [n for n in METADATA if n in NUMBERS]
    tests = {
        "clone": [op(LD, 16), op(JSET, 0x10000, 0, 1), op(JSET, NEW_NAMESPACES, 0, 1), op(RET, EPERM), op(RET, ALLOW)],
        "fcntl": argument(1, FCNTL),
        "ioctl": argument(1, IOCTL),
        "prctl": argument(0, PRCTL),
        "kill": argument(0, (pid,)),
        "tgkill": argument(0, (pid,)),
        "prlimit64": argument(0, (0,)),
        "getpriority": argument(1, (0, pid)),
        "sched_getaffinity": argument(0, (0, pid)),
        # a connected stream cannot be aimed at another address, a datagram socket could
        "socketpair": [op(LD, 16), op(JEQ, 1, 0, 3), op(LD, 24), op(JSET, 0xE, 1, 0), op(RET, ALLOW), op(RET, EPERM)],
    }
    leaves = {NUMBERS[name]: body for name, body in tests.items()} | {
        NUMBERS[name]: [op(RET, EPERM)] for name in denied
    }
    return tree(lambda number: leaves.get(number, [op(RET, ALLOW)]))


ANY_PID = 0x5A5A5A5A


class ChildFilter:
    """`child_filter` made once; of one child only its pid is put in. The kernel walks a filter for every number, so that
    a shallow tree costs each run a quarter of a millisecond less than a list.
    """

    def __init__(self, backend):
        self.template = child_filter(ANY_PID, backend)

    def of(self, pid):
        return self.template.replace(struct.pack("=I", ANY_PID), struct.pack("=I", pid))
