"""Rows of D and P as token ids for the trainers: nothing is cut, what is too long is counted and left out."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from datasets import Dataset
from transformers import PreTrainedTokenizerBase

from schemas.errors import ParamsError
from schemas.rows import Demonstration, Preference
from train.chat import encode, message_dicts

Columns = dict[str, list[int]]
"""A row as the trainer takes it: token ids or labels by column."""


class TooManyOverlong(ParamsError):
    """More rows are longer than `max_length` than params allow to leave out."""


class LengthLimit(NamedTuple):
    """The longest sequence of a row in tokens, and the share of rows that may be longer; `stage` is for messages."""

    max_length: int
    overlong_share: float
    stage: str


@dataclass(frozen=True)
class TokenizedRows:
    """A data set for a trainer, the ids of its rows in order, its tokens, and how many rows were too long for it."""

    dataset: Dataset
    ids: list[str]
    overlong: int
    tokens: int


class Example(NamedTuple):
    """A tokenized row: `length` of its longest sequence, and `tokens` of all its sequences together."""

    id: str
    columns: Columns
    length: int
    tokens: int


def tokenize_demonstrations(
    rows: Iterable[Demonstration], tokenizer: PreTrainedTokenizerBase, limit: LengthLimit
) -> TokenizedRows:
    """`input_ids` and `labels` (-100 on the prompt), in the order of the rows. Raises TooManyOverlong."""
    return within_limit((demonstration_example(row, tokenizer) for row in rows), limit)


def tokenize_preferences(
    rows: Iterable[Preference], tokenizer: PreTrainedTokenizerBase, limit: LengthLimit
) -> TokenizedRows:
    """`prompt_ids`, `chosen_ids`, `rejected_ids` (completions only), in the order of the rows. Raises TooManyOverlong."""
    return within_limit((preference_example(row, tokenizer) for row in rows), limit)


def demonstration_example(row: Demonstration, tokenizer: PreTrainedTokenizerBase) -> Example:
    encoded = encode(tokenizer, message_dicts(row.prompt), message_dicts(row.completion))
    columns = {"input_ids": encoded.prompt + encoded.completion, "labels": encoded.labels}
    return Example(row.id, columns, len(encoded), len(encoded))


def preference_example(row: Preference, tokenizer: PreTrainedTokenizerBase) -> Example:
    chosen = encode(tokenizer, message_dicts(row.prompt), message_dicts(row.chosen))
    rejected = encode(tokenizer, message_dicts(row.prompt), message_dicts(row.rejected))
    columns = {"prompt_ids": chosen.prompt, "chosen_ids": chosen.completion, "rejected_ids": rejected.completion}
    return Example(row.id, columns, max(len(chosen), len(rejected)), pair_tokens(columns))


def pair_tokens(pair: Columns) -> int:
    """Tokens of both sequences of a pair, each with the prompt."""
    return 2 * len(pair["prompt_ids"]) + len(pair["chosen_ids"]) + len(pair["rejected_ids"])


def within_limit(examples: Iterable[Example], limit: LengthLimit) -> TokenizedRows:
    """The examples that are short enough. Raises TooManyOverlong where those are none or too few."""
    selected: list[Example] = []
    overlong = 0
    for example in examples:
        if example.length > limit.max_length:
            overlong += 1
        else:
            selected.append(example)
    stage, total = limit.stage, len(selected) + overlong
    if not selected:
        raise TooManyOverlong(
            f"{stage}: none of {total} rows can be trained on (longer than {stage}.max_length {limit.max_length}: "
            f"{overlong}); look at the tables that the stage reads, or raise {stage}.max_length"
        )
    if overlong > limit.overlong_share * total:
        raise TooManyOverlong(
            f"{stage}: {overlong} of {total} rows are longer than {stage}.max_length = {limit.max_length} tokens, more "
            f"than {stage}.overlong_share = {limit.overlong_share:g} of them; raise one of the two (nothing is cut)"
        )
    return TokenizedRows(
        Dataset.from_list([example.columns for example in selected]),
        [example.id for example in selected],
        overlong,
        sum(example.tokens for example in selected),
    )
