"""Orders in which a judge reads the candidates of a prompt, and how far the place of a candidate decides its rating.

Every order of a prompt has to agree before a pair or a demonstration is made of it (cultivar/grading/pairs.py). An order
and its reverse cancel every bias that rises or falls with the place, and one to the first or the last place, but not one
to the middle or to both ends, which the reverse leaves where they are. Where every candidate stands at every place once,
no bias by the place alone survives: were the chosen one's place better in every order, the sum over the places would be
greater than itself.
"""

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from schemas.ids import seed_of

PLACES = 8
"""Places whose bias is reported."""


def orders_of(prompt_id: str, count: int, orders: int | None) -> list[list[int]]:
    """Orders (orders × places) of `count` candidates: the first is drawn by the prompt's id, the others come from it.

    `orders` is their number; None: as many as candidates, two at least. Fewer than candidates: the first order, its
    reverse, both turned by half of the candidates, then by the other steps. As many as candidates or more: the first
    order turned by every step, so that every candidate stands at every place, then the reverses of these. There are no
    more than two orders of two candidates, and of more candidates twice as many as candidates; a lone candidate is read
    twice.
    """
    wanted = order_count(count, orders)
    first = list(range(count))
    random.Random(seed_of(prompt_id, "order", 0)).shuffle(first)
    turned = [first[step:] + first[:step] for step in range(count)]
    if wanted < count:
        half = turned.pop(count // 2)
        turned.insert(1, half)
        return [order for turn in turned for order in (turn, turn[::-1])][:wanted]
    return (turned + [order[::-1] for order in turned])[:wanted]


def order_count(count: int, orders: int | None) -> int:
    """The number of orders of `count` candidates: that of the requests to the judge."""
    return min(max(2, count if orders is None else orders), 2 * count if count > 2 else 2)


class RatedOrders(NamedTuple):
    """What a judge gave the candidates of one prompt: mean ratings (orders × candidates), and the orders it read."""

    ratings: Sequence[Sequence[float]]
    orders: Sequence[Sequence[int]]


class SwapConsistency:
    """Counts over what one judge rated. Prompts with one candidate say nothing of order."""

    def __init__(self) -> None:
        self.prompts = self.without_best = 0  # prompts; those whose orders have no best candidate in common
        self.agreed = self.compared = 0  # pairs that all orders order alike; pairs that some order tells apart
        self.sums: dict[int, np.ndarray] = {}  # by number of candidates: per place, rating less mean, times that number
        self.counts: dict[int, int] = defaultdict(int)  # by number of candidates: orders

    def add(self, rated: Iterable[RatedOrders]) -> None:
        """Take in prompts, those of one shape at once."""
        shapes: dict[tuple[int, int], list[RatedOrders]] = defaultdict(list)
        for prompt in rated:
            shapes[len(prompt.orders), len(prompt.orders[0])].append(prompt)
        for (_, candidates), alike in sorted(shapes.items()):
            if candidates > 1:
                ratings = np.array([prompt.ratings for prompt in alike])
                self.add_places(np.take_along_axis(ratings, np.array([prompt.orders for prompt in alike]), 2))
                self.add_pairs(ratings)

    def add_places(self, by_place: np.ndarray) -> None:
        """Ratings (prompts × orders × places). Whole multiples of quarters are summed, so no sum depends on the order."""
        prompts, orders, places = by_place.shape
        deviations = by_place * places - by_place.sum(2, keepdims=True)
        self.sums[places] = self.sums.get(places, np.zeros(places)) + deviations.sum((0, 1))
        self.counts[places] += prompts * orders

    def add_pairs(self, ratings: np.ndarray) -> None:
        """Ratings (prompts × orders × candidates)."""
        self.prompts += len(ratings)
        best = (ratings == ratings.max(2, keepdims=True)).all(1).any(1)
        self.without_best += int((~best).sum())
        for left in range(ratings.shape[2]):
            signs = np.sign(ratings[:, :, left, None] - ratings[:, :, left + 1 :])  # prompts × orders × others
            self.compared += int((signs != 0).any(1).sum())
            self.agreed += int((abs(signs.sum(1)) == ratings.shape[1]).sum())

    @property
    def metrics(self) -> dict[str, Any]:
        """`swap_agreement`: share of the pairs that some order tells apart which all orders order alike.

        `position_bias`: per place the mean rating less the mean of the same answer, and the largest difference of two
        places. Empty where no prompt has two candidates.
        """
        if not self.prompts:
            return {}
        places = range(min(PLACES, max(self.counts)))
        bias = [
            sum(self.sums[size][place] / size for size in sorted(self.sums) if size > place)
            / sum(count for size, count in self.counts.items() if size > place)
            for place in places
        ]
        return {
            "prompts": self.prompts,
            "without_agreed_best": self.without_best,
            "swap_agreement": self.agreed / self.compared if self.compared else 1.0,
            "position_bias": {"largest": float(max(bias) - min(bias))}
            | {f"place_{place + 1}": float(bias[place]) for place in places},
        }
