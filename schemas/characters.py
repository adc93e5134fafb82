"""What no text may hold: half a surrogate pair, which UTF-8 (so Parquet, JSON, a request) cannot encode, and NUL, which
source code and file names cannot hold.
"""

import re
from collections.abc import Iterator
from typing import Any

NO_CHARACTER = re.compile("[\x00\ud800-\udfff]")


def escape(text: str) -> str:
    """The text with these characters as escapes, but for the halves of a pair that stand together."""
    return NO_CHARACTER.sub(lambda found: f"\\u{ord(found[0]):04x}", join_pairs(text))


def join_pairs(text: str) -> str:
    """The text with the halves of a pair that stand together as the character that they encode."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def beginning(text: str, most: int) -> str:
    """The text, or about its first `most` characters and `…`: no word is cut, since half a key is no longer known as one."""
    if len(text) <= most:
        return text
    end = most
    while end and is_of_word(text[end - 1]) and is_of_word(text[end]):
        end -= 1
    return f"{text[:end]}…"


def is_of_word(character: str) -> bool:
    """Whether a character is of a word between spaces; scripts without spaces (from U+2E80) have none."""
    return character < "\u2e80" and not character.isspace()


def strings_of(value: Any) -> Iterator[str]:
    """Every string of a value of JSON or YAML, keys included; at any depth."""
    waiting = [value]
    seen: set[int] = set()  # an alias of YAML stands for one object in many places
    while waiting:
        match waiting.pop():
            case str(text):
                yield text
            case dict() as items if id(items) not in seen:
                seen.add(id(items))
                waiting += items.keys()
                waiting += items.values()
            case list() as items if id(items) not in seen:
                seen.add(id(items))
                waiting += items
