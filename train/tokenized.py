"""Rows of D and P as token ids for the trainers: nothing is cut, what is too long is counted and left out."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from datasets import Dataset
from transformers import PreTrainedTokenizerBase

from schemas.errors import ParamsError
from schemas.rows import Demonstration, Preference
from train.chat import Encoded, encode, turns


class TooManyOverlong(ParamsError):
    """More rows are longer than `max_length` than params allow to leave out."""


@dataclass(frozen=True)
class Taken:
    """A data set for a trainer, the ids of its rows in order, and how many rows were too long for it."""

    dataset: Dataset
    ids: list[str]
    overlong: int
    tokens: int


def demonstrations(
    rows: Iterable[Demonstration], tokenizer: PreTrainedTokenizerBase, max_length: int, share: float, stage: str
) -> Taken:
    """`input_ids` and `labels` (-100 on the prompt), rows in the order of their ids. Raises TooManyOverlong."""
    kept: list[dict[str, Any]] = []
    ids: list[str] = []
    overlong = 0
    for row in rows:
        encoded = encode(tokenizer, turns(row.prompt), turns(row.completion))
        if len(encoded) > max_length:
            overlong += 1
            continue
        ids.append(row.id)
        kept.append({"input_ids": encoded.prompt + encoded.completion, "labels": labels(encoded)})
    return taken(kept, ids, overlong, share, stage, max_length, sum(len(row["input_ids"]) for row in kept))


def labels(encoded: Encoded) -> list[int]:
    """Labels of a conversation: -100 wherever the token is not one that the assistant says in the completion."""
    trained = [token if mark else -100 for token, mark in zip(encoded.completion, encoded.mask, strict=True)]
    return [-100] * len(encoded.prompt) + trained


def preferences(
    rows: Iterable[Preference], tokenizer: PreTrainedTokenizerBase, max_length: int, share: float, stage: str
) -> Taken:
    """`prompt_ids`, `chosen_ids` and `rejected_ids` (completions only), in the order of ids. Raises TooManyOverlong."""
    kept: list[dict[str, Any]] = []
    ids: list[str] = []
    overlong = 0
    for row in rows:
        chosen = encode(tokenizer, turns(row.prompt), turns(row.chosen))
        rejected = encode(tokenizer, turns(row.prompt), turns(row.rejected))
        if max(len(chosen), len(rejected)) > max_length:
            overlong += 1
            continue
        ids.append(row.id)
        kept.append({"prompt_ids": chosen.prompt, "chosen_ids": chosen.completion, "rejected_ids": rejected.completion})
    tokens = sum(2 * len(row["prompt_ids"]) + len(row["chosen_ids"]) + len(row["rejected_ids"]) for row in kept)
    return taken(kept, ids, overlong, share, stage, max_length, tokens)


def taken(
    kept: list[dict[str, Any]], ids: list[str], overlong: int, share: float, stage: str, max_length: int, tokens: int
) -> Taken:
    total = len(kept) + overlong
    if not kept:
        raise TooManyOverlong(
            f"{stage}: none of {total} rows can be trained on (longer than {stage}.max_length {max_length}: "
            f"{overlong}); look at the tables that the stage reads, or raise {stage}.max_length"
        )
    if overlong > share * total:
        raise TooManyOverlong(
            f"{stage}: {overlong} of {total} rows are longer than {stage}.max_length = {max_length} tokens, more than "
            f"{stage}.overlong_share = {share:g} of them; raise one of the two (nothing is cut)"
        )
    return Taken(Dataset.from_list(kept), ids, overlong, tokens)
