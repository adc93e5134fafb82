"""What programs are told of the machine: the same in every run, on every host.

Python's own functions return the values below. The system calls behind them are refused by the filter, because seccomp
can refuse a call but not change its answer.
"""

import _socket  # noqa: F401  its functions are replaced before programs import `socket`
import errno
import os
import sys

HOST_NAME = "sandbox"
RELEASE = "6.1.0"  # a number, because libraries parse it (NumPy chooses its allocation by it)
VERSION = "#1"
CPU = 0  # the only one
# names of os.sysconf that tell of the machine; -1 says that there is no known limit
SYSCONF = {"SC_NPROCESSORS_CONF": 1, "SC_NPROCESSORS_ONLN": 1, "SC_PHYS_PAGES": -1, "SC_AVPHYS_PAGES": -1}


def machine():
    """The architecture as in `os.uname().machine`, from the interpreter's build: the kernel's answer would leave the host's
    name in memory that programs inherit.
    """
    return getattr(sys.implementation, "_multiarch", "").split("-")[0] or os.uname().machine


def hide_host():
    """Replace the functions of `os` and `socket` that tell of the machine, for this process and its children."""
    answer = os.uname_result(("Linux", HOST_NAME, RELEASE, VERSION, machine()))
    ask_system = os.sysconf
    fixed = {os.sysconf_names[name]: value for name, value in SYSCONF.items() if name in os.sysconf_names}

    def uname():
        return answer

    def gethostname():
        return HOST_NAME

    def cpu_count():
        return 1

    def sched_getaffinity(pid, /):
        if pid not in (0, os.getpid()):
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))
        return {CPU}

    def sysconf(name, /):
        number = os.sysconf_names.get(name) if isinstance(name, str) else name
        return fixed[number] if number in fixed else ask_system(name)

    for function in (uname, cpu_count, sched_getaffinity, sysconf):
        for module in ("os", "posix"):
            setattr(sys.modules[module], function.__name__, function)
    if hasattr(os, "process_cpu_count"):  # Python 3.13
        setattr(os, "process_cpu_count", cpu_count)  # noqa: B010
    for module in ("_socket", "socket"):
        if module in sys.modules:
            setattr(sys.modules[module], "gethostname", gethostname)  # noqa: B010
