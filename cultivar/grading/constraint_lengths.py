"""Checks of lengths: words and sentences of a completion, in any script.

Words are IFEval's (`\\w+`), but letters keep their marks. Chinese and Japanese are counted by characters (Multi-IF, He et
al. 2024). Words of Thai, Lao, Khmer and Burmese, which only a dictionary tells apart, lie between half and twice the
number that their characters make on average (cultivar/text/tokens.py). A bound inside such a range is undecided.
"""

import math
import re
import unicodedata

import polars as pl

from cultivar.text.sentences import count_sentences
from cultivar.text.tokens import CHARACTERS_PER_WORD, PROLONGED, SPACELESS, UNSEEN

CJK, KANA, SOUTHEAST_ASIAN = CHARACTERS_PER_WORD
CHARACTER = rf"[[{CJK}{KANA}{PROLONGED}]--\p{{M}}]"
WORD = rf"[[\p{{L}}\p{{M}}\p{{N}}_]--[{SPACELESS}{PROLONGED}]]+"
RUN = rf"[{SOUTHEAST_ASIAN}]+"


def compare(number: tuple[int, int], bound: int, relation: str) -> bool | None:
    """Whether a number between a least and a greatest value is "less than" the bound or "at least" the bound."""
    least, most = number
    reaches = True if least >= bound else False if most < bound else None
    return reaches if relation == "at least" or reaches is None else not reaches


def count_words(text: str) -> tuple[int, int]:
    """The least and the greatest number of words in a text."""
    if text.isascii():
        number = len(re.findall(r"\w+", text))
        return number, number
    series = pl.Series([unicodedata.normalize("NFC", text)]).str.replace_all(UNSEEN, "")
    number = series.str.count_matches(CHARACTER)[0] + series.str.count_matches(WORD)[0]
    characters = series.str.count_matches(rf"[[{SOUTHEAST_ASIAN}]--\p{{M}}]")[0]
    if not characters:
        return number, number
    average = characters / CHARACTERS_PER_WORD[SOUTHEAST_ASIAN]
    least = max(series.str.count_matches(RUN)[0], math.ceil(average / 2))
    return number + least, number + max(least, math.floor(average * 2))


def has_number_of_words(text: str, num_words: int, relation: str) -> bool | None:
    return compare(count_words(text), num_words, relation)


def has_number_of_sentences(text: str, num_sentences: int, relation: str) -> bool | None:
    return compare(count_sentences(text), num_sentences, relation)
