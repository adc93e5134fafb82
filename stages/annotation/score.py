"""score: what selection weighs for every instruction (Qwen2 report, section 4.1.1; docs/methods.md, section 2.1).

Tag diversity as the sum of the tags' inverse document frequencies, complexity (1-6) and intent completeness (1-5) by a
judge, semantic richness as the share of distinct content words (no function words of the text's language) among those expected at
that length.
"""

import math
from collections import Counter
from typing import Annotated, NamedTuple

import polars as pl
from pydantic import BaseModel, Field

from cultivar.llm.engine import Engine
from cultivar.llm.prompt import Prompt
from cultivar.llm.request import Question
from cultivar.text.stopwords import content_words
from cultivar.text.tokens import count_words, tokenize
from schemas.ids import content_id, seed_of
from schemas.rows import Instruction, InstructionScore, Label, Quarantined
from schemas.table import Context, Table
from stages.annotation.params import ScoreParams


class InstructionRating(BaseModel):
    """The judge's rating of an instruction."""

    complexity: Annotated[float, Field(ge=1, le=6)]
    completeness: Annotated[float, Field(ge=1, le=5)]


class ScoreTables(NamedTuple):
    instruction_scores: Table[InstructionScore]
    quarantine: Table[Quarantined]


def score(instructions: Table[Instruction], labels: Context[Label], params: ScoreParams, judge: Engine) -> ScoreTables:
    """Raw scores of every instruction. Instructions without tags (quarantined before) count as having none."""
    prompt, rows = Prompt("score"), list(instructions)
    tags_of = {row.parents[0]: row.tags for row in labels}
    tag_counts = Counter(tag for tags in tags_of.values() for tag in tags)
    questions = [
        Question(prompt.messages(instruction=row.prompt), InstructionRating, seed=seed_of(row.id, "score"))
        for row in rows
    ]
    scores, quarantine = [], []
    rich = richness(pl.Series([row.prompt for row in rows], dtype=pl.String), params.richness_words)
    for row, (answer,), of_words in zip(rows, judge.ask(questions), rich.to_list(), strict=True):
        if not isinstance(answer.value, InstructionRating):
            quarantine.append({"id": row.id, "stage": "score", "error": str(answer.error), "raw": answer.text})
            continue
        tags = tags_of.get(row.id, [])
        content = {
            "tags": tags,
            "tag_count": len(tags),
            "tag_idf": sum(math.log(len(rows) / tag_counts[tag]) for tag in tags),
            "complexity": answer.value.complexity,
            "richness": of_words,
            "completeness": answer.value.completeness,
        }
        scores.append(
            {
                "id": content_id("score", content, [row.id]),
                "parents": [row.id],
                **content,
                "engine": answer.engine,
                "simulated": answer.simulated,
            }
        )
    return ScoreTables(Table.of(InstructionScore, scores), Table.of(Quarantined, quarantine))


def richness(prompts: pl.Series, expected: int) -> pl.Series:
    """Distinct content words over `expected` of them, or over half the words of a longer text; at most 1 (f64).

    Words are counted as the script of the text counts them: 1.5 Chinese characters are one.
    """
    distinct = count_words(content_words(tokenize(prompts)).list.join(" "))
    return (distinct / (count_words(prompts) / 2).clip(lower_bound=expected)).clip(upper_bound=1.0)
