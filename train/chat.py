"""Conversations as token ids, with a mask of the tokens that carry loss.

CHATML is Qwen2's own template, which base models of this project save. Qwen2's template has no `{% generation %}`
marks, so trainers cannot tell which tokens are the assistant's; TRAINING renders the same text with the marks around
each answer and its stop token. What spells one of the tokenizer's special tokens inside a message is text of the row, not
the end of its turn: a zero-width space breaks it (cultivar/llm/markup.py).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from transformers import PreTrainedTokenizerBase

from cultivar.llm.markup import break_markup, token_pattern
from schemas.rows import Message

TURN_END = "<|im_end|>"
SYSTEM = (
    "{% if loop.first and messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' }}{% endif %}"
)
PROMPT = "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
CHATML = (
    "{% for message in messages %}" + SYSTEM + "{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + "
    "'<|im_end|>' + '\\n'}}{% endfor %}" + PROMPT
)
TRAINING = (
    "{% for message in messages %}" + SYSTEM + "{{ '<|im_start|>' + message['role'] + '\\n' }}"
    "{% if message['role'] == 'assistant' %}{% generation %}{{ message['content'] + '<|im_end|>' }}{% endgeneration %}"
    "{% else %}{{ message['content'] + '<|im_end|>' }}{% endif %}{{ '\\n' }}{% endfor %}" + PROMPT
)


@dataclass(frozen=True)
class Encoded:
    """Token ids of prompt and completion; `mask` is 1 on the completion tokens that carry loss."""

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


def message_dicts(messages: Iterable[Message]) -> list[dict[str, str]]:
    """Messages as chat templates take them."""
    return [{"role": message.role, "content": message.content} for message in messages]


def encode_prompt(tokenizer: PreTrainedTokenizerBase, prompt: Sequence[dict[str, str]]) -> list[int]:
    """Ids of a prompt that the assistant is to answer."""
    messages = plain_messages(tokenizer, prompt)
    return list(tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=False))


def plain_messages(tokenizer: PreTrainedTokenizerBase, messages: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """The messages without special tokens in their texts."""
    return break_markup(list(messages), token_pattern(tuple(tokenizer.all_special_tokens)))


def encode(
    tokenizer: PreTrainedTokenizerBase, prompt: Sequence[dict[str, str]], completion: Sequence[dict[str, str]]
) -> Encoded:
    """Ids of a conversation whose assistant turns in `completion` carry loss, stop tokens included.

    Nothing is cut. What the template writes after the last stop token is left out. Raises ValueError where the
    tokenizer's own template is not ChatML: its prompt would differ from what is trained.
    """
    prompt_ids = encode_prompt(tokenizer, prompt)
    rendered: Any = tokenizer.apply_chat_template(
        plain_messages(tokenizer, [*prompt, *completion]),
        chat_template=TRAINING,
        return_dict=True,
        return_assistant_tokens_mask=True,
    )
    ids, mask = list(rendered["input_ids"]), list(rendered["assistant_masks"])
    if ids[: len(prompt_ids)] != prompt_ids:
        raise ValueError(
            "the model's chat template does not render ChatML with the prompt as a prefix; training would see other "
            "tokens than generation: give the model Qwen2's chat template"
        )
    end = max((position for position, marked in enumerate(mask) if marked), default=-1) + 1
    return Encoded(prompt_ids, ids[len(prompt_ids) : end], mask[len(prompt_ids) : end])
