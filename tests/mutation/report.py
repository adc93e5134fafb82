"""What the mutation check reports: survivors, scores, and equivalents that no longer hold."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.mutation import targets
from tests.mutation.mutants import Mutant
from tests.mutation.run import Result
from tests.mutation.targets import Target

KILLED = ("killed", "timeout")


@dataclass(frozen=True)
class Equivalents:
    """Mutants listed as equivalent: name -> the change that was looked at, and why no test could see it."""

    listed: Mapping[str, tuple[str, str]]

    @classmethod
    def read(cls, file: Path, modules: Collection[str]) -> "Equivalents":
        """Blocks of three lines (name, change, reason) between blank lines; `#` begins a comment line.

        Only those of the given modules. Raises ValueError for a block of another shape.
        """
        found = {}
        text = file.read_text() if file.is_file() else ""
        kept = "\n".join(line.rstrip() for line in text.splitlines() if not line.startswith("#"))
        for block in filter(None, (block.strip() for block in kept.split("\n\n"))):
            lines = block.splitlines()
            if len(lines) != 3:
                raise ValueError(f"{file}: not three lines (name, change, reason):\n{block}")
            if lines[0].partition(":")[0] in modules:
                found[lines[0]] = (lines[1], lines[2])
        return cls(found)

    def stale(self, mutants: Sequence[Mutant], results: Sequence[Result]) -> list[str]:
        """What is listed, but does not exist any more, is another change now, or is killed by a test after all."""
        changes = {mutant.name: mutant.change for mutant in mutants}
        killers = {result.mutant.name: result.by for result in results if result.outcome in KILLED}
        found = []
        for name, (change, _) in self.listed.items():
            if name not in changes:
                found.append(f"{name}: there is no such mutant")
            elif changes[name] != change:
                found.append(f"{name}: is now {changes[name]}")
            elif name in killers:
                found.append(f"{name}: is killed by {killers[name]}")
        return found


@dataclass(frozen=True)
class Score:
    """Counts of one module. Equivalents are left out of `mutants`."""

    mutants: int
    killed: int
    timeouts: int
    unreached: int
    equivalent: int
    seconds: float

    @property
    def share(self) -> float:
        """Killed mutants over all; 1 where there is none."""
        return self.killed / self.mutants if self.mutants else 1.0


def score(results: Sequence[Result], listed: Equivalents) -> Score:
    judged = [r for r in results if r.outcome in KILLED or r.mutant.name not in listed.listed]
    return Score(
        mutants=len(judged),
        killed=sum(r.outcome in KILLED for r in judged),
        timeouts=sum(r.outcome == "timeout" for r in judged),
        unreached=sum(r.outcome == "unreached" for r in judged),
        equivalent=len(results) - len(judged),
        seconds=sum(r.seconds for r in results),
    )


def below_bar(scores: Mapping[str, Score], chosen: Mapping[str, Target]) -> list[str]:
    return [name for name, one in scores.items() if chosen[name].decides and one.share < targets.BAR]


def table(
    results: Sequence[Result],
    scores: Mapping[str, Score],
    chosen: Mapping[str, Target],
    listed: Equivalents,
    stale: Sequence[str],
) -> Iterator[str]:
    """The lines of the report."""
    for result in results:
        mutant = result.mutant
        if result.outcome == "error":
            yield f"ERROR      {mutant.name}  line {mutant.line}\n{result.by}"
        elif result.outcome not in KILLED and mutant.name not in listed.listed:
            judges = f"{result.tests} tests" if result.tests else result.by
            yield f"{result.outcome:<9}  {mutant.name}  line {mutant.line}, {judges}\n           {mutant.change}"
    for line in stale:
        yield f"STALE      {line}"
    yield ""
    yield (
        f"{'module':<34}{'decides':>8}{'mutants':>9}{'killed':>8}{'by limit':>9}{'unreached':>10}"
        f"{'equivalent':>11}{'score':>7}{'CPU s each':>11}"
    )
    for name, one in [*scores.items(), ("total", score(results, listed))]:
        decides = "yes" if name in chosen and chosen[name].decides else ""
        each = one.seconds / max(1, one.mutants + one.equivalent - one.unreached)
        yield (
            f"{name:<34}{decides:>8}{one.mutants:>9}{one.killed:>8}{one.timeouts:>9}{one.unreached:>10}"
            f"{one.equivalent:>11}{one.share:>7.0%}{each:>11.2f}"
        )


def lines_of(results: Sequence[Result], listed: Equivalents) -> list[dict[str, Any]]:
    """The results as plain data."""
    return [
        {"name": r.mutant.name, "line": r.mutant.line, "change": r.mutant.change, "outcome": r.outcome, "by": r.by}
        | {"cpu_seconds": round(r.seconds, 3), "tests": r.tests, "equivalent": r.mutant.name in listed.listed}
        for r in results
    ]
