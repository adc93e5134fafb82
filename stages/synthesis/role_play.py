"""Role-play: questions that one character can answer and another cannot (Ditto, Lu et al. 2024, section 3).

Each question is put to both: an answer in role and a refusal in role are both demonstrations. The profile is in the
prompt while answering and removed from the record, but for a line of introduction (docs/methods.md, section 6).
"""

from bisect import bisect_left
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, Field

from cultivar.grading.pairs import pairs
from cultivar.llm.answer import Answer
from cultivar.llm.engine import Engine
from cultivar.llm.prompt import Prompt
from cultivar.llm.request import Question
from schemas.ids import seed_of, unit_of
from schemas.products import Admission, demonstration_row, message, preference_row
from schemas.rows import Character
from stages.synthesis.ledger import Ledger
from stages.synthesis.params import RepurposeParams


class RoleQuestions(BaseModel):
    """Questions for one character against another."""

    questions: list[str]


class RoleCheck(BaseModel):
    """A judge's view of a role-play answer."""

    in_role: bool
    refuses: bool
    knowledge: Annotated[int, Field(ge=1, le=10)]


@dataclass(frozen=True)
class RoleQuestion:
    """A question put to a character; `fits` when it was written for them, else for `other`."""

    character: Character
    other: Character
    text: str
    fits: bool
    generation: str


@dataclass
class Reply:
    """A character's answer to a question, and the judge's verdict on it.

    `quality`: the judge's agreement with the profile from 0 to 1; 1 for a refusal, which says nothing of the profile.
    """

    question: RoleQuestion
    answer: Answer
    verdict: str = ""
    good: bool = False
    quality: float = 0.0

    @property
    def text(self) -> str:
        return self.answer.text.strip()


def role_play(
    characters: list[Character], params: RepurposeParams, teacher: Engine, judge: Engine, ledger: Ledger
) -> None:
    """Demonstrations of in-role answers and in-role refusals; a good and a bad answer to one question make P."""
    questions = write_questions(characters, params, teacher, ledger)
    replies = sample_replies(questions, teacher, ledger)
    for group in check_replies(replies, params, judge, ledger):
        admit_reply(group, ledger)


def write_questions(
    characters: list[Character], params: RepurposeParams, teacher: Engine, ledger: Ledger
) -> list[RoleQuestion]:
    """Questions for each character against `others` other ones; each goes to both.

    One that two couples of a character disagree on, whether it can answer, is not put to it: nobody knows what is right.
    """
    prompt = Prompt("repurpose/questions", "first", "second", "count")
    couples = draw_couples(characters, params.others)
    requests = [
        Question(
            prompt.messages(first=profile(one), second=profile(other), count=params.questions),
            RoleQuestions,
            seed=seed_of(one.id, other.id, "questions"),
        )
        for one, other in couples
    ]
    questions: dict[tuple[str, str], RoleQuestion] = {}
    disputed = set()
    for (one, other), (answer,) in zip(couples, teacher.ask(requests), strict=True):
        if not isinstance(answer.value, RoleQuestions):
            ledger.fail(answer, one.id)
            continue
        for text in dict.fromkeys(text.strip() for text in answer.value.questions[: params.questions]):
            for who, contrast, fits in ((one, other, True), (other, one, False)) if text else ():
                found = questions.setdefault((who.id, text), RoleQuestion(who, contrast, text, fits, answer.key))
                if found.fits != fits:
                    disputed.add((who.id, text))
    return [question for key, question in questions.items() if key not in disputed]


def draw_couples(characters: list[Character], count: int) -> list[tuple[Character, Character]]:
    """Each character with `count` other ones, or all there are, by coins of their ids.

    Characters stand on a ring; a draw takes the first at or behind its place that is not taken yet. So a character that comes
    or goes changes the draws beside it alone, and no list of all couples is made.
    """
    ring = sorted(characters, key=lambda character: (unit_of(character.id, "place"), character.id))
    places = [unit_of(character.id, "place") for character in ring]
    couples = []
    for one in characters:
        taken = {one.id}
        for draw in range(min(count, len(ring) - 1)):
            place = bisect_left(places, unit_of(one.id, "draw", str(draw)))
            while ring[place % len(ring)].id in taken:
                place += 1
            other = ring[place % len(ring)]
            taken.add(other.id)
            couples.append((one, other))
    return couples


def profile(character: Character) -> str:
    """The profile in words: name, description, aliases, claims, article."""
    lines = [f"Name: {character.name}", f"Description: {character.description}"]
    if character.aliases:
        lines.append("Also known as: " + ", ".join(character.aliases[:5]))
    lines += [f"{claim.property}: {claim.value}" for claim in character.claims[:40]]
    return "\n".join([*lines, character.article]).strip()


def sample_replies(questions: list[RoleQuestion], teacher: Engine, ledger: Ledger) -> list[Reply]:
    """Two answers to each question, in the role of its character."""
    prompt = Prompt("repurpose/reply", "profile", "question")
    requests = [
        Question(
            prompt.messages(profile=profile(question.character), question=question.text),
            n=2,
            seed=seed_of(question.character.id, "reply", question.text),
        )
        for question in questions
    ]
    replies = []
    for question, answers in zip(questions, teacher.ask(requests), strict=True):
        for answer in answers:
            if answer.ok:
                replies.append(Reply(question, answer))
            else:
                ledger.fail(answer, question.character.id)
    return replies


def check_replies(replies: list[Reply], params: RepurposeParams, judge: Engine, ledger: Ledger) -> list[list[Reply]]:
    """The replies that the judge could check, grouped by question.

    A good one is in role and refuses just where its question does not fit the character.
    """
    prompt = Prompt("repurpose/role_check", "profile", "question", "response")
    requests = [
        Question(
            prompt.messages(
                profile=profile(reply.question.character), question=reply.question.text, response=reply.text
            ),
            RoleCheck,
            seed=seed_of(reply.question.character.id, "check", reply.question.text, reply.text),
        )
        for reply in replies
    ]
    groups: dict[tuple[str, str], list[Reply]] = {}
    for reply, (answer,) in zip(replies, judge.ask(requests), strict=True):
        question, check = reply.question, answer.value
        if not isinstance(check, RoleCheck):
            ledger.fail(answer, question.character.id)
            continue
        knows = not question.fits or check.knowledge >= params.min_knowledge
        reply.good = check.in_role and check.refuses != question.fits and knows
        reply.quality = (check.knowledge - 1) / 9 if question.fits else 1.0
        reply.verdict = ledger.verdict(
            reply.answer.key,
            answer.engine,
            "in role" if reply.good else "out of role",
            score=float(check.knowledge),
            detail=question.text,
            parents=[question.character.id],
        )
        groups.setdefault((question.character.id, question.text), []).append(reply)
    return list(groups.values())


def admit_reply(replies: list[Reply], ledger: Ledger) -> None:
    """One demonstration and at most one pair of the replies to one question."""
    replies = sorted(replies, key=lambda reply: (not reply.good, reply.answer.key))
    best, sides = replies[0], [replies[0], *(reply for reply in replies if not reply.good)]
    if not best.good:
        return
    question, who = best.question, best.question.character
    introduction = f"You are {who.name}, {who.description}." if who.description else f"You are {who.name}."
    admission = Admission(
        prompt=[message("system", introduction), message("user", question.text)],
        domain="character",
        strategy="repurpose",
        label_source="judge",
        quality=best.quality,
        license=who.license,
        source=who.source,
        engine=best.answer.engine,
        simulated=best.answer.simulated,
        verdicts=[best.verdict],
        scores={"fits": question.fits},
    )
    parents = [who.id, question.other.id, question.generation, best.answer.key]
    ledger.demonstrate(demonstration_row(admission, best.text, parents))
    verdicts = [side.good for side in sides]
    for _, other in pairs([side.text for side in sides], [verdicts], "verifier", verdicts=verdicts, limit=1):
        worse = sides[other]
        row = preference_row(
            admission,
            best.text,
            worse.text,
            1.0,
            [*parents, worse.answer.key],
            rejected_by=[worse.verdict],
            rejected_simulated=worse.answer.simulated,
        )
        ledger.prefer(row)
