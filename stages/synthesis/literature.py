"""Literature: a passage is a good completion, so the instruction for it is inferred (Humback, Li et al. 2023; Suri).

Instructions come in several levels of detail. One must not quote the passage, and a judge must find each of its
requirements satisfied by it (docs/methods.md, section 6).
"""

from typing import NamedTuple

import polars as pl
from pydantic import BaseModel

from cultivar.llm.answer import Answer
from cultivar.llm.engine import Engine
from cultivar.llm.prompt import Prompt
from cultivar.llm.request import Question
from cultivar.text.tokens import tokens_of, tokens_per_word
from schemas.ids import content_id, seed_of
from schemas.products import Admission, demonstration_row, message
from schemas.rows import Passage
from stages.synthesis.ledger import Ledger
from stages.synthesis.params import RepurposeParams


class BackInstruction(BaseModel):
    """An instruction that a passage answers."""

    instruction: str
    constraints: list[str]


class Grounding(BaseModel):
    """Whether a passage satisfies each requirement."""

    satisfied: list[bool]


class Inferred(NamedTuple):
    """A passage with the instruction inferred for it."""

    passage: Passage
    answer: Answer
    back: BackInstruction
    id: str


def literature(
    passages: list[Passage], params: RepurposeParams, teacher: Engine, judge: Engine, ledger: Ledger
) -> None:
    """One demonstration per passage and level whose instruction the passage satisfies."""
    inferred = infer_instructions(passages, params, teacher, ledger)
    check = Prompt("repurpose/grounding")
    questions = [
        Question(
            check.messages(passage=each.passage.text, requirements=each.back.constraints),
            Grounding,
            seed=seed_of(each.id, "ground"),
        )
        for each in inferred
    ]
    for (passage, written, back, row_id), (answer,) in zip(inferred, judge.ask(questions), strict=True):
        if not isinstance(answer.value, Grounding) or len(answer.value.satisfied) != len(back.constraints):
            ledger.fail(answer, passage.id)
            continue
        share = sum(answer.value.satisfied) / len(back.constraints)
        grounded = share >= params.min_grounding
        outcome = "grounded" if grounded else "not grounded"
        verdict = ledger.verdict(row_id, answer.engine, outcome, score=share, parents=[passage.id])
        if not grounded:
            ledger.drop(row_id, "the passage does not satisfy the instruction", passage.id, back.instruction)
            continue
        admission = Admission(
            prompt=[message("user", back.instruction)],
            domain="literature",
            strategy="repurpose",
            license=passage.license,
            engine=written.engine,
            simulated=written.simulated,
            verdicts=[verdict],
            scores={"grounding": share},
        )
        ledger.demonstrate(demonstration_row(admission, passage.text, [passage.id, written.key]))


def infer_instructions(
    passages: list[Passage], params: RepurposeParams, teacher: Engine, ledger: Ledger
) -> list[Inferred]:
    """Instructions for each passage at each level; those that ask for nothing or quote the passage are dropped."""
    prompt = Prompt("repurpose/instruction")
    work = [(passage, level) for passage in passages for level in params.levels]
    questions = [
        Question(prompt.messages(passage=passage.text, level=level), BackInstruction, seed=seed_of(passage.id, level))
        for passage, level in work
    ]
    inferred = []
    for (passage, _), (answer,) in zip(work, teacher.ask(questions), strict=True):
        back = answer.value
        if not isinstance(back, BackInstruction):
            ledger.fail(answer, passage.id)
            continue
        row_id = content_id("instruction", back.instruction, [passage.id, answer.key])
        if not back.instruction.strip() or not back.constraints:
            ledger.drop(row_id, "asks for nothing", passage.id)
        elif leaks(back.instruction, passage, params.leak_ngram):
            ledger.drop(row_id, "quotes the passage or names the work", passage.id, back.instruction)
        else:
            inferred.append(Inferred(passage, answer, back, row_id))
    return inferred


def leaks(instruction: str, passage: Passage, size: int) -> bool:
    """Whether the instruction holds the passage's words `size` in a row, or the name of its work or author.

    `size` is in English words; a script without spaces has more tokens to a word. Of a shorter passage all of it counts.
    """
    asked, quoted = tokens_of(instruction), tokens_of(passage.text)
    (scale,) = tokens_per_word(pl.Series([passage.text]))
    run = min(round(size * scale), len(quoted))
    shingles = {tuple(quoted[start : start + run]) for start in range(len(quoted) - run + 1)} if run else set()
    quotes = any(tuple(asked[start : start + run]) in shingles for start in range(len(asked) - run + 1))
    return quotes or any(holds_run(asked, tokens_of(name)) for name in (passage.work, passage.author))


def holds_run(tokens: list[str], run: list[str]) -> bool:
    """Whether the tokens hold the run, which has at least one."""
    size = len(run)
    return bool(run) and any(tokens[start : start + size] == run for start in range(len(tokens) - size + 1))
