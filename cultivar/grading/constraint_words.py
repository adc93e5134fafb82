"""Checks of words, letters, case and punctuation in a completion, in any script.

Texts are compared in normal form with their apostrophes (`fold`). On ASCII the checks are IFEval's: a required word is a
part of the text, a forbidden one is a word of its own (`\\b`). A script without spaces has no words of their own, so there a
forbidden word is a part of the text too; a word that begins or ends with a symbol (C++) may touch anything on that side.
"""

import re
import unicodedata

import polars as pl

from cultivar.text.languages import is_in_language
from cultivar.text.tokens import PROLONGED, SPACELESS, normalize

APOSTROPHE = re.compile("['’‘ʼ＇]")
WORD_CHARACTER = r"\p{L}\p{M}\p{N}_"
UNSPACED = SPACELESS + PROLONGED
SPACED = rf"[[{WORD_CHARACTER}]--[{UNSPACED}]]"
"""A character of a word in a script with spaces."""
BOUNDARY = rf"[^{WORD_CHARACTER}]|[{UNSPACED}]"
PARTICLES = "|".join(
    "은 는 이 가 을 를 에 의 도 로 으로 와 과 만 랑 이랑 하고 에서 에게 한테 께 께서 부터 까지 마다 보다 처럼 조차 밖에 이나 나 "
    "라도 이라도 든지 들 이다 다 이고 입니다 이에요 예요 였다 이었다 라는 이라는 인".split()
)
"""Korean particles, which stick to the word before them."""
CLITICS = {
    r"\p{Arabic}": ("(?:[وف]?(?:[بك]?ال|لل|[بكلس])?)", "(?:ه|ها|هم|هن|ك|كم|ي|نا)?"),
    r"\p{Hebrew}": ("[ושהבכלמ]{0,3}", "(?:י|ך|ו|ה|נו|ם|ן)?"),
}
"""Script -> what may stick to a word before and behind it; whether it does is not for spelling to decide."""
DOUBLE_QUOTES = ('""', "“”", "„“", "„”", "””", "«»", "»«", "「」", "『』", "〝〟")
QUOTES = "".join(sorted(set("".join(DOUBLE_QUOTES))))
COMMAS = ",،，、﹐﹑､︐︑፣՝߸᠂၊"
"""Commas of all scripts; a Burmese ၊ is one."""
CAPITAL_BREAK = re.compile(r"""[\s;@#$%&?!*\[\](){}<>"`«»“”„‘’‒–—―]+|--|\.\.+|[:,](?!\d)""")
ENDINGS = re.compile(r"(?=(?:'[sSmMdD]|'(?:ll|LL|re|RE|ve|VE)|n't|N'T)\Z)")
COMPOUNDS = frozenset("CANNOT D'YE GIMME GONNA GOTTA LEMME MORE'N WANNA 'TIS 'TWAS".split())
TURKISH = re.compile("[ğĞıİ]")
SPACED_MARKERS = {"p.p.s": re.compile(r"p\.\s?p\.\s?s"), "p.s.": re.compile(r"p\.\s?s\.")}
"""Markers of a postscript that may have spaces between their letters."""
WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}


def fold(text: str) -> str:
    """The normal form of a text (cultivar/text/tokens.py), but with its apostrophes, all of them as '."""
    return text.lower() if text.isascii() else "'".join(normalize(pl.Series(APOSTROPHE.split(text))))


def has_words(text: str, keywords: list[str]) -> bool:
    """Whether every word is a part of the text."""
    folded = fold(text)
    return all(fold(word) in folded for word in keywords)


def lacks_words(text: str, forbidden_words: list[str]) -> bool | None:
    """Whether the text has none of the words as a word of its own."""
    folded = fold(text)
    found = [has_whole_word(folded, fold(word)) for word in forbidden_words]
    return False if True in found else None if None in found else True


def has_whole_word(folded: str, word: str, *, at_start: bool = False) -> bool | None:
    """Whether a folded text has a folded word as a word of its own (`at_start`: is it), with Korean particles.

    None where only something that may be a form of it is there: with an Arabic or Hebrew clitic, or one Korean syllable
    with a particle.
    """
    series = pl.Series([folded])
    first, last = pl.Series([word[0]]), pl.Series([word[-1]])
    spaced = [side.str.contains(SPACED)[0] for side in (first, last)]
    start = r"\A" if at_start else "" if not spaced[0] else rf"(?:\A|{BOUNDARY})"
    end = rf"(?:\z|{BOUNDARY})" if spaced[1] else r"(?:\z|[^\p{M}])"
    end = r"\z" if at_start and spaced[1] else end
    exact = pl.escape_regex(word)
    if series.str.contains(rf"{start}{exact}{end}")[0]:
        return True
    if not spaced[1]:
        return False
    if series.str.contains(rf"{start}{exact}(?:{PARTICLES}){{1,3}}{end}")[0]:
        return True if len(word) > 1 else None
    for script, (before, behind) in CLITICS.items():
        if last.str.contains(script)[0] and series.str.contains(rf"{start}{before}{exact}{behind}{end}")[0]:
            return None
    return False


def count_word(text: str, keyword: str) -> int:
    """How often a word is a part of the text, without overlap."""
    return fold(text).count(fold(keyword.strip()))


def count_letter(text: str, letter: str) -> tuple[int, int]:
    """The least and the greatest number of times that a letter, digit or symbol is in the text, in either case.

    They differ for the i of Turkish, whose capital is İ, and ı, whose capital is I: an I counts as both at most.
    """
    if letter in "ıİ" or (letter in "iI" and TURKISH.search(text)):
        certain = sum(map(text.count, {"ı": "ı", "I": "I"}.get(letter, "iİ")))
        return certain, certain + sum(map(text.count, "iıİ" if letter == "I" else "I"))
    number = fold_letter(text).count(fold_letter(letter))
    return number, number


def fold_letter(text: str) -> str:
    """Lower case, letters with their marks as one character where there is one, full width as ASCII."""
    return unicodedata.normalize("NFC", text).translate(WIDTH).lower().replace("ς", "σ")


def count_capital_words(text: str) -> int:
    """Words all in capitals, as NLTK's word_tokenize cuts them: DON'T and CANNOT are two, WELL-KNOWN is one."""
    words = CAPITAL_BREAK.split(text)
    return sum(part.isupper() for word in words for part in ENDINGS.split(word)) + sum(
        word.rstrip(".") in COMPOUNDS for word in words
    )


def is_english_capital(text: str) -> bool:
    """Whether the text is English and all its letters with case are capitals."""
    return text.isupper() and may_be_english(text)


def is_english_lowercase(text: str) -> bool:
    """Whether the text is English and has no capitals."""
    return text.islower() and may_be_english(text)


def may_be_english(text: str) -> bool:
    """Not where most letters are of another script, or function words of another language."""
    return is_in_language(text, "en") is not False


def lacks_commas(text: str) -> bool:
    """Whether the text has no comma of any script."""
    return not any(comma in text for comma in COMMAS)


def is_quoted(text: str) -> bool:
    """Whether the text stands between double quotation marks, those of its language or ASCII."""
    text = text.strip().translate(WIDTH)
    return len(text) > 1 and text[0] + text[-1] in DOUBLE_QUOTES


def ends_with(text: str, end_phrase: str) -> bool:
    """Whether the text ends with the phrase; quotation marks around the text do not count."""
    return fold(text).strip().strip(QUOTES).endswith(fold(end_phrase).strip())


def repeats_prompt(text: str, prompt_to_repeat: str) -> bool:
    """Whether the text begins with the prompt."""
    return fold(text).strip().startswith(fold(prompt_to_repeat).strip())


def has_postscript(text: str, postscript_marker: str) -> bool:
    """Whether the text holds the marker; P.S. and P.P.S also with spaces between the letters."""
    marker, folded = fold(postscript_marker.strip()), fold(text)
    if spaced := SPACED_MARKERS.get(marker):
        return spaced.search(folded) is not None
    return marker in folded
