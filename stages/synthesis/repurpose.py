"""repurpose: existing texts become training data (Qwen2 report, 4.1.2; methods 6).

Literature: instructions of several levels of detail are inferred for a passage, which is itself the completion; an
instruction must not quote it, and a judge must find its requirements satisfied. Role-play (Ditto, Lu et al. 2024):
questions that one character can answer and another cannot; each is put to both. The profile is in the prompt while
answering and removed from the record, but for a line of introduction.
"""

from dataclasses import dataclass
from typing import Annotated, NamedTuple

from pydantic import BaseModel, Field

from cultivar.llm.answer import Answer
from cultivar.llm.engine import Engine
from cultivar.llm.prompt import Prompt
from cultivar.llm.request import Question
from schemas.ids import content_id, seed_of, unit_of
from schemas.products import Admission, demonstration_row, message, preference_row
from schemas.rows import Character, Demonstration, Dropped, Passage, Preference, Quarantined, VerdictRow
from schemas.table import Table
from stages.synthesis.ledger import Ledger
from stages.synthesis.params import RepurposeParams


class BackInstruction(BaseModel):
    """An instruction that a passage answers."""

    instruction: str
    constraints: list[str]


class Grounding(BaseModel):
    """Whether a passage satisfies each requirement."""

    satisfied: list[bool]


class RoleQuestions(BaseModel):
    """Questions for one character against another."""

    questions: list[str]


class RoleCheck(BaseModel):
    """A judge's view of a role-play answer."""

    in_role: bool
    refuses: bool
    knowledge: Annotated[int, Field(ge=1, le=10)]


class RepurposeTables(NamedTuple):
    repurpose_demonstrations: Table[Demonstration]
    repurpose_preferences: Table[Preference]
    repurpose_verdicts: Table[VerdictRow]
    dropped: Table[Dropped]
    quarantine: Table[Quarantined]


def repurpose(
    passages: Table[Passage], characters: Table[Character], params: RepurposeParams, teacher: Engine, judge: Engine
) -> RepurposeTables:
    """D and P from passages and characters, with the verdicts that admitted them."""
    ledger = Ledger("repurpose")
    texts, cast = list(passages), list(characters)
    literature(texts, params, teacher, judge, ledger)
    role_play(cast, params, teacher, judge, ledger)
    ledger.close([row.id for row in [*texts, *cast]], "came to no demonstration")
    return RepurposeTables(**ledger.tables())


# ---------------------------------------------------------------- literature


def literature(
    passages: list[Passage], params: RepurposeParams, teacher: Engine, judge: Engine, ledger: Ledger
) -> None:
    """One demonstration per passage and level; instructions that ask for more than the passage holds make P."""
    prompt, check = Prompt("repurpose/instruction"), Prompt("repurpose/grounding")
    work = [(passage, level) for passage in passages for level in params.levels]
    asked = teacher.ask([
        Question(prompt.messages(passage=passage.text, level=level), BackInstruction, seed=seed_of(passage.id, level))
        for passage, level in work
    ])  # fmt: skip
    found = []
    for (passage, _), (answer,) in zip(work, asked, strict=True):
        if not isinstance(answer.value, BackInstruction):
            ledger.fail(answer, passage.id)
            continue
        made = content_id("instruction", answer.value.instruction, [passage.id, answer.key])
        if not answer.value.instruction.strip() or not answer.value.constraints:
            ledger.drop(made, "asks for nothing", passage.id)
        elif leaks(answer.value.instruction, passage, params.leak_ngram):
            ledger.drop(made, "quotes the passage or names the work", passage.id, answer.value.instruction)
        else:
            found.append((passage, answer, answer.value, made))
    asked = judge.ask([
        Question(check.messages(passage=passage.text, requirements=said.constraints), Grounding, seed=seed_of(made, "ground"))
        for passage, _, said, made in found
    ])  # fmt: skip
    for (passage, written, said, made), (answer,) in zip(found, asked, strict=True):
        if not isinstance(answer.value, Grounding) or len(answer.value.satisfied) != len(said.constraints):
            ledger.fail(answer, passage.id)
            continue
        share = sum(answer.value.satisfied) / len(said.constraints)
        held = share >= params.min_grounding
        verdict = ledger.verdict(made, answer.engine, "grounded" if held else "not grounded", share, "", passage.id)
        if not held:
            ledger.drop(made, "the passage does not satisfy the instruction", passage.id, said.instruction)
            continue
        admission = Admission(
            prompt=[message("user", said.instruction)],
            domain="literature",
            strategy="repurpose",
            license=passage.license,
            engine=written.engine,
            simulated=written.simulated,
            verdicts=[verdict],
            scores={"grounding": share},
        )
        ledger.demonstrate(demonstration_row(admission, passage.text, [passage.id, written.key]))


def leaks(instruction: str, passage: Passage, size: int) -> bool:
    """Whether the instruction holds `size` consecutive words of the passage, or the name of its work or author."""
    words, asked = passage.text.lower().split(), instruction.lower().split()
    shingles = {tuple(words[at : at + size]) for at in range(len(words) - size + 1)}
    quoted = any(tuple(asked[at : at + size]) in shingles for at in range(len(asked) - size + 1))
    named = any(name and name.lower() in instruction.lower() for name in (passage.work, passage.author))
    return quoted or named


# ---------------------------------------------------------------- role-play


@dataclass
class Asked:
    """A question put to a character; `fits` when it was written for them, else for `other`."""

    character: Character
    other: Character
    question: str
    fits: bool
    key: str
    reply: Answer | None = None
    verdict: str = ""
    good: bool = False


def role_play(
    characters: list[Character], params: RepurposeParams, teacher: Engine, judge: Engine, ledger: Ledger
) -> None:
    """Demonstrations of in-role answers and in-role refusals; a good and a bad answer to one question make P."""
    asked = questions(characters, params, teacher, ledger)
    prompt, check = Prompt("repurpose/reply"), Prompt("repurpose/role_check")
    replies = teacher.ask([
        Question(prompt.messages(profile=profile(a.character), question=a.question), n=2,
                 seed=seed_of(a.character.id, "reply", a.question))
        for a in asked
    ])  # fmt: skip
    tried = []
    for one, answers in zip(asked, replies, strict=True):
        for answer in answers:
            if answer.ok:
                tried.append(Asked(one.character, one.other, one.question, one.fits, one.key, answer))
            else:
                ledger.fail(answer, one.character.id)
    checks = judge.ask([
        Question(check.messages(profile=profile(a.character), question=a.question, response=text_of(a)), RoleCheck,
                 seed=seed_of(a.character.id, "check", a.question, text_of(a)))
        for a in tried
    ])  # fmt: skip
    groups: dict[tuple[str, str], list[Asked]] = {}
    for one, (answer,) in zip(tried, checks, strict=True):
        if not isinstance(answer.value, RoleCheck):
            ledger.fail(answer, one.character.id)
            continue
        said = answer.value
        one.good = (
            said.in_role and said.refuses != one.fits and (not one.fits or said.knowledge >= params.min_knowledge)
        )
        outcome = "in role" if one.good else "out of role"
        subject = one.reply.key if one.reply else one.key
        one.verdict = ledger.verdict(
            subject, answer.engine, outcome, float(said.knowledge), one.question, one.character.id
        )
        groups.setdefault((one.character.id, one.question), []).append(one)
    for group in groups.values():
        write_role(group, ledger)


def questions(characters: list[Character], params: RepurposeParams, teacher: Engine, ledger: Ledger) -> list[Asked]:
    """Questions for each character against `others` other ones; each goes to both."""
    prompt = Prompt("repurpose/questions")
    couples = [
        (one, other)
        for one in characters
        for other in sorted((c for c in characters if c.id != one.id), key=lambda c: (unit_of(one.id, c.id), c.id))[
            : params.others
        ]
    ]
    asked = teacher.ask([
        Question(prompt.messages(first=profile(one), second=profile(other), count=params.questions), RoleQuestions,
                 seed=seed_of(one.id, other.id, "questions"))
        for one, other in couples
    ])  # fmt: skip
    found: dict[tuple[str, str], Asked] = {}
    for (one, other), (answer,) in zip(couples, asked, strict=True):
        if not isinstance(answer.value, RoleQuestions):
            ledger.fail(answer, one.id)
            continue
        for question in dict.fromkeys(text.strip() for text in answer.value.questions[: params.questions]):
            if question:
                found.setdefault((one.id, question), Asked(one, other, question, True, answer.key))
                found.setdefault((other.id, question), Asked(other, one, question, False, answer.key))
    return list(found.values())


def profile(character: Character) -> str:
    """The profile in words: name, description, aliases, claims, article."""
    lines = [f"Name: {character.name}", f"Description: {character.description}"]
    if character.aliases:
        lines.append("Also known as: " + ", ".join(character.aliases[:5]))
    lines += [f"{claim.property}: {claim.value}" for claim in character.claims[:40]]
    return "\n".join([*lines, character.article]).strip()


def text_of(asked: Asked) -> str:
    return asked.reply.text.strip() if asked.reply else ""


def write_role(group: list[Asked], ledger: Ledger) -> None:
    """One demonstration and at most one pair of the answers to one question."""
    group.sort(key=lambda one: (not one.good, one.reply.key if one.reply else ""))
    best = group[0]
    if not best.good or best.reply is None:
        return
    who = best.character
    introduction = f"You are {who.name}, {who.description}." if who.description else f"You are {who.name}."
    admission = Admission(
        prompt=[message("system", introduction), message("user", best.question)],
        domain="character",
        strategy="repurpose",
        license=who.license,
        engine=best.reply.engine,
        simulated=best.reply.simulated,
        verdicts=[best.verdict],
        scores={"fits": best.fits},
    )
    parents = [who.id, best.other.id, best.key, best.reply.key]
    ledger.demonstrate(demonstration_row(admission, text_of(best), parents))
    worst = group[-1]
    if not worst.good and worst.reply is not None:
        parents.append(worst.reply.key)
        ledger.prefer(
            preference_row(admission, text_of(best), text_of(worst), 1.0, parents, rejected_by=[worst.verdict])
        )
