"""The jail of one zygote: user, mount, pid, network, IPC and host-name namespaces over a small read-only root."""

import os
import signal
import stat

from . import linux
from .host import HOST_NAME

DEVICES = ("null", "zero", "full", "random", "urandom")
SCRATCH = "/scratch"  # also /tmp
PACKAGES = "/packages"  # opted-in packages are mounted below this, under their own paths


def readable_paths(stdlib, trees):
    """Paths that a program may read, in every backend."""
    return ["/usr/lib", "/lib", "/lib64", "/usr/lib64", "/usr/share/zoneinfo", *stdlib, *trees]


def hidden_folders(stdlib):
    """Folders below those paths that are hidden: installed packages, and the kernel's modules, named after its release."""
    found = [f"{path}/{kind}-packages" for path in stdlib for kind in ("site", "dist")]
    found += ["/usr/lib/modules", "/lib/modules"]
    if os.path.isdir("/usr/lib"):
        found += [f"/usr/lib/{name}/dist-packages" for name in os.listdir("/usr/lib") if name.startswith("python3")]
    return [path for path in dict.fromkeys(found) if os.path.isdir(path)]


def enter_jail(stdlib, trees):
    """Build the jail and become its first process; the original process waits and exits with the same status.

    As root: the file system is built first, then all privileges are dropped, then the user namespace is created, so that
    no right of the host's root exists inside. Raises OSError with the call that this host refuses.
    Returns a descriptor of the pid namespace, to which the zygote returns after creating one for a child, and one of its
    own oom_score_adj (None where it cannot be opened).
    """
    paths = {path: path for path in (*readable_paths(stdlib, ()), *(f"/dev/{d}" for d in DEVICES))}
    paths |= {tree: PACKAGES + tree for tree in trees}
    hidden = hidden_folders(stdlib)
    proc = os.open("/proc", os.O_PATH | os.O_DIRECTORY)  # not reachable by path after pivot_root
    if os.getuid() == 0:
        linux.unshare(linux.CLONE_NEWNS)
        build_root(paths, hidden)
        linux.become_nobody()
        linux.prctl(linux.PR_SET_DUMPABLE, 1)
        make_user_namespace(proc)
    else:
        make_user_namespace(proc)
        linux.unshare(linux.CLONE_NEWNS)
        build_root(paths, hidden)
    linux.unshare(linux.CLONE_NEWPID | linux.CLONE_NEWNET | linux.CLONE_NEWIPC | linux.CLONE_NEWUTS)
    for name, text in (("sethostname", HOST_NAME), ("setdomainname", HOST_NAME)):
        linux.syscall(name, text.encode(), len(text))
    child = os.fork()
    if child:
        wait_outside(child)
    linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)
    namespace = os.open("self/ns/pid", os.O_RDONLY | os.O_CLOEXEC, dir_fd=proc)
    score = open_score("self/oom_score_adj", proc)
    os.close(proc)
    return namespace, score


def open_score(path="/proc/self/oom_score_adj", folder=None):
    try:
        return os.open(path, os.O_WRONLY | os.O_CLOEXEC, dir_fd=folder)
    except OSError:
        return None


def make_user_namespace(proc):
    user, group = os.getuid(), os.getgid()
    linux.unshare(linux.CLONE_NEWUSER)
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{linux.NOBODY} {user} 1"),
        ("gid_map", f"{linux.NOBODY} {group} 1"),
    ):
        fd = os.open(f"self/{name}", os.O_WRONLY, dir_fd=proc)
        os.write(fd, text.encode())
        os.close(fd)


def wait_outside(child):
    """Wait outside the pid namespace, with no open descriptors, and exit with the zygote."""
    os.closerange(0, 65536)
    _, status = os.waitpid(child, 0)
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def build_root(paths, hidden):
    """Build a tmpfs root with {path: path inside} bound and a mount point for scratch, cover `hidden` with empty folders,
    and detach the old root.
    """
    # opened before the mount at `stage` hides what lies below it
    found = [(paths[p], os.open(p, os.O_PATH)) for p in paths if os.path.exists(p) and not os.path.islink(p)]
    links = [(paths[p], os.readlink(p)) for p in paths if os.path.islink(p)]
    stage = next(path for path in ("/tmp", "/mnt", "/var/tmp") if os.path.isdir(path))
    os.umask(0o022)
    linux.mount("none", "/", "", linux.MS_REC | linux.MS_PRIVATE)
    linux.mount("tmpfs", stage, "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, "size=1m,mode=0755")
    for path, fd in found:
        target = stage + path
        is_dir = stat.S_ISDIR(os.fstat(fd).st_mode)
        if is_dir:
            os.makedirs(target, exist_ok=True)
        else:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o644))
        linux.mount(f"/proc/self/fd/{fd}", target, "", linux.MS_BIND | linux.MS_REC)
        flags = linux.MS_RDONLY | linux.MS_NOSUID
        linux.set_mount_flags(target, flags | (linux.MS_NODEV if is_dir else linux.MS_NOEXEC))
        os.close(fd)
    for path, destination in links:
        os.makedirs(os.path.dirname(stage + path), exist_ok=True)
        os.symlink(destination, stage + path)
    for path in hidden:
        if os.path.isdir(stage + path):
            linux.mount("tmpfs", stage + path, "tmpfs", linux.MS_RDONLY | linux.MS_NODEV, "size=4k,mode=0755")
    for path in (SCRATCH, "/tmp"):
        if os.path.lexists(stage + path):
            raise OSError(f"the interpreter lies below {path}, where the jail has its scratch folder")
    os.mkdir(stage + SCRATCH, 0o700)
    os.symlink(SCRATCH[1:], stage + "/tmp")
    os.chdir(stage)
    linux.syscall("pivot_root", b".", b".")
    linux.syscall("umount2", b".", linux.MNT_DETACH)
    os.chdir("/")
    linux.mount("none", "/", "", linux.MS_REMOUNT | linux.MS_BIND | linux.MS_RDONLY | linux.MS_NOSUID | linux.MS_NODEV)


def mount_scratch(megabytes):
    """In the child: mount a new tmpfs that ends with it. (No new IPC namespace: no allowed call would use it.)"""
    linux.unshare(linux.CLONE_NEWNS)
    linux.mount(
        "tmpfs", SCRATCH, "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, f"size={megabytes}m,nr_inodes=1024,mode=0700"
    )
    os.chdir(SCRATCH)
