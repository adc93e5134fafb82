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
from cultivar.text.stopwords import content_words
from cultivar.text.tokens import measure, normalize, tokens_of_normal
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
            label_source="judge",
            quality=share,
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
        if not each.back.instruction.strip() or not each.back.constraints:
            ledger.drop(each.id, "asks for nothing", each.passage.id)
        elif quotes:
            ledger.drop(each.id, "quotes the passage or names the work", each.passage.id, each.back.instruction)
        else:
            inferred.append(each)
    return inferred


def find_leaks(pairs: list[tuple[str, Passage]], size: int) -> list[bool]:
    """Whether each instruction holds its passage's words, `size` in a row, or the name of its work or author.

    `size` is in English words; a script without spaces has more tokens to a word. Of a shorter passage all of it counts.
    A name of function words alone ("It", "She") says nothing.
    """
    needed = (text for asked, passage in pairs for text in (asked, passage.text, passage.work, passage.author))
    texts = pl.Series(list(dict.fromkeys(needed)), dtype=pl.String)
    normal = normalize(texts)
    lists = tokens_of_normal(normal)
    _, scales = measure(normal, lists.list.len().to_numpy())
    names = {name for _, passage in pairs for name in (passage.work, passage.author)}
    number_of = {text: number for number, text in enumerate(texts)}
    places = [number_of[name] for name in sorted(names)]
    telling = dict(zip(sorted(names), content_words(lists.gather(places)).list.len() > 0, strict=True))

    def tokens(text: str) -> list[str]:
        return lists[number_of[text]].to_list()

    leaks = []
    for instruction, passage in pairs:
        asked, quoted = tokens(instruction), tokens(passage.text)
        run = min(round(size * scales[number_of[passage.text]]), len(quoted))
        named = [tokens(name) for name in (passage.work, passage.author) if telling[name]]
        leaks.append(share_run(asked, quoted, run) or any(share_run(asked, name, len(name)) for name in named))
    return leaks


def share_run(left: list[str], right: list[str], size: int) -> bool:
    """Whether two texts hold the same `size` tokens in a row; none where `size` is 0."""
    runs = {tuple(right[start : start + size]) for start in range(len(right) - size + 1)} if size else set()
    return any(tuple(left[start : start + size]) in runs for start in range(len(left) - size + 1))
