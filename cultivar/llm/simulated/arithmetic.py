"""Word problems: the seed grammar (data/seeds/arithmetic.py) is solved, other word problems are attempted.

The teacher writes in the hands of two annotators, as the demo's training loop needs (a model that is left mixed between
two modes is what preference learning can settle): on "Count the …" problems nine answers in ten are terse, "The answer
is N.", on "How many …" problems one in ten; the others restate each clause and work it out. Terse answers err far more
often, like a model without working. Problems of other shapes (GSM8K) get an expression over their numbers, led by cue
words; by luck some come out right.
"""

import random
import re
from collections.abc import Iterator

from cultivar.llm.simulated.registry import Call, replies

GAINS = frozenset({"finds", "buys", "wins", "picks", "earns", "makes"})
LOSSES = frozenset({"sells", "loses", "drops", "lends", "burns", "gives"})
START = re.compile(r"\b([A-Z][a-z]+) has (\d+) ([a-z]+)\.")
CLAUSE = re.compile(r"\b([a-z]+) (\d+)(?=[.,])")
COUNT = "Count the "
TERSE = {True: 0.9, False: 0.1}
TERSE_ERRS = 0.5
NUMBER = re.compile(r"\$?(\d[\d,]*(?:\.\d+)?|\.\d+)(%?)")
ASKS = re.compile(r"\b(how (many|much|long|far|old|tall)|what (is|was|will|are)|find|calculate)\b", re.IGNORECASE)
WORDS = {
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "twelve": 12,
    "twice": 2,
    "double": 2,
    "half": 0.5,
    "triple": 3,
    "dozen": 12,
    "third": 1 / 3,
    "quarter": 0.25,
}
CUES = {
    "+": ("total", "altogether", "in all", "sum", "combined", "together", "more than"),
    "-": ("left", "remain", "fewer", "less", "difference", "change", "gave away", "spent"),
    "*": ("each", "every", "per ", "times", "twice", "double", "dozen", "half", "%"),
    "/": ("split", "shared", "equally", "average", "divided", "how many boxes"),
}

Step = tuple[str, int]


@replies(order=40)
def arithmetic(instruction: str, call: Call) -> str | None:
    """An answer to a problem of the seed grammar, terse or worked; None for other texts."""
    problem = parse(instruction)
    if problem is None:
        return None
    start, steps = problem
    rng = call.rng
    if rng.random() < TERSE[COUNT in instruction]:
        right = result_of(start, steps)
        wrong = call.wrong or rng.random() < TERSE_ERRS
        return f"The answer is {wrong_result(start, steps, rng) if wrong else right}."
    return worked_solution(
        start, insert_mistake(start, steps, rng) if call.wrong else [(verb, n, None) for verb, n in steps]
    )


def parse(text: str) -> tuple[int, list[Step]] | None:
    """The start and the signed clauses of a problem of the seed grammar."""
    start_match = START.search(text)
    if start_match is None:
        return None
    clauses = [(verb, int(number)) for verb, number in CLAUSE.findall(text[start_match.end() :])]
    if not clauses or any(verb not in GAINS | LOSSES for verb, _ in clauses):
        return None
    return int(start_match[2]), clauses


def signed_amount(verb: str, number: int) -> int:
    return number if verb in GAINS else -number


def result_of(start: int, steps: list[Step]) -> int:
    return start + sum(signed_amount(verb, number) for verb, number in steps)


def worked_solution(start: int, steps: list[tuple[str, int, int | None]]) -> str:
    """The restated clauses with their equations: "Start 12. finds 5: 12+5=17. The answer is 17."; a given result is a slip."""
    lines = [f"Start {start}."]
    for verb, number, given in steps:
        result = start + signed_amount(verb, number) if given is None else given
        lines.append(f"{verb} {number}: {start}{'+' if verb in GAINS else '-'}{number}={result}.")
        start = result
    return " ".join([*lines, f"The answer is {start}."])


def insert_mistake(start: int, steps: list[Step], rng: random.Random) -> list[tuple[str, int, int | None]]:
    """The steps with one mistake that changes the result: a wrong sum, a number misread or a clause left out."""
    at = rng.randrange(len(steps))
    path: list[tuple[str, int, int | None]] = [(verb, number, None) for verb, number in steps]
    verb, number = steps[at]
    kind = rng.choice(("sum", "sum", "misread", "skip"))
    before = result_of(start, steps[:at])
    if kind == "skip" and len(steps) > 1:
        return path[:at] + path[at + 1 :]
    if kind == "misread":
        other = rng.choice(
            [n for n in range(2, 10) if n != number and before + signed_amount(verb, n) >= 0] or [number + 1]
        )
        path[at] = (verb, other, None)
    else:
        path[at] = (verb, number, abs(before + signed_amount(verb, number) + rng.choice((-2, -1, 1, 2, 10))))
        if path[at][2] == before + signed_amount(verb, number):  # the mirror of a negative result
            path[at] = (verb, number, before + signed_amount(verb, number) + 1)
    return path


def wrong_result(start: int, steps: list[Step], rng: random.Random) -> int:
    """A wrong result without working: a sign confused, a clause forgotten, or a near miss."""
    right = result_of(start, steps)
    guesses = [start + signed_amount(*steps[0]), right + 1, right - 1, right + 2, right - 2, right + 10]
    guesses += [right - 2 * signed_amount(verb, number) for verb, number in steps]
    return rng.choice([guess for guess in guesses if guess >= 0 and guess != right])


@replies(order=140)
def word_problem(instruction: str, call: Call) -> str | None:
    """An attempt at a word problem of any other shape; None where the text is none."""
    if not ASKS.search(instruction) or not instruction.rstrip().endswith(("?", ".")):
        return None
    numbers = list(read_numbers(instruction))
    if len(numbers) < 2:
        return None
    return attempt(numbers, instruction.lower(), call.rng)


def read_numbers(text: str) -> Iterator[float]:
    """The numbers of a text in their order: digits, percentages and a few words."""
    for token in re.finditer(rf"{NUMBER.pattern}|[A-Za-z]+", text):
        if token[1] is not None:
            value = float(token[1].replace(",", ""))
            yield value / 100 if token[2] else value
        elif token[0].lower() in WORDS:
            yield float(WORDS[token[0].lower()])


def attempt(numbers: list[float], text: str, rng: random.Random) -> str:
    """GSM8K-style working over some of the numbers, operations drawn where cue words point."""
    weights = {sign: 1 + 2 * sum(cue in text for cue in cues) for sign, cues in CUES.items()}
    length = min(len(numbers), rng.choice((2, 2, 3, 3, 4)))
    first = rng.randrange(len(numbers) - length + 1)
    chosen = numbers[first : first + length] if rng.random() < 0.7 else rng.sample(numbers, length)
    value, lines = chosen[0], []
    for number in chosen[1:]:
        sign = rng.choices(list(weights), list(weights.values()))[0]
        result = apply_operation(value, sign, number)
        if result is None:
            continue
        lines.append(
            f"That is {number_text(value)} {sign} {number_text(number)} = <<{number_text(value)}{sign}{number_text(number)}={number_text(result)}>>{number_text(result)}."
        )
        value = result
    ending = f"#### {number_text(value)}" if rng.random() < 0.5 else f"The answer is {number_text(value)}."
    return "\n".join([*lines, ending])


def apply_operation(value: float, sign: str, number: float) -> float | None:
    """One operation; None where it makes no sense (division by zero, a negative or huge count)."""
    if sign == "/" and not number:
        return None
    result = {"+": value + number, "-": value - number, "*": value * number}.get(sign)
    result = value / number if result is None else result
    return result if 0 <= result < 10**9 else None


def number_text(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
