"""Conversations as token ids, with a mask of the tokens that carry loss, whatever the model's chat template.

Which text carries loss says train/turns.py. What spells one of the tokenizer's special tokens or a mark of the template
inside a message is text of the row, not the end of its turn: a zero-width space breaks it (cultivar/llm/markup.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from transformers import PreTrainedTokenizerBase

from train.chat_template import Refused, template_of
from train.turns import Conversation, Loss, Piece, prompt_text, training_texts


@dataclass(frozen=True)
class Encoded:
    """Token ids of a text: of what its first turn is generated from, and of the rest; `mask` is 1 where the rest carries
    loss."""

    prompt: list[int]
    completion: list[int]
    mask: list[int]

    def __len__(self) -> int:
        return len(self.prompt) + len(self.completion)

    @property
    def labels(self) -> list[int]:
        """The ids of prompt and completion, -100 wherever a token carries no loss."""
        completion = [token if mark else -100 for token, mark in zip(self.completion, self.mask, strict=True)]
        return [-100] * len(self.prompt) + completion


def encode_prompt(tokenizer: PreTrainedTokenizerBase, conversation: Conversation, thinks: bool = False) -> list[int]:
    """Ids of a prompt that the assistant is to answer; `thinks`: with reasoning, where the template has the choice.

    Raises Refused where the template cannot render it.
    """
    (ids,) = token_ids(tokenizer, [prompt_text(template_of(tokenizer), conversation, thinks)])
    return ids


def encode(tokenizer: PreTrainedTokenizerBase, conversation: Conversation, loss: Loss) -> list[Encoded]:
    """Ids of a conversation's texts (`training_texts`). Nothing is cut. Raises Refused."""
    found = []
    for text in encode_texts(tokenizer, training_texts(template_of(tokenizer), conversation, loss)):
        if isinstance(text, Refused):
            raise text
        found.append(text)
    return found


def encode_texts(tokenizer: PreTrainedTokenizerBase, texts: Sequence[Sequence[Piece]]) -> list[Encoded | Refused]:
    """Ids of texts in pieces: what a model writes is tokenized behind its prompt, as generation has it.

    Where a tokenizer encodes no part of a text by itself, a text in which a token spans two pieces is refused.
    """
    if not texts:
        return []
    if not encodes_parts(tokenizer):
        return [encode_whole(tokenizer, pieces) for pieces in texts]
    ids = iter(token_ids(tokenizer, [piece.text for pieces in texts for piece in pieces]))
    return [join_pieces([(next(ids), piece.trained) for piece in pieces]) for pieces in texts]


def join_pieces(pieces: Sequence[tuple[list[int], bool]]) -> Encoded:
    """A text from the ids of its pieces."""
    prompt, *rest = pieces
    completion = [token for ids, _ in rest for token in ids]
    return Encoded(prompt[0], completion, [int(trained) for ids, trained in rest for _ in ids])


def token_ids(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]) -> list[list[int]]:
    """Ids of rendered texts, which bring their special tokens."""
    return list(tokenizer(list(texts), add_special_tokens=False, return_attention_mask=False)["input_ids"])


def encodes_parts(tokenizer: PreTrainedTokenizerBase) -> bool:
    """Whether a text's parts have the tokens that they have in it. Not so where a space is set before every text."""
    whole, first, second = token_ids(tokenizer, ["Why?\nSo it is", "Why?\n", "So it is"])
    return whole == first + second


def encode_whole(tokenizer: PreTrainedTokenizerBase, pieces: Sequence[Piece]) -> Encoded | Refused:
    """Ids of a text that is tokenized whole."""
    text = "".join(piece.text for piece in pieces)
    found: Any = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    ends = [0]
    for piece in pieces:
        ends.append(ends[-1] + len(piece.text))
    parts: list[tuple[list[int], bool]] = [([], piece.trained) for piece in pieces]
    place = 0
    for token, (start, end) in zip(found["input_ids"], found["offset_mapping"], strict=True):
        while place < len(pieces) - 1 and start >= ends[place + 1]:
            place += 1
        if end > ends[place + 1]:
            return Refused("a token spans the beginning of a turn")
        parts[place][0].append(token)
    return join_pieces(parts)
