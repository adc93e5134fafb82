"""Checks of a completion's form, with IFEval's rules: sections, paragraphs, lists, highlights, title, JSON, options.

IFEval's patterns go back over text that they have read (`^\\s*`, `\\[.*?\\]`, `<<[^\\n]+>>`); these find the same in one pass.
"""

import re

from cultivar.grading.constraint_words import QUOTES, fold, has_whole_word
from schemas.parsing import TooDeep, Unreadable, parse_json

STAR = re.compile(r"^[^\S\n]*+\*[^*].*$", re.MULTILINE)
DASH = re.compile(r"^[^\S\n]*+-.*$", re.MULTILINE)
HIGHLIGHT = re.compile(r"\*[^\n*]*\*")
DOUBLE_HIGHLIGHT = re.compile(r"\*\*[^\n*]*\*\*")
DIVIDER = re.compile(r"\s?\*\*\*\s?")
OPTIONS = ("My answer is yes.", "My answer is no.", "My answer is maybe.")
WORD_END = re.compile(r"[.,?!'\"]")
OTHER_WORD_END = re.compile(r"[.,?!'\"，。！？、；：…،؛؟۔।]")
FENCES = ("```json", "```Json", "```JSON", "```")


def has_placeholders(text: str, num_placeholders: int) -> bool:
    """At least so many [placeholders]."""
    return (
        sum(count_brackets(line) for line in text.translate({0xFF3B: "[", 0xFF3D: "]"}).split("\n")) >= num_placeholders
    )


def count_brackets(line: str) -> int:
    """Pairs of [ and the next ]."""
    number, start = 0, line.find("[")
    while start >= 0 and (end := line.find("]", start)) >= 0:
        number, start = number + 1, line.find("[", end)
    return number


def has_bullets(text: str, num_bullets: int) -> bool:
    """Exactly so many lines that begin with - or with one *."""
    return len(STAR.findall(text)) + len(DASH.findall(text)) == num_bullets


def has_highlights(text: str, num_highlights: int) -> bool:
    """At least so many *parts* or **parts** of a line."""
    single = sum(bool(part.strip("*").strip()) for part in HIGHLIGHT.findall(text))
    double = sum(bool(part[2:-2].strip()) for part in DOUBLE_HIGHLIGHT.findall(text))
    return single + double >= num_highlights


def has_sections(text: str, section_spliter: str, num_sections: int) -> bool:
    """At least so many times the splitter with a number behind it, as in "SECTION 1"."""
    return len(re.findall(rf"{re.escape(section_spliter.strip())}\s?\d+", text)) >= num_sections


def has_title(text: str) -> bool:
    """A <<title>> in one line."""
    return any(is_title_line(line) for line in text.split("\n"))


def is_title_line(line: str) -> bool:
    start, end = line.find("<<"), line.rfind(">>")
    return 0 <= start < end - 2 and bool(line[start:end].lstrip("<").rstrip(">").strip())


def is_json(text: str) -> bool | None:
    """JSON, with or without a fence around it; undecided where it is too deep to read."""
    text = text.strip()
    for fence in FENCES:
        text = text.removeprefix(fence)
    try:
        parse_json(text.removesuffix("```").strip(), parse_int=str)
    except TooDeep:
        return None
    except Unreadable:
        return False
    return True


def has_paragraphs(text: str, num_paragraphs: int) -> bool:
    """Exactly so many paragraphs between dividers ***; none but before the first and behind the last may be empty."""
    parts = [part.strip() for part in DIVIDER.split(text)]
    return all(parts[1:-1]) and sum(map(bool, parts)) == num_paragraphs


def has_two_responses(text: str) -> bool:
    """Two different responses between ******."""
    parts = [part.strip() for part in text.split("******")]
    responses = [part for part in parts if part]
    return all(parts[1:-1]) and len(responses) == 2 and responses[0] != responses[1]


def has_option(text: str) -> bool:
    """One of IFEval's three answers."""
    return any(option in text for option in OPTIONS)


def begins_paragraph(text: str, num_paragraphs: int, nth_paragraph: int, first_word: str) -> bool | None:
    """Exactly so many paragraphs between blank lines, and the nth begins with the word.

    A script without spaces writes on behind the word; elsewhere the first word is what stands before white space or
    punctuation.
    """
    parts = [part.strip() for part in text.split("\n\n")]
    number = sum(map(bool, parts))
    if number != num_paragraphs or nth_paragraph > number or not (paragraph := parts[nth_paragraph - 1]):
        return False
    word = first_word.strip().lower()
    if paragraph.isascii() and word.isascii():
        return WORD_END.split(paragraph.split()[0].lstrip("'").lstrip('"'), maxsplit=1)[0].lower() == word
    folded = fold(paragraph).lstrip(QUOTES + "'¿¡").split()
    first = OTHER_WORD_END.split(folded[0], maxsplit=1)[0] if folded else ""
    return first == fold(word) or has_whole_word(first, fold(word), at_start=True) if first else False
