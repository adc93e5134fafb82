"""constitution: constitutional feedback on safety prompts (Bai et al. 2022, section 3; Qwen2 report, 4.1.2).

An initial response is criticised and revised by one principle at a time. The last revision against the initial (or a
deviating) response is a preference, and the revision a demonstration, when the judge finds in both orders that the
revision follows the principles and the other one does not. Rejected responses are never demonstrations.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

from pydantic import BaseModel
from ruamel.yaml import YAML

from cultivar.llm.answer import Answer
from cultivar.llm.engine import Ask, Engine, Failure
from cultivar.llm.prompt import Prompt
from cultivar.llm.request import Question
from schemas.errors import UserError
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
class Revised:
    """A finished conversation: the response to reject, the last revision, and every answer on the way."""

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

    async def improve(row: SafetyPrompt, ask: Ask) -> Revised | Answer:
        return await critique_and_revise(row, ask, chosen(row, principles, params.revisions), prompts)

    results = teacher.map(improve, rows)
    work = []
    for row, result in zip(rows, results, strict=True):
        if isinstance(result, Failure):
            ledger.quarantine[row.id] = {"id": row.id, "stage": "constitution", "error": result.error}
        elif isinstance(result, Answer):
            ledger.fail(result, row.id, whole=True)
        else:
            work.append((row, result))
    confirm(work, judge, ledger)
    ledger.close([row.id for row in rows], "the judge does not confirm the revision")
    return ConstitutionTables(**ledger.tables())


def read_principles(files: Files) -> list[Principle]:
    """The principles of human/constitution/*.yaml. Raises pydantic's ValidationError naming the field."""
    found: list[Any] = []
    for path in files.find("human/constitution/*.yaml"):
        found += YAML(typ="safe", pure=True).load(path)["principles"]
    principles = [Principle.model_validate(entry) for entry in found]
    for kind in ("harmful", "benign"):
        if not any(principle.applies_to in (kind, "any") for principle in principles):
            raise UserError(
                f"human/constitution/*.yaml: no principle applies to {kind} prompts; write one (`applies_to: {kind}`)"
            )
    return principles


def chosen(row: SafetyPrompt, principles: list[Principle], count: int) -> list[Principle]:
    """The principles for one prompt: those for its kind, drawn by the row's own coin, the kind's own ones first."""
    kind = "harmful" if row.harmful else "benign"
    fitting = [p for p in principles if p.applies_to in (kind, "any")]
    return sorted(fitting, key=lambda p: (p.applies_to != kind, unit_of(row.id, p.id), p.id))[:count]


async def critique_and_revise(
    row: SafetyPrompt, ask: Ask, principles: list[Principle], prompts: dict[str, Prompt]
) -> Revised | Answer:
    """Initial response, then a critique and a revision per principle; the first unusable answer ends it."""

    async def one(messages: list, *purpose: object) -> Answer:
        return (await ask(Question(messages, seed=seed_of(row.id, *purpose))))[0]

    initial = await one([{"role": "user", "content": row.prompt}], "initial")
    deviating = await one(prompts["deviate"].messages(request=row.prompt, principle=principles[0].text), "deviate")
    turns, current = [initial, deviating], initial
    for bad in turns:
        if not bad.ok:
            return bad
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
            "revise", principle.id,
        )  # fmt: skip
        if not current.ok:
            return current
        turns += [critique, current]
    return Revised(initial, deviating, current, principles, turns)


def confirm(work: list[tuple[SafetyPrompt, Revised]], judge: Engine, ledger: Ledger) -> None:
    """Ask the judge in both orders, per rejected response and principle; write what it confirms."""
    prompt = Prompt("constitution/judge")
    places = [
        (row, result, other, principle, swapped)
        for row, result in work
        for other in {result.initial.text: result.initial, result.deviating.text: result.deviating}.values()
        if other.text.strip() != result.final.text.strip()
        for principle in result.principles
        for swapped in (False, True)
    ]
    questions = []
    for row, result, other, principle, swapped in places:
        first, second = (other, result.final) if swapped else (result.final, other)
        messages = prompt.messages(request=row.prompt, principle=principle.text, first=first.text, second=second.text)
        questions.append(Question(messages, Follows, seed=seed_of(row.id, "judge", principle.id, swapped, other.key)))
    tallies: dict[tuple[str, str], list[tuple[bool, bool, str]]] = {}
    for (row, result, other, principle, swapped), (answer,) in zip(places, judge.ask(questions), strict=True):
        if not isinstance(answer.value, Follows):
            ledger.fail(answer, row.id)
            continue
        revised, rejected = (
            (answer.value.second, answer.value.first) if swapped else (answer.value.first, answer.value.second)
        )
        outcome = f"revision {'follows' if revised else 'violates'}, other {'follows' if rejected else 'violates'}"
        verdict = ledger.verdict(result.final.key, answer.engine, outcome, None, principle.id, other.key, row.id)
        tallies.setdefault((row.id, other.key), []).append((revised, rejected, verdict))
    for row, result in work:
        for other in (result.initial, result.deviating):
            said = tallies.get((row.id, other.key), [])
            if len(said) == 2 * len(result.principles) and all(revised for revised, _, _ in said):
                write(row, result, other, said, ledger)


def write(
    row: SafetyPrompt, result: Revised, other: Answer, said: list[tuple[bool, bool, str]], ledger: Ledger
) -> None:
    """The revision as demonstration; the pair where some principle is violated by the other one in both orders."""
    final = result.final
    admission = Admission(
        prompt=[message("user", row.prompt)],
        domain="safety",
        strategy="constitution",
        license=row.license,
        engine=final.engine,
        simulated=final.simulated,
        verdicts=[verdict for *_, verdict in said],
        scores={"harmful": row.harmful},
        tags=[row.area],
    )
    parents = list(dict.fromkeys([row.id, *(turn.key for turn in result.turns)]))
    revision = final.text.strip()
    ledger.demonstrate(demonstration_row(admission, revision, parents))
    both = [not said[at][1] and not said[at + 1][1] for at in range(0, len(said), 2)]
    ledger.prefer(preference_row(admission, revision, other.text.strip(), sum(both) / len(both), parents))
