"""Synthesis' own part of admission at scale: AutoIF's choice of queries, and rejection without its models.

    python -m bench.admit_synthesis [--rules 3636] [--instructions 500000] [--paths 500000]

Parts of `bench.admit`, which imports them. The models answer at once: what is measured is the stage. Ends with one line of
JSON: CPU seconds of both, and the peak of the process in MB after rejection.
"""

import argparse
import hashlib
import json
import random
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # `python bench/admit_synthesis.py` puts bench/ on the path, not the folder that holds it

from cultivar.llm.answer import Answer  # noqa: E402
from cultivar.llm.request import Question  # noqa: E402
from schemas.conversations import CONVERSATION  # noqa: E402
from schemas.ids import content_id  # noqa: E402
from schemas.rows import Constraint, Instruction, Problem  # noqa: E402
from schemas.table import Table, polars_schema  # noqa: E402
from stages.synthesis.constrained import combine  # noqa: E402
from stages.synthesis.params import ExecutionParams, RejectionParams  # noqa: E402
from stages.synthesis.rejection import Reasoning, RejectionTables, rejection  # noqa: E402
from stages.synthesis.verifiers import VerifiedConstraint  # noqa: E402

RULES = 3_636
"""Constraints of 36 seeds with 100 rewrites each (AutoIF)."""
SAMPLES = 8
STEPS = (
    "There are {a} boxes on the first shelf and {b} boxes on the second one, so together that makes {a}+{b}={c} boxes. "
    "Every box holds {b} jars, which gives {c}*{b}={d} jars before any of them is sold. On Monday {a} jars are sold, and "
    "what is left in the end is {d}-{a}={e} jars. The answer is {e}."
)


def autoif_choice(rules: int = RULES, instructions: int = 500_000) -> float:
    """CPU seconds of choosing 16 queries for each of so many constraints out of so many instructions."""
    ids = [hashlib.sha256(b"%d" % number).hexdigest()[:32] for number in range(instructions)]
    numbers = pl.Series("id", ids)
    prompts = [[{"role": "user", "content": f"What is number {id}?"}] for id in ids]
    frame = pl.DataFrame({"id": numbers, "prompt": pl.Series(prompts, dtype=CONVERSATION)}).with_columns(
        *(pl.lit(text).alias(name) for name, text in (("source", "s"), ("license", "MIT"), ("split", "train"))),
        pl.lit("general").alias("domain"),
    )
    missing = {name: kind for name, kind in polars_schema(Instruction).items() if name not in frame.columns}
    empty = [
        pl.lit([] if isinstance(kind, pl.List) else None, dtype=kind).alias(name) for name, kind in missing.items()
    ]
    table = Table(Instruction, frame.with_columns(empty))
    seed = Constraint(id="0" * 32, source="s", license="MIT", text="Shout")
    constraints = [VerifiedConstraint(seed, f"Shout {n}", content_id("constraint", n)) for n in range(rules)]
    start = time.process_time()
    work = combine(constraints, table, ExecutionParams(queries=16))
    spent = time.process_time() - start
    assert len(work) == 16 * rules
    return spent


class Ready:
    """An engine that has all answers: paths, three in four of them right, and the judge's grade of each."""

    def ask(self, questions: Sequence[Question]) -> list[list[Answer]]:
        return [list(self.answers(question)) for question in questions]

    def answers(self, question: Question) -> Iterator[Answer]:
        for sample in range(question.n):
            key = f"{question.seed:016x}{sample:016x}"
            if question.answer is not None:
                yield Answer(key, "{}", Reasoning(reason="sound", grade=5), None, "stop", 1, 1, "bench", False)
                continue
            a, b = (int(word) for word in question.messages[0]["content"].split()[:2])
            right = (a + b) * b - a
            a += sample % 4 == 0
            text = f"Path {sample}. " + STEPS.format(a=a, b=b, c=a + b, d=(a + b) * b, e=(a + b) * b - a)
            assert sample % 4 == 0 or text.endswith(f" {right}.")
            yield Answer(key, text, None, None, "stop", 1, 1, "bench", False)


def rejection_part(paths: int = 500_000) -> tuple[float, RejectionTables]:
    """CPU seconds of rejection on so many paths, eight of a problem, with its tables."""
    rng = random.Random(3)
    rows = []
    for number in range(paths // SAMPLES):
        a, b = rng.randrange(20, 90), rng.randrange(2, 20)
        prompt = f"{a} {b} are the numbers of boxes on two shelves ({number}). How many jars are left?"
        row = {"id": content_id("problem", number), "source": "s", "license": "MIT"}
        rows.append(row | {"prompt": prompt, "answer": str((a + b) * b - a)})
    problems = Table.of(Problem, rows)
    rows.clear()
    start = time.process_time()
    found = rejection(problems, RejectionParams(samples=SAMPLES), Ready(), Ready())  # type: ignore[arg-type]
    return time.process_time() - start, found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rules", type=int, default=RULES)
    parser.add_argument("--instructions", type=int, default=500_000)
    parser.add_argument("--paths", type=int, default=500_000)
    args = parser.parse_args()
    rejected, tables = rejection_part(args.paths)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rows = {name: len(table) for name, table in tables._asdict().items()}
    print(f"rejection, {args.paths:,} paths: {rejected:.1f} CPU s, {peak:,.0f} MB, {rows}")
    del tables
    choice = autoif_choice(args.rules, args.instructions)
    print(f"AutoIF's choice, {args.rules:,} rules x {args.instructions:,} instructions: {choice:.2f} CPU s")
    print(
        json.dumps(
            {"rejection_cpu_s": round(rejected, 1), "rejection_mb": round(peak), "autoif_choice_s": round(choice, 2)}
        )
    )


if __name__ == "__main__":
    main()
