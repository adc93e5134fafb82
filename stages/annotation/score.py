"""score: what selection weighs for every instruction (Qwen2 report, section 4.1.1; docs/methods.md, section 2.1).

Tag diversity as the sum of the tags' inverse document frequencies, complexity (1-6) and intent completeness (1-5) by a
judge, semantic richness by the words of the instruction (richness.py).
"""

import math
from collections import Counter
from typing import Annotated, NamedTuple

import polars as pl
from pydantic import BaseModel, Field

from cultivar.llm.engine import Engine
from cultivar.llm.prompt import Prompt
from cultivar.llm.request import Question
from schemas.conversations import asked_text
from schemas.ids import content_id, seed_of
from schemas.rows import Instruction, InstructionScore, Label, Quarantined
from schemas.table import Context, Table
from stages.annotation.params import ScoreParams
from stages.annotation.richness import richness


class InstructionRating(BaseModel):
    """The judge's rating of an instruction."""

    complexity: Annotated[float, Field(ge=1, le=6)]
    completeness: Annotated[float, Field(ge=1, le=5)]


class ScoreTables(NamedTuple):
    instruction_scores: Table[InstructionScore]
    quarantine: Table[Quarantined]


def score(instructions: Table[Instruction], labels: Context[Label], params: ScoreParams, judge: Engine) -> ScoreTables:
    """Raw scores of every instruction: of all that its user asks. One without tags (quarantined before) has none."""
    prompt, rows = Prompt("score", "instruction"), list(instructions)
    tags_of = {row.parents[0]: row.tags for row in labels}
    tag_counts = Counter(tag for tags in tags_of.values() for tag in tags)
    texts = [asked_text(row.prompt) for row in rows]
    questions = [
        Question(prompt.messages(instruction=text), InstructionRating, seed=seed_of(row.id, "score"))
        for row, text in zip(rows, texts, strict=True)
    ]
    scores, quarantine = [], []
    told = richness(pl.Series(texts, dtype=pl.String), params.rare)
    for row, (answer,), rich in zip(rows, judge.ask(questions), told.to_list(), strict=True):
        if not isinstance(answer.value, InstructionRating):
            quarantine.append({"id": row.id, "stage": "score", "error": str(answer.error), "raw": answer.text})
            continue
        tags = tags_of.get(row.id, [])
        content = {
            "tags": tags,
            "tag_count": len(tags),
            "tag_idf": sum(math.log(len(rows) / tag_counts[tag]) for tag in tags),
            "complexity": answer.value.complexity,
            "richness": rich,
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
