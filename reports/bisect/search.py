"""Where on a ladder from a good end to a bad one a noisy metric moved: binary search by paired comparisons over seeds.

Every step is measured with the same seeds of training, and compared seed by seed with the middle between the two ends:
Student's interval of the mean difference. A step is on the good or the bad side only where the interval leaves out 0;
otherwise more seeds are tried, and then it stays open. The allowed error is divided by all comparisons that a search may
make (Bonferroni), so that a wrong step is named with a probability of at most 1 - confidence, whatever the noise's size:
seeds that do not separate two steps decide nothing.
"""

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from scipy.stats import t as student

from cultivar.grading.intervals import Interval

Verdict = Literal["good", "bad", "open"]
Measure = Callable[[Hashable, int], float]
"""(step, seed number from 0) -> the metric's value."""


@dataclass(frozen=True)
class Rule:
    """`confidence` of a whole search in (0, 1); `looks`: seeds in all after which a comparison is read, rising."""

    confidence: float
    looks: tuple[int, ...]
    comparisons: int

    @property
    def error(self) -> float:
        """The error that one reading of one comparison may have."""
        return (1 - self.confidence) / (self.comparisons * len(self.looks))


@dataclass(frozen=True)
class Comparison:
    """What was found of one step: the interval of its distance to the middle (of the ends: of bad minus good)."""

    step: Hashable
    seeds: int
    mean: float
    interval: Interval
    verdict: Verdict


@dataclass
class Search:
    """The result: the ladder's steps `last_good` and `first_bad` between which the metric moved, or why none are named."""

    outcome: Literal["found", "not moved", "open"] = "open"
    last_good: int | None = None
    first_bad: int | None = None
    comparisons: list[Comparison] = field(default_factory=list)


def looks_of(seeds: int) -> tuple[int, ...]:
    """When a comparison is read: after 3 seeds, and after all; without noise (one seed) once."""
    return (3, seeds) if seeds > 3 else (seeds,)


def comparisons_of(steps: int, confirms: int = 0) -> int:
    """Comparisons that a search over so many steps may make: of the ends, and one each time the ladder is halved."""
    return 1 + math.ceil(math.log2(max(1, steps - 1))) + confirms


def interval_of_mean(values: Sequence[float], error: float) -> Interval:
    """Student's interval of a mean that leaves it out with probability `error`; of one value (no noise) that value."""
    mean = math.fsum(values) / len(values)
    if len(values) == 1:
        return mean, mean
    variance = math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)
    half = float(student.isf(error / 2, len(values) - 1)) * math.sqrt(variance / len(values))
    return mean - half, mean + half


def side_of(step: Hashable, ends: tuple[Hashable, Hashable], falls: bool, measure: Measure, rule: Rule) -> Comparison:
    """On which side of the middle between the ends a step stands. `falls`: the good end is the higher one."""
    good, bad = ends

    def distance(seed: int) -> float:
        return measure(step, seed) - (measure(good, seed) + measure(bad, seed)) / 2

    for seeds in rule.looks:
        found = compare(step, [distance(seed) for seed in range(seeds)], rule)
        if found.verdict != "open":
            break
    if found.verdict != "open" and (found.mean > 0) == falls:
        return Comparison(step, found.seeds, found.mean, found.interval, "good")
    return found


def compare(step: Hashable, differences: Sequence[float], rule: Rule) -> Comparison:
    """Whether the mean difference is other than 0 ("bad") or may be 0 ("open")."""
    low, high = interval_of_mean(differences, rule.error)
    verdict: Verdict = "bad" if low > 0 or high < 0 else "open"
    return Comparison(step, len(differences), math.fsum(differences) / len(differences), (low, high), verdict)


def search(ladder: Sequence[Hashable], measure: Measure, rule: Rule, told: Callable[[Comparison], None]) -> Search:
    """Halve the ladder (good end first) until two neighbours are left; `told` hears of every comparison.

    It takes for granted that the metric moved once. A step that stays open ends the search with the steps between which
    it then lies.
    """
    result = Search(last_good=0, first_bad=len(ladder) - 1)

    def note(found: Comparison) -> Comparison:
        result.comparisons.append(found)
        told(found)
        return found

    good, bad = ladder[0], ladder[-1]
    for seeds in rule.looks:
        ends = compare(bad, [measure(bad, seed) - measure(good, seed) for seed in range(seeds)], rule)
        if ends.verdict != "open":
            break
    if note(ends).verdict == "open":
        result.outcome, result.last_good, result.first_bad = "not moved", None, None
        return result
    first, last = 0, len(ladder) - 1
    while last - first > 1:
        middle = (first + last) // 2
        found = note(side_of(ladder[middle], (good, bad), ends.mean < 0, measure, rule))
        if found.verdict == "open":
            break
        first, last = (middle, last) if found.verdict == "good" else (first, middle)
        result.last_good, result.first_bad = first, last
    else:
        result.outcome = "found"
    return result
