"""System call numbers by name (x86-64 and the generic table that aarch64 uses), and which of them may be used.

Numbers are from Linux's asm/unistd_64.h and asm-generic/unistd.h. A name absent from a table does not exist there.
"""

X86_64 = """
read=0 write=1 readv=19 writev=20 pread64=17 pwrite64=18 preadv=295 pwritev=296 lseek=8 close=3 close_range=436
fstat=5 newfstatat=262 stat=4 lstat=6 statx=332 access=21 faccessat=269 faccessat2=439 open=2 openat=257 readlink=89
readlinkat=267 getcwd=79 chdir=80 fchdir=81 getdents=78 getdents64=217 mkdir=83 mkdirat=258 rmdir=84 unlink=87
unlinkat=263 rename=82 renameat=264 renameat2=316 symlink=88 symlinkat=266 link=86 linkat=265 truncate=76
ftruncate=77 fsync=74 fdatasync=75 fallocate=285 fadvise64=221 creat=85 chmod=90 fchmod=91 fchmodat=268 utime=132
utimes=235 futimesat=261 utimensat=280 statfs=137 fstatfs=138 flock=73 umask=95 dup=32 dup2=33 dup3=292 pipe=22
pipe2=293 poll=7 ppoll=271 select=23 pselect6=270 epoll_create=213 epoll_create1=291 epoll_ctl=233 epoll_wait=232
epoll_pwait=281 epoll_pwait2=441 eventfd=284 eventfd2=290 timerfd_create=283 timerfd_settime=286 timerfd_gettime=287
sendfile=40 copy_file_range=326 mmap=9 munmap=11 mprotect=10 mremap=25 madvise=28 brk=12 msync=26 mincore=27
membarrier=324 rt_sigaction=13 rt_sigprocmask=14 rt_sigreturn=15 rt_sigpending=127 rt_sigtimedwait=128
rt_sigsuspend=130 sigaltstack=131 futex=202 sched_yield=24 sched_get_priority_max=146 sched_get_priority_min=147
nanosleep=35 clock_nanosleep=230 clock_gettime=228 clock_getres=229 gettimeofday=96 time=201 times=100 getrusage=98
getpid=39 getppid=110 gettid=186 getuid=102 geteuid=107 getgid=104 getegid=108 getgroups=115 getresuid=118
getresgid=120 getpgrp=111 getpgid=121 getsid=124 uname=63 sysinfo=99 getrandom=318 set_robust_list=273
get_robust_list=274 rseq=334 set_tid_address=218 arch_prctl=158 exit=60 exit_group=231 getitimer=36 setitimer=38
alarm=37 pause=34 restart_syscall=219 getcpu=309 getrlimit=97 capget=125 sched_getaffinity=204 getpriority=140
sendto=44 recvfrom=45 sendmsg=46 recvmsg=47 shutdown=48 getsockname=51 getpeername=52 getsockopt=55 setsockopt=54
socketpair=53 clone=56 ioctl=16 prctl=157 prlimit64=302 fcntl=72 kill=62 tgkill=234 mount=165 umount2=166
unshare=272 setns=308 wait4=61 waitid=247 pidfd_open=434 seccomp=317 capset=126 setsid=112 setrlimit=160 vfork=58
fork=57 landlock_restrict_self=446 landlock_create_ruleset=444 landlock_add_rule=445 mount_setattr=442 clone3=435
memfd_create=319 pivot_root=155 sethostname=170 setdomainname=171
"""
AARCH64 = """
read=63 write=64 readv=65 writev=66 pread64=67 pwrite64=68 preadv=69 pwritev=70 lseek=62 close=57 close_range=436
fstat=80 newfstatat=79 statx=291 faccessat=48 faccessat2=439 openat=56 readlinkat=78 getcwd=17 chdir=49 fchdir=50
getdents64=61 mkdirat=34 unlinkat=35 renameat=38 renameat2=276 symlinkat=36 linkat=37 truncate=45 ftruncate=46
fsync=82 fdatasync=83 fallocate=47 fadvise64=223 fchmod=52 fchmodat=53 utimensat=88 statfs=43 fstatfs=44 flock=32
umask=166 dup=23 dup3=24 pipe2=59 ppoll=73 pselect6=72 epoll_create1=20 epoll_ctl=21 epoll_pwait=22 epoll_pwait2=441
eventfd2=19 timerfd_create=85 timerfd_settime=86 timerfd_gettime=87 sendfile=71 copy_file_range=285 mmap=222
munmap=215 mprotect=226 mremap=216 madvise=233 brk=214 msync=227 mincore=232 membarrier=283 rt_sigaction=134
rt_sigprocmask=135 rt_sigreturn=139 rt_sigpending=136 rt_sigtimedwait=137 rt_sigsuspend=133 sigaltstack=132 futex=98
sched_yield=124 sched_get_priority_max=125 sched_get_priority_min=126 nanosleep=101 clock_nanosleep=115
clock_gettime=113 clock_getres=114 gettimeofday=169 times=153 getrusage=165 getpid=172 getppid=173 gettid=178
getuid=174 geteuid=175 getgid=176 getegid=177 getgroups=158 getresuid=148 getresgid=150 getpgid=155 getsid=156
uname=160 sysinfo=179 getrandom=278 set_robust_list=99 get_robust_list=100 rseq=293 set_tid_address=96 exit=93
exit_group=94 getitimer=102 setitimer=103 restart_syscall=128 getcpu=168 getrlimit=163 capget=90
sched_getaffinity=123 getpriority=141 sendto=206 recvfrom=207 sendmsg=211 recvmsg=212 shutdown=210 getsockname=204
getpeername=205 getsockopt=209 setsockopt=208 socketpair=199 clone=220 ioctl=29 prctl=167 prlimit64=261 fcntl=25
kill=129 tgkill=131 mount=40 umount2=39 unshare=97 setns=268 wait4=260 waitid=95 pidfd_open=434 seccomp=277
capset=91 setsid=157 setrlimit=164 landlock_restrict_self=446 landlock_create_ruleset=444 landlock_add_rule=445
mount_setattr=442 clone3=435 memfd_create=279 pivot_root=41 sethostname=161 setdomainname=162
"""

# What a program may call in every backend, some of it depending on arguments (filters.py). Not setsockopt: large
# socket buffers are kernel memory, which no limit of a process counts.
SNIPPET = """
read write readv writev pread64 pwrite64 preadv pwritev lseek close close_range fstat newfstatat stat lstat statx
access faccessat faccessat2 open openat readlink readlinkat getcwd chdir fchdir getdents getdents64 mkdir mkdirat
rmdir unlink unlinkat rename renameat renameat2 symlink symlinkat link linkat truncate ftruncate fsync fdatasync
fallocate fadvise64 creat chmod fchmod fchmodat utime utimes futimesat utimensat statfs fstatfs flock umask dup dup2
dup3 pipe pipe2 poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2
eventfd eventfd2 timerfd_create timerfd_settime timerfd_gettime sendfile copy_file_range mmap munmap mprotect mremap
madvise brk msync mincore membarrier rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigtimedwait
rt_sigsuspend sigaltstack futex sched_yield sched_get_priority_max sched_get_priority_min nanosleep clock_nanosleep
clock_gettime clock_getres gettimeofday time times getrusage getpid getppid gettid getuid geteuid getgid getegid
getgroups getresuid getresgid getpgrp getpgid getsid getrandom set_robust_list get_robust_list rseq
set_tid_address arch_prctl exit exit_group getitimer setitimer alarm pause restart_syscall getcpu getrlimit capget
getpriority sendto recvfrom sendmsg recvmsg shutdown getsockname getpeername getsockopt socketpair
clone ioctl prctl prlimit64 fcntl kill tgkill
""".split()

# Calls that fail with ENOSYS, as on a kernel without them, so that the C library does without: clone3, whose flags no
# filter can read (clone's can), and what would tell of the host (host.py has what Python says instead).
ABSENT = "clone3 uname sysinfo sched_getaffinity".split()

# What only the zygote needs; its children are denied these by their own second filter.
ZYGOTE = """
mount umount2 unshare setns wait4 waitid pidfd_open seccomp capset setsid setrlimit vfork fork
landlock_restrict_self landlock_create_ruleset landlock_add_rule mount_setattr
""".split()

# Calls that take a path: denied to programs in the seccomp backend, which has no other guard of the file system.
PATHS = """
newfstatat stat lstat statx access faccessat faccessat2 open openat readlink readlinkat chdir fchdir getdents
getdents64 mkdir mkdirat rmdir unlink unlinkat rename renameat renameat2 symlink symlinkat link linkat truncate creat
chmod fchmod fchmodat utime utimes futimesat utimensat statfs fstatfs flock
""".split()

# Changes of metadata, which Landlock does not govern.
METADATA = """
truncate chmod fchmod fchmodat utime utimes futimesat utimensat link linkat flock
""".split()


def table(machine):
    """Name -> number for `os.uname().machine`. KeyError for a machine without a table."""
    text = {"x86_64": X86_64, "aarch64": AARCH64, "arm64": AARCH64}[machine]
    return {name: int(number) for name, number in (word.split("=") for word in text.split())}
