r"""Text of rows that reads like the markup around it: tags of a prompt (`</response>`), tokens of a chat template
(`<|im_end|>`). Either would end its section or its turn, and what follows would speak with another voice.

A zero-width space behind the bracket breaks them: `<` + U+200B + `/response>` is no tag for a program, nor one token for a
tokenizer, but reads as it did, so that code and HTML keep their sense. Nothing else of a text is changed, and one
without such markup not at all: its requests stay the same. What an answer repeats of it is put right (`restore`).
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

BREAK = "\u200b"
CHAT_TOKEN = re.compile(
    r"<(?=[|｜][^<>|｜\s]{1,64}[|｜]>|\|\w{1,32}>|\w{1,32}\|>"  # <|im_end|>, <｜User｜>, <|turn>, <turn|>
    r"|/?s>|(?:bos|eos|pad|unk|mask|sop|eop)>|(?:start|end)_of_\w{1,32}>|<?/?SYS>>)"  # <s>, <start_of_turn>, <<SYS>>
    r"|\[(?=\|[a-z]{1,32}\|\]"  # [|endofturn|]
    r"|/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT|ARGS|THINK|gMASK)\])"
)
"""The bracket before a token of the chat templates in use (ChatML, Llama, Mistral, Gemma, Phi, DeepSeek, GLM, EXAONE)."""
BROKEN = re.compile(rf"([<\[])(?:{BREAK}|\\u200[bB])")


def tag_pattern(names: Iterable[str]) -> re.Pattern[str] | None:
    """The bracket before an opening or closing tag of these names, in any case; None where there are no names."""
    if not (alternatives := "|".join(sorted(map(re.escape, names)))):
        return None
    return re.compile(rf"<(?=\s*/\s*(?:{alternatives})(?![\w-])|\s*(?:{alternatives})(?:\s[^<>]*)?>)", re.IGNORECASE)


@lru_cache(maxsize=16)
def token_pattern(tokens: tuple[str, ...]) -> re.Pattern[str] | None:
    """The first character of any of a tokenizer's special tokens; None where it has none that can be broken."""
    longest_first = sorted({token for token in tokens if len(token) > 1}, key=lambda token: (-len(token), token))
    tails: dict[str, list[str]] = {}
    for token in longest_first:  # hundreds begin with one character, which a text seldom holds
        tails.setdefault(token[0], []).append(re.escape(token[1:]))
    alternatives = (f"{re.escape(first)}(?={'|'.join(of_first)})" for first, of_first in tails.items())
    return re.compile("|".join(alternatives)) if tails else None


def break_markup(value: Any, pattern: re.Pattern[str] | None) -> Any:
    """A text, number or list (mapping) of them with what the pattern finds broken in every text.

    Raises TypeError for any other object: what it would print is not known.
    """
    match value:
        case str():
            return value if pattern is None or not pattern.search(value) else pattern.sub(rf"\g<0>{BREAK}", value)
        case list() | tuple():
            return [break_markup(item, pattern) for item in value]
        case dict():
            return {break_markup(key, pattern): break_markup(item, pattern) for key, item in value.items()}
        case bool() | int() | float() | None:
            return value
    raise TypeError(f"a prompt takes texts, numbers and lists of them, not a {type(value).__name__}")


def break_chat_tokens(value: Any) -> Any:
    """The value with the tokens of the chat templates in use broken."""
    return break_markup(value, CHAT_TOKEN)


def has_breaks(text: str) -> bool:
    """Whether something was broken in the text."""
    return BREAK in text and BROKEN.search(text) is not None


def restore(text: str) -> str:
    """The text of an answer without the breaks that it repeats, raw or as an escape of JSON."""
    return BROKEN.sub(r"\1", text)
