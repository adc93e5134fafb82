"""Write the arithmetic seeds: `python data/seeds/arithmetic.py` (deterministic; the JSONL files are in git).

Each problem restates nothing and hides nothing: one start, two or three clauses with a verb of their own, one question
with a definitive answer. The working restates every clause before its equation, which a small model learns far
quicker than bare equations. No held-out problem shares 13 words in a row with a training problem, so the decontamination
rule removes none of them. Licence CC0.
"""

import json
import random
from pathlib import Path

GAINS = ("finds", "buys", "wins", "picks")
LOSSES = ("sells", "loses", "drops", "lends")
PEOPLE = "Ada Ben Cora Dan Eva Finn Gina Hugo Ida Jon Kim Leo Mia Noah Olga Paul Rosa Sam Tina Uma".split()
THINGS = "apples bells cards coins eggs figs hats jars keys lamps maps nuts pens rings shells stamps".split()
ENDINGS = ("How many {things} does {name} have now?", "Count the {things} that {name} has.")
TRAIN, HELDOUT, GRAM = 3_500, 300, 13


def problem(rng: random.Random) -> dict[str, str]:
    """One problem in GSM8K's shape; totals stay within 0 and 39."""
    name, things = rng.choice(PEOPLE), rng.choice(THINGS)
    value = rng.randrange(5, 21)
    sentences, lines = [f"{name} has {value} {things}."], [f"Start {value}."]
    verbs = rng.sample(GAINS, len(GAINS)), rng.sample(LOSSES, len(LOSSES))
    for step in range(rng.choice((2, 2, 3))):
        gain = rng.random() < 0.5
        number = rng.randrange(2, 10)
        if not gain and number > value:
            gain = True
        verb = verbs[not gain].pop()
        result = value + number if gain else value - number
        sentences.append(f"{'Then ' if step else ''}{name} {verb} {number}.")
        lines.append(f"{verb} {number}: {value}{'+' if gain else '-'}{number}={result}.")
        value = result
    question = " ".join([*sentences, rng.choice(ENDINGS).format(name=name, things=things)])
    return {"question": question, "answer": " ".join([*lines, f"The answer is {value}."]) + f"\n#### {value}"}


def word_ngrams(text: str) -> set[tuple[str, ...]]:
    words = "".join(letter if letter.isalnum() else " " for letter in text.lower()).split()
    return {tuple(words[start : start + GRAM]) for start in range(len(words) - GRAM + 1)}


def main() -> None:
    rng = random.Random("cultivar arithmetic")
    train: dict[str, dict[str, str]] = {}
    while len(train) < TRAIN:
        row = problem(rng)
        train.setdefault(row["question"], row)
    seen = set().union(*(word_ngrams(question) for question in train))
    heldout: dict[str, dict[str, str]] = {}
    while len(heldout) < HELDOUT:
        row = problem(rng)
        if not word_ngrams(row["question"]) & seen:
            heldout.setdefault(row["question"], row)
    folder = Path(__file__).parent
    for name, rows in (("arithmetic", train), ("arithmetic_heldout", heldout)):
        text = "".join(json.dumps(row) + "\n" for row in rows.values())
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
