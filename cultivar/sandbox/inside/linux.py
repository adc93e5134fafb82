"""System calls that Python lacks, through ctypes. They raise OSError with the name of the call."""

import ctypes
import os
import struct
import time

from .host import machine
from .syscalls import table

NUMBERS = table(machine())
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x20000, 0x4000000, 0x8000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = (
    1,
    2,
    4,
    8,
    32,
    4096,
    16384,
    1 << 18,
)
MNT_DETACH = 2
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 4, 24, 38
NOBODY = 65534


def syscall(name, *args):
    """Make a system call by name; its result."""
    padded = [ctypes.c_long(a) if isinstance(a, int) else a for a in args]
    result = libc.syscall(ctypes.c_long(NUMBERS[name]), *padded)
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{name}: {os.strerror(error)}")
    return result


def mount(source, target, kind, flags, data=""):
    syscall("mount", source.encode(), target.encode(), kind.encode(), flags, data.encode())


def prctl(option, arg=0):
    syscall("prctl", option, arg, 0, 0, 0)


def unshare(flags):
    syscall("unshare", flags)


def set_mount_flags(path, flags):
    """Set MS_* flags on a bind mount with mount_setattr (Linux 5.12), else by a remount that keeps its locked flags."""
    attributes = (flags & MS_RDONLY) | (flags & MS_NOSUID) | (flags & MS_NODEV) | (flags & MS_NOEXEC)
    try:
        block = struct.pack("=QQQQ", attributes, 0, 0, 0)
        syscall("mount_setattr", -100, path.encode(), 0x8000, block, len(block))
    except OSError:
        current = os.statvfs(path).f_flag & (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | 1024 | 2048 | 4096)
        atime = {1024: 1 << 10, 2048: 1 << 11, 4096: 1 << 21}
        extra = sum(bit for flag, bit in atime.items() if current & flag)
        mount("none", path, "", MS_REMOUNT | MS_BIND | flags | (current & 15) | extra)


def drop_bounding_set():
    for capability in range(64):
        try:
            prctl(PR_CAPBSET_DROP, capability)
        except OSError:
            break


def drop_capabilities():
    syscall("capset", struct.pack("=II", 0x20080522, 0), struct.pack("=6I", *[0] * 6))


def become_nobody():
    """As root: give up the group, user and capabilities of root."""
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)


def cpu_clock(pid):
    """CPU nanoseconds of another process (all its threads), exact; 0 where it has ended."""
    try:
        return time.clock_gettime_ns(((~pid) << 3) | 2)
    except OSError:
        return 0


def install_filter(program):
    """Install a seccomp program (packed sock_filter instructions) for this process and its children."""
    buffer = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("=HxxxxxxQ", len(program) // 8, ctypes.addressof(buffer))
    syscall("seccomp", 1, 0, header)


# Landlock: rights of ABI 1 (13), REFER (2), TRUNCATE (3), IOCTL_DEV (5); net TCP bind/connect (4); scopes (6)
WRITE_FILE, READ_FILE, READ_DIR = 1 << 1, 1 << 2, 1 << 3


def landlock_abi():
    """Version of Landlock in this kernel. Raises OSError where it is missing or disabled."""
    return syscall("landlock_create_ruleset", 0, 0, 1)


def apply_landlock(readable):
    """Restrict this process: it can read only the folders and files in `readable`, write only the devices among them, use
    no TCP and send no signals outside. Names stay visible (stat); seccomp guards metadata.
    """
    abi = landlock_abi()
    rights = (1 << (13 + (abi >= 2) + (abi >= 3))) - 1 | ((1 << 15) if abi >= 5 else 0)
    block = struct.pack("=Q", rights)
    if abi >= 4:
        block += struct.pack("=Q", 3)
    if abi >= 6:
        block += struct.pack("=Q", 3)
    ruleset = syscall("landlock_create_ruleset", block, len(block), 0)
    for path in readable:
        try:
            fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        allowed = READ_FILE | (READ_DIR if os.path.isdir(path) else WRITE_FILE if path.startswith("/dev/") else 0)
        syscall("landlock_add_rule", ruleset, 1, struct.pack("=Qi", allowed, fd), 0)
        os.close(fd)
    syscall("landlock_restrict_self", ruleset, 0)
    os.close(ruleset)
