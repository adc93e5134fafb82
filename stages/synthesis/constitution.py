"""constitution: constitutional feedback on safety prompts (Bai et al. 2022, section 3; Qwen2 report, section 4.1.2).

An initial response is criticised and revised by one principle at a time. The last revision against the initial (or a
deviating) response is a preference, and the revision a demonstration, when the judge finds in both orders that the
revision follows the principles and the other one does not. Rejected responses are never demonstrations.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

from pydantic import BaseModel

from cultivar.llm.answer import Answer
from cultivar.llm.engine import Ask, Engine, Failure
from cultivar.llm.prompt import Prompt
from cultivar.llm.request import Question
from schemas.errors import UserError
from schemas.human import read_yaml
from schemas.ids import seed_of, unit_of
from schemas.products import Admission, demonstration_row, message, preference_row
from schemas.rows import Demonstration, Dropped, Preference, Quarantined, SafetyPrompt, VerdictRow
from schemas.stage import Files
from schemas.table import Table
from stages.synthesis.ledger import Ledger
from stages.synthesis.params import ConstitutionParams


class Follows(BaseModel):
    """Whether each of two responses follows a principle."""

    first: bool
    second: bool


class Principle(BaseModel):
    """One entry of human/constitution/principles.yaml."""

    id: str
    area: str
    polarity: str
    applies_to: str
    text: str
    critique_request: str
    revision_request: str


class ConstitutionTables(NamedTuple):
    constitution_demonstrations: Table[Demonstration]
    constitution_preferences: Table[Preference]
    constitution_verdicts: Table[VerdictRow]
    dropped: Table[Dropped]
    quarantine: Table[Quarantined]


@dataclass
class Revision:
    """A finished conversation: the responses to reject, the last revision, and every answer on the way."""

    initial: Answer
    deviating: Answer
    final: Answer
    principles: list[Principle]
    turns: list[Answer]


def constitution(
    safety_prompts: Table[SafetyPrompt], params: ConstitutionParams, teacher: Engine, judge: Engine, files: Files
) -> ConstitutionTables:
    """D and P for every safety prompt whose revision the judge confirms."""
    ledger, rows = Ledger("constitution"), list(safety_prompts)
    principles = read_principles(files)
    prompts = {name: Prompt(f"constitution/{name}") for name in ("critique", "revise", "deviate")}

    async def improve(row: SafetyPrompt, ask: Ask) -> Revision | Answer:
        return await critique_and_revise(row, ask, choose_principles(row, principles, params.revisions), prompts)

    results = teacher.map(improve, rows)
    work = []
    for row, result in zip(rows, results, strict=True):
        if isinstance(result, Failure):
            ledger.quarantine(row.id, result.error)
        elif isinstance(result, Answer):
            ledger.quarantine(row.id, str(result.error), result.text)
        else:
            work.append((row, result))
    confirm(work, judge, ledger)
    ledger.close([row.id for row in rows], "the judge does not confirm the revision")
    return ConstitutionTables(**ledger.tables())


def read_principles(files: Files) -> list[Principle]:
    """The principles of human/constitution/*.yaml. Raises pydantic's ValidationError naming the field."""
    entries: list[Any] = []
    for path in files.find("human/constitution/*.yaml"):
        entries += read_yaml(path)["principles"]
    principles = [Principle.model_validate(entry) for entry in entries]
    for kind in ("harmful", "benign"):
        if not any(principle.applies_to in (kind, "any") for principle in principles):
            raise UserError(
                f"human/constitution/*.yaml: no principle applies to {kind} prompts; write one (`applies_to: {kind}`)"
            )
    return principles


def choose_principles(row: SafetyPrompt, principles: list[Principle], count: int) -> list[Principle]:
    """The principles for one prompt: those for its kind before those for any, drawn by the row's id."""
    kind = "harmful" if row.harmful else "benign"
    fitting = [p for p in principles if p.applies_to in (kind, "any")]
    return sorted(fitting, key=lambda p: (p.applies_to != kind, unit_of(row.id, p.id), p.id))[:count]


async def critique_and_revise(
    row: SafetyPrompt, ask: Ask, principles: list[Principle], prompts: dict[str, Prompt]
) -> Revision | Answer:
    """Initial response, then a critique and a revision per principle; the first unusable answer ends it."""

    async def one(messages: list, *purpose: object) -> Answer:
        return (await ask(Question(messages, seed=seed_of(row.id, *purpose))))[0]

    initial = await one([{"role": "user", "content": row.prompt}], "initial")
    deviating = await one(prompts["deviate"].messages(request=row.prompt, principle=principles[0].text), "deviate")
    turns, current = [initial, deviating], initial
    for answer in turns:
        if not answer.ok:
            return answer
    for principle in principles:
        shared = {"request": row.prompt, "response": current.text, "principle": principle.text}
        critique = await one(
            prompts["critique"].messages(**shared, critique_request=principle.critique_request),
            "critique",
            principle.id,
        )
        if not critique.ok:
            return critique
        current = await one(
            prompts["revise"].messages(**shared, critique=critique.text, revision_request=principle.revision_request),
            "revise",
            principle.id,
        )
        if not current.ok:
            return current
        turns += [critique, current]
    return Revision(initial, deviating, current, principles, turns)


@dataclass(frozen=True)
class Comparison:
    """One question to the judge: a revision against another response by one principle, in one of the two orders."""

    row: SafetyPrompt
    revision: Revision
    other: Answer
    principle: Principle
    swapped: bool

    def question(self, prompt: Prompt) -> Question:
        sides = [self.revision.final, self.other]
        first, second = sides[::-1] if self.swapped else sides
        messages = prompt.messages(
            request=self.row.prompt, principle=self.principle.text, first=first.text, second=second.text
        )
        seed = seed_of(self.row.id, "judge", self.principle.id, self.swapped, self.other.key)
        return Question(messages, Follows, seed=seed)


class PrincipleJudgement(NamedTuple):
    """Whether the revision and the other response follow a principle, in one order, and the id of the verdict."""

    revision_follows: bool
    other_follows: bool
    verdict: str


def confirm(work: list[tuple[SafetyPrompt, Revision]], judge: Engine, ledger: Ledger) -> None:
    """Ask the judge in both orders, per rejected response and principle; write the revisions that it confirms."""
    comparisons = [
        Comparison(row, revision, other, principle, swapped)
        for row, revision in work
        for other in {each.text: each for each in (revision.initial, revision.deviating)}.values()
        if other.text.strip() != revision.final.text.strip()
        for principle in revision.principles
        for swapped in (False, True)
    ]
    prompt = Prompt("constitution/judge")
    judgements: dict[tuple[str, str], list[PrincipleJudgement]] = {}
    answers = judge.ask([each.question(prompt) for each in comparisons])
    for each, (answer,) in zip(comparisons, answers, strict=True):
        row, other = each.row, each.other
        if not isinstance(answer.value, Follows):
            ledger.fail(answer, row.id)
            continue
        follows = [answer.value.first, answer.value.second]
        revised, rejected = follows[::-1] if each.swapped else follows
        verdict = ledger.verdict(
            each.revision.final.key,
            answer.engine,
            f"revision {'follows' if revised else 'violates'}, other {'follows' if rejected else 'violates'}",
            detail=each.principle.id,
            parents=[other.key, row.id],
        )
        judgements.setdefault((row.id, other.key), []).append(PrincipleJudgement(revised, rejected, verdict))
    for row, revision in work:
        for other in (revision.initial, revision.deviating):
            own = judgements.get((row.id, other.key), [])
            if len(own) == 2 * len(revision.principles) and all(each.revision_follows for each in own):
                admit_revision(row, revision, other, own, ledger)


def admit_revision(
    row: SafetyPrompt, revision: Revision, other: Answer, judgements: list[PrincipleJudgement], ledger: Ledger
) -> None:
    """The revision as demonstration; the pair where the other response violates some principle in both orders.

    `judgements` has the two orders of a principle one after the other.
    """
    final = revision.final
    admission = Admission(
        prompt=[message("user", row.prompt)],
        domain="safety",
        strategy="constitution",
        label_source="judge",
        quality=1.0,
        license=row.license,
        engine=final.engine,
        simulated=final.simulated,
        verdicts=[each.verdict for each in judgements],
        scores={"harmful": row.harmful},
        tags=[row.area],
    )
    parents = list(dict.fromkeys([row.id, *(turn.key for turn in revision.turns)]))
    ledger.demonstrate(demonstration_row(admission, final.text.strip(), parents))
    orders = zip(judgements[::2], judgements[1::2], strict=True)
    violated = [not first.other_follows and not second.other_follows for first, second in orders]
    margin = sum(violated) / len(violated)
    ledger.prefer(preference_row(admission, final.text.strip(), other.text.strip(), margin, parents))
