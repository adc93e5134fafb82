"""Hostile programs: what each tries, as the body of `f()`, which returns "BREACH" where it got through.

`BREACH` is the value that the case expects, so the only bad verdict is a pass. A body may name @NAME@ facts of the host.
"""

HEAD = """
import ctypes, os, sys, signal, socket, mmap, threading, resource, time
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
def S(x86, generic, *args):
    n = x86 if os.uname().machine == "x86_64" else generic
    return libc.syscall(ctypes.c_long(n), *[ctypes.c_long(a) if isinstance(a, int) else a for a in args])
def f():
"""

ANY = "*"
T, TW, M, OUT = "timeout_cpu", "timeout_wall", "memory", "output_limit"
E, X, C = "error", "early_exit", "crash"

# name: (body, outcomes that may be; "*" is anything but pass)
BEHAVIOURS: dict[str, tuple[str, str]] = {
    # files of the host
    "read_passwd": ("return 'BREACH' if open('/etc/passwd').read() else 0", E),
    "read_shadow": ("return 'BREACH' if open('/etc/shadow').read() else 0", E),
    "read_secret": ("return 'BREACH' if open('@SECRET@').read() else 0", E),
    "list_var_lib": ("return 'BREACH' if os.listdir('/var/lib') is not None else 0", E),
    "list_home": ("return 'BREACH' if os.listdir('/home') is not None else 0", E),
    "list_etc": ("return 'BREACH' if os.listdir('/etc') else 0", E),
    "list_root": ("return 'BREACH' if 'etc' in os.listdir('/') else 0", ANY),
    "list_repo": ("return 'BREACH' if os.listdir('@REPO@') else 0", E),
    "open_relative": ("return 'BREACH' if open('../../../../../../etc/passwd').read() else 0", E),
    "environ": ("return 'BREACH' if 'hush' in ' '.join(os.environ.values()) else 0", "fail"),
    "c_environ": (
        """
    libc.getenv.restype = ctypes.c_char_p
    return 'BREACH' if libc.getenv(b'CULTIVAR_TEST_SECRET') else 0""",
        "fail",
    ),
    "proc_self": ("return 'BREACH' if open('/proc/self/environ').read() else 0", E),
    "proc_1": ("return 'BREACH' if open('/proc/1/cmdline').read() else 0", E),
    "proc_parent": ("return 'BREACH' if open(f'/proc/{os.getppid()}/environ','rb').read() else 0", E),
    "proc_mem": ("return 'BREACH' if open('/proc/self/mem','rb+') else 0", E),
    "proc_list": ("return 'BREACH' if [p for p in os.listdir('/proc') if p.isdigit()] else 0", ANY),
    "sys_kernel": ("return 'BREACH' if os.listdir('/sys/kernel') else 0", E),
    "inherited_fds": (
        """
    found = []
    for fd in range(3, 200):
        try:
            os.fstat(fd); found.append(fd)
        except OSError: pass
    return 'BREACH' if len(found) > 1 else 0""",
        "fail",
    ),
    "reread_job": (
        """
    for fd in range(3, 60):
        try:
            if b'code' in os.pread(fd, 100000, 0): return 'BREACH'
        except OSError: pass""",
        "fail",
    ),
    "dev_mem": ("return 'BREACH' if open('/dev/mem','rb') else 0", E),
    "dev_disk": (
        "return 'BREACH' if any(os.path.exists('/dev/'+d) and open('/dev/'+d,'rb') for d in ('vda','sda','kvm','fuse')) else 0",
        ANY,
    ),
    "dev_tty": ("return 'BREACH' if open('/dev/tty') else 0", E),
    "mknod": ("os.mknod('n', 0o60666, os.makedev(254, 0)); return 'BREACH'", E),
    "symlink_read": ("os.symlink('@SECRET@','l'); return 'BREACH' if open('l').read() else 0", E),
    "hard_link": ("os.link('@SECRET@','l'); return 'BREACH' if open('l').read() else 0", E),
    "open_by_handle": ("return 'BREACH' if S(304, 265, 3, b'x'*64, 0) >= 0 else 0", "fail"),
    "openat2": ("return 'BREACH' if S(437, 437, -100, b'/etc/passwd', b'\\0'*24, 24) >= 0 else 0", "fail"),
    "io_uring": ("return 'BREACH' if S(425, 425, 8, b'\\0'*120) >= 0 else 0", "fail"),
    # writing
    "write_usr": ("open('/usr/x','w').write('x'); return 'BREACH'", E),
    "write_root": ("open('/x','w').write('x'); return 'BREACH'", E),
    "write_etc": ("open('/etc/x','w').write('x'); return 'BREACH'", E),
    "write_var_tmp": ("open('/var/tmp/x','w').write('x'); return 'BREACH'", E),
    "write_secret": ("open('@SECRET@','w').write('x'); return 'BREACH'", E),
    "create_beside": ("open('@SECRET@.new','w').write('x'); return 'BREACH'", E),
    "delete_secret": ("os.unlink('@SECRET@'); return 'BREACH'", E),
    "rename_secret": ("os.rename('@SECRET@', '@SECRET@.moved'); return 'BREACH'", E),
    "write_stdlib": ("open(os.__file__,'a').write('x'); return 'BREACH'", E),
    "write_pycache": ("open(os.path.dirname(os.__file__)+'/__pycache__/x.pyc','w'); return 'BREACH'", E),
    "chmod_host": ("os.chmod('@SECRET@', 0o777); return 'BREACH'", E),
    "utime_host": ("os.utime('@SECRET@', (1, 1)); return 'BREACH'", E),
    "truncate_host": ("os.truncate('@SECRET@', 0); return 'BREACH'", E),
    "mkdir_host": ("os.mkdir('@SECRET@.d'); return 'BREACH'", E),
    "xattr": ("os.setxattr('@SECRET@', 'user.x', b'1'); return 'BREACH'", E),
    # mounts and namespaces
    "mount_tmpfs": ("return 'BREACH' if libc.mount(b'n', b'/tmp', b'tmpfs', 0, None) == 0 else 0", "fail"),
    "remount_rw": ("return 'BREACH' if libc.mount(None, b'/', None, 32, None) == 0 else 0", "fail"),
    "umount": ("return 'BREACH' if libc.umount2(b'/scratch', 2) == 0 else 0", "fail"),
    "pivot_root": ("return 'BREACH' if S(155, 41, b'.', b'.') == 0 else 0", "fail"),
    "chroot": ("os.chroot('.'); return 'BREACH'", E),
    "fsopen": ("return 'BREACH' if S(430, 430, b'tmpfs', 0) >= 0 else 0", "fail"),
    "unshare_user": ("return 'BREACH' if libc.unshare(0x10000000) == 0 else 0", "fail"),
    "unshare_mount": ("return 'BREACH' if libc.unshare(0x20000) == 0 else 0", "fail"),
    "setns": ("return 'BREACH' if libc.setns(0, 0) == 0 or ctypes.get_errno() != 1 else 0", "fail"),
    "clone_newuser": ("return 'BREACH' if S(56, 220, 0x10000011, 0, 0, 0, 0) >= 0 else 0", "fail"),
    "clone3": ("return 'BREACH' if S(435, 435, b'\\0'*88, 88) >= 0 else 0", "fail"),
    # rights
    "setuid_0": ("os.setuid(0); return 'BREACH'", E),
    "setgroups": ("os.setgroups([0]); return 'BREACH'", E),
    "execve": ("os.execv('/bin/sh', ['sh', '-c', 'exit 0'])", E),
    "execve_true": ("os.execv('/usr/bin/true', ['true'])", E),
    "capset": (
        "return 'BREACH' if S(126, 91, (0x20080522).to_bytes(4,'little')+b'\\0'*4, b'\\xff'*24) == 0 else 0",
        "fail",
    ),
    "ambient_caps": ("return 'BREACH' if libc.prctl(47, 2, 21, 0, 0) == 0 else 0", "fail"),
    "keep_caps": ("return 'BREACH' if libc.prctl(8, 1, 0, 0, 0) == 0 else 0", "fail"),
    "dumpable": ("return 'BREACH' if libc.prctl(4, 1, 0, 0, 0) == 0 else 0", "fail"),
    "pdeathsig_off": ("return 'BREACH' if libc.prctl(1, 0, 0, 0, 0) == 0 else 0", "fail"),
    "new_filter": ("return 'BREACH' if S(317, 277, 1, 0, b'\\0'*16) == 0 else 0", "fail"),
    "raise_rlimit": ("resource.setrlimit(resource.RLIMIT_AS, (-1, -1)); return 'BREACH'", E),
    "raise_cpu": ("resource.setrlimit(resource.RLIMIT_CPU, (10**6, 10**6)); return 'BREACH'", E),
    # what outlives a run: descriptors that the zygote keeps
    "clear_append": (
        """
    import fcntl
    found = 0
    for fd in range(40):
        try: fcntl.fcntl(fd, fcntl.F_SETFL, 0); found += 1
        except OSError: pass
    return 'BREACH' if found else 0""",
        "fail",
    ),
    "seal_results": (
        """
    import fcntl
    found = 0
    for fd in range(40):
        try: fcntl.fcntl(fd, 1033, 15); found += 1
        except OSError: pass
    return 'BREACH' if found else 0""",
        "fail",
    ),
    "spoil_results": (
        """
    for fd in range(40):
        try: os.fchmod(fd, 0); os.lseek(fd, 1 << 19, 0); os.ftruncate(fd, 1 << 19)
        except OSError: pass
    os._exit(0)""",
        "early_exit error output_limit",
    ),
    # each of these leaves a word for the next run in what both share; the run after it looks (LOOKERS)
    "leave_position": (
        "os.lseek(2, os.lseek(2, 0, 1) + 77, 0); os.lseek(0, 77, 0); os.lseek(1, 77, 0); return 0",
        "fail",
    ),
    "leave_result_position": (
        """
    for fd in range(3, 40):
        try: os.lseek(fd, 77, 0)
        except OSError: pass
    return 0""",
        "fail",
    ),
    "leave_nonblocking": (
        """
    import fcntl
    for fd in range(3): fcntl.ioctl(os.dup(fd), 0x5421, b"\\1\\0\\0\\0")
    return 0""",
        "fail",
    ),
    "leave_mode": (
        """
    for fd in range(3):
        try: os.fchmod(fd, 0o123)
        except OSError: pass
    return 0""",
        "fail",
    ),
    "leave_times": (
        """
    for fd in range(3):
        try: os.utime(fd, (77, 77))
        except OSError: pass
    return 0""",
        "fail",
    ),
    "leave_lock": (
        """
    import fcntl, struct
    for fd in range(1, 3):
        try: fcntl.fcntl(fd, 37, struct.pack("hhqqi4x", 1, 0, 77, 1, 0))
        except OSError: pass
    return 0""",
        "fail",
    ),
    # other processes
    "ptrace_parent": ("return 'BREACH' if S(101, 117, 16, os.getppid() or 1, 0, 0) == 0 else 0", "fail"),
    "ptrace_victim": ("return 'BREACH' if S(101, 117, 16, @VICTIM@, 0, 0) == 0 else 0", "fail"),
    "vm_readv": ("return 'BREACH' if S(310, 270, @VICTIM@, 0, 0, 0, 0, 0) >= 0 else 0", "fail"),
    "vm_readv_parent": ("return 'BREACH' if S(310, 270, os.getppid() or 1, 0, 0, 0, 0, 0) >= 0 else 0", "fail"),
    "pidfd_open": ("return 'BREACH' if S(434, 434, os.getppid() or 1, 0) >= 0 else 0", "fail"),
    "pidfd_getfd": ("return 'BREACH' if S(438, 438, 3, 0, 0) >= 0 else 0", "fail"),
    "pidfd_signal": ("return 'BREACH' if S(424, 424, 3, 9, 0, 0) >= 0 else 0", "fail"),
    "peer_pidfd": (
        """
    found = [libc.getsockopt(fd, 1, 77, ctypes.create_string_buffer(8), b'\\4\\0\\0\\0') for fd in range(64)]
    pair = socket.socketpair()
    return 'BREACH' if 0 in found or pair[0].getsockopt(1, 17, 12) else 0""",
        E,
    ),
    "kcmp": ("return 'BREACH' if S(312, 272, os.getpid(), os.getpid(), 0, 0, 0) >= 0 else 0", "fail"),
    "kill_parent": ("os.kill(os.getppid() or 1, 9); return 'BREACH' if os.getpid() != 1 else 0", ANY),
    "kill_all": ("os.kill(-1, 9); return 'BREACH'", E),
    "kill_group": ("os.kill(0, 9); return 'BREACH'", E),
    "kill_victim": ("os.kill(@VICTIM@, 9); return 'BREACH'", E),
    "tgkill_victim": ("return 'BREACH' if S(234, 131, @VICTIM@, @VICTIM@, 9) == 0 else 0", "fail"),
    "tkill_parent": ("return 'BREACH' if S(200, 130, os.getppid() or 1, 9) == 0 else 0", "fail"),
    "sigqueue": ("return 'BREACH' if S(129, 138, os.getppid() or 1, 9, b'\\0'*128) == 0 else 0", "fail"),
    "fcntl_setown": ("import fcntl\n    fcntl.fcntl(1, fcntl.F_SETOWN, os.getppid() or 1); return 'BREACH'", E),
    "fcntl_setsig": ("import fcntl\n    fcntl.fcntl(1, 10, 9); return 'BREACH'", E),
    "ioctl_setown": ("import fcntl\n    fcntl.ioctl(1, 0x8901, b'\\1\\0\\0\\0'); return 'BREACH'", E),
    "affinity_other": ("os.sched_setaffinity(os.getppid() or @VICTIM@, {0}); return 'BREACH'", E),
    "prlimit_other": ("resource.prlimit(os.getppid() or @VICTIM@, resource.RLIMIT_CPU, (1, 1)); return 'BREACH'", E),
    "nice_other": ("os.setpriority(os.PRIO_PROCESS, os.getppid() or @VICTIM@, 19); return 'BREACH'", E),
    # kernel surface
    "bpf": ("return 'BREACH' if S(321, 280, 0, b'\\0'*64, 64) >= 0 else 0", "fail"),
    "perf": ("return 'BREACH' if S(298, 241, b'\\0'*112, 0, -1, -1, 0) >= 0 else 0", "fail"),
    "userfaultfd": ("return 'BREACH' if S(323, 282, 1) >= 0 else 0", "fail"),
    "keyctl": ("return 'BREACH' if S(250, 219, 0, -3, 1) >= 0 else 0", "fail"),
    "x32_number": ("return 'BREACH' if S(0x40000000 + 39, 9999) >= 0 else 0", "fail"),
    "set_clock": ("time.clock_settime(time.CLOCK_REALTIME, 0); return 'BREACH'", E),
    "adjtimex": ("return 'BREACH' if S(159, 171, b'\\0'*208) >= 0 else 0", "fail"),
    "sethostname": ("socket.sethostname('x'); return 'BREACH'", E),
    "reboot": ("return 'BREACH' if S(169, 142, 0xfee1dead, 672274793, 0, 0) == 0 else 0", "fail"),
    "tiocsti": ("import fcntl\n    fcntl.ioctl(0, 0x5412, b'x'); return 'BREACH'", E),
    "syslog": ("return 'BREACH' if S(103, 116, 10, 0, 0) >= 0 else 0", "fail"),
    "memfd_bomb": ("return 'BREACH' if S(319, 279, b'x', 0) >= 0 else 0", "fail"),
    "shm": ("return 'BREACH' if S(29, 194, 0, 4096, 0o1600) >= 0 else 0", "fail"),
    "sem": ("return 'BREACH' if S(64, 190, 0, 1, 0o1600) >= 0 else 0", "fail"),
    "mqueue": ("return 'BREACH' if S(240, 180, b'q', 0o102, 0o600, 0) >= 0 else 0", "fail"),
    # network
    "tcp_loopback": ("socket.create_connection(('127.0.0.1', @PORT@), 1); return 'BREACH'", E),
    "metadata": ("socket.create_connection(('169.254.169.254', 80), 1); return 'BREACH'", E),
    "dns": ("socket.getaddrinfo('example.com', 80); return 'BREACH'", E),
    "listen": ("socket.create_server(('', 0)); return 'BREACH'", E),
    "udp": ("socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 9)); return 'BREACH'", E),
    "netlink": ("socket.socket(16, 3, 0); return 'BREACH'", E),
    "raw_packet": ("socket.socket(17, 3, 0); return 'BREACH'", E),
    "vsock": ("socket.socket(40, 1, 0); return 'BREACH'", E),
    "unix_path": ("s = socket.socket(1, 1); s.connect('@UNIX@'); return 'BREACH'", E),
    "unix_datagram": ("a, b = socket.socketpair(1, socket.SOCK_DGRAM); a.sendto(b'x', '@UNIX@'); return 'BREACH'", E),
    "unix_abstract": ("s = socket.socket(1, 1); s.connect('\\0@ABSTRACT@'); return 'BREACH'", E),
    # using things up
    "loop": ("while True: pass", T),
    "loop_signals": (
        """
    for s in range(1, 32):
        try: signal.signal(s, lambda *a: None)
        except OSError: pass
    while True: pass""",
        T,
    ),
    "loop_except": (
        """
    while True:
        try:
            while True: pass
        except BaseException: pass""",
        T,
    ),
    "regex": ("import re\n    re.match('(a+)+$', 'a' * 60 + 'b')", T),
    "threads_loop": (
        """
    def spin():
        while True: pass
    for _ in range(4): threading.Thread(target=spin, daemon=True).start()
    spin()""",
        T,
    ),
    "sleep": ("time.sleep(1000)", TW),
    "pause": ("signal.pause()", TW),
    "memory_bomb": ("x = bytearray(4 << 30); return 'BREACH'", M),
    "list_bomb": ("x = [0] * (1 << 30); return 'BREACH'", M),
    "memory_swallow": (
        """
    keep = []
    while True:
        try: keep.append(bytearray(1 << 20))
        except MemoryError: pass""",
        T,
    ),
    "mmap_bomb": ("mmap.mmap(-1, 4 << 30); return 'BREACH'", "error memory"),
    "socket_buffers": (
        "a, b = socket.socketpair(); a.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 30); return 'BREACH'",
        E,
    ),
    "full_sockets": (
        """
    import array
    keep = socket.socketpair()
    keep[0].setblocking(False)
    def fill(*sockets):
        for s in sockets:
            s.setblocking(False)
            try:
                while True: s.send(b'x' * 65536)
            except OSError: pass
    try:
        for _ in range(500):
            pair = socket.socketpair(); fill(*pair)
            keep[0].sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [s.fileno() for s in pair]))])
    except OSError: pass
    try:
        while True: keep += socket.socketpair(); fill(*keep[-2:])
    except OSError: pass
    return len(keep)""",
        "fail error memory",
    ),
    "huge_pow": ("9 ** 9 ** 9", "timeout_cpu memory"),
    "int_str": ("str(10 ** 5000); return 'BREACH'", "error"),
    "fork": ("os.fork(); return 'BREACH'", E),
    "fork_bomb": ("while True: os.fork()", E),
    "subprocess": ("import subprocess\n    subprocess.run(['true']); return 'BREACH'", E),
    "os_system": ("return 'BREACH' if os.system('true') == 0 else 0", "fail error"),
    "posix_spawn": ("os.posix_spawn('/bin/true', ['true'], {}); return 'BREACH'", E),
    "vfork": ("return 'BREACH' if S(58, 9999) >= 0 else 0", "fail"),
    "multiprocessing": (
        "import multiprocessing as m\n    m.get_context('fork').Process(target=print).start(); return 'BREACH'",
        E,
    ),
    "thread_bomb": (
        """
    for _ in range(2000): threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
    return 'BREACH'""",
        "error memory timeout_wall",
    ),
    "stdout_flood": ("while True: os.write(1, b'x' * 65536)", "output_limit error"),
    "stdout_over": ("print('x' * 200_000); return 'done'", OUT),
    "stderr_flood": ("os.write(2, b'x' * 1_000_000); return 'done'", OUT),
    "result_flood": ("return 'x' * (4 << 20)", OUT),
    "big_file": ("open('big','wb').write(b'x' * (64 << 20)); return 'BREACH'", E),
    "many_files": (
        """
    for i in range(3): open(f'b{i}','wb').write(b'x' * (8 << 20))
    return 'BREACH'""",
        E,
    ),
    "inodes": (
        """
    for i in range(5000): open(f'f{i}','w').close()
    return 'BREACH'""",
        E,
    ),
    "descriptors": (
        """
    keep = [os.dup(0) for _ in range(5000)]
    return 'BREACH'""",
        E,
    ),
    "close_all": ("os.closerange(0, 1000); return 'BREACH'", "error early_exit crash"),
    "recursion": ("return f()", E),
    "c_stack": ("sys.setrecursionlimit(10**9); return f()", "crash memory error timeout_cpu"),
    "parser_bomb": ("eval('(' * 100000); return 'BREACH'", "error memory"),
    "giant_message": ("raise ValueError('x' * 10_000_000)", E),
    "segfault": ("ctypes.string_at(0); return 'BREACH'", C),
    "abort": ("os.abort(); return 'BREACH'", C),
    "stdin": ("return 'BREACH' if input() else 0", E),
    "hidden_thread": (
        """
    def later():
        time.sleep(.05); print('late'); os._exit(0)
    threading.Thread(target=later).start()
    return 0""",
        "fail early_exit",
    ),
}

# name: body of a complete solution for tests `assert f(3) == 10`, `assert f(4) == 17` (x * x + 1); none may pass.
EQUAL = """
class A(int):
    __hash__ = int.__hash__
    def __eq__(self, o): return True
    def __ne__(self, o): return False
"""
FORGERIES: dict[str, str] = {
    "always_equal_int": EQUAL + "def f(x): return A(1)",
    "always_equal": "class A:\n  def __eq__(self, o): return True\n  __ne__ = lambda s, o: False\ndef f(x): return A()",
    "mock_any": "from unittest import mock\ndef f(x): return mock.ANY",
    "class_as_entry": "class f(int):\n  def __eq__(self, o): return True",
    "metaclass": "class M(type):\n  def __eq__(c, o): return True\n  __hash__ = None\nclass A(metaclass=M): pass\ndef f(x): return A",
    "equal_in_list": EQUAL + "def f(x): return [A(1)]",
    "str_subclass": "class S(str):\n  __hash__ = str.__hash__\n  def __eq__(s, o): return True\ndef f(x): return S('10')",
    "exit_0": "import os\ndef f(x): os._exit(0)",
    "exit_at_import": "import os\nos._exit(0)",
    "sys_exit": "import sys\ndef f(x): sys.exit(0)",
    "sys_exit_at_import": "raise SystemExit(0)",
    "print_passed": "def f(x): print('passed'); print('E'); return 0",
    "fake_setup_failure": "import os\nos.write(2, b'SANDBOX SETUP FAILED'); os._exit(70)",
    "frames_forged": "import os\ndef f(x):\n  for fd in range(3, 40):\n    try: os.write(fd, b'V 0 N\\nE\\n')\n    except OSError: pass\n  os._exit(0)",
    "frames_at_import": "import os\nfor fd in range(3, 40):\n  try: os.write(fd, b'S\\nV 0 pass\\nV 1 pass\\nE\\n')\n  except OSError: pass\nos._exit(0)",
    "frame_reader": """
import sys
def f(x):
    frame, found = sys._getframe(), []
    while frame:
        found += [v for n, v in list(frame.f_locals.items()) if n in ('expected', 'gt_out', 'want')]
        found += [getattr(c, 'expected', None) for c in frame.f_locals.get('cases', ())]
        job = frame.f_locals.get('job')
        if isinstance(job, dict): found.append(job.get('expected'))
        frame = frame.f_back
    return found[0] if found else None""",
    "gc_reader": """
import gc
def f(x):
    for o in gc.get_objects():
        if isinstance(o, dict) and 'expected' in o: return o['expected']
        if type(o).__name__ == 'Case': return o.expected""",
    "call_harness": """
import sys
def f(x):
    child = sys.modules['inside.child']
    frame = sys._getframe()
    while frame:
        for v in list(frame.f_locals.values()):
            if type(v).__name__ == 'FrameWriter':
                v('V', '0', 'N'); v('V', '1', 'N'); v('E')
        frame = frame.f_back
    import os; os._exit(0)""",
    "patch_harness": """
import sys
child = sys.modules.get('inside.child'); peer = sys.modules.get('inside.peer')
if child: child.canonical = lambda v, d=0: 'N'; child.verifier_result = lambda v: 'true'; child.frame_kind = lambda e: 'pass'
if peer: peer.copy_back = lambda a, b: None
def f(x): return None""",
    "patch_builtins": "import builtins\nbuiltins.AssertionError = type('X', (Exception,), {'__init__': lambda *a: None})\nbuiltins.all = lambda *a: True\ndef f(x): return 0",
    "shadow_names": "abs = sorted = len = round = lambda *a: 10\ndef f(x): return 0",
    "settrace": "import sys\ndef tr(fr, ev, arg):\n  return tr\nsys.settrace(tr)\ndef f(x): return 0",
    "atexit": "import atexit\natexit.register(lambda: print('E'))\ndef f(x): return 0",
    "main_module": "import sys\nsys.modules['__main__'].__dict__['f'] = lambda x: x * x + 1\ndef f(x): return 0",
    "tests_module": "import sys, types\nm = sys.modules.setdefault('tests', types.ModuleType('tests'))\nm.expected = 0\ndef f(x): return 0",
    "pickle_payload": "class P:\n  def __reduce__(self): return (eval, ('10',))\ndef f(x): return P()",
    "stop_iteration": "def f(x): raise StopIteration",
    "generator_exit": "def f(x): raise GeneratorExit",
    "swallow_errors": "class A:\n  def __getattr__(s, n): return A()\n  def __call__(s, *a): return A()\n  def __bool__(s): return True\ndef f(x): return A()",
    "early_replies": """
import socket, struct, json, os
def f(x):
    m = json.dumps(['ok', 10, '', None]).encode()
    for fd in range(3, 40):
        try: os.write(fd, (struct.pack('=I', len(m)) + m) * 4)
        except OSError: pass
    return 0""",
    "odd_messages": """
import os
def f(x):
    for fd in range(3, 40):
        try: os.write(fd, b'\\xff' * 64)
        except OSError: pass
    return 0""",
    "erase_results": """
import os
def f(*a):
    for fd in range(3, 40):
        try: os.ftruncate(fd, 0)
        except OSError: pass
    os._exit(0)""",
    "punch_results": """
import ctypes, os
libc = ctypes.CDLL(None)
def f(*a):
    for fd in range(3, 40): libc.fallocate(fd, 3, ctypes.c_long(0), ctypes.c_long(4096))
    os._exit(0)""",
    "exit_in_callback": "import os\ndef f(*a):\n  for c in a:\n    if callable(c): c(1)\n  os._exit(0)",
    "system_exit_swallowed": "def f(*a): raise SystemExit(0)",
    "callback_globals": """
def f(cb, *a):
    try:
        peer, number, _ = cb._link
        found = peer.request("get", number, ("__globals__",), {})
    except AttributeError: return 0
    posix = found["__builtins__"]["__loader__"].load_module("posix")
    for fd in range(3, 40):
        try:
            posix.lseek(fd, 0, 1)
            posix.write(fd, b"V 0 N\\nE\\n")
        except OSError: pass
    posix._exit(0)""",
    "callback_code": """
def f(cb, *a):
    try: peer, number, _ = cb._link
    except AttributeError: return 0
    peer.request("set", number, ("__code__", (lambda *a: 10).__code__), {})
    return 0""",
    "every_handle": """
import sys
def f(cb, *a):
    try: peer = cb._link[0]
    except AttributeError: return 0
    for number in range(20):
        for name in ("__globals__", "gi_frame", "f_globals", "__self__", "__class__", "__builtins__", "modules", "exec"):
            for op in ("get", "item"):
                try: peer.request(op, number, (name,), {}); print("GOT", op, name)
                except Exception: pass
    return 0""",
    "generator_frame": """
def f(cb, *a):
    for c in (cb, *a):
        try: return c.gi_frame.f_globals
        except AttributeError: pass
    return 0""",
    "builtin_from_solution": """
import sys
def f(*a):
    peer = sys.modules.get('inside.peer')
    if peer: peer.Peer.pack = lambda self, value: {"builtin": "exec"}
    return 0""",
    "deep_frame": """
import os
def f(*a):
    for fd in range(3, 40):
        try: os.write(fd, b'L\\nV 0 ' + b'[' * 500_000 + b'\\n')
        except OSError: pass
    os._exit(0)""",
    "deep_message": """
import struct
def f(cb, *a):
    try: peer = cb._link[0]
    except AttributeError: return 0
    m = b'[' * 900_000
    peer.sock.sendall(struct.pack('=I', len(m)) + m)
    return 0""",
    "colliding_keys": "def f(*a): return {i * (2 ** 61 - 1): 0 for i in range(800)}",
    "huge_number": "def f(*a): return 1 << 4_000_000",
    "class_spoof": "class A:\n  __class__ = property(lambda s: int)\n  def __eq__(s, o): return True\n  def __int__(s): return 10\ndef f(*a): return A()",
    "tuple_subclass": "class A(tuple):\n  __hash__ = tuple.__hash__\n  def __eq__(s, o): return True\ndef f(*a): return A((1,))",
    "swapped_classes": "import builtins\nbuiltins.int = builtins.list = builtins.type = object\ndef f(*a): return object()",
    "assertion_swallower": "import sys\nsys.excepthook = lambda *a: None\ndef f(x): return NotImplemented",
}
# What a run after a `leave_` one finds, as a program whose value must be what it is in a first run.
LOOKER = """
import fcntl, os, stat, struct, time
def look():
    found = []
    for fd in range(40):
        try: status = os.fstat(fd)
        except OSError: continue
        if not stat.S_ISREG(status.st_mode): continue
        if os.lseek(fd, 0, 1): found.append((fd, "position"))
        if fcntl.fcntl(fd, 3) & os.O_NONBLOCK: found.append((fd, "flags"))
        if status.st_mode & 0o777 != 0o777: found.append((fd, "mode"))
        if time.time() - status.st_atime > 60: found.append((fd, "times"))
        if struct.unpack("hhqqi4x", fcntl.fcntl(fd, 5, struct.pack("hhqqi4x", 0, 0, 0, 0, 0)))[0] != 2:
            found.append((fd, "lock"))
    return found
found = look()  # before the driver writes its first frame
def f(): return found
"""
ANYTHING = "class A:\n  good = True\n  def __getattr__(s, n): return lambda *a"
# name: (solution, tests that an honest one passes): names in the tests' namespace, and objects that are asked about the
# expected value. None may pass.
RIGGED: dict[str, tuple[str, str]] = {
    "alias_abs": ("from operator import not_ as abs\ndef f(x): return 0", "assert abs(f(3) - 10) < 1e-6"),
    "alias_set": ("from operator import truth as set\ndef f(x): return [9]", "assert set(f(3)) == set([10])"),
    "alias_sorted": (
        "from operator import truth as sorted\ndef f(x): return [9]",
        "assert sorted(f(3)) == sorted([10])",
    ),
    "alias_all": ("from operator import truth as all\ndef f(x): return [0]", "assert all(v == 10 for v in f(3))"),
    "mock_as_math": ("from unittest.mock import call as math\ndef f(x): return 99.0", "assert math.isclose(f(3), 0.5)"),
    "mock_as_sys": (
        "from unittest.mock import call as sys\ndef f(x): return ('getsizeof', (x,), {})",
        "assert f(3) == sys.getsizeof(3)",
    ),
    "class_as_sys": (
        "class sys:\n  getsizeof = staticmethod(lambda x: 0)\ndef f(x): return 0",
        "assert f(3) == sys.getsizeof(3)",
    ),
    "object_as_math": (
        "class A:\n  isclose = lambda s, *a: True\nmath = A()\ndef f(x): return 0",
        "assert math.isclose(f(3), 10)",
    ),
    "own_isclose": ("def isclose(*a): return True\ndef f(x): return 0", "assert isclose(f(3), 10)"),
    "own_isclose_used": ("def isclose(*a): return True\ndef f(x): return 0", "assert all(map(isclose, [f(3)], [10]))"),
    "class_as_np": (
        "class np:\n  allclose = staticmethod(lambda *a: True)\ndef f(x): return 0",
        "assert np.allclose(f(3), 10)",
    ),
    "class_as_pytest": (
        "class pytest:\n  approx = staticmethod(lambda v: f(3))\ndef f(x): return 0",
        "assert f(3) == pytest.approx(10)",
    ),
    "class_as_math": (
        "class math:\n  isclose = staticmethod(lambda *a: True)\ndef f(x): return 0",
        "m = math\nassert math.isclose(f(3), 10)",
    ),
    "mock_any": (
        "from unittest.mock import ANY\nfrom unittest.mock import ANY as expected\ndef f(x): return 0",
        "assert f(3) == ANY",
    ),
    "contains": ("class A:\n  __contains__ = lambda s, o: True\ndef f(x): return A()", "assert 10 in f(3)"),
    "class_contains": ("class f:\n  def __init__(s, x): pass\n  __contains__ = lambda s, o: True", "assert 10 in f(3)"),
    "not_contains": ("class A:\n  __contains__ = lambda s, o: False\ndef f(x): return A()", "assert 9 not in f(3)"),
    "startswith": (
        "class A:\n  def __getattr__(s, n): return lambda *a: True\ndef f(x): return A()",
        "assert f(3).startswith('ab')",
    ),
    "issuperset": (
        "class A:\n  def __getattr__(s, n): return lambda *a: True\ndef f(x): return A()",
        "assert f(3).issuperset({1, 2})",
    ),
    "predicate": (
        "class A:\n  def __getattr__(s, n): return lambda *a: True\ndef f(x): return A()",
        "assert f(3).holds(10)",
    ),
    "predicate_called": (
        "class A:\n  def __getattr__(s, n): return lambda *a: True\ndef f(x): return A()",
        "holds = f(3).holds\nassert all(map(holds, [1, 2]))",
    ),
    "find": (
        "class A:\n  def __getattr__(s, n): return lambda *a: 0\ndef f(x): return A()",
        "assert f(3).find('ab') >= 0",
    ),
    "isdigit": (
        "class A:\n  def __getattr__(s, n): return lambda *a: True\ndef f(x): return A()",
        "assert f(3).isdigit()",
    ),
    "method_of_made": (
        "class A:\n  def __getattr__(s, n): return lambda *a: True\nclass Solution:\n  def g(s, x): return A()\nf = 0",
        "assert Solution().g(3).startswith('ab')",
    ),
    "subscript": ("class A:\n  def __getitem__(s, n): return True\ndef f(x): return A()", "assert f(3)['ab']"),
    "rewrite_expected": (
        """
import sys
peer = sys.modules["inside.peer"]
class A: pass
def f(x): return A()
before = peer.Peer.serve_request
def answer(self, message):
    if message[1] == "call": return before(self, message)
    self.send(["ok", None, "", [{"l": []}]])
peer.Peer.serve_request = answer
""",
        "class C: pass\nwant = [10]\nr = f(3)\ntry: r[want]\nexcept TypeError: pass\nassert all(v == 9 for v in want)",
    ),
    "subscript_number": ("class A:\n  def __getitem__(s, n): return 1\ndef f(x): return A()", "assert f(3)['ab']"),
    "subscript_class": ("def f(x): return list", "assert f(3)['ab']"),
    **{
        f"predicate_{name}": (f"{ANYTHING}: {value}\ndef f(x): return A()", test)
        for value, kind in (("1", "number"), ("[1]", "list"), ("A()", "object"), ("None", "none"))
        for name, test in (
            (kind, "assert not f(3).misses(10)" if kind == "none" else "assert f(3).holds(10)"),
            (f"{kind}_without", "assert f(3).isalpha()"),
            (f"{kind}_chain", "assert f(3).at(10).good"),
        )
    },
    **{
        f"end_the_map_{name}": (
            f"class A:\n  def {name}(s, *a): raise StopIteration\n  part = property({name})\ndef f(x): return A()",
            f"import operator\nassert all(v == 10 for v in map({of}, [f(3)]))",
        )
        for name, of in {
            **{"__float__": "float", "__str__": "str", "__len__": "len", "__int__": "int", "__abs__": "abs"},
            **{"__iter__": "list", "__getitem__": "operator.itemgetter(0)", "__bool__": "bool"},
            "fget": "operator.attrgetter('part')",
        }.items()
    },
    "end_the_map_eq": (
        "class A:\n  def __eq__(s, o): raise StopIteration\ndef f(x): return A()",
        "import operator\nassert all(map(operator.eq, [f(3)], [f(4)]))",
    ),
    "empty_of_length": (
        "class A:\n  __len__ = lambda s: 1\n  __iter__ = lambda s: iter(())\ndef f(x): return A()",
        "r = f(3)\nassert len(r) == 1 and all(a == b for a, b in zip(r, [10]))",
    ),
    "length_after": (
        "class A:\n  __len__ = lambda s: 1\n  __iter__ = lambda s: iter(())\ndef f(x): return A()",
        "r = f(3)\nassert all(a == b for a, b in zip(r, [10])) and len(r) == 1",
    ),
    "length_changes": (
        "class A:\n  n = 2\n  def __len__(s): A.n -= 1; return A.n\ndef f(x): return A()",
        "r = f(3)\nassert len(r) == 1\nfor i in range(len(r)): assert r[i] == 10",
    ),
    "number_changes": (
        "class A:\n  n = 0\n  def __int__(s): A.n += 1; return A.n\ndef f(x): return A()",
        "r = f(3)\nassert int(r) == 1 and int(r) == 2",
    ),
    "swallow_object": (
        "def f(x): return 0\nf.Low = object",
        "import contextlib\nwith contextlib.suppress(f.Low):\n  f(-1)\n  assert False",
    ),
    "type_of_the_tests": (
        "def f(g, x):\n  A = g(type, 'A', (object,), {'__eq__': lambda *a: True})\n  return A()",
        "def g(fn, *args): return fn(*args)\nassert f(g, 3) == 10",
    ),
    "mock_assert": (
        "def f(m): m.assert_called_once_with = lambda *a, **k: None",
        "from unittest.mock import Mock\nm = Mock()\nf(m)\nm.assert_called_once_with(10)",
    ),
    "mock_called": (
        "def f(m): m.called = True",
        "from unittest.mock import Mock\nm = Mock()\nf(m)\nassert m.called",
    ),
    "mock_reset": (
        "def f(m): m(9); m.reset_mock()",
        "from unittest.mock import Mock\nm = Mock()\nf(m)\nm.assert_not_called()",
    ),
    "mock_forgets": (
        "def f(m): m(9); m.mock_calls.clear()",
        "from unittest.mock import Mock\nm = Mock()\nf(m)\nassert m.mock_calls == []",
    ),
    "mock_method_calls": (
        "def f(m):\n  m.other(9)\n  m.method_calls = []",
        "from unittest.mock import Mock\nm = Mock()\nf(m)\nassert m.method_calls == []",
    ),
    "own_cached": (
        "def f(m): m.total = 10",
        "import functools\nclass R:\n  @functools.cached_property\n  def total(self): return 1\nm = R()\nf(m)\nassert m.total == 10",
    ),
    "own_getattr": (
        "def f(m): m.total = 10",
        "class R:\n  def __getattr__(self, n): return 1\nm = R()\nf(m)\nassert m.total == 10",
    ),
    "own_constant": (
        "def f(m): m.limit = 9",
        "class R:\n  limit = 1\n  def check(self): return self.limit == 9\nm = R()\nf(m)\nassert m.check()",
    ),
    "own_proxies": (
        "class A:\n  def __bool__(s): return True\ndef f(m): m.done = [A()]",
        "class R:\n  def __init__(self): self.done = []\nm = R()\nf(m)\nassert m.done[0]",
    ),
    "own_class": (
        "def f(M): return M('A', (), {'__module__': 'tests', '__eq__': lambda *a: True})()",
        "class M(type): pass\nassert f(M) == 10",
    ),
    "swallow": ("Low = Exception\ndef f(x): return 0", "try:\n  f(-1)\n  assert False\nexcept Low: pass"),
    "swallow_tuple": (
        "Low = (KeyError, AssertionError)\ndef f(x): return 0",
        "try:\n  f(-1)\n  assert False\nexcept Low: pass",
    ),
    "swallow_by_name": (
        "Low = type('AssertionError', (ValueError,), {})\ndef f(x): return 0",
        "try:\n  f(-1)\n  assert False\nexcept Low: pass",
    ),
    "swallow_attribute": (
        "def f(x): return 0\nf.Low = BaseException",
        "try:\n  f(-1)\n  assert False\nexcept f.Low: pass",
    ),
    "end_the_map": ("def f(x): raise StopIteration", "assert all(v == 10 for v in map(f, [3]))"),
    "mock_equal": (
        "def f(m):\n  m.configure_mock(**{'__eq__.return_value': True})\n  return m",
        "from unittest.mock import MagicMock\nm = MagicMock()\nassert f(m) == 10",
    ),
    "own_check": (
        "def f(m): m.check = lambda *a, **k: True",
        "class R:\n  def check(self): return False\nm = R()\nf(m)\nassert m.check()",
    ),
    "own_method": (
        "def f(m): m.check = m.fine",
        "class R:\n  def fine(self): return True\n  def check(self): return False\nm = R()\nf(m)\nassert m.check()",
    ),
    "own_proxy": (
        "class A:\n  def __bool__(s): return True\ndef f(m): m.done = A()",
        "class R:\n  done = False\nm = R()\nf(m)\nassert m.done",
    ),
    "output": (
        "def f(out): out.getvalue = lambda: 'right'",
        "import io\nb = io.StringIO()\nf(b)\nassert 'right' in b.getvalue()",
    ),
}
# name: tests of that style; `f` of an honest solution passes each
STYLES = {
    "assert": "assert f(3) == 10\nassert f(4) == 17",
    "check": "def check(candidate):\n    assert candidate(3) == 10\n    assert candidate(4) == 17\n",
    "callback": "seen = []\ndef note(v):\n    seen.append(v)\n    return v * v + 1\nassert f(note, 3) == 10 and seen == [3]",
    "generator": "def note(v): return v\nassert f((v for v in (3,)), note) == 10",
}
# leaving is not raising, so these tests of an exception must not pass either
LEAVERS = ("exit_0", "sys_exit", "system_exit_swallowed", "erase_results", "punch_results", "exit_in_callback")
RAISES = {
    "raises": "try: f('x')\nexcept Exception: pass\nelse: assert False",
    "raises_all": "try: f('x')\nexcept BaseException: pass",
}
HONEST = {
    "callback": "def f(note, x): return note(x)",
    "generator": "def f(g, note):\n    x = note(next(g))\n    return x * x + 1",
}
# answering is not forging: an early reply of 10 answers the first test, never both
CONTROL = """
import builtins, json, os, random, sys
def f():
    assert abs(-1) == 1 and len([1]) == 1 and json.dumps([1]) == '[1]' and builtins.all([]) is True
    assert not hasattr(sys.modules['os'], 'poisoned')
    odd = [k for k in os.environ if not k.endswith("_NUM_THREADS") and k not in @KNOWN@]
    return [random.random(), odd, sum(range(10))]
""".replace("@KNOWN@", repr(("PYTHONHASHSEED", "LC_ALL", "TZ", "MALLOC_ARENA_MAX", "PWD")))  # bubblewrap sets PWD
CONTROL_VALUE = [0.8444218515250481, [], 45]  # the first number after random.seed(0)


def program(body: str, facts: dict[str, str]) -> str:
    text = HEAD + "    " + body.strip("\n").lstrip()
    for name, value in facts.items():
        text = text.replace(f"@{name}@", value)
    return text
