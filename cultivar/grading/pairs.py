"""One function for preference pairs, used by ranking and online DPO (docs/methods.md, section 8).

A pair needs strictly different scores and different, non-empty texts; ties never make a pair.
"""

import random
from collections.abc import Sequence
from typing import Literal

Mode = Literal["best_vs_worst", "best_vs_random_lower", "all_pairs"]


def pairs(
    texts: Sequence[str],
    scores: Sequence[float],
    mode: Mode = "best_vs_worst",
    *,
    min_margin: float = 0.0,
    max_length_ratio: float | None = None,
    limit: int | None = None,
    seed: int = 0,
    tie: float = 0.0,
) -> list[tuple[int, int]]:
    """Positions (chosen, rejected) of the pairs of one prompt, widest margin first.

    Scores at most `tie` apart are equal; `min_margin` must be met; both are in units of the scores. `max_length_ratio`
    bounds the longer text's characters over the shorter's, `limit` the pairs of mode "all_pairs"; `seed` draws the
    rejected one of "best_vs_random_lower". Equal scores are ordered by text, so the result does not depend on the order
    of the candidates.
    """
    order = sorted(range(len(texts)), key=lambda position: (-scores[position], texts[position]))

    def fits(chosen: int, rejected: int) -> bool:
        margin = scores[chosen] - scores[rejected]
        if margin <= max(tie, 0.0) or margin < min_margin or texts[chosen] == texts[rejected]:
            return False
        lengths = sorted((len(texts[chosen]), len(texts[rejected])))
        return lengths[0] > 0 and (max_length_ratio is None or lengths[1] <= max_length_ratio * lengths[0])

    if mode == "all_pairs":
        found = [(a, b) for position, a in enumerate(order) for b in order[position + 1 :] if fits(a, b)]
        found.sort(key=lambda pair: (scores[pair[1]] - scores[pair[0]], texts[pair[0]], texts[pair[1]]))
        return found[:limit]
    if not order:
        return []
    lower = [position for position in order[1:] if fits(order[0], position)]
    if mode == "best_vs_random_lower" and lower:
        return [(order[0], random.Random(seed).choice(lower))]
    return [(order[0], lower[-1])] if lower else []
