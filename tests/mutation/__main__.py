"""The mutation check: do the tests notice a small fault in what decides about D and P?

    python -m tests.mutation [MODULE …] [--list] [--jobs 2] [--sample N --seed S] [--slowest SECONDS] [--json FILE]

MODULE is a name in `targets.py` or the start of one (`stages`). Every mutant (`operators.py`) is run against the tests
that reach its function (`reach.py`) in a process of its own (`run.py`). Reported: each mutant that no test kills, with
its change, and a table of scores. Mutants that change nothing a test could see are listed, with the reason, in
`equivalent.txt`; one listed there that is gone, changed or killed is reported as stale.

Exit status: 0; 1 if a module that decides is below the bar or a listed equivalent is stale; 2 if the tests fail without
any mutant or cannot be run with one.
"""

import argparse
import json
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.mutation import targets
from tests.mutation.mutants import Mutant, control, mutants, sections
from tests.mutation.reach import file_of, record, tests_of
from tests.mutation.report import Equivalents, below_bar, lines_of, score, table
from tests.mutation.run import Result, run, warm
from tests.mutation.targets import Target


def main(
    arguments: Sequence[str],
    root: Path = targets.ROOT,
    known: Sequence[Target] = targets.TARGETS,
    equivalent: Path = targets.EQUIVALENT,
) -> int:
    options = parse(arguments)
    chosen = {
        m: t for t in known for m in t.modules if not options.modules or any(matches(m, o) for o in options.modules)
    }
    if not chosen:
        print(f"no module of the table is called {' or '.join(options.modules)}")
        return 2
    if gone := [module for module in chosen if not file_of(root, module).is_file()]:
        print(f"in targets.py, but not in the checkout: {', '.join(gone)}")
        return 2
    os.chdir(root)
    os.environ.pop("PYTEST_ADDOPTS", None)  # a shell's options are of the suite, not of a run with one fault
    defaults = sections(path for pattern in targets.PARAMS for path in sorted(root.glob(pattern)))
    every = {module: mutants(module, file_of(root, module).read_text(), defaults) for module in chosen}
    listed = Equivalents.read(equivalent, chosen)
    picked = [mutant for found in every.values() for mutant in sample(found, options.sample, options.seed)]
    if options.list:
        print(*(f"{m.name}  line {m.line}  {m.change}" for m in picked), sep="\n")
        return 0
    return check(root, chosen, every, picked, listed, options)


def check(
    root: Path,
    chosen: dict[str, Target],
    every: dict[str, list[Mutant]],
    picked: list[Mutant],
    listed: Equivalents,
    options: argparse.Namespace,
) -> int:
    """Run the tests without and with the mutants, and report."""
    started = time.monotonic()
    tests = {test for module, target in chosen.items() for test in tests_of(root, module, target.tests)}
    try:
        reach = record(root, chosen, sorted(tests - set(targets.EXCLUDED)))
    except RuntimeError as error:
        print(error)
        return 2
    print(f"{len(picked)} mutants; {len(reach.lines)} tests in {time.monotonic() - started:.0f} s without any of them")
    if slow := sorted(test for test, seconds in reach.seconds.items() if seconds > options.slowest):
        print(f"too slow to judge (over {options.slowest:g} CPU s):", *slow, sep="\n  ")
    warm(reach.libraries)
    controls = [control(module, file_of(root, module).read_text()) for module in chosen]
    for result in run(root, controls, reach, options.slowest, options.jobs):
        if result.outcome not in ("survived", "unreached"):
            print(f"{result.mutant.name}: {result.outcome} by {result.by}: these tests cannot judge")
            return 2
    results: list[Result] = []
    for number, result in enumerate(run(root, picked, reach, options.slowest, options.jobs), 1):
        results.append(result)
        if sys.stderr.isatty():
            print(f"\r{number}/{len(picked)}", end="", file=sys.stderr)
    results.sort(key=lambda result: (result.mutant.module, result.mutant.line, result.mutant.name))
    stale = listed.stale([m for found in every.values() for m in found], results)
    scores = {module: score([r for r in results if r.mutant.module == module], listed) for module in chosen}
    if options.json:
        options.json.write_text(json.dumps(lines_of(results, listed), indent=1) + "\n")
    print(*table(results, scores, chosen, listed, stale), sep="\n")
    below = below_bar(scores, chosen)
    outcomes = Counter(result.outcome for result in results)
    minutes = (time.monotonic() - started) / 60
    print(f"{len(results)} mutants in {minutes:.1f} min: {outcomes['killed'] + outcomes['timeout']} killed; ", end="")
    if outcomes["error"]:
        print(f"{outcomes['error']} COULD NOT BE RUN")
        return 2
    if below or stale:
        print(f"FAILED: below {targets.BAR:.0%}: {', '.join(below) or 'none'}; stale equivalents: {len(stale)}")
        return 1
    print(f"passed: every module that decides is at {targets.BAR:.0%} or above")
    return 0


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="names of targets.py, or starts of names")
    parser.add_argument("--list", action="store_true", help="show the mutants and run nothing")
    parser.add_argument("--jobs", type=int, default=2, help="mutants at a time")
    parser.add_argument("--sample", type=int, help="at most so many mutants of each module")
    parser.add_argument("--seed", type=int, default=0, help="of the sample")
    parser.add_argument(
        "--slowest", type=float, default=targets.SLOWEST, help="CPU seconds of a test that still judges"
    )
    parser.add_argument("--json", type=Path, help="write every result to this file")
    options = parser.parse_args(arguments)
    if options.json:
        options.json = options.json.absolute()
    return options


def matches(module: str, wanted: str) -> bool:
    return module == wanted or module.startswith(f"{wanted}.")


def sample(found: list[Mutant], most: int | None, seed: int) -> list[Mutant]:
    if most is None or len(found) <= most:
        return found
    return sorted(random.Random(seed).sample(found, most), key=lambda mutant: (mutant.line, mutant.name))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
