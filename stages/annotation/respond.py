"""respond: several responses per instruction from different strategies and model scales (Qwen2 report, 4.1.1).

Every role (small, large) answers every instruction by every strategy (a prompt of prompts/respond/) at every
temperature. Near-identical responses to one instruction are dropped, the first by id stays.
"""

from typing import NamedTuple

from rapidfuzz.distance import Levenshtein

from cultivar.llm.engine import Engine
from cultivar.llm.prompt import Prompt
from cultivar.llm.request import Question
from schemas.ids import content_id, seed_of
from schemas.rows import Candidate, Dropped, Evolved, Quarantined, Selected
from schemas.table import Table
from stages.annotation.params import RespondParams


class RespondTables(NamedTuple):
    candidates: Table[Candidate]
    dropped: Table[Dropped]
    quarantine: Table[Quarantined]


def respond(
    selected: Table[Selected], evolved: Table[Evolved], params: RespondParams, small: Engine, large: Engine
) -> RespondTables:
    """Candidates of every selected and evolved instruction; failed answers are quarantined one by one."""
    instructions = [*selected, *evolved]
    made: dict[str, dict[str, dict]] = {row.id: {} for row in instructions}
    dropped, quarantine = [], []
    for engine in (small, large):
        for strategy in params.strategies:
            prompt = Prompt(f"respond/{strategy}")
            for temperature in params.temperatures:
                answers = engine.ask([
                    Question(prompt.messages(instruction=row.prompt), seed=seed_of(row.id, engine.role, strategy),
                             sampling={"temperature": temperature})
                    for row in instructions
                ])  # fmt: skip
                for row, (answer,) in zip(instructions, answers, strict=True):
                    how = [engine.role, strategy, temperature]
                    if not answer.ok:
                        failed = content_id("failed candidate", [how, answer.key], [row.id])
                        quarantine.append({"id": failed, "parents": [row.id], "stage": "respond", "raw": answer.text,
                                           "error": str(answer.error)})  # fmt: skip
                        continue
                    parents = [row.id, answer.key]
                    row_id = content_id("candidate", [how, answer.text], parents)
                    made[row.id][row_id] = {
                        "id": row_id, "parents": parents, "prompt_id": row.id, "domain": row.domain,
                        "prompt": [{"role": "user", "content": row.prompt}], "completion": answer.text.strip(),
                        "role": engine.role, "response_strategy": strategy, "temperature": temperature, "tags": row.tags,
                        "license": row.license, "generation": answer.key, "engine": answer.engine,
                        "simulated": answer.simulated,
                    }  # fmt: skip
    candidates = []
    for row in instructions:
        kept: list[dict] = []
        for row_id in sorted(made[row.id]):
            candidate = made[row.id][row_id]
            if any(alike(candidate["completion"], other["completion"], params.near_duplicate) for other in kept):
                dropped.append({"id": row_id, "parents": [row.id], "stage": "respond", "rule": "near duplicate"})
            else:
                kept.append(candidate)
        candidates += kept
        if not kept:
            dropped.append({"id": row.id, "stage": "respond", "rule": "no response"})
    return RespondTables(Table.of(Candidate, candidates), Table.of(Dropped, dropped), Table.of(Quarantined, quarantine))


def alike(first: str, second: str, threshold: float) -> bool:
    return Levenshtein.normalized_similarity(first, second, score_cutoff=threshold) > threshold
