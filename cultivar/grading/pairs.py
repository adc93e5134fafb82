"""One function for preference pairs: ranking, synthesis and online DPO make theirs here (docs/methods.md, section 8).

A pair needs strictly different scores in every reading of the candidates (both orders in which a judge read them), and
different, non-empty texts; ties never make a pair. A score that is not a number makes its candidate no part of a pair.
"""

import math
import random
from collections.abc import Sequence
from typing import Literal

import polars as pl

from cultivar.text.tokens import comparison_key

Mode = Literal["best_vs_worst", "best_vs_random_lower", "all_pairs"]
Pair = tuple[int, int]
"""Positions of the chosen and the rejected candidate."""


def pairs(
    texts: Sequence[str],
    readings: Sequence[Sequence[float]],
    mode: Mode | Literal["verifier"] = "best_vs_worst",
    *,
    verdicts: Sequence[bool | None] = (),
    keys: Sequence[str] | None = None,
    min_margin: float = 0.0,
    max_length_ratio: float | None = None,
    limit: int | None = None,
    seed: int = 0,
    tie: float = 0.0,
) -> list[Pair]:
    """Positions (chosen, rejected) of the pairs of one prompt, widest margin first.

    `readings` (readings × candidates) scores every candidate, higher is better. A pair is made where every reading puts
    the chosen one more than `tie` above the rejected one; its margin is the difference of the means over the readings
    and must be at least `min_margin`. All three are in units of the scores.

    Modes: the best candidate against the worst that fits, against a random lower one (drawn by `seed`), or all pairs. In
    mode "verifier" `verdicts` decide: those it accepts (true) against those it refuses (false), in the order in which the
    candidates are given; what it could not judge (None) is in no pair.

    `keys` are the texts as texts are compared: equal ones are never a pair (`comparison_key` where they are not given).
    `max_length_ratio` bounds the longer text's characters over the shorter's, `limit` the pairs of the modes "all_pairs"
    and "verifier". In the modes that sort, equal scores are ordered by text: the order of the candidates has no say.
    """
    tie = max(tie, 0.0)
    if keys is None:
        keys = comparison_key(pl.Series(texts, dtype=pl.String)).to_list()
    means = [mean_of(scores) for scores in zip(*readings, strict=True)]
    lengths = [len(text) for text in texts]

    def fits(chosen: int, rejected: int) -> bool:
        if not all(reading[chosen] - reading[rejected] > tie for reading in readings):  # false for NaN
            return False
        if margin_of(readings, (chosen, rejected)) < min_margin or keys[chosen] == keys[rejected]:
            return False
        shorter, longer = sorted((lengths[chosen], lengths[rejected]))
        return bool(keys[chosen] and keys[rejected]) and (
            max_length_ratio is None or longer <= max_length_ratio * shorter
        )

    if mode == "verifier":
        accepted = [position for position, verdict in enumerate(verdicts) if verdict is True]
        refused = [position for position, verdict in enumerate(verdicts) if verdict is False]
        return [(a, b) for a in accepted for b in refused if fits(a, b)][:limit]
    order = [position for position, mean in enumerate(means) if math.isfinite(mean)]
    order.sort(key=lambda position: (-means[position], texts[position]))
    if mode == "all_pairs":
        found = [(a, b) for place, a in enumerate(order) for b in order[place + 1 :] if fits(a, b)]
        found.sort(key=lambda pair: (-margin_of(readings, pair), texts[pair[0]], texts[pair[1]]))
        return found[:limit]
    if not order:
        return []
    lower = [position for position in order[1:] if fits(order[0], position)]
    if mode == "best_vs_random_lower" and lower:
        return [(order[0], random.Random(seed).choice(lower))]
    return [(order[0], lower[-1])] if lower else []


def mean_of(scores: Sequence[float]) -> float:
    return sum(scores) / len(scores)


def margin_of(readings: Sequence[Sequence[float]], pair: Pair) -> float:
    """The mean over the readings (readings × candidates) of the chosen score less the rejected one.

    Not the difference of the means: thirds would round, and a margin of exactly the least one would miss it.
    """
    chosen, rejected = pair
    return mean_of([reading[chosen] - reading[rejected] for reading in readings])


def agreed_best(readings: Sequence[Sequence[float]]) -> list[int]:
    """The positions that every reading (readings × candidates) scores highest; none where the readings disagree."""
    best = [
        {position for position, score in enumerate(reading) if score == max(reading)} for reading in readings if reading
    ]
    return sorted(set.intersection(*best)) if best else []
