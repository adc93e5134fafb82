"""One reading of text: the normal form in which texts are compared, its tokens, and lengths in words.

Normal form: NFKC without what no reader sees (format characters, joiners, the BOM, variation selectors), case folded,
decimal digits of every script as ASCII, without apostrophes, and without the marks that a script may leave out (Arabic and
Hebrew vowel points, the tatweel). All other marks belong to their letter. It is made to compare texts; what is kept in
a table is never in normal form.

Tokens: each character of a script that writes no spaces between words, with its marks; else a run of letters, marks,
digits and underscores. Symbols and punctuation are no tokens (Qwen2 report, section 5.2.6).

Words: a length in tokens says different things in different scripts, so limits in words are compared with
`count_words`, where some characters make one word (`CHARACTERS_PER_WORD`).
"""

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache

import numpy as np
import polars as pl

CHARACTERS_PER_WORD = {
    r"\p{Han}\p{Nushu}\p{Tangut}\p{Yi}": 1.5,
    r"\p{Hiragana}\p{Katakana}\p{Bopomofo}": 4.0,
    r"\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tai_Le}\p{New_Tai_Lue}\p{Tai_Tham}\p{Tai_Viet}": 3.5,
}
"""Scripts without spaces between words -> their characters to an English word, rounded to halves: Article 1 of the
Universal Declaration of Human Rights has 30 English words, 39 Chinese, 78 Japanese, 103 Thai, 121 Lao, 114 Khmer and 109
Burmese characters (tests/text/translations.py)."""

SCALES = (1.0, 1.5, 2.5, 3.5)
"""Tokens to a word of text with spaces, Chinese, Japanese, and Thai and its neighbours."""

SPACELESS = "".join(CHARACTERS_PER_WORD)
PROLONGED = "ー"
"""The sign that lengthens a kana; Unicode counts it to no script."""
TOKEN = rf"[[{SPACELESS}]&&[\p{{L}}\p{{N}}]][\p{{M}}{PROLONGED}]*|[[\p{{L}}\p{{M}}\p{{N}}_]--[{SPACELESS}{PROLONGED}]]+"
SPACED_TOKEN = rf"[[\p{{L}}\p{{M}}\p{{N}}_]--[{SPACELESS}{PROLONGED}]]+"
ASCII_WORD = re.compile(r"[A-Za-z0-9_]+")

UNSEEN = r"[\p{Cf}\p{Default_Ignorable_Code_Point}]+"
OPTIONAL_MARKS = r"[[\p{Hebrew}\p{Arabic}\x{0640}\x{064B}-\x{0655}\x{0670}]&&[\p{Mn}\x{0640}]]+"
APOSTROPHES = r"['’‘ʼ]+"


def normalize(texts: pl.Series) -> pl.Series:
    """The normal form of each text, in which texts are compared; null stays null."""
    is_ascii = texts.str.len_bytes() == texts.str.len_chars()
    return change_where(change_where(texts, is_ascii, fold_ascii), ~is_ascii, fold_unicode)


def comparison_key(texts: pl.Series) -> pl.Series:
    """The normal form of each text with single spaces: equal for texts that differ only in what a reader does not see."""
    return normalize(texts).str.replace_all(r"\s+", " ").str.strip_chars()


def change_where(texts: pl.Series, where: pl.Series, change: Callable[[pl.Series], pl.Series]) -> pl.Series:
    """The texts, `change` applied to those where the mask is true."""
    positions = where.fill_null(False).arg_true()
    if not len(positions):
        return texts
    if len(positions) == len(texts):
        return change(texts)
    return texts.clone().scatter(positions, change(texts.gather(positions)))


def fold_ascii(texts: pl.Series) -> pl.Series:
    return texts.str.to_lowercase().str.replace_all("'", "", literal=True)


def fold_unicode(texts: pl.Series) -> pl.Series:
    # Superscripts and fractions before NFKC, which makes 102 of 10² and 31⁄2 of 3½.
    texts = replace_all(texts.str.replace_all(UNSEEN, ""), separate_numbers())
    texts = replace_all(texts.str.normalize("NFKC").str.to_lowercase(), folded_letters())
    return replace_all(texts, ascii_digits()).str.replace_all(OPTIONAL_MARKS, "").str.replace_all(APOSTROPHES, "")


def replace_all(texts: pl.Series, table: dict[str, str]) -> pl.Series:
    """Every key of the table replaced by its value, in the few texts that hold one."""
    holds = texts.str.contains_any(list(table))
    return change_where(texts, holds, lambda part: part.str.replace_many(list(table), list(table.values())))


@lru_cache
def separate_numbers() -> dict[str, str]:
    """Superscript digits as ^2, fractions as " 1/2": apart from the number before them."""
    powers = {mark: f"^{digit}" for digit, mark in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")}
    fractions = {mark: " " + unicodedata.normalize("NFKC", mark).replace("⁄", "/") for mark in "¼½¾⅐⅑⅒⅓⅔⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞"}
    return powers | fractions


@lru_cache
def folded_letters() -> dict[str, str]:
    """Lower case letters whose full case folding is another text (ß, ς), and the i with and without dot as one letter."""
    blocks = (
        range(0xDF, 0x590),
        range(0x13A0, 0x13FE),
        range(0x1C80, 0x1C90),
        range(0x1E90, 0x2000),
        range(0xAB70, 0xABC0),
    )
    letters = [chr(code) for block in blocks for code in block]
    folded = {letter: letter.casefold() for letter in letters if letter == letter.lower() != letter.casefold()}
    return folded | {"i\u0307": "i", "ı": "i"}


@lru_cache
def ascii_digits() -> dict[str, str]:
    """Decimal digits of all scripts that NFKC leaves as they are."""
    digits = ((chr(code), unicodedata.decimal(chr(code), None)) for code in range(0x660, 0x1FC00))
    return {digit: str(value) for digit, value in digits if value is not None}


def tokenize(texts: pl.Series) -> pl.Series:
    """The tokens of each text (a list column)."""
    return tokens_of_normal(normalize(texts))


def tokens_of_normal(normal: pl.Series) -> pl.Series:
    """The tokens of texts in normal form (a list column)."""
    return normal.str.extract_all(TOKEN)


def count_words(texts: pl.Series) -> pl.Series:
    """Words of each text (f64): its tokens, those of scripts without spaces by how many make a word; null stays null."""
    return words_of_normal(normalize(texts))


def words_of_normal(normal: pl.Series) -> pl.Series:
    """Words of texts in normal form."""
    is_ascii = normal.str.len_bytes() == normal.str.len_chars()
    if is_ascii.all():
        return normal.str.count_matches(ASCII_WORD.pattern).cast(pl.Float64)
    spaced = normal.str.count_matches(SPACED_TOKEN).cast(pl.Float64)
    characters = [
        normal.str.count_matches(rf"[[{script}]&&[\p{{L}}\p{{N}}]]") / size
        for script, size in CHARACTERS_PER_WORD.items()
    ]
    return sum(characters, spaced)


def tokens_per_word(texts: pl.Series) -> np.ndarray:
    """How many tokens of each text make an English word (f64), one of `SCALES`: a factor for limits in tokens."""
    normal = normalize(texts)
    return measure(normal, normal.str.count_matches(TOKEN).to_numpy())[1]


def measure(normal: pl.Series, tokens: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Words and tokens per word (f64) of texts in normal form, which have so many tokens."""
    words, scales = tokens.astype(np.float64), np.ones(len(tokens))
    places = np.flatnonzero((normal.str.len_bytes() != normal.str.len_chars()).to_numpy())
    if len(places):
        words[places] = words_of_normal(normal.gather(places)).to_numpy()
        counted = places[words[places] > 0]
        middles = [(lower + upper) / 2 for lower, upper in zip(SCALES, SCALES[1:], strict=False)]
        ratios = tokens[counted] / words[counted]
        scales[counted] = np.array(SCALES)[np.searchsorted(middles, ratios, side="right")]
    return words, scales


def column(text: str) -> pl.Series:
    """One text as a column; without halves of surrogate pairs, which no column holds."""
    return pl.Series([text.encode("utf-8", "ignore").decode()])


def normal_form(text: str) -> str:
    """The normal form of one text."""
    return text.lower().replace("'", "") if text.isascii() else str(normalize(column(text))[0])


def tokens_of(text: str) -> list[str]:
    """The tokens of one text."""
    return ASCII_WORD.findall(normal_form(text)) if text.isascii() else tokenize(column(text))[0].to_list()


def words_in(text: str) -> float:
    """Words of one text, as `count_words` counts them."""
    return float(len(tokens_of(text))) if text.isascii() else float(count_words(column(text))[0])
