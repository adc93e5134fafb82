"""Whether an instruction quotes the passage it is for, or names its work or author (docs/methods.md, section 6).

Texts are compared by their words alone: case, punctuation, quotation marks, emphasis, hyphens and line ends make no
difference. A name is met as whole words, with or without a possessive; in a script without spaces anywhere, but a name
shorter than a word (秋) between quotation or title marks only, since it is part of other words.
"""

import re
from collections import defaultdict
from functools import lru_cache
from itertools import accumulate

import polars as pl

from cultivar.text.stopwords import content_words
from cultivar.text.tokens import (
    APOSTROPHES,
    column,
    measure,
    normalize,
    tokenize,
    tokens_of,
    tokens_of_normal,
    words_in,
)
from schemas.rows import Passage

HYPHENATED = r"(\p{L})[-\x{2010}\x{2011}\x{AD}][ \t]*\r?\n\s*(\p{L})"
"""A word that is divided between lines."""
KEY = 8
"""First letters by which runs are found."""
NAMELESS = frozenset(
    "anonymous anon unknown various author unbekannt anonyme anónimo anônimo anonimo 佚名 无名氏 аноним".split()
)
"""Authors that nobody is."""
SUFFIXES = frozenset("jr sr ii iii iv".split())
SUBTITLE = re.compile("[;:：；(（]|,? or,", re.IGNORECASE)
SEPARATOR = re.compile("[,，、]")
WRITTEN = re.compile(r"[^\W_]+")
SENTENCE_ENDS = frozenset(".?!:…。？！：\n")
MARKED = re.compile("[《〈「『“\"‘'](.{1,20}?)[》〉」』”\"’']")


def find_leaks(pairs: list[tuple[str, Passage]], size: int) -> list[bool]:
    """Whether each instruction holds its passage's words, `size` in a row, or the name of its work or author.

    `size` is in English words; a script without spaces has more tokens to a word. Of a shorter passage all of it counts.
    A name of function words alone ("It", "She") or of nobody ("Anonymous") says nothing.
    """
    needed = dict.fromkeys(text for asked, passage in pairs for text in (asked, passage.text))
    normal = normalize(pl.Series(list(needed), dtype=pl.String).str.replace_all(HYPHENATED, "$1$2"))
    lists = tokens_of_normal(normal)
    scales = dict(zip(needed, measure(normal, lists.list.len().to_numpy())[1], strict=True))
    tokens = dict(zip(needed, map(bare, lists.to_list()), strict=True))
    leaks = []
    for asked, passage in pairs:
        run = min(round(size * scales[passage.text]), len(tokens[passage.text]))
        leaks.append(holds_run(tokens[asked], tokens[passage.text], run) or names_source(asked, passage))
    return leaks


def bare(tokens: list[str]) -> list[str]:
    """Tokens without the underscores of emphasis."""
    return [letters for token in tokens if (letters := token.replace("_", ""))]


def holds_run(asked: list[str], quoted: list[str], size: int) -> bool:
    """Whether `asked` holds `size` tokens in a row of `quoted`, however it divides them; none where `size` is 0.

    Both are compared as letters from where a token of `asked` begins to where one ends. Linear for ordinary texts.
    """
    if not size or len(quoted) < size or not asked:
        return False
    sought = defaultdict(set)
    for start in range(len(quoted) - size + 1):
        run = "".join(quoted[start : start + size])
        sought[run[:KEY]].add(run)
    letters, ends = "".join(asked), list(accumulate(map(len, asked)))
    borders = set(ends)
    short = min(map(len, sought))
    for start in (0, *ends[:-1]):
        for length in {KEY, *range(short, KEY)}:
            for run in sought.get(letters[start : start + length], ()):
                if start + len(run) in borders and letters.startswith(run, start):
                    return True
    return False


def names_source(asked: str, passage: Passage) -> bool:
    """Whether the instruction names the passage's work, or its author by the full name or the family name.

    A family name counts with a capital within a sentence, and where the passage itself has no such word ("London").
    """
    full, family = names_of(passage.work, passage.author)
    words = tokens_of_name(asked)
    if any(holds_run(words, name, len(name)) for name in full if not is_short(name)):
        return True
    marked = [tokens_of_name(text) for text in MARKED.findall(asked)]
    if any(name in marked for name in full):
        return True
    return bool(family) and family in capitals(asked) and family not in tokens_of_name(passage.text)


@lru_cache(maxsize=4096)
def names_of(work: str, author: str) -> tuple[list[list[str]], str]:
    """The names of a work and its author that tell something, as tokens, and the author's family name ("" for none)."""
    parts = [
        words for part in SEPARATOR.split(author) if (words := [w for w in tokens_of_name(part) if not w.isdecimal()])
    ]
    family = ""
    names = [tokens_of_name(work), tokens_of_name(SUBTITLE.split(work)[0]), [word for part in parts for word in part]]
    if parts and words_in(author) > 1:
        first = parts[0]
        if len(parts) > 1 and not SUFFIXES.issuperset(parts[1]):
            names.append([*parts[1], *first])  # "Austen, Jane"
        last = [word for word in first if word not in SUFFIXES]
        family = last[-1] if last and len(last[-1]) > 2 else ""
    return [name for name in names if is_telling(name)], family if is_telling([family]) else ""


def is_telling(name: list[str]) -> bool:
    """Whether a name is more than function words and letters alone."""
    if NAMELESS.intersection(name) or not name:
        return False
    return len(content_words(tokenize(column(" ".join(name))))[0]) > 0


def is_short(name: list[str]) -> bool:
    """Whether a name in a script without spaces is less than a word."""
    return words_in(" ".join(name)) < 1


def tokens_of_name(text: str) -> list[str]:
    """The tokens of a text in which a possessive's s stands alone."""
    return bare(tokens_of(re.sub(APOSTROPHES, " ", text)))


def capitals(text: str) -> set[str]:
    """The words (in normal form) that have a capital within a sentence."""
    found = set()
    for word in WRITTEN.finditer(text):
        before = text[max(0, word.start() - 8) : word.start()].rstrip(" \"'“”‘’«»(*_-\t")[-1:]
        if before and before not in SENTENCE_ENDS and word.group()[0].isupper():
            found.update(tokens_of_name(word.group()))
    return found
