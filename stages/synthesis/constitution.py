"""constitution: constitutional feedback on safety prompts (Bai et al. 2022, section 3; Qwen2 report, section 4.1.2).

An initial response is criticised and revised by one principle at a time. The judge compares the last revision with the
initial and with a deviating response, by every principle and in both orders. The revision is a demonstration where every
judgement says that it follows; it and another response are a pair where every judgement of the two says so, and both orders
say of some principle that the other one violates it. Rejected responses are never demonstrations.
"""

from dataclasses import dataclass
from typing import NamedTuple

from pydantic import BaseModel

from cultivar.grading.pairs import pairs
from cultivar.llm.answer import Answer
from cultivar.llm.engine import Ask, Engine, Failure
from cultivar.llm.prompt import Prompt
from cultivar.llm.request import Question
from schemas.ids import seed_of, unit_of
from schemas.products import Admission, demonstration_row, message, preference_row
from schemas.rows import Demonstration, Dropped, Preference, Quarantined, SafetyPrompt, VerdictRow
from schemas.stage import Files
from schemas.table import Table
from stages.synthesis.ledger import Ledger
from stages.synthesis.params import ConstitutionParams
from stages.synthesis.principles import Principle, read_principles


class Follows(BaseModel):
    """Whether each of two responses follows a principle."""

    first: bool
    second: bool


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
    principles = read_principles(files.find("human/constitution/*.yaml"))
    prompts = {
        "critique": Prompt("constitution/critique", "request", "response", "principle", "critique_request"),
        "revise": Prompt("constitution/revise", "request", "response", "principle", "critique", "revision_request"),
        "deviate": Prompt("constitution/deviate", "request", "principle"),
    }

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


@dataclass
class Compared:
    """A revision and one other response, as the judge found them.

    `follows`: by order, per principle, whether each of the two follows it; None where the judgement cannot be read.
    `verdicts`: ids of the judgements that were read.
    """

    other: Answer
    follows: list[list[tuple[bool, bool] | None]]
    verdicts: list[str]

    @property
    def is_confirmed(self) -> bool:
        """Whether every judgement says that the revision follows its principle."""
        return all(judgement is not None and judgement[0] for order in self.follows for judgement in order)

    @property
    def violated(self) -> float:
        """The share of principles that both orders say the other response violates."""
        both = [all(each is not None and not each[1] for each in orders) for orders in zip(*self.follows, strict=True)]
        return sum(both) / len(both)

    def readings(self) -> list[list[float]]:
        """By order, the share of principles that the revision and the other response follow; of a confirmed one."""
        return [
            [sum(each[side] for each in order if each is not None) / len(order) for side in (0, 1)]
            for order in self.follows
        ]


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
    prompt = Prompt("constitution/judge", "request", "principle", "first", "second")
    compared: dict[str, dict[str, Compared]] = {row.id: {} for row, _ in work}
    answers = judge.ask([each.question(prompt) for each in comparisons])
    for each, (answer,) in zip(comparisons, answers, strict=True):
        of_other = compared[each.row.id].setdefault(each.other.key, Compared(each.other, [[], []], []))
        found = None
        if isinstance(answer.value, Follows):
            first, second = answer.value.first, answer.value.second
            found = (second, first) if each.swapped else (first, second)
            of_other.verdicts.append(note_judgement(each, found, answer.engine, ledger))
        else:
            ledger.fail(answer, each.row.id)
        of_other.follows[each.swapped].append(found)
    for row, revision in work:
        admit_revision(row, revision, list(compared[row.id].values()), ledger)


def note_judgement(comparison: Comparison, follows: tuple[bool, bool], judge: str, ledger: Ledger) -> str:
    """The verdict on whether the revision and the other response follow a principle; its id."""
    revised, other = ("follows" if each else "violates" for each in follows)
    return ledger.verdict(
        comparison.revision.final.key,
        judge,
        f"revision {revised}, other {other}",
        detail=f"{comparison.principle.id}, revision {'second' if comparison.swapped else 'first'}",
        parents=[comparison.other.key, comparison.row.id],
    )


def admit_revision(row: SafetyPrompt, revision: Revision, compared: list[Compared], ledger: Ledger) -> None:
    """The revision as demonstration where all comparisons confirm it; its pairs with what it was compared with."""
    parents = [row.id, *(turn.key for turn in revision.turns)]
    text = revision.final.text.strip()
    if compared and all(each.is_confirmed for each in compared):
        verdicts = [verdict for each in compared for verdict in each.verdicts]
        ledger.demonstrate(demonstration_row(admission(row, revision, verdicts), text, parents))
    for each in compared:
        other, margin = each.other.text.strip(), each.violated
        verdict = False if margin > 0 else None  # what follows in one order was not seen to be worse
        if pairs([text, other], each.readings(), "verifier", verdicts=[each.is_confirmed or None, verdict]):
            shared = admission(row, revision, each.verdicts)
            simulated = each.other.simulated
            ledger.prefer(preference_row(shared, text, other, margin, parents, rejected_simulated=simulated))


def admission(row: SafetyPrompt, revision: Revision, verdicts: list[str]) -> Admission:
    """What the rows of D and P of one safety prompt share, but for their verdicts."""
    return Admission(
        prompt=[message("user", row.prompt)],
        domain="safety",
        strategy="constitution",
        label_source="judge",
        quality=1.0,
        license=row.license,
        source=row.source,
        engine=revision.final.engine,
        simulated=revision.final.simulated,
        verdicts=verdicts,
        scores={"harmful": row.harmful},
        tags=[row.area],
    )
