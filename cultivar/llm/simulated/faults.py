"""Faults of the simulated teacher, at the rates of its role, drawn from the identity of the request.

`wrong` is left to the handlers, who know what a plausible wrong answer is. The others are applied to any answer:
malformed JSON, refusals, over-long output that is cut off (finish reason "length").
"""

import random
from typing import NamedTuple

from schemas.params.engines import FaultParams

REFUSALS = (
    "I'm sorry, but I can't help with that request.",
    "I can't assist with this. Is there something else I can do for you?",
    "As an AI language model, I am not able to answer that.",
)


class Faults(NamedTuple):
    """Which faults a request has."""

    wrong: bool = False
    malformed: bool = False
    refusal: bool = False
    overlong: bool = False


def draw_faults(key: bytes, rates: FaultParams | None) -> Faults:
    """Four independent coins from the 16 bytes of a request's key."""
    if rates is None:
        return Faults()
    coins = [int.from_bytes(key[at : at + 4], "big") / 2**32 for at in (0, 4, 8, 12)]
    return Faults(
        wrong=coins[0] < rates.wrong,
        malformed=coins[1] < rates.malformed,
        refusal=coins[2] < rates.refusal,
        overlong=coins[3] < rates.overlong,
    )


def refusal(rng: random.Random) -> str:
    """A refusal in prose, also where JSON was asked for."""
    return rng.choice(REFUSALS)


def malform(text: str, rng: random.Random) -> str:
    """JSON as models break it: the parse ladder repairs two of the five ways."""
    match rng.randrange(5):
        case 0:
            return f"Here is the JSON you asked for:\n```json\n{text}\n```"
        case 1:
            return text.replace("}", ",}") if text.endswith("}") else text + ","
        case 2:
            return text[: max(1, len(text) // 2)]
        case 3:
            return '{"answer": ' + text[1:] if '"' in text else "{}"
        case _:
            return "Let me think about this step by step. " + text.replace("{", "(").replace("}", ")")
