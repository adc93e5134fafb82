"""How far the judge agrees with people: what it says of pairs of candidates that people have ordered.

Counted over prompts that people ranked, of which the judge is asked as well (`rank.compare`); nothing is admitted by it.
"""

from itertools import combinations
from typing import Any

from stages.annotation.ranked import RankedGroup


class Agreement:
    """Pairs that people order: those that every reading of the judge orders alike, or the other way, and the others."""

    def __init__(self) -> None:
        self.prompts = self.same = self.other = self.undecided = 0

    def add(self, people: RankedGroup, judge: RankedGroup) -> None:
        """One prompt, ranked by both."""
        self.prompts += 1
        for one, another in combinations(range(len(people.scores)), 2):
            preference = people.scores[one] - people.scores[another]
            if preference == 0:
                continue
            agrees = [preference * (reading[one] - reading[another]) for reading in judge.readings]
            if min(agrees) > 0:
                self.same += 1
            elif max(agrees) < 0:
                self.other += 1
            else:
                self.undecided += 1

    @property
    def metrics(self) -> dict[str, Any]:
        """Counts; `agreement` is the share of the decided pairs that the judge orders as people do. {} without prompts."""
        if not self.prompts:
            return {}
        decided = self.same + self.other
        share = {"agreement": self.same / decided} if decided else {}
        counts = {"prompts": self.prompts, "same": self.same, "other": self.other, "undecided": self.undecided}
        return counts | share
