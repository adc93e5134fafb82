"""The sandbox and its host: requirements, clean-up, load, and use without the rest of Cultivar."""

import gc
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from siege import REPO, descendants

from cultivar.sandbox import Case, Job, Limits, Sandbox, SandboxUnavailable, backends, cgroups
from cultivar.sandbox.inside import filters, syscalls

WORKING = [name for name in backends.ORDER if backends.probe(name).works]


@pytest.fixture(params=backends.ORDER)
def backend(request):
    if not (found := backends.probe(request.param)).works:
        pytest.skip(f"{request.param} cannot be built here: {found.reason}")
    return request.param


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "cultivar.sandbox", *arguments],
        capture_output=True,
        text=True,
        cwd=REPO,
        env=os.environ | environment,
    )


def test_the_command_lists_backends_and_runs_programs(tmp_path):
    if not WORKING:
        pytest.skip("no backend works here")
    listing = command()
    assert listing.returncode == 0 and f"chosen    {WORKING[0]}," in listing.stdout
    assert all(f"{name:9} works" in listing.stdout for name in WORKING)
    program = tmp_path / "p.py"
    program.write_text("def f(x): return x + 1\nprint('hello')")
    assert json.loads(command("--file", str(program)).stdout)["outcome"] == "pass"
    failed = command("--file", str(program), "--assert", "assert f(1) == 3")
    assert failed.returncode == 1 and json.loads(failed.stdout)["outcome"] == "fail"


@pytest.fixture
def open_folder():
    """A folder that any user may write to; root's programs run as nobody."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        yield Path(folder)


def test_with_every_backend_disabled_no_code_runs(open_folder):
    program = open_folder / "p.py"
    program.write_text(f"open({str(open_folder / 'ran')!r}, 'w')")
    refused = command("--file", str(program), CULTIVAR_SANDBOX_DISABLE="all")
    assert refused.returncode == 2 and "no code is run" in refused.stderr and "Remedies" in refused.stderr
    assert command(CULTIVAR_SANDBOX_DISABLE="all").returncode == 2
    assert command("--file", str(program), "--backend", "none").returncode == 2
    assert not (open_folder / "ran").exists()
    assert command("--file", str(program), "--backend", "none", "--allow-unsandboxed").returncode == 0
    assert (open_folder / "ran").exists()


def test_it_works_without_the_rest_of_cultivar(tmp_path):
    if not WORKING:
        pytest.skip("no backend works here")
    package = tmp_path / "cultivar"
    package.mkdir()
    for name in ("__init__.py", "syntax.py"):
        shutil.copy(REPO / "cultivar" / name, package)
    for name in ("sandbox", "outgoing"):
        shutil.copytree(REPO / "cultivar" / name, package / name, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "schemas").mkdir()
    for name in ("__init__.py", "parsing.py", "characters.py"):
        shutil.copy(REPO / "schemas" / name, tmp_path / "schemas")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\nfrom cultivar.sandbox import Sandbox, Job\n"
    code += "with Sandbox(slots=1) as box: print(*[v.outcome for v in box.run([Job('a', 'io', '')])])"
    ran = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, cwd="/")
    assert ran.stdout == "pass\n", ran.stderr


def test_only_named_packages_can_be_imported(backend):
    pytest.importorskip("numpy")
    code = "import numpy as np\ndef f(xs): return np.array(xs).sum()"
    other = "import pytest\ndef f(xs): return 3"
    jobs = [Job(name, "call", c, entry_point="f", cases=[Case([[1, 2]], 3)]) for name, c in (("a", code), ("b", other))]
    try:
        with Sandbox(backend, 1, packages=("numpy",)) as box:
            verdicts = {v.id: v for v in box.run(jobs)}
        if verdicts["a"].outcome == "sandbox_error":
            pytest.skip(verdicts["a"].message)  # another Python is used as root, or nobody cannot read the package
    except SandboxUnavailable as error:
        pytest.skip(str(error))
    assert (verdicts["a"].outcome, verdicts["b"].outcome) == ("pass", "unsupported"), verdicts
    with Sandbox(backend, 1) as box:
        assert [v.outcome for v in box.run(jobs)] == ["unsupported", "unsupported"]


def test_a_missing_package_is_named_before_anything_runs(backend):
    with pytest.raises(SandboxUnavailable, match="no_such_package is not installed"):
        Sandbox(backend, 1, packages=("no_such_package",))


@pytest.fixture
def group():
    group = cgroups.try_group()
    if isinstance(group, str):
        pytest.skip(f"no control group can be made here: {group}")
    yield group
    group.close()


def test_a_control_group_limits_memory(group):
    group.set_limits(Limits(memory_mb=16, threads=1))
    code = "import sys; sys.stdin.readline(); x = bytearray(512 << 20); print('BREACH')"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        group.add_process(process.pid)
        output, _ = process.communicate(b"\n")
    assert output == b"" and process.returncode == -9
    assert group.had_oom_kill() and not group.had_oom_kill()


def test_each_slot_has_its_own_group_which_is_removed_with_it(group, backend):
    folder = group.folders["memory"].parent
    with Sandbox(backend, 2) as box:
        assert all(v.passed for v in box.run([Job(str(i), "io", "") for i in range(4)]))
        names = {Path(f"/proc/{slot.pid}/cgroup").read_text().split(cgroups.PREFIX)[1].split()[0] for slot in box.idle}
        assert len(names) == len(box.idle) >= 1
        assert {f"{cgroups.PREFIX}{name}" for name in names} <= {path.name for path in folder.iterdir()}
    assert not {f"{cgroups.PREFIX}{name}" for name in names} & {path.name for path in folder.iterdir()}


def test_cpu_time_decides_under_load():
    """Eight busy processes: half the limit always passes, overruns are killed within 5 % of it."""
    if not WORKING:
        pytest.skip("no backend works here")
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(8)]
    half = "import time\ndef f():\n    while time.process_time() < 0.5: pass\n    return 1"
    over = "def f():\n    while True: pass"
    runs = int(os.environ.get("CULTIVAR_SANDBOX_LOAD_RUNS", "4"))
    programs = {f"{kind}{i}": code for i in range(runs) for kind, code in (("half", half), ("over", over))}
    jobs = [Job(name, "call", code, entry_point="f", cases=[Case([], 1)]) for name, code in programs.items()]
    try:
        with Sandbox(limits=Limits(cpu_s=1, wall_s=90)) as box:
            verdicts = list(box.run(jobs))
    finally:
        for process in busy:
            process.kill()
            process.wait()
    assert {v.outcome for v in verdicts if v.id.startswith("half")} == {"pass"}
    assert {v.outcome for v in verdicts if v.id.startswith("over")} == {"timeout_cpu"}
    spent = [v.cpu_s for v in verdicts if v.id.startswith("over")]
    assert min(spent) >= 1 and max(spent) <= 1.05, spent


def test_nothing_grows(backend):
    """Memory, descriptors and mounts of the zygote and of this process stay as they are, run after run."""

    def state(box):
        gc.collect()  # sockets of earlier tests that wait for the collector would be missing in the second count
        (slot,) = box.idle
        found = []
        for pid in (slot.pid, os.getpid()):
            proc = Path(f"/proc/{pid}")
            pages = int((proc / "statm").read_text().split()[1])
            own = backend == "userns" and pid == slot.pid  # elsewhere the host's own mounts come and go
            mounts = (proc / "mountinfo").read_text().count("\n") if own else 0
            found.append((len(list((proc / "fd").iterdir())), mounts, pages))
        return found

    others = descendants()
    code = "def f(x): return [x] * 100"
    split = Job("s", "split", code, tests="assert f(1)[0] == 1")
    jobs = [Job("c", "call", code, entry_point="f", cases=[Case([1], [1] * 100)]), split] * 20
    with Sandbox(backend, 1) as box:
        assert all(v.passed for v in box.run(jobs))
        before = state(box)
        assert all(v.passed for v in box.run(jobs * int(os.environ.get("CULTIVAR_SANDBOX_DRIFT", "5"))))
        after = state(box)
    for (fds, mounts, pages), (fds_after, mounts_after, pages_after) in zip(before, after, strict=True):
        assert (fds, mounts) == (fds_after, mounts_after)
        assert pages_after <= pages * 1.02 + 64
    deadline = time.monotonic() + 30
    while descendants() - others and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not descendants() - others


def test_system_call_tables_are_consistent():
    """The aarch64 table cannot run here; it has to contain the calls of the x86-64 one, or their newer forms, and no number twice."""
    x86, arm = syscalls.table("x86_64"), syscalls.table("aarch64")
    for table in (x86, arm):
        assert len(set(table.values())) == len(table)
        assert all(0 <= number < filters.NEWEST for number in table.values())
    # the generic table left out calls that newer ones replace, those of the x86 architecture, and fork (now clone)
    replaced = {
        "stat",
        "lstat",
        "access",
        "open",
        "readlink",
        "getdents",
        "mkdir",
        "rmdir",
        "unlink",
        "rename",
        "symlink",
        "link",
        "creat",
        "chmod",
        "utime",
        "utimes",
        "futimesat",
        "dup2",
        "pipe",
        "poll",
        "select",
        "epoll_create",
        "epoll_wait",
        "eventfd",
        "time",
        "getpgrp",
        "arch_prctl",
        "alarm",
        "pause",
        "vfork",
        "fork",
    }
    assert set(x86) - set(arm) == replaced and set(arm) <= set(x86)
    # calls that are new since the tables were joined have one number everywhere
    assert all(x86[name] == arm[name] for name in arm if x86[name] >= 424)
    named = {*syscalls.SNIPPET, *syscalls.ZYGOTE, *syscalls.PATHS, *syscalls.METADATA}
    assert named <= set(x86)
    assert not set(syscalls.SNIPPET) & set(syscalls.ZYGOTE)
    assert {*syscalls.PATHS, *syscalls.METADATA} <= set(syscalls.SNIPPET)
    with pytest.raises(KeyError):
        syscalls.table("riscv64")


def test_system_call_table_matches_the_kernel_headers():
    """The running machine's numbers equal those of the kernel's header, where it is installed."""
    x86_64 = os.uname().machine == "x86_64"
    header = Path("/usr/include", "x86_64-linux-gnu/asm/unistd_64.h" if x86_64 else "asm-generic/unistd.h")
    if not header.exists():
        pytest.skip("no kernel headers here")
    rows = (line.split()[1:] for line in header.read_text().splitlines() if line.startswith("#define __NR"))
    numbers = {row[0].removeprefix("__NR3264_").removeprefix("__NR_"): row[1] for row in rows if len(row) == 2}
    table = syscalls.table(os.uname().machine)
    assert {name: number for name, number in table.items() if numbers.get(name, str(number)) != str(number)} == {}
