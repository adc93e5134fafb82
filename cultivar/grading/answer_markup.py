"""The words of an answer without LaTeX and Markdown, lead words and reason."""

import re
from collections.abc import Callable
from functools import lru_cache

from cultivar.grading.boxes import unbox
from cultivar.grading.numerals import to_ascii

MAX_CHARS = 1_000
"""Characters of an answer that is read otherwise than as text."""
TERM = r"(?:(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|\.\d+)"
REASON = re.compile(
    r"(?i)(?:(?<![\s,;.(])[\s,;.(]+)?\b(?:because|since|porque|parce\s+que|car|weil|denn|потому|так\s+как|لأن)\b.*$"
)
END = r"[\s*_`\"'“”«»」』.,;]"
PLAIN = re.compile(r"-?[0-9]{1,30}(?:\.[0-9]{1,30})?")


def mixed(found: re.Match[str]) -> str:
    """A mixed number as a sum; what is no proper fraction (11 6/6) makes none."""
    whole, above, below = found.groups()
    return (
        f"({whole}+{above}/{below})"
        if len(above) < len(below) or (len(above) == len(below) and above < below)
        else found[0]
    )


MARKUP: dict[str, str | Callable[[re.Match[str]], str]] = {
    r"<<[^<>]*>>": "",  # what a calculator wrote into GSM8K's solutions
    r"</?[A-Za-z][A-Za-z0-9]{0,11}>|<\|[a-z_]{1,20}\|>": " ",
    r"\\(?:textcolor|color)\s*\{[a-z]{1,20}\}": "",
    r"(?<=[\w)])\*\*(?=[\w(])": "^",
    r"\\(?:text|textnormal|mathrm|mbox|textbf|mathbf|textit|underline)\s*\{([^{}]*)\}": r" \1",
    r"(?<!\\)\$\$?((?:\\.|[^$\\])+)(?<!\\)\$\$?|\\\((.+?)\\\)|\\\[(.+?)\\\]": r" \1\2\3 ",
    r"(?<![\w)])\*\*([^*\s][^*]*)\*\*(?![\w(])": r"\1",
    r"\\([%$#&])": r"\1",
    r"\^\s*(?:\{\s*)?\\circ\s*\}?|\\degree(?![A-Za-z])": "°",
    r"(?<=\d)(?:\\[,!:; ]|\{,\}|~)+(?=\d{3}(?!\d))": ",",
    r"(?<=\d)\{,\}|(?<=\d),\s*\\!\s*(?=\d)": ",",
    r"(?<!\\)\\[,;:! ]|\\(?:left|right|displaystyle|quad|qquad|bigl?|bigr?|Bigl?|Bigr?|limits)(?![A-Za-z])|~": " ",
    r"\\(?:times|cdot|ast)(?![A-Za-z])": "*",
    r"\\div(?![A-Za-z])": "/",
    r"\\[dtc]frac(?![A-Za-z])": r"\\frac",
    r"\\sqrt\s*(\d{2,})": r"\\sqrt{\1}",
    r"\\log\s*_\s*(\d+)(?=\s)": r"\\log_{\1}",
    r"(?<=\d)\s*[xX]\s*(?=\d)": "*",
    r"π|(?<![A-Za-z\\])pi(?![A-Za-z])": r"\\pi ",
    r"\.{3,}|…": r"\\ldots ",
    r"(?<=\d)\s*\\frac\s*(?:\{\s*(\d+)\s*\}|(\d))\s*(?:\{\s*(\d+)\s*\}|(\d))": r" \1\2/\3\4",
    r"\\frac\s*(?:\{\s*(\d+)\s*\}|(\d))\s*(?:\{\s*(\d+)\s*\}|(\d))": r"(\1\2/\3\4)",
    r"\(\s*(\(\d+/\d+\))\s*\)": r"\1",
    rf"(?<![\d.,/])({TERM})\s+(\d+)/(\d+)(?![\d/])": mixed,
    REASON.pattern: "",
    rf"^[\s*_`\"'“”«»„「『]++(?:{END}++$)?|(?<!{END}){END}++$|(?<=[a-z])!+$": "",
    r"^\{([^{},;]*)\}$|(?:(?<!\s)\s+)?(?<!\\)(?:\\\\|\\)\s*$": r"\1",
    r"(?i)^(?:(?:therefore|thus|hence|so|then|simply|just|exactly|only|approximately|about|around|roughly|equals|"
    r"equal\s+to|given\s+by|a\s+total\s+of|aproximadamente|exactamente|environ|exactement|ungefähr|etwa|genau|примерно|"
    r"ровно|circa|cerca\s+de|约|約|大约|一?共|总共|總共|约为|약|लगभग)(?![A-Za-z])[\s,:]*+|[=≈:]\s*+|\\approx(?![A-Za-z])\s*+)++": "",
    r"(?i)^(?:minus|negative|menos|moins|meno|минус|负|負|マイナス|سالب)\s*(?=[\d$.])": "-",
}
"""What an answer is without markup, lead words and reason: the left is written as the right, in this order."""
REWRITES = [(re.compile(pattern), replacement) for pattern, replacement in MARKUP.items()]


@lru_cache(maxsize=1024)
def strip_markup(words: str) -> str:
    """An answer without markup, lead words and reason; one of more than MAX_CHARS as it is.

    The bound keeps the rewrites, some of which look for a closing sign from every opening one, from quadratic time.
    """
    if len(words) > MAX_CHARS or PLAIN.fullmatch(words):
        return words
    words = to_ascii(unbox(words))
    for pattern, replacement in REWRITES:
        words = pattern.sub(replacement, words)
    return words.strip()
