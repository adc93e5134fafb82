"""evolve: selected instructions get harder step by step (Tree-Instruct, Zhao et al. 2024; Qwen2 report, 4.1.1).

One prompt adds `nodes` requirements and returns them beside the new instruction, so that checkers can be attached to
them later. Each step's result is checked: by rules (length, leaked words, links) and by a judge (does it ask more, is
it still one task). A step that fails is dropped by name and ends its instruction's evolution.
"""

import re
from dataclasses import dataclass
from typing import NamedTuple

from pydantic import BaseModel

from cultivar.llm.answer import Answer
from cultivar.llm.engine import Engine
from cultivar.llm.prompt import Prompt
from cultivar.llm.request import Question
from schemas.ids import content_id, seed_of, unit_of
from schemas.rows import Dropped, Evolved, Quarantined, Selected
from schemas.table import Table
from stages.annotation.params import EvolveParams

LEAK = re.compile(r"(?i)\b(rewritten|given prompt|new instruction|tree node|added nodes?)\b")
LINK = re.compile(r"https?://")


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
    ask, check = Prompt("evolve"), Prompt("evolve_check")
    while branches and branches[0].depth < params.rounds:
        steps = teacher.ask([
            Question(ask.messages(instruction=b.prompt, nodes=params.nodes, max_words=params.max_words), Evolution,
                     seed=seed_of(b.parent, "evolve"))
            for b in branches
        ])  # fmt: skip
        grown = []
        for branch, (answer,) in zip(branches, steps, strict=True):
            if isinstance(answer.value, Evolution):
                grown.append((branch, answer, answer.value))
            else:
                quarantine.append(failed(branch, answer))
        checks = judge.ask([
            Question(check.messages(old=b.prompt, new=step.instruction), EvolutionCheck, seed=seed_of(b.parent, "check"))
            for b, _, step in grown
        ])  # fmt: skip
        branches = []
        for (branch, answer, step), (verdict,) in zip(grown, checks, strict=True):
            if not isinstance(verdict.value, EvolutionCheck):
                quarantine.append(failed(branch, verdict))
                continue
            rule = broken_rule(branch.prompt, step, verdict.value, params)
            parents = list(dict.fromkeys([branch.origin.id, branch.parent, answer.key]))
            row_id = content_id("evolved", [step.instruction, step.added], parents)
            if rule:
                gone = {"stage": "evolve", "rule": rule, "detail": step.instruction[:200]}
                at_root = branch.depth == 0
                dropped.append(gone | ({"id": branch.origin.id} if at_root else {"id": row_id, "parents": parents}))
                continue
            rows.append({"id": row_id, "parents": parents, "domain": branch.origin.domain, "prompt": step.instruction,
                         "added": step.added, "depth": branch.depth + 1, "tags": branch.origin.tags,
                         "license": branch.origin.license, "engine": answer.engine,
                         "simulated": answer.simulated})  # fmt: skip
            branches.append(Branch(branch.origin, step.instruction, row_id, branch.depth + 1))
    return EvolveTables(Table.of(Evolved, rows), Table.of(Dropped, dropped), Table.of(Quarantined, quarantine))


def failed(branch: Branch, answer: Answer) -> dict:
    """A quarantine row: the instruction itself at the first step, the broken-off step later."""
    row = {"stage": "evolve", "error": str(answer.error), "raw": answer.text}
    if branch.depth == 0:
        return row | {"id": branch.origin.id}
    return row | {"id": content_id("failed step", answer.key, [branch.parent]), "parents": [branch.parent]}


def broken_rule(old: str, step: Evolution, verdict: EvolutionCheck, params: EvolveParams) -> str:
    """The first elimination rule that the step breaks, "" for none (methods 3.1, 3.2)."""
    words, before = len(step.instruction.split()), len(old.split())
    rules = {
        "adds nothing": not [text for text in step.added if text.strip()] or verdict.same,
        "not longer": words < before + 2 * len(step.added),
        "too long": words > params.max_words + before,
        "leaks the procedure": bool(LEAK.search(step.instruction)) and not LEAK.search(old),
        "adds a link": bool(LINK.search(step.instruction)) and not LINK.search(old),
        "not one coherent task": not verdict.coherent,
    }
    return next((rule for rule, broken in rules.items() if broken), "")
