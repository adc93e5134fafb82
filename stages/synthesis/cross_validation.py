"""Verdict tables of AutoIF: which functions to keep, and what share of them a response passes (docs/methods.md, section 5.1).

An outcome that the sandbox could not get is no evidence: it is in no share, and what has too few verdicts has no share.
"""

import math

from cultivar.sandbox import UNDECIDED
from stages.synthesis.params import ExecutionParams


def select_functions(
    outcomes: list[list[str]], votes: list[int], expected: list[str], params: ExecutionParams
) -> dict[int, int]:
    """The functions to keep, by position, and how many samples each stands for.

    `outcomes`: functions × cases; `votes`: samples of each function; `expected`: "true" or "false" per case. An outcome
    that the sandbox could not get is no evidence: it is in no share, and a share counts over `min_verdicts` verdicts or
    more. There must be `min_proposed` functions with so many, and `min_cases` cases with so many by `min_proposed`
    functions: one that was sampled often does not validate itself where the others were lost. A case stays if more than
    `case_agreement` of the samples agree with it; a function stays if it agrees with at least `function_accuracy` of
    those. Both kinds of case must remain, constant functions go, and of functions that no case tells apart the first
    stays, for all of them.
    """
    proposed = [number for number, row in enumerate(outcomes) if len(decided(row)) >= params.min_verdicts]
    counted, cases = 0, []
    for case, outcome in enumerate(expected):
        voting = [number for number in proposed if outcomes[number][case] not in UNDECIDED]
        total = sum(votes[number] for number in voting)
        if len(voting) < params.min_proposed or total < params.min_verdicts:
            continue
        counted += 1
        agreeing = sum(votes[number] for number in voting if outcomes[number][case] == outcome)
        if agreeing > params.case_agreement * total:
            cases.append(case)
    enough = len(proposed) >= params.min_proposed and counted >= params.min_cases
    if not enough or {expected[case] for case in cases} != {"true", "false"}:
        return {}
    kept: dict[int, int] = {}
    for number in proposed:
        row = outcomes[number]
        own = [case for case in decided(row) if case in cases]
        agreeing = sum(row[case] == expected[case] for case in own)
        is_constant = not {"true", "false"} <= {row[case] for case in own}
        if len(own) >= params.min_verdicts and agreeing >= params.function_accuracy * len(own) and not is_constant:
            alike = next((other for other in kept if not differ(row, outcomes[other])), number)
            kept[alike] = kept.get(alike, 0) + votes[number]
    return kept


def decided(outcomes: list[str]) -> list[int]:
    """The positions that have a verdict."""
    return [position for position, outcome in enumerate(outcomes) if outcome not in UNDECIDED]


def differ(one: list[str], other: list[str]) -> bool:
    """Whether some case tells two functions apart."""
    return any(a != b for a, b in zip(one, other, strict=True) if not {a, b} & set(UNDECIDED))


def pass_rate(outcomes: list[str], votes: list[int], least: int) -> float:
    """Share of the functions, by their votes, that return true; NaN, neither good nor failed, over fewer than `least`.

    An error of the function counts as false, an outcome that the sandbox could not get not at all.
    """
    decided = [(outcome, count) for outcome, count in zip(outcomes, votes, strict=True) if outcome not in UNDECIDED]
    total = sum(count for _, count in decided)
    return sum(count for outcome, count in decided if outcome == "true") / total if total >= least else math.nan
