"""The simulated judge of worked solutions: it checks the equations that stand in them."""

import re

from cultivar.llm.simulated.registry import Call, answers

EQUATION = re.compile(r"(-?\d[\d.]*+)(?:\s*([-+*/])\s*(\d[\d.]*+)\s*=\s*(-?\d[\d.]*\d|-?\d))?")
"""An equation, or a number that begins none: it is passed over as a whole, so that no digit of it is read again."""


@answers(fields={"reason", "grade"})
def reasoning(call: Call) -> dict:
    """Grade 5 for equations that all hold, 4 for an answer without any, 2 where one does not hold; wrong: off."""
    steps = [found for found in EQUATION.findall(call.sections.get("solution", "")) if found[1]]
    holds = all(abs(apply(float(a), sign, float(b)) - float(c)) < 0.01 for a, sign, b, c in steps)
    grade = 5 if steps and holds else 4 if holds else 2
    if call.wrong:
        grade = call.rng.randint(1, 3) if holds else 4
    return {"reason": f"{len(steps)} equations, {'all hold' if holds else 'one does not hold'}", "grade": grade}


def apply(a: float, sign: str, b: float) -> float:
    """One operation; division by zero gives what no equation claims."""
    if sign == "/":
        return a / b if b else float("inf")
    return {"+": a + b, "-": a - b, "*": a * b}[sign]
