"""A model's chat template: what it can render, and conversations as its text.

A template may leave out what it does not know without a word: calls, functions, reasoning. So each is looked for in a
conversation of its own (`knows_tools`, `reasoning_key`). Dates are one date: text that is trained on must not depend
on the day.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any

from jinja2 import TemplateError
from transformers import PreTrainedTokenizerBase

from cultivar.llm.markup import break_markup, token_pattern

Messages = Sequence[Mapping[str, Any]]
"""Messages as chat templates take them: arguments of calls are objects."""
DATE = datetime(2024, 7, 26)
"""Today, for every template that writes the date; Llama 3's own where none is given."""
REASONING_KEYS = ("reasoning_content", "reasoning", "thinking")
"""Keys under which templates in use look for an assistant's reasoning."""
THINK_END = "</think>"
THINK_MARKS = ("<think>", THINK_END)
TAG = re.compile(r"</?[A-Za-z][\w-]{0,31}>")
QUESTION = {"role": "user", "content": "q0d1"}
SCHEMA = {"type": "object", "properties": {"k0d4": {"type": "string", "description": "d0d7"}}}
PROBE_TOOL = {"type": "function", "function": {"name": "f0d3", "description": "d0d2", "parameters": SCHEMA}}
PROBE_CALL = {"id": "call00005", "type": "function", "function": {"name": "f0d3", "arguments": {"k0d4": "v0d5"}}}
PROBE_RESULT = {"role": "tool", "tool_call_id": "call00005", "name": "f0d3", "content": "r0d6"}


class Refused(ValueError):
    """A conversation that cannot be trained on with this chat template; the message says why."""


class ChatTemplate:
    """The chat template of a tokenizer."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase):
        self.tokenizer = tokenizer
        self.source = str(tokenizer.get_chat_template())
        added = tokenizer.added_tokens_decoder.values()
        self.special_tokens = sorted({*tokenizer.all_special_tokens, *(t.content for t in added if t.special)})
        marks = {token.content for token in added if token.content in self.source or token.content in THINK_MARKS}
        marks = {mark for mark in marks if len(mark) > 2} | set(TAG.findall(self.source))
        self.pattern = token_pattern((*self.special_tokens, *sorted(marks)))
        """What a row's texts may not spell: special tokens, and what else the template marks its parts with."""

    def plain(self, value: Any) -> Any:
        """A text, or all texts of an object, without special tokens and marks of the template. Raises Refused."""
        try:
            return break_markup(value, self.pattern)
        except RecursionError as error:
            raise Refused("its JSON is nested too deeply") from error

    def render(
        self, messages: Messages, tools: Sequence[Any] | None = None, *, opening: bool = False, thinks: bool = False
    ) -> str:
        """The text of a conversation. `opening`: with the beginning of an assistant's turn. `thinks`: whether reasoning
        may begin that turn, where the template has the choice.

        Raises Refused where the template does.
        """
        try:
            text = self.tokenizer.apply_chat_template(
                [dict(message) for message in messages],
                tools=list(tools) if tools else None,
                tokenize=False,
                add_generation_prompt=opening,
                enable_thinking=thinks,
                thinking=thinks,
                date_string=DATE.strftime("%d %b %Y"),
                strftime_now=DATE.strftime,
            )
        except (TemplateError, TypeError, ValueError, LookupError, AttributeError, RecursionError) as error:
            raise Refused(f"the chat template refuses it: {str(error)[:200]}") from error
        return str(text)

    def shows(self, messages: Messages, tools: Sequence[Any] | None, *texts: str) -> bool:
        """Whether all the texts stand in what is rendered."""
        try:
            rendered = self.render(messages, tools, thinks=True)
        except Refused:
            return False
        return all(text in rendered for text in texts)

    @cached_property
    def knows_tools(self) -> bool:
        """Whether the template writes functions, calls of them and what they return."""
        call = {"role": "assistant", "content": "", "tool_calls": [PROBE_CALL]}
        return self.shows([QUESTION, call], [PROBE_TOOL], "d0d2", "k0d4", "v0d5") and self.shows(
            [QUESTION, call, PROBE_RESULT], [PROBE_TOOL], "r0d6", "v0d5", "q0d1"
        )

    @cached_property
    def reasoning_key(self) -> str | None:
        """The key of a message under which the template looks for its reasoning; None where it knows none."""
        for key in REASONING_KEYS:
            answer = {"role": "assistant", "content": "a0d8", key: "t0d9"}
            if self.shows([QUESTION, answer], None, "t0d9", "a0d8"):
                return key
        return None

    def stop_end(self, text: str) -> int:
        """Where a turn ends: behind its last special token, and only space may follow. Raises Refused where none does."""
        end = max((text.rfind(token) + len(token) for token in self.special_tokens if token in text), default=0)
        if not end or text[end:].strip():
            raise Refused("the chat template ends the assistant's turn without a special token")
        return end


def template_of(tokenizer: PreTrainedTokenizerBase) -> ChatTemplate:
    """The template of a tokenizer, looked at once."""
    return cached_template(tokenizer, str(tokenizer.chat_template))


@lru_cache(maxsize=8)
def cached_template(tokenizer: PreTrainedTokenizerBase, source: str) -> ChatTemplate:
    """`source`: a tokenizer may be given another template."""
    return ChatTemplate(tokenizer)
