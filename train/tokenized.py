"""Rows of D and P as token ids for the trainers: nothing is cut. What is too long, or what the model's chat template
cannot render as it would be generated, is counted and left out."""

import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple, TypeVar

import pyarrow as pa
from datasets import Dataset
from transformers import PreTrainedTokenizerBase

from cultivar.llm.markup import has_breaks
from schemas.conversations import lean_turns
from schemas.errors import ParamsError
from schemas.rows import Demonstration, Preference
from train.chat import Encoded, encode_texts
from train.chat_template import ChatTemplate, Refused, template_of
from train.turns import Conversation, Loss, Piece, training_texts

Columns = dict[str, list[int]]
"""A row as the trainer takes it: token ids, labels or masks by column."""
Texts = list[list[Piece]]
AnyRow = TypeVar("AnyRow", Demonstration, Preference)
BATCH = 1000
"""Rows that are tokenized together."""


class TooManyLeftOut(ParamsError):
    """More rows are left out than params allow, or all: `overlong` for their length, `refused` by the chat template."""

    def __init__(self, message: str, overlong: int, refused: int):
        super().__init__(message)
        self.overlong, self.refused = overlong, refused


class LengthLimit(NamedTuple):
    """The longest text of a row in tokens, and the share of rows that may be left out; `stage` is for messages."""

    max_length: int
    overlong_share: float
    stage: str


@dataclass(frozen=True)
class TokenizedRows:
    """A data set for a trainer, the ids of its rows in order, its tokens, and how many rows were too long for it or
    refused by the chat template; of its rows, `broken` spell marks of the template in their texts.

    A demonstration may be several texts (train/turns.py), a preference is one.
    """

    dataset: Dataset
    ids: list[str]
    overlong: int
    refused: int
    broken: int
    tokens: int


class Example(NamedTuple):
    """A tokenized row: its texts, the `length` of the longest sequence, and `tokens` of all of them.

    `broken`: whether one of its texts spells a mark of the chat template, which a zero-width space has broken.
    """

    id: str
    texts: list[Columns]
    length: int
    tokens: int
    broken: bool = False


@dataclass
class Refusals:
    """Rows that the chat template refuses: how many for which reason, and the first of each."""

    counts: Counter[str] = field(default_factory=Counter)
    first: dict[str, str] = field(default_factory=dict)

    def add(self, row_id: str, reason: str) -> None:
        self.counts[reason] += 1
        self.first.setdefault(reason, row_id)

    def __str__(self) -> str:
        return "; ".join(
            f"{reason}: {n}, the first is {self.first[reason]}" for reason, n in self.counts.most_common(5)
        )


def tokenize_demonstrations(
    rows: Iterable[Demonstration], tokenizer: PreTrainedTokenizerBase, limit: LengthLimit, loss: Loss
) -> TokenizedRows:
    """`input_ids` and `labels` (-100: no loss), in the order of the rows. Raises TooManyLeftOut."""

    def texts(row: Demonstration, template: ChatTemplate) -> Texts:
        return training_texts(template, conversation(row, row.completion), loss)

    return within_limit(examples(rows, tokenizer, texts, demonstration_example), limit)


def tokenize_preferences(
    rows: Iterable[Preference], tokenizer: PreTrainedTokenizerBase, limit: LengthLimit, loss: Loss
) -> TokenizedRows:
    """`prompt_ids`, `chosen_ids`, `rejected_ids` (completions only), `chosen_mask`, `rejected_mask` (1: the assistant's),
    in the order of the rows. Raises TooManyLeftOut."""

    def texts(row: Preference, template: ChatTemplate) -> Texts:
        return pair_texts(template, row, loss._replace(turns="last"))

    return within_limit(examples(rows, tokenizer, texts, preference_example), limit)


def conversation(row: Demonstration | Preference, completion: Sequence[Any]) -> Conversation:
    return Conversation(lean_turns(row.prompt), lean_turns(completion), row.tools)


def pair_texts(template: ChatTemplate, row: Preference, loss: Loss) -> Texts:
    """The texts of chosen and rejected, which begin with the same prompt. Raises Refused.

    Where one side opens with reasoning and the other without, what the template writes for that is no prompt of both.
    """
    sides = [training_texts(template, conversation(row, side), loss) for side in (row.chosen, row.rejected)]
    if any(len(texts) != 1 for texts in sides):
        raise Refused("the chat template writes earlier turns of a completion otherwise once others follow")
    (chosen,), (rejected,) = sides
    prompt = min(chosen[0].text, rejected[0].text, key=len)
    if not (chosen[0].text.startswith(prompt) and rejected[0].text.startswith(prompt)):
        raise Refused("the chat template writes the prompt otherwise for each side")
    if chosen == rejected:
        raise Refused("both sides are the same")
    return [behind_prompt(side, prompt) for side in (chosen, rejected)]


def behind_prompt(pieces: list[Piece], prompt: str) -> list[Piece]:
    """The text with `prompt` as its first piece."""
    rest = pieces[0].text[len(prompt) :]
    return [Piece(prompt, False), *([Piece(rest, False)] if rest else []), *pieces[1:]]


def examples(
    rows: Iterable[AnyRow],
    tokenizer: PreTrainedTokenizerBase,
    texts_of: Callable[[AnyRow, ChatTemplate], Texts],
    example: Callable[[str, list[Encoded]], Example],
) -> Iterator[list[Example | tuple[str, Refused]]]:
    """The rows' examples, batch by batch; a row that the template refuses is its id with the reason."""
    template = template_of(tokenizer)
    remaining = iter(rows)
    while batch := list(islice(remaining, BATCH)):
        texts: list[Texts | Refused] = []
        for row in batch:
            try:
                texts.append(texts_of(row, template))
            except Refused as reason:
                texts.append(reason)
        encoded = iter(
            encode_texts(tokenizer, [text for of_row in texts if isinstance(of_row, list) for text in of_row])
        )
        found: list[Example | tuple[str, Refused]] = []
        for row, of_row in zip(batch, texts, strict=True):
            if isinstance(of_row, Refused):
                found.append((row.id, of_row))
                continue
            tokenized = [next(encoded) for _ in of_row]
            refused = [text for text in tokenized if isinstance(text, Refused)]
            whole = [text for text in tokenized if isinstance(text, Encoded)]
            broken = any(has_breaks(piece.text) for text in of_row for piece in text)
            found.append((row.id, refused[0]) if refused else example(row.id, whole)._replace(broken=broken))
        yield found


def demonstration_example(row_id: str, texts: list[Encoded]) -> Example:
    columns = [{"input_ids": text.prompt + text.completion, "labels": text.labels} for text in texts]
    return Example(row_id, columns, max(map(len, texts)), sum(map(len, texts)))


def preference_example(row_id: str, texts: list[Encoded]) -> Example:
    chosen, rejected = texts
    columns = {"prompt_ids": chosen.prompt, "chosen_ids": chosen.completion, "rejected_ids": rejected.completion}
    masks = {"chosen_mask": chosen.mask, "rejected_mask": rejected.mask}
    return Example(row_id, [columns | masks], max(len(chosen), len(rejected)), pair_tokens(columns))


def pair_tokens(pair: Columns) -> int:
    """Tokens of both sequences of a pair, each with the prompt."""
    return 2 * len(pair["prompt_ids"]) + len(pair["chosen_ids"]) + len(pair["rejected_ids"])


def within_limit(batches: Iterable[list[Example | tuple[str, Refused]]], limit: LengthLimit) -> TokenizedRows:
    """The examples that are short enough. Raises TooManyLeftOut where those are none or too few."""
    tables: list[pa.Table] = []
    ids: list[str] = []
    overlong = tokens = broken = 0
    refusals = Refusals()
    for batch in batches:
        selected: list[Example] = []
        for found in batch:
            if not isinstance(found, Example):
                refusals.add(found[0], str(found[1]))
            elif found.length > limit.max_length:
                overlong += 1
            else:
                selected.append(found)
        if selected:
            tables.append(pa.Table.from_pylist([text for example in selected for text in example.texts]))
            ids += [example.id for example in selected]
            tokens += sum(example.tokens for example in selected)
            broken += sum(example.broken for example in selected)
    check_left_out(len(ids), overlong, refusals, limit)
    return TokenizedRows(Dataset(pa.concat_tables(tables)), ids, overlong, refusals.counts.total(), broken, tokens)


def check_left_out(taken: int, overlong: int, refusals: Refusals, limit: LengthLimit) -> None:
    """Raise TooManyLeftOut where no row is taken, or too many are not; warn of rows that the template refuses."""
    stage, refused = limit.stage, refusals.counts.total()
    total = taken + overlong + refused
    if not taken:
        raise TooManyLeftOut(
            f"{stage}: none of {total} rows can be trained on (longer than {stage}.max_length {limit.max_length}: "
            f"{overlong}; refused: {refused}{f', {refusals}' if refused else ''}); look at the tables that the stage "
            f"reads, raise {stage}.max_length, or take a model whose chat template fits",
            overlong,
            refused,
        )
    if overlong > limit.overlong_share * total:
        raise TooManyLeftOut(
            f"{stage}: {overlong} of {total} rows are longer than {stage}.max_length = {limit.max_length} tokens, more "
            f"than {stage}.overlong_share = {limit.overlong_share:g} of them; raise one of the two (nothing is cut)",
            overlong,
            refused,
        )
    if refused > limit.overlong_share * total:
        raise TooManyLeftOut(
            f"{stage}: {refused} of {total} rows cannot be trained on, more than {stage}.overlong_share = "
            f"{limit.overlong_share:g} of them: {refusals}; take a model whose chat template fits, or leave these rows out",
            overlong,
            refused,
        )
    if refused:
        warnings.warn(
            f"{stage}: {refused} of {total} rows cannot be trained on: {refusals}", RuntimeWarning, stacklevel=2
        )
