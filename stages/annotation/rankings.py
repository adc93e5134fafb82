"""Human rankings: append-only JSONL records folded to one order per prompt (human/annotations/README.md).

A record holds the texts' own hash (`item`), so a judgement of texts that have since changed is stale and set aside.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, field_validator

from schemas.errors import UserError
from schemas.ids import content_id


class Judgement(BaseModel):
    """One line of human/annotations/*.jsonl. `order` lists groups of candidate hashes, best first; a group is a tie."""

    model_config = ConfigDict(extra="forbid")

    uuid: str
    annotator: str
    item: str
    order: list[list[str]]
    meets_criteria: bool
    margin: int = Field(default=1, ge=1, le=3)
    guideline: str
    time: str
    active_s: float = Field(default=0, ge=0)
    supersedes: str | None = None
    note: str = ""

    @field_validator("order")
    @classmethod
    def names_each_once(cls, order: list[list[str]]) -> list[list[str]]:
        named = [candidate for tied in order for candidate in tied]
        if not named:
            raise ValueError("it orders nothing")
        if repeated := sorted({candidate for candidate in named if named.count(candidate) > 1}):
            raise ValueError(f"{repeated} stand in it twice")
        return order


class AnnotationError(UserError, ValueError):
    """A line that is no judgement; the message names file, line and fault."""


@dataclass(frozen=True)
class Folded:
    """The orders of one item, one per judgement, and whether most find that the best meets the criteria.

    `orders`: candidate hash -> rank, 0 is best.
    """

    orders: list[dict[str, int]]
    meets_criteria: bool
    annotators: list[str]

    def mean_ranks(self, candidates: Sequence[str]) -> list[float]:
        """The mean rank of each of the item's candidates (hashes) over the judgements.

        Whom a judgement does not name it ranks as the number of candidates, below every rank that can be given. Raises
        AnnotationError for an order that names what is no candidate: a misspelt best would count as the worst.
        """
        named = {candidate for order in self.orders for candidate in order}
        if unknown := sorted(named - set(candidates)):
            raise AnnotationError(
                f"human/annotations: {unknown} of annotators {self.annotators} are none of their item's candidates "
                f"{sorted(candidates)}; correct `order`"
            )
        below_all = len(candidates)
        return [sum(order.get(each, below_all) for order in self.orders) / len(self.orders) for each in candidates]


def candidate_hash(completion: str) -> str:
    return content_id("text", completion)[:16]


def item_hash(prompt: str, completions: Iterable[str]) -> str:
    """Identity of a prompt with exactly these candidates, whatever their order; texts as `text_of` gives them."""
    return content_id("item", [prompt, sorted(candidate_hash(text) for text in completions)])


def read_judgements(paths: Iterable[Path]) -> list[Judgement]:
    """Judgements in force: those that no other one supersedes. Raises AnnotationError."""
    judgements: dict[str, Judgement] = {}
    for path in paths:
        if path.suffix != ".jsonl":
            continue
        for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
            if line.strip():
                try:
                    judgement = Judgement.model_validate_json(line.decode())
                except ValueError as error:  # no UTF-8, no JSON, no judgement
                    raise AnnotationError(f"{path}:{number}: {error}; correct or remove the line") from error
                judgements[judgement.uuid] = judgement
    replaced = {judgement.supersedes for judgement in judgements.values()}
    return [judgement for uuid, judgement in sorted(judgements.items()) if uuid not in replaced]


def fold(judgements: Iterable[Judgement]) -> dict[str, Folded]:
    """Item -> the judgements of it."""
    groups = defaultdict(list)
    for judgement in judgements:
        groups[judgement.item].append(judgement)
    folded = {}
    for item, several in groups.items():
        orders = [{each: rank for rank, tied in enumerate(one.order) for each in tied} for one in several]
        meets = sum(judgement.meets_criteria for judgement in several) * 2 > len(several)
        folded[item] = Folded(orders, meets, sorted({judgement.annotator for judgement in several}))
    return folded
