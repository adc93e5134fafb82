"""evolve: selected instructions get harder step by step (Tree-Instruct, Zhao et al. 2024; Qwen2 report, section 4.1.1).

One prompt adds `nodes` requirements and returns them beside the new instruction, so that checkers can be attached to
them later. Each step's result is checked: by rules (length, language, refusals, leaked words, links) and by a judge (does it
ask more, is it still one task). A step that fails is dropped by name and ends its instruction's evolution.
"""

from dataclasses import dataclass
from typing import NamedTuple

import polars as pl
from pydantic import BaseModel

from cultivar.llm.answer import Answer
from cultivar.llm.engine import Engine
from cultivar.llm.prompt import Prompt
from cultivar.llm.request import Question
from cultivar.text.languages import is_other_language, languages_of
from cultivar.text.phrases import Sought, find_each
from cultivar.text.tokens import count_words, normalize
from schemas.conversations import last_turn, script, with_last_turn
from schemas.ids import content_id, seed_of, unit_of
from schemas.rows import Dropped, Evolved, Quarantined, Selected
from schemas.table import Table
from stages.annotation.leaks import IDIOMS, LEAKS, LINK, PROCEDURE, UNWILLING
from stages.annotation.params import EvolveParams
from stages.curation import refusals
from stages.curation.refusals import REFUSALS

LEAKING = "leaks the procedure"
REFUSING = "refuses"
REFUSAL_CHARS = 200
"""First characters of an instruction in which a refusal is looked for: it stands in place of one."""


class Evolution(BaseModel):
    """The teacher's harder instruction and what it added."""

    instruction: str
    added: list[str]


class EvolutionCheck(BaseModel):
    """The judge's comparison."""

    same: bool
    coherent: bool


class EvolveTables(NamedTuple):
    evolved: Table[Evolved]
    dropped: Table[Dropped]
    quarantine: Table[Quarantined]


@dataclass
class Branch:
    """One instruction as far as it has evolved; `prompt` is the text of its last turn."""

    origin: Selected
    prompt: str
    parent: str
    depth: int = 0

    @property
    def context(self) -> list[str]:
        """The turns before the last one."""
        return script(self.origin.prompt[:-1])


class Measured(NamedTuple):
    """What the rules look at in an instruction: its length and language, and what it says of the procedure or in refusal
    ("" for nothing)."""

    words: float
    language: tuple[str | None, str | None]
    leak: str
    refusal: str
    has_link: bool
    is_about_prompts: bool


class Step(NamedTuple):
    """The teacher's evolution of a branch."""

    branch: Branch
    answer: Answer
    evolution: Evolution


def evolve(selected: Table[Selected], params: EvolveParams, teacher: Engine, judge: Engine) -> EvolveTables:
    """Up to `rounds` steps for a `share` of the selected instructions, chosen by their ids."""
    rows: list[dict] = []
    dropped: list[dict] = []
    quarantine: list[dict] = []
    branches = []
    for row in selected:
        if unit_of(row.id, "evolve") < params.share:
            branches.append(Branch(row, last_turn(row.prompt), row.id))
        else:
            dropped.append({"id": row.id, "stage": "evolve", "rule": "outside the share that evolves"})
    while branches and branches[0].depth < params.rounds:
        steps, failures = take_steps(branches, params, teacher)
        quarantine += failures
        branches = []
        olds = measure([step.branch.prompt for step in steps])
        news = measure([step.evolution.instruction for step in steps])
        for step, (check,), old, new in zip(steps, check_steps(steps, judge), olds, news, strict=True):
            branch = step.branch
            if not isinstance(check.value, EvolutionCheck):
                quarantine.append(failed_step(branch, check))
                continue
            harder = evolved_row(step)
            if rule := broken_rule(old, new, step.evolution, check.value, params):
                at_root = branch.depth == 0
                place = {"id": branch.origin.id} if at_root else {"id": harder["id"], "parents": harder["parents"]}
                family = {LEAKING: f"{new.leak}: ", REFUSING: f"{new.refusal}: "}.get(rule, "")
                dropped.append(
                    place | {"stage": "evolve", "rule": rule, "detail": family + step.evolution.instruction[:200]}
                )
            else:
                rows.append(harder)
                branches.append(Branch(branch.origin, step.evolution.instruction, harder["id"], harder["depth"]))
    return EvolveTables(Table.of(Evolved, rows), Table.of(Dropped, dropped), Table.of(Quarantined, quarantine))


def take_steps(branches: list[Branch], params: EvolveParams, teacher: Engine) -> tuple[list[Step], list[dict]]:
    """The next step of each branch, and a quarantine row for each that failed."""
    prompt = Prompt("evolve", "context", "instruction", "nodes", "least", "most")
    least, most = params.nodes * params.min_added_words, params.nodes * params.max_added_words
    questions = [
        Question(
            prompt.messages(
                context=branch.context, instruction=branch.prompt, nodes=params.nodes, least=least, most=most
            ),
            Evolution,
            seed=seed_of(branch.parent, "evolve"),
        )
        for branch in branches
    ]
    steps, failures = [], []
    for branch, (answer,) in zip(branches, teacher.ask(questions), strict=True):
        if isinstance(answer.value, Evolution):
            steps.append(Step(branch, answer, answer.value))
        else:
            failures.append(failed_step(branch, answer))
    return steps, failures


def check_steps(steps: list[Step], judge: Engine) -> list[list[Answer]]:
    """The judge's comparison of each step's instruction with the one before."""
    prompt = Prompt("evolve_check", "context", "old", "new")
    questions = [
        Question(
            prompt.messages(context=step.branch.context, old=step.branch.prompt, new=step.evolution.instruction),
            EvolutionCheck,
            seed=seed_of(step.branch.parent, "check"),
        )
        for step in steps
    ]
    return judge.ask(questions)


def evolved_row(step: Step) -> dict:
    """The row that a step becomes if it is admitted."""
    origin, answer, evolution = step.branch.origin, step.answer, step.evolution
    parents = list(dict.fromkeys([origin.id, step.branch.parent, answer.key]))
    return {
        "id": content_id("evolved", [evolution.instruction, evolution.added], parents),
        "parents": parents,
        "domain": origin.domain,
        "prompt": with_last_turn(origin.prompt, evolution.instruction),
        "tools": origin.tools,
        "added": evolution.added,
        "depth": step.branch.depth + 1,
        "tags": origin.tags,
        "license": origin.license,
        "source": origin.source,
        "engine": answer.engine,
        "simulated": answer.simulated,
    }


def failed_step(branch: Branch, answer: Answer) -> dict:
    """A quarantine row: the instruction itself at the first step, the failed step later."""
    row = {"stage": "evolve", "error": str(answer.error), "raw": answer.text}
    if branch.depth == 0:
        return row | {"id": branch.origin.id}
    return row | {"id": content_id("failed step", answer.key, [branch.parent]), "parents": [branch.parent]}


def measure(texts: list[str]) -> list[Measured]:
    """What the rules look at in each instruction."""
    column = pl.Series("text", texts, dtype=pl.String)
    normal = normalize(column)
    phrases = find_each(
        column,
        {
            "leak": Sought(LEAKS, idioms=IDIOMS),
            "refusal": Sought(REFUSALS, REFUSAL_CHARS, refusals.IDIOMS),
            "unwilling": Sought(UNWILLING, REFUSAL_CHARS),
        },
    )
    measured = pl.DataFrame(
        {
            "words": count_words(column),
            "leak": phrases["leak"].fill_null(""),
            "refusal": pl.select(pl.coalesce(phrases["refusal"], phrases["unwilling"], pl.lit(""))).to_series(),
            "has_link": normal.str.contains(LINK),
            "is_about_prompts": normal.str.contains(PROCEDURE),
        }
    )
    languages = languages_of(column)
    return [
        Measured(language=language, **row)
        for language, row in zip(languages, measured.iter_rows(named=True), strict=True)
    ]


def broken_rule(old: Measured, new: Measured, step: Evolution, verdict: EvolutionCheck, params: EvolveParams) -> str:
    """The first elimination rule that the step breaks, "" for none (docs/methods.md, sections 3.1 and 3.2)."""
    rules = {
        "adds nothing": not [text for text in step.added if text.strip()] or verdict.same,
        REFUSING: bool(new.refusal) and not old.refusal,
        "not longer": new.words < old.words + params.nodes * params.min_added_words,
        "too long": new.words > old.words + params.nodes * params.max_added_words,
        "changes the language": is_other_language(old.language, new.language),
        LEAKING: bool(new.leak) and not old.is_about_prompts,
        "adds a link": new.has_link and not old.has_link,
        "not one coherent task": not verdict.coherent,
    }
    return next((rule for rule, broken in rules.items() if broken), "")
