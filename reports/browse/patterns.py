r"""Words that are searched for, as patterns that DuckDB and Python read alike.

A word is found in any case and as part of a longer one, since scripts without spaces have no other; what stands in double
quotes is one word. Case and script make no difference where they make none to a reader: a letter may be composed or not, a
digit may be of any script, Arabic and Hebrew may be vocalized or not.
"""

import re
import unicodedata

from cultivar.text.tokens import ascii_digits

MOST_WORDS = 8
MOST_CHARS = 200
LEFT_OUT = "\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670"
"""Marks that Arabic and Hebrew may leave out (a range of a character class)."""
MARK = re.compile(f"[{LEFT_OUT}]")
VOCALIZED = re.compile("[\u05d0-\u05ea\u0620-\u064a\u066e-\u06d3]")
SPLIT = re.compile(r'"([^"]*)"?|(\S+)')


def words_of(text: str) -> list[str]:
    """The words and quoted phrases of a search, each once."""
    found = (quoted or word for quoted, word in SPLIT.findall(text[:MOST_CHARS]))
    return list(dict.fromkeys(word for part in found if (word := " ".join(part.split()))))[:MOST_WORDS]


def pattern_of(word: str) -> str:
    """A pattern for a word, to be matched without regard to case."""
    composed = unicodedata.normalize("NFC", MARK.sub("", word) or word)
    return "".join(map(character_pattern, composed))


def character_pattern(character: str) -> str:
    if character == " ":
        return r"\s+"
    if character.isdecimal():
        return digit_classes().get(str(unicodedata.decimal(character)), character)
    forms = dict.fromkeys((character, *(unicodedata.normalize(form, character) for form in ("NFD", "NFKC"))))
    escaped = [re.escape(form) for form in forms if form]
    found = escaped[0] if len(escaped) == 1 else f"(?:{'|'.join(escaped)})"
    return f"{found}[{LEFT_OUT}]*" if VOCALIZED.match(character) else found


def digit_classes() -> dict[str, str]:
    """ASCII digit -> a class of that digit in every script."""
    found: dict[str, str] = {}
    for digit, value in ascii_digits().items():
        found[value] = found.get(value, value) + digit
    return {value: f"[{digits}]" for value, digits in found.items()}


def any_word(words: list[str]) -> re.Pattern[str] | None:
    """A pattern for any of the words, to mark them in a text."""
    return re.compile("|".join(map(pattern_of, words)), re.IGNORECASE) if words else None
