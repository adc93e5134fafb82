"""Judges that rate responses by hand, and whom their ratings let into D and P."""

import re
from collections.abc import Callable
from typing import Any

from cultivar.llm.answer import Generation
from cultivar.llm.request import Request
from stages.annotation.rank import RankTables

Rating = int | list[int]


def rating(value: Rating) -> dict[str, int]:
    """Four aspects; one number stands for all."""
    aspects = [value] * 4 if isinstance(value, int) else value
    return dict(zip(("following", "truth", "honesty", "help"), aspects, strict=True))


def judge_of(*orders: Any) -> Callable[[Request], Any]:
    """A judge that rates by text: its first order, then its second. A Generation or a list of ratings is sent as it is."""
    asked: dict[str, int] = {}

    def reply(request: Request) -> Any:
        texts = re.findall(r"<response>\n(.*?)\n</response>", request.messages[-1]["content"], re.S)
        key = "".join(sorted(request.messages[-1]["content"]))
        index = asked[key] = asked.get(key, -1) + 1
        order = orders[index]
        if isinstance(order, Generation):
            return order
        return {"ratings": [rating(v) for v in (order if isinstance(order, list) else map(order.get, texts))]}

    return reply


def best_texts(tables: RankTables) -> list[str]:
    return [row.completion[0].content for row in tables.annotation_demonstrations]


def pair_texts(tables: RankTables) -> list[tuple[str, str, float]]:
    """(chosen, rejected, margin), widest first."""
    found = [(row.chosen[0].content, row.rejected[0].content, row.margin) for row in tables.annotation_preferences]
    return sorted(found, key=lambda pair: (-pair[2], pair))
