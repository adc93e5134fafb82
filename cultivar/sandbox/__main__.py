"""python -m cultivar.sandbox: lists which backends work here and why others do not; with a file, runs it once.

python -m cultivar.sandbox                                   build every backend and attack it (nine programs and a control)
python -m cultivar.sandbox --backend landlock                the same for one backend
python -m cultivar.sandbox --file prog.py                    run a program, print its verdict as JSON (--stdin passes stdin on)
python -m cultivar.sandbox --file f.py --assert 'assert f(1) == 2'     run a solution against assert-style tests
python -m cultivar.sandbox --file f.py --backend none --allow-unsandboxed     without isolation; both options are required

Exit status: 0 a backend was found or the program passed, 1 it did not pass, 2 no backend works and nothing was run.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from pathlib import Path

from cultivar.outgoing.escape import for_terminal
from cultivar.outgoing.redaction import redacted

from . import Job, Limits, Sandbox, SandboxUnavailable, backends, job_from_asserts
from .cgroups import Group, try_group
from .memory import cap_slots


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m cultivar.sandbox", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--backend", default="auto", choices=["auto", *backends.ORDER, "remote", "none"], help="default: auto"
    )
    parser.add_argument("--file", type=Path, help="Python program or solution to run")
    parser.add_argument(
        "--assert", dest="tests", action="append", default=[], help="a test of the solution; repeatable"
    )
    parser.add_argument("--stdin", action="store_true", help="give this command's stdin to the program")
    parser.add_argument(
        "--package", dest="packages", action="append", default=[], help="installed package that programs may import"
    )
    parser.add_argument("--cpu", type=float, default=5.0, help="seconds of CPU time")
    parser.add_argument("--memory-mb", type=int, default=512, help="MiB of address space beyond the interpreter's")
    parser.add_argument("--allow-unsandboxed", action="store_true", help="with --backend none: no isolation at all")
    options = parser.parse_args()
    if options.backend == "none" and not options.file:
        parser.error("--backend none isolates nothing: there is nothing to test, only to run with --file")
    warnings.showwarning = lambda message, *_: print(f"warning: {shown(message)}", file=sys.stderr)
    try:
        return run_file(options) if options.file else print_backends(options.backend)
    except SandboxUnavailable as error:
        print(shown(error), file=sys.stderr)
        return 2


def shown(text: object) -> str:
    """What the address of a server or its replies say, without secrets and as a terminal may have it."""
    return for_terminal(redacted(str(text)))


def print_backends(backend: str) -> int:
    """Print the result of each backend's probe. Raises SandboxUnavailable where none works."""
    if backend == "remote":
        with Sandbox(backend, 1):
            print(f"{backend:9} works")
        return 0
    for name in backends.ORDER if backend == "auto" else (backend,):
        result = backends.probe(name)
        print(f"{name:9} {'works' if result.works else 'no: ' + shown(result.reason)}")
    group = try_group()
    if isinstance(group, Group):
        group.close()
    print(f"{'cgroup':9} {'back-stop for memory and processes' if isinstance(group, Group) else 'none: ' + group}")
    chosen = backends.choose_backend(backend)
    print(f"{'chosen':9} {chosen}, {cap_slots(backends.default_slots(), Limits())} slots")
    return 0


def run_file(options: argparse.Namespace) -> int:
    """Run one program or solution and print its verdict; 0 where it passed, else 1."""
    code = options.file.read_text()
    limits = Limits(cpu_s=options.cpu, wall_s=max(20.0, 4 * options.cpu), memory_mb=options.memory_mb)
    if options.tests:
        job = job_from_asserts(str(options.file), code, options.tests)
    else:
        job = Job(str(options.file), "io", code, stdin=sys.stdin.read() if options.stdin else "")
    with Sandbox(options.backend, 1, limits, options.allow_unsandboxed, packages=tuple(options.packages)) as box:
        verdict = next(iter(box.run([job])))
    print(json.dumps(verdict.record(timing=True), indent=2))
    return 0 if verdict.passed else 1


if __name__ == "__main__":
    sys.exit(main())
