"""Which tests of a code task can be trusted: the source's, or those that samples agree on (docs/methods.md, section 5.2)."""

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from cultivar.llm.answer import Answer
from cultivar.sandbox import UNDECIDED
from schemas.rows import CodeTask
from stages.synthesis.params import ExecutionParams


@dataclass
class Solution:
    """A solution and the outcome of each test that was run on it.

    `samples`: how many of the teacher's answers are this program; 0 for one that only the source gives.
    """

    task: CodeTask
    answer: Answer
    id: str
    code: str
    samples: int = 0
    outcomes: dict[str, str] = field(default_factory=dict)

    def passes(self, tests: list[str]) -> bool:
        return all(self.outcomes.get(test) == "pass" for test in tests)

    def decided(self, tests: list[str]) -> list[str]:
        """Those of the tests that it has passed or failed."""
        return [test for test in tests if self.outcomes.get(test, "refused") not in UNDECIDED]

    def fails(self, tests: list[str]) -> bool:
        """Whether it has failed one; a test that the sandbox could not run or decide does not count."""
        return any(self.outcomes[test] != "pass" for test in self.decided(tests))

    def share(self, tests: list[str]) -> float:
        """The share of the decided tests that it passes; NaN where none is decided."""
        decided = self.decided(tests)
        return sum(self.outcomes[test] == "pass" for test in decided) / len(decided) if decided else math.nan


class Trusted(NamedTuple):
    """Tests to trust, the solutions that pass them all, and the share of the samples that agree on them, 0 to 1."""

    tests: list[str]
    solutions: list[Solution]
    share: float


NOBODY = Trusted([], [], 0.0)


def trust(solutions: list[Solution], gold: list[str], tests: list[str], params: ExecutionParams) -> Trusted:
    """The source's own tests (`gold`) where there are any, else those that a group of samples agrees on.

    A solution whose outcome on a test is not known is in no group, and its samples are in no share; before that, solutions
    without any outcome go, and tests that most samples have no outcome on. A group is the solutions that pass the same tests, not none. It needs
    `consensus_samples` samples, the largest (samples × tests) of all such groups, and `consensus_share` of the samples;
    of two that are equally large neither decides. Its tests are trusted that at least half of the samples of the two
    largest groups pass.
    """
    if gold:
        return Trusted(gold, [solution for solution in solutions if solution.passes(gold)], 1.0)
    ran = [solution for solution in solutions if solution.decided(tests)]
    tests = [test for test in tests if 2 * count(s for s in ran if s.decided([test])) > count(ran)]
    known = [solution for solution in ran if solution.decided(tests) == tests]
    groups: dict[tuple[str, ...], list[Solution]] = defaultdict(list)
    for solution in known:
        groups[tuple(test for test in tests if solution.outcomes[test] == "pass")].append(solution)
    groups.pop((), None)
    size = {passed: len(passed) * count(group) for passed, group in groups.items()}
    agreeing = {passed: size[passed] for passed, group in groups.items() if count(group) >= params.consensus_samples}
    largest = [passed for passed in agreeing if agreeing[passed] == max(agreeing.values())]
    if len(largest) != 1:
        return NOBODY
    (passed,) = largest
    share = count(groups[passed]) / count(known)
    if share < params.consensus_share:
        return NOBODY
    second = max((size[other] for other in groups if other != passed), default=0)
    rivals = [one for other in groups if other == passed or size[other] == second for one in groups[other]]
    trusted = [test for test in passed if 2 * count(s for s in rivals if s.passes([test])) >= count(rivals)]
    return Trusted(trusted, groups[passed], share)


def count(solutions: Iterable[Solution]) -> int:
    """How many samples they are."""
    return sum(solution.samples for solution in solutions)
