"""Evaluation items: what an item of an evaluation source becomes, of a conversation one for each user turn."""

from collections.abc import Mapping, Sequence
from typing import Any

from schemas.products import turns_of
from stages.curation.readers.shapes import Item, Misfit


def evaluation_items(item: Item) -> list[Item]:
    """The evaluation items that an item of an evaluation source becomes. Raises Misfit for what cannot be evaluated."""
    kind, fields, left = item
    match kind:
        case "problem":
            row = {"task": "math"} | {name: fields[name] for name in ("prompt", "answer", "solution")}
        case "code_task":
            names = ("prompt", "entry_point", "tests", "setup", "solution")
            row = {"task": "code"} | {name: fields[name] for name in names}
        case "constrained":
            row = {"task": "constraint"} | fields | {"solution": fields["answer"]}
        case "safety_prompt":
            turns = [{"role": "user", "content": fields["prompt"]}, *fields.get("reference", [])]
            return turn_items(turns, {**left, "field area": 1, "field harmful": 1})
        case "instruction":
            return turn_items([*fields["prompt"], *fields["reference"]], left)
        case "preference":
            return turn_items([*fields["prompt"], *turns_of(fields["chosen"])], {**left, "field rejected": 1})
        case "rated":
            responses, scores = fields["responses"], fields["scores"]
            best = responses[scores.index(max(scores))]
            return turn_items([*fields["prompt"], *best], {**left, "responses below the best": len(responses) - 1})
        case _:
            raise Misfit(f"a {kind} cannot be evaluated; evaluation takes problems, code tasks, IFEval and prompts")
    return [Item("evaluation", row, left)]


def turn_items(turns: Sequence[Mapping[str, Any]], left: Mapping[str, int]) -> list[Item]:
    """An evaluation item for each user turn, with the reply to it where it has one."""
    pairs = zip(turns, [*turns[1:], {"role": ""}], strict=True)
    rows = [
        general_item(turn["content"], after["content"] or None if after["role"] == "assistant" else None)
        for turn, after in pairs
        if turn["role"] == "user"
    ]
    system = sum(turn["role"] == "system" for turn in turns)
    first = {**left, "system prompts of evaluation items": system} if system else left
    return [Item("evaluation", row, {} if number else first) for number, row in enumerate(rows)]


def general_item(prompt: str, reference: str | None) -> dict[str, Any]:
    return {"task": "general", "prompt": prompt, "answer": reference, "solution": reference}
