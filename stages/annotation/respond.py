"""respond: several responses per instruction from different strategies and model scales (Qwen2 report, section 4.1.1).

Every role (small, large) answers every instruction by every strategy (a prompt of prompts/respond/) at every
temperature. A reference answer that the source brings is one more candidate, of role, strategy and engine `source`.
Near-identical responses to one instruction are dropped (`is_alike`): the reference stays, else the first by id.
"""

from collections import Counter
from functools import lru_cache
from typing import NamedTuple, cast

from rapidfuzz.distance import Levenshtein

from cultivar.llm.answer import Answer
from cultivar.llm.engine import Engine
from cultivar.llm.prompt import Prompt
from cultivar.llm.request import MessageDict, Question
from cultivar.llm.tool_calls import read_calls
from cultivar.text.tokens import normal_form, tokens_of
from schemas.conversations import compact, last_turn, lean, lean_turns, text_of
from schemas.ids import content_id, seed_of
from schemas.products import message, turns_of
from schemas.rows import SOURCE, Candidate, Dropped, Evolved, Message, Quarantined, Selected
from schemas.table import Table
from schemas.tools import call_fault
from stages.annotation.params import RespondParams

CALL_RULE = "tool call does not fit its tools"
LONG = 8_000
"""Characters above which responses are compared by their tokens."""


class RespondTables(NamedTuple):
    candidates: Table[Candidate]
    dropped: Table[Dropped]
    quarantine: Table[Quarantined]


class ResponseWay(NamedTuple):
    """Who answers, by which prompt of prompts/respond/, at which temperature."""

    role: str
    strategy: str
    temperature: float


FROM_SOURCE = ResponseWay(SOURCE, SOURCE, 0.0)


def respond(
    selected: Table[Selected], evolved: Table[Evolved], params: RespondParams, small: Engine, large: Engine
) -> RespondTables:
    """Candidates of every selected and evolved instruction; failed answers are quarantined one by one."""
    instructions = [*selected, *evolved]
    candidates: list[dict] = []
    dropped: list[dict] = []
    quarantine: list[dict] = []
    responses: dict[str, dict[str, dict]] = {row.id: {} for row in instructions}  # of an instruction, by their ids
    for row in selected:
        if row.reference:
            candidate = reference_candidate(row)
            responses[row.id][candidate["id"]] = candidate
    ways = [
        (engine, ResponseWay(engine.role, strategy, temperature))
        for engine in (small, large)
        for strategy in params.strategies
        for temperature in params.temperatures
    ]
    for engine, way in ways:
        for row, answer in zip(instructions, ask(instructions, way, engine), strict=True):
            if not answer.ok:
                quarantine.append(failed_candidate(row, way, str(answer.error), answer))
                continue
            try:
                turns = completion_of(row, answer)
            except Misfit as error:
                quarantine.append(failed_candidate(row, way, f"invalid: {error}", answer))
                continue
            candidate = candidate_row(row, way, answer, turns)
            if fault := call_fault(row.tools, turns[0].get("tool_calls", [])):
                drop = {"id": candidate["id"], "parents": [row.id], "stage": "respond", "rule": CALL_RULE}
                dropped.append(drop | {"detail": fault})
            else:
                responses[row.id][candidate["id"]] = candidate
    for row in instructions:
        kept: list[dict] = []
        for candidate in sorted(responses[row.id].values(), key=lambda one: (one["engine"] != SOURCE, one["id"])):
            text = text_of(candidate["completion"])
            if any(is_alike(text, text_of(other["completion"]), params.near_duplicate) for other in kept):
                drop = {"id": candidate["id"], "parents": [row.id], "stage": "respond", "rule": "near duplicate"}
                dropped.append(drop)
            else:
                kept.append(candidate)
        candidates += kept
        if not kept:
            dropped.append({"id": row.id, "stage": "respond", "rule": "no response"})
    return RespondTables(Table.of(Candidate, candidates), Table.of(Dropped, dropped), Table.of(Quarantined, quarantine))


def ask(instructions: list[Selected | Evolved], way: ResponseWay, engine: Engine) -> list[Answer]:
    """One answer to each instruction. Its seed is the same at every temperature."""
    prompt = Prompt(f"respond/{way.strategy}", "instruction")
    questions = [
        Question(
            behind_context(row.prompt[:-1], prompt.messages(instruction=last_turn(row.prompt))),
            seed=seed_of(row.id, way.role, way.strategy),
            sampling={"temperature": way.temperature},
            tools=row.tools or "",
        )
        for row in instructions
    ]
    return [answer for (answer,) in engine.ask(questions)]


def behind_context(context: list[Message], asked: list[MessageDict]) -> list[MessageDict]:
    """The messages behind the conversation so far; of two system prompts one message is made, the conversation's first."""
    before: list[MessageDict] = [as_request(turn) for turn in context]
    if before and asked[0]["role"] == "system":
        if before[0]["role"] != "system":
            return [asked[0], *before, *asked[1:]]
        before[0] = {"role": "system", "content": f"{before[0]['content']}\n\n{asked[0]['content']}"}
        return [*before, *asked[1:]]
    return [*before, *asked]


def as_request(turn: Message) -> MessageDict:
    """A turn as a model is shown it: what the assistant thought at an earlier turn is not."""
    return cast(MessageDict, {name: value for name, value in lean(turn).items() if name != "reasoning"})


class Misfit(ValueError):
    """An answer whose calls of tools cannot be read."""


def completion_of(row: Selected | Evolved, answer: Answer) -> list[dict]:
    """The assistant's turn that an answer is; where the row has tools, with its calls of them. Raises Misfit."""
    if not row.tools:
        return turns_of(answer.text.strip())
    try:
        words, calls = read_calls(answer.text)
    except ValueError as error:
        raise Misfit(str(error)) from error
    return [message("assistant", words) | ({"tool_calls": calls} if calls else {})]


def candidate_row(row: Selected | Evolved, way: ResponseWay, answer: Answer, turns: list[dict]) -> dict:
    parents = [row.id, answer.key]
    return shared_columns(row, way) | {
        "id": content_id("candidate", [list(way), answer.text], parents),
        "parents": parents,
        "completion": turns,
        "generation": answer.key,
        "engine": answer.engine,
        "simulated": answer.simulated,
    }


def reference_candidate(row: Selected) -> dict:
    """The source's own answer as a candidate; no model was asked, so the row itself stands for the generation."""
    return shared_columns(row, FROM_SOURCE) | {
        "id": content_id("candidate", [list(FROM_SOURCE), compact(row.reference)], [row.id]),
        "parents": [row.id],
        "completion": lean_turns(row.reference),
        "generation": row.id,
        "engine": SOURCE,
        "simulated": False,
    }


def shared_columns(row: Selected | Evolved, way: ResponseWay) -> dict:
    """What the candidates of an instruction share, and the way in which this one came about."""
    return {
        "prompt_id": row.id,
        "domain": row.domain,
        "prompt": lean_turns(row.prompt),
        "tools": row.tools,
        "role": way.role,
        "response_strategy": way.strategy,
        "temperature": way.temperature,
        "tags": row.tags,
        "license": row.license,
        "source": row.source,
    }


def failed_candidate(row: Selected | Evolved, way: ResponseWay, error: str, answer: Answer) -> dict:
    """The quarantine row of an answer that cannot be used."""
    return {
        "id": content_id("failed candidate", [list(way), answer.key], [row.id]),
        "parents": [row.id],
        "stage": "respond",
        "error": error,
        "raw": answer.text,
    }


def is_alike(first: str, second: str, threshold: float) -> bool:
    """Whether two responses are equal in normal form, or more alike than the threshold.

    Likeness is the normalised Levenshtein similarity; of texts above `LONG` characters, where that takes time by the square
    of their length, the share of tokens in threes that they have in common (Dice's coefficient).
    """
    if compared_form(first) == compared_form(second):
        return True
    longer = max(len(first), len(second))
    if min(len(first), len(second)) <= threshold * longer and threshold > 0:  # as many characters are inserted at least
        return False
    if longer <= LONG:
        return Levenshtein.normalized_similarity(first, second, score_cutoff=threshold) > threshold
    return trigram_likeness(first, second) > threshold


@lru_cache(maxsize=256)
def compared_form(text: str) -> str:
    """The normal form with single spaces."""
    return " ".join(normal_form(text).split())


@lru_cache(maxsize=64)
def trigrams(text: str) -> Counter[tuple[str, ...]]:
    """Runs of three tokens of a text, with their numbers."""
    tokens = tokens_of(text)
    return Counter(zip(tokens, tokens[1:], tokens[2:], strict=False))


def trigram_likeness(first: str, second: str) -> float:
    """Twice the runs in common over those of both, in [0, 1]."""
    one, two = trigrams(first), trigrams(second)
    return 2 * (one & two).total() / max(1, one.total() + two.total())
