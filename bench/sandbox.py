"""What a run of untrusted code costs: CPU milliseconds and runs per second, beside three common ways.

    python -m bench.sandbox [--runs 2000] [--backend auto] [--drift 10000]

The same trivial function and test goes through each way. CPU is that of the entire process tree: of a control group
where one can be made, otherwise of /proc over this process and its descendants. Beside the sandbox stand

    python        a fresh `python -I -S -c` per run, no isolation
    bubblewrap    the same inside `bwrap --unshare-all` with a read-only view of the system
    fork-guard    human-eval's pattern: fork, set dangerous functions to None, an alarm, a manager's list for the outcome

which run in a pool of as many threads as the sandbox has slots. Ends with one line of JSON:

    cpu_ms_call, cpu_ms_split   a run in `call` and in `split` mode
    checks_per_s                verifier answers per second of wall time, 30 inputs to each verifier
    zygote_start_s              wall seconds from nothing to a slot that is ready, median of 10
    speedup_vs_bwrap, speedup_vs_python   CPU of those ways over cpu_ms_call
"""

import argparse
import contextlib
import json
import multiprocessing
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from tqdm import tqdm

from cultivar.sandbox import Case, Job, Sandbox, backends, job_from_asserts
from cultivar.sandbox.interpreters import interpreter
from cultivar.sandbox.slot import Slot

CODE = "def add(a, b):\n    return a + b\n"
TEST = "assert add(1, 2) == 3"
VERIFIER = "def evaluate(response):\n    return response.isupper() and len(response.split()) < 40\n"
FORGED = "class A(int):\n    def __eq__(self, o): return True\ndef add(a, b): return A(0)\n"
REMOVED = {
    os: "kill system remove removedirs fork forkpty chmod chown rename unlink chroot chdir getcwd",
    shutil: "rmtree move chown",
    subprocess: "Popen",
}
"""Module -> functions that human-eval's pattern sets to None."""
INPUTS = [f"RESPONSE NUMBER {n} " * 10 if n % 2 else f"response number {n}" for n in range(30)]


class Meter:
    """CPU seconds of this process and everything below it."""

    def __init__(self) -> None:
        self.how = "/proc over the tree"
        self.usage: Path | None = None
        for root, name in ((Path("/sys/fs/cgroup/cpuacct"), "cpuacct.usage"), (Path("/sys/fs/cgroup"), "cpu.stat")):
            folder = root / f"bench-{os.getpid()}"
            if not (root / name).exists():
                continue
            with contextlib.suppress(OSError):
                folder.mkdir()
                (folder / "cgroup.procs").write_text(str(os.getpid()))
                self.usage, self.how = folder / name, f"control group {folder}"
                break

    def read(self) -> float:
        if self.usage is None:
            return sum(map(cpu_seconds, process_tree()))
        text = self.usage.read_text()
        return int(text) / 1e9 if text.strip().isdigit() else int(text.split()[1]) / 1e6

    def close(self) -> None:
        if self.usage is not None:
            with contextlib.suppress(OSError):
                (self.usage.parent.parent / "cgroup.procs").write_text(str(os.getpid()))
                self.usage.parent.rmdir()


def stat_fields(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()


def process_tree() -> set[int]:
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                parents[int(entry.name)] = int(stat_fields(int(entry.name))[1])
    pids = {os.getpid()}
    while children := {pid for pid, parent in parents.items() if parent in pids} - pids:
        pids |= children
    return pids


def cpu_seconds(pid: int) -> float:
    """User and system seconds of a process and of its children that have been waited for."""
    with contextlib.suppress(OSError):
        return sum(map(int, stat_fields(pid)[11:15])) / os.sysconf("SC_CLK_TCK")
    return 0.0


def measure(meter: Meter, name: str, count: int, work: Callable[[], int]) -> tuple[float, float]:
    """(CPU ms per run, runs per wall second) of `work`, which returns the number of its runs that passed."""
    started, cpu = time.perf_counter(), meter.read()
    passed = work()
    ms, rate = 1000 * (meter.read() - cpu) / passed, passed / (time.perf_counter() - started)
    assert passed == count, f"{name}: {passed} runs of {count} passed"
    print(f"{name:28} {ms:8.2f} ms CPU {2000 / ms:9.0f}/s on two cores {rate:9.0f}/s now")
    return ms, rate


def count_passed(box: Sandbox, jobs: Iterator[Job], total: int) -> int:
    return sum(v.passed for v in tqdm(box.run(jobs), total=total, leave=False, disable=None, delay=2))


def run_calls(box: Sandbox, count: int) -> int:
    return count_passed(box, call_jobs(count), count)


def call_jobs(count: int) -> Iterator[Job]:
    return (Job(str(i), "call", CODE, entry_point="add", cases=[Case([1, 2], 3)]) for i in range(count))


def split_jobs(count: int) -> Iterator[Job]:
    return (Job(str(i), "split", CODE, entry_point="add", tests=[TEST]) for i in range(count))


def verifier_jobs(count: int) -> Iterator[Job]:
    return (Job(str(i), "verifier", VERIFIER, inputs=INPUTS) for i in range(count))


def run_in_pool(slots: int, count: int, once: Callable[[], bool]) -> int:
    with ThreadPoolExecutor(slots) as pool:
        return sum(pool.map(lambda _: once(), range(count)))


def python_runner(prefix: list[str]) -> Callable[[], bool]:
    command = [*prefix, interpreter("landlock" if prefix else "userns")[0], "-I", "-S", "-c", CODE + TEST]
    return lambda: subprocess.run(command, capture_output=True, env={"LC_ALL": "C.UTF-8"}).returncode == 0


def run_in_guard(program: str, verdict: object, seconds: float) -> None:
    """The child of human-eval's pattern: harmful functions are removed by name, the child reports its own outcome."""

    def raise_timeout(*_: object) -> None:
        raise TimeoutError

    with tempfile.TemporaryDirectory() as folder:
        remove, chdir, home = shutil.rmtree, os.chdir, Path.cwd()
        originals = {module: dict(vars(module)) for module in REMOVED}
        chdir(folder)
        for module, names in REMOVED.items():
            for name in names.split():
                setattr(module, name, None)
        try:
            signal.signal(signal.SIGALRM, raise_timeout)
            signal.setitimer(signal.ITIMER_REAL, seconds)
            with contextlib.redirect_stdout(None), contextlib.redirect_stderr(None):
                exec(program, {})  # noqa: S102
            verdict.append("passed")  # type: ignore[attr-defined]
        except BaseException as error:
            verdict.append(f"failed: {error!r}")  # type: ignore[attr-defined]
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            for module, attributes in originals.items():
                vars(module).update(attributes)
            chdir(home)
            assert shutil.rmtree is remove


def fork_guard(program: str) -> bool:
    """Whether a program passes human-eval's check: a manager process, a forked child, three seconds of wall time."""
    context = multiprocessing.get_context("fork")
    with context.Manager() as manager:
        verdict = manager.list()
        child = context.Process(target=run_in_guard, args=(program, verdict, 3.0))
        child.start()
        child.join(4.0)
        if child.is_alive():
            child.kill()
            child.join()
        return list(verdict) == ["passed"]


def bwrap_prefix() -> list[str]:
    prefix = ["bwrap", "--unshare-all", "--new-session", "--die-with-parent", "--tmpfs", "/tmp"]
    for path in ("/usr", "/lib", "/lib64", "/bin"):
        prefix += ["--ro-bind-try", path, path]
    return prefix


def start_times(backend: str, count: int = 10) -> list[float]:
    times = []
    for _ in range(count):
        started = time.perf_counter()
        slot = Slot(backend)
        slot.wait_ready()
        times.append(time.perf_counter() - started)
        slot.close()
    return times


def measure_drift(backend: str, count: int) -> None:
    """Print how memory, descriptors and mounts of a slot and of this process changed over `count` runs."""
    with Sandbox(backend, 1) as box:
        count_passed(box, call_jobs(200), 200)
        before = resource_use(box)
        started = time.perf_counter()
        assert count_passed(box, call_jobs(count), count) == count
        after, seconds = resource_use(box), time.perf_counter() - started
    print(f"drift over {count:,} runs ({seconds:.0f} s):", end=" ")
    print("; ".join(f"{name} {value:,} -> {after[name]:,}" for name, value in before.items()))


def resource_use(box: Sandbox) -> dict[str, int]:
    (slot,) = box.idle
    use = {}
    for name, pid in (("zygote", slot.pid), ("supervisor", os.getpid())):
        proc = Path(f"/proc/{pid}")
        use[f"{name} RSS KiB"] = int((proc / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 10
        use[f"{name} descriptors"] = len(list((proc / "fd").iterdir()))
    use["mounts"] = Path(f"/proc/{slot.pid}/mountinfo").read_text().count("\n")
    return use


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--runs", type=int, default=2000, help="runs of the sandbox per figure; a tenth of it elsewhere"
    )
    parser.add_argument("--backend", default="auto")
    parser.add_argument("--drift", type=int, default=10_000, help="runs of the drift test, 0 for none")
    options = parser.parse_args()
    runs, baseline_runs = options.runs, max(10, options.runs // 10)
    with contextlib.closing(Meter()) as meter, Sandbox(options.backend) as box:
        backend, slots = box.backend, box.slots
        print(f"backend {backend}, {slots} slots, python {box.python}; CPU from {meter.how}")
        count_passed(box, call_jobs(50), 50)
        call, _ = measure(meter, "sandbox, call", runs, partial(run_calls, box, runs))
        split, _ = measure(
            meter, "sandbox, split", runs // 2, lambda: count_passed(box, split_jobs(runs // 2), runs // 2)
        )
        verifiers, rate = measure(
            meter, "sandbox, verifier x 30", runs // 4, lambda: count_passed(box, verifier_jobs(runs // 4), runs // 4)
        )
        checks = 30 * rate
        print(f"{'':28} {30 * 2000 / verifiers:,.0f} checks/s on two cores, {checks:,.0f}/s now")
        for other in backends.ORDER:
            if other != backend and backends.probe(other).works:
                with Sandbox(other, slots) as other_box:
                    count_passed(other_box, call_jobs(50), 50)
                    measure(
                        meter, f"sandbox ({other}), call", baseline_runs, partial(run_calls, other_box, baseline_runs)
                    )
        start = statistics.median(start_times(backend))
        print(f"{'zygote start':28} {start:8.3f} s")
        plain, _ = measure(
            meter, "python -I -S -c", baseline_runs, lambda: run_in_pool(slots, baseline_runs, python_runner([]))
        )
        bwrap = None
        if shutil.which("bwrap"):
            bwrap, _ = measure(
                meter,
                "bubblewrap + python",
                baseline_runs,
                lambda: run_in_pool(slots, baseline_runs, python_runner(bwrap_prefix())),
            )
        else:
            print("bubblewrap is not installed; no figure for it")
        program = CODE + TEST
        guard, _ = measure(
            meter,
            "fork-guard (human-eval)",
            baseline_runs,
            lambda: sum(fork_guard(program) for _ in range(baseline_runs)),
        )
        forged = fork_guard(FORGED + TEST)
        (verdict,) = box.run([job_from_asserts("forged", FORGED, [TEST])])
        print(
            f"an object equal to everything: fork-guard {'passes' if forged else 'fails'} it, the sandbox: {verdict.outcome}"
        )
    if options.drift:
        measure_drift(backend, options.drift)
    print(f"CPU against the sandbox's: python x{plain / call:.1f}, fork-guard x{guard / call:.1f}", end="")
    print(f", bubblewrap x{bwrap / call:.1f}" if bwrap else "")
    figures = {
        "cpu_ms_call": round(call, 3),
        "cpu_ms_split": round(split, 3),
        "checks_per_s": round(checks),
        "zygote_start_s": round(start, 3),
        "speedup_vs_bwrap": round(bwrap / call, 2) if bwrap else None,
        "speedup_vs_python": round(plain / call, 2),
    }
    print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
