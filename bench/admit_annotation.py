"""Parts of annotation at full size, called by bench/admit.py: CPU seconds of one run each.

    python -m bench.admit_annotation      every part at full size and at a quarter of it

Inputs are drawn by a seeded generator: titles of one to three words from a vocabulary that grows with their number, tag sets
of two to six tags, the first tags more often.
"""

import random
import time
from collections.abc import Callable

import polars as pl

from schemas.conversations import CONVERSATION
from schemas.rows import Instruction, InstructionScore, Row
from schemas.table import Context, Table, polars_schema
from stages.annotation.associations import group_by_association
from stages.annotation.ontology import by_meaning, by_rule, character_ngrams
from stages.annotation.params import OntologyParams, SelectParams
from stages.annotation.respond import is_alike
from stages.annotation.richness import richness
from stages.annotation.select import sample_diverse, select

SYLLABLES = "ca to re ing tion pre con lo mi sa ver ate ous per in un der st ly ma ne bo ki ra".split()
TASKS = ("Explain", "Name", "Write about", "Compare", "Summarize what is known of", "Prove", "List")


def cpu_seconds(work: Callable[[], object]) -> float:
    """CPU seconds of a call."""
    start = time.process_time()
    work()
    return time.process_time() - start


def words(count: int, rng: random.Random) -> list[str]:
    return ["".join(rng.choices(SYLLABLES, k=rng.randrange(2, 5))) for _ in range(count)]


def titles(count: int) -> list[str]:
    """Different titles, in order."""
    rng = random.Random(1)
    vocabulary = words(3000 + count // 10, rng)
    cumulated = [0.0]
    for place in range(len(vocabulary)):
        cumulated.append(cumulated[-1] + 1 / (place + 20))
    found: set[str] = set()
    while len(found) < count:
        found.add(" ".join(rng.choices(vocabulary, cum_weights=cumulated[1:], k=rng.randrange(1, 4))))
    return sorted(found)


def tag_sets(count: int, tags: list[str]) -> pl.Series:
    """Sets of two to six tags (a list column)."""
    rng = random.Random(2)
    size = len(tags)
    rows = [[tags[int(rng.random() ** 2 * size)] for _ in range(rng.randrange(2, 7))] for _ in range(count)]
    return pl.Series(rows, dtype=pl.List(pl.String)).list.unique().list.sort()


def scored_instructions(count: int, tags: int) -> tuple[Table, Context]:
    """Instructions and their scores, of a vocabulary of so many tags."""
    rng = random.Random(3)
    vocabulary = words(5000, rng)
    ids = pl.Series([f"{row:032x}" for row in range(count)])
    prompts = [f"{rng.choice(TASKS)} the {' '.join(rng.choices(vocabulary, k=8))}, as it was." for _ in range(count)]
    turns = pl.Series([[{"role": "user", "content": text}] for text in prompts], dtype=CONVERSATION)
    rows = {"id": ids, "prompt": turns, "source": ["bench"] * count, "license": ["CC0-1.0"] * count}
    instructions = filled(Instruction, pl.DataFrame(rows))
    scores = {
        "id": [f"{row + count:032x}" for row in range(count)],
        "parents": ids.to_frame("id").select(pl.concat_list("id")).to_series(),
        "tags": tag_sets(count, [f"tag {number}" for number in range(tags)]),
        "complexity": [rng.uniform(1, 6) for _ in range(count)],
        "richness": [rng.random() for _ in range(count)],
        "completeness": [5.0] * count,
    }
    frame = pl.DataFrame(scores).with_columns(tag_count=pl.col("tags").list.len(), tag_idf=pl.col("richness"))
    return instructions, Context(InstructionScore, filled(InstructionScore, frame).frame)


def filled(model: type[Row], frame: pl.DataFrame) -> Table:
    """A table with the defaults of the fields that the frame leaves out, empty texts for those that have none."""
    columns = []
    for name, dtype in polars_schema(model).items():
        field = model.model_fields[name]
        if name not in frame.columns:
            default = "" if field.is_required() else field.get_default(call_default_factory=True)
            columns.append(pl.lit(False if dtype == pl.Boolean and default == "" else default, dtype=dtype).alias(name))
    return Table(model, frame.with_columns(columns))


def select_cpu_s(count: int, tags: int = 200) -> float:
    """CPU seconds of `select` on `count` instructions, a tenth of which are taken."""
    instructions, scores = scored_instructions(count, tags)
    return cpu_seconds(lambda: select(instructions, scores, SelectParams(target_size=count // 10)))


def ontology_cpu_s(tags: int) -> float:
    """CPU seconds of rule, semantic (character n-grams) and association steps on `tags` tags of 25/4 as many instructions."""
    names = titles(tags)
    sets = tag_sets(tags * 25 // 4, names)

    def run() -> None:
        by_rule(set(names))
        by_meaning(names, OntologyParams().semantic_distance, character_ngrams)
        group_by_association(sets, OntologyParams(support=40))

    return cpu_seconds(run)


def select_1m() -> float:
    """CPU seconds of `select` on 1,000,000 instructions with 200 tags."""
    return select_cpu_s(1_000_000)


def ontology_80k_tags() -> float:
    """CPU seconds of the ontology's steps on 80,000 tags of 500,000 instructions."""
    return ontology_cpu_s(80_000)


def passes_cpu_s(count: int) -> float:
    """CPU seconds of Algorithm 1 alone: all of `count` items taken, 50 tags."""
    sets = tag_sets(count, [f"tag {number}" for number in range(50)])
    return cpu_seconds(lambda: sample_diverse(sets, count))


def richness_cpu_s(count: int) -> float:
    """CPU seconds of the richness of `count` instructions."""
    prompts = scored_instructions(count, 10)[0].frame["prompt"]
    return cpu_seconds(lambda: richness(prompts, 0.01))


def likeness_cpu_s(length: int) -> float:
    """CPU seconds of comparing two answers of about `length` characters."""
    rng = random.Random(4)
    vocabulary = words(2000, rng)
    first, second = (" ".join(rng.choices(vocabulary, k=length // 8)) for _ in range(2))
    return cpu_seconds(lambda: (is_alike(first, second, 0.9), is_alike(first, first + " x", 0.9)))


if __name__ == "__main__":
    for part, size in (
        (select_cpu_s, 1_000_000),
        (ontology_cpu_s, 80_000),
        (passes_cpu_s, 1_000_000),
        (richness_cpu_s, 400_000),
        (likeness_cpu_s, 1_000_000),
    ):
        quarter, whole = part(size // 4), part(size)
        print(
            f"{part.__name__}: {size}: {whole:.2f} s, of a quarter {quarter:.2f} s, growth {whole / max(quarter, 1e-9):.2f}"
        )
