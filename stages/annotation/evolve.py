"""evolve: selected instructions get harder step by step (Tree-Instruct, Zhao et al. 2024; Qwen2 report, section 4.1.1).

One prompt adds `nodes` requirements and returns them beside the new instruction, so that checkers can be attached to
them later. Each step's result is checked: by rules (length, leaked words, links) and by a judge (does it ask more, is
it still one task). A step that fails is dropped by name and ends its instruction's evolution.
"""

from dataclasses import dataclass
from typing import NamedTuple

import polars as pl
from pydantic import BaseModel

from cultivar.llm.answer import Answer
from cultivar.llm.engine import Engine
from cultivar.llm.prompt import Prompt
from cultivar.llm.request import Question
from cultivar.text.phrases import find_phrases
from cultivar.text.tokens import count_words, normalize
from schemas.ids import content_id, seed_of, unit_of
from schemas.rows import Dropped, Evolved, Quarantined, Selected
from schemas.table import Table
from stages.annotation.leaks import IDIOMS, LEAKS, LINK, PROCEDURE
from stages.annotation.params import EvolveParams

LEAKING = "leaks the procedure"


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
    """One instruction as far as it has evolved."""

    origin: Selected
    prompt: str
    parent: str
    depth: int = 0


class Measured(NamedTuple):
    """What the rules look at in an instruction: its length, and what it says of the procedure ("" for nothing)."""

    words: float
    leak: str
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
            branches.append(Branch(row, row.prompt, row.id))
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
                family = f"{new.leak}: " if rule == LEAKING else ""
                dropped.append(place | {"stage": "evolve", "rule": rule, "detail": family + harder["prompt"][:200]})
            else:
                rows.append(harder)
                branches.append(Branch(branch.origin, harder["prompt"], harder["id"], harder["depth"]))
    return EvolveTables(Table.of(Evolved, rows), Table.of(Dropped, dropped), Table.of(Quarantined, quarantine))


def take_steps(branches: list[Branch], params: EvolveParams, teacher: Engine) -> tuple[list[Step], list[dict]]:
    """The next step of each branch, and a quarantine row for each that failed."""
    prompt = Prompt("evolve")
    questions = [
        Question(
            prompt.messages(instruction=branch.prompt, nodes=params.nodes, max_words=params.max_words),
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
    prompt = Prompt("evolve_check")
    questions = [
        Question(
            prompt.messages(old=step.branch.prompt, new=step.evolution.instruction),
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
        "prompt": evolution.instruction,
        "context": [turn.model_dump() for turn in origin.context],
        "added": evolution.added,
        "depth": step.branch.depth + 1,
        "tags": origin.tags,
        "license": origin.license,
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
    measured = pl.DataFrame(
        {
            "words": count_words(column),
            "leak": find_phrases(column, LEAKS, idioms=IDIOMS).fill_null(""),
            "has_link": normal.str.contains(LINK),
            "is_about_prompts": normal.str.contains(PROCEDURE),
        }
    )
    return [Measured(*row) for row in measured.iter_rows()]


def broken_rule(old: Measured, new: Measured, step: Evolution, verdict: EvolutionCheck, params: EvolveParams) -> str:
    """The first elimination rule that the step breaks, "" for none (docs/methods.md, sections 3.1 and 3.2)."""
    rules = {
        "adds nothing": not [text for text in step.added if text.strip()] or verdict.same,
        "not longer": new.words < old.words + 2 * len(step.added),
        "too long": new.words > params.max_words + old.words,
        LEAKING: bool(new.leak) and not old.is_about_prompts,
        "adds a link": new.has_link and not old.has_link,
        "not one coherent task": not verdict.coherent,
    }
    return next((rule for rule, broken in rules.items() if broken), "")
