"""Literature: a passage is a good completion, so the instruction for it is inferred (Humback, Li et al. 2023; Suri).

Instructions come in several levels of detail. One must not quote the passage, and a judge must find each of its
requirements satisfied by it (docs/methods.md, section 6).
"""

from typing import NamedTuple

from pydantic import BaseModel

from cultivar.llm.answer import Answer
from cultivar.llm.engine import Engine
from cultivar.llm.prompt import Prompt
from cultivar.llm.request import Question
from schemas.ids import content_id, seed_of
from schemas.products import Admission, demonstration_row, message
from schemas.rows import Passage
from stages.synthesis.ledger import Ledger
from stages.synthesis.params import RepurposeParams
from stages.synthesis.quotes import find_leaks


class BackInstruction(BaseModel):
    """An instruction that a passage answers."""

    instruction: str
    constraints: list[str]

    @property
    def requirements(self) -> list[str]:
        """What it asks for, each once: a requirement that is repeated is no further one in a share of them."""
        return list(dict.fromkeys(text for each in self.constraints if (text := each.strip())))


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
    check = Prompt("repurpose/grounding", "passage", "requirements")
    questions = [
        Question(
            check.messages(passage=each.passage.text, requirements=each.back.requirements),
            Grounding,
            seed=seed_of(each.id, "ground"),
        )
        for each in inferred
    ]
    for (passage, written, back, row_id), (answer,) in zip(inferred, judge.ask(questions), strict=True):
        if not isinstance(answer.value, Grounding) or len(answer.value.satisfied) != len(back.requirements):
            ledger.fail(answer, passage.id)
            continue
        share = sum(answer.value.satisfied) / len(back.requirements)
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
            label_source="judge",
            quality=share,
            license=passage.license,
            source=passage.source,
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
    prompt = Prompt("repurpose/instruction", "passage", "level")
    work = [(passage, level) for passage in passages for level in params.levels]
    questions = [
        Question(prompt.messages(passage=passage.text, level=level), BackInstruction, seed=seed_of(passage.id, level))
        for passage, level in work
    ]
    answered = []
    for (passage, _), (answer,) in zip(work, teacher.ask(questions), strict=True):
        back = answer.value
        if isinstance(back, BackInstruction):
            row_id = content_id("instruction", back.instruction, [passage.id, answer.key])
            answered.append(Inferred(passage, answer, back, row_id))
        else:
            ledger.fail(answer, passage.id)
    leaks = find_leaks([(each.back.instruction, each.passage) for each in answered], params.leak_ngram)
    inferred = []
    for each, quotes in zip(answered, leaks, strict=True):
        if not each.back.instruction.strip() or not each.back.requirements:
            ledger.drop(each.id, "asks for nothing", each.passage.id)
        elif quotes:
            ledger.drop(each.id, "quotes the passage or names the work", each.passage.id, each.back.instruction)
        else:
            inferred.append(each)
    return inferred
