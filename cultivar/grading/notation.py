"""Arithmetic as people, LaTeX and other scripts write it, in one plain notation: ASCII digits and + - * / ^ ( ) =.

Only the signs change; words stay. Every step is one pass over the text.
"""

import re
import unicodedata
from collections.abc import Callable

SIGNS = str.maketrans(
    dict.fromkeys("×⋅·∙∗✕✖⨯＊", "*")
    | dict.fromkeys("÷⁄∕➗／", "/")
    | dict.fromkeys("−–‒﹣－⁻➖", "-")
    | dict.fromkeys("＋﹢➕", "+")
    | dict.fromkeys("≈≃≅≒∼≐", " ≈ ")
    | dict.fromkeys("，、،", ", ")
    | dict.fromkeys("；;؛", "; ")
    | {"٫": ".", "٬": ",", "٪": "%", "＝": "=", "：": ": ", "。": ". ", "…": " … ", "—": " — "}
)
SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
VULGAR = {character: unicodedata.normalize("NFKC", character).replace("⁄", "/") for character in "½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞⅐⅑⅒"}
HIDDEN = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")

Replacement = str | Callable[[re.Match[str]], str]
GROUP = r"\{([^{}]*)\}"
LATEX = [
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"\\[dtc]?frac\s*(\d)\s*(\d)", r"(\1/\2)"),
        (rf"\\[dtc]?frac\s*{GROUP}\s*(?:{GROUP}|(\d))", r"((\1)/(\2\3))"),
        (rf"\\(?:text|textbf|textit|mathrm|mathbf|mbox|boxed|fbox)\s*{GROUP}", r" \1 "),
    )
]
NESTED = 3
"""Levels of \\frac and \\text within one another that are read."""
COMMANDS: dict[str, Replacement] = {
    r"\\(?:times|cdot|ast)(?![A-Za-z])": "*",
    r"\\div(?![A-Za-z])": "/",
    r"\\(?:approx|simeq|cong)(?![A-Za-z])": " ≈ ",
    r"\\(?:left|right|displaystyle|big|Big)(?![A-Za-z])|\\!": "",
    r"\{,\}": ",",
    r"\\(?:quad|qquad|dots|ldots|cdots)(?![A-Za-z])": lambda found: " … " if "dots" in found[0] else " ",
    r"\\\\": "\n",
    r"\\[()\[\],;: ]": " ",
    r"\\([%$#&*])": r"\1",
    r"\^\s*\{([^{}]*)\}": r"^(\1)",
    r"&(?=\s*[=≈])": " ",
}
COMMAND_STEPS = [(re.compile(pattern), replacement) for pattern, replacement in COMMANDS.items()]

CURRENCY = re.compile(r"(?:\b(?:US|HK|A|C|R))?\$|[€£¥₹₽₩₺₫₱฿₦]|\bRs\.?(?=\s*\d)|[¢%](?=\d)(?<![\d)].)")
LAYOUT = [
    (re.compile(pattern, re.MULTILINE), replacement)
    for pattern, replacement in (
        (r"(?<=[\d)])[^\S\n]?\*\*[^\S\n]?(?=[\d(])", "^"),  # a power; every other ** is bold print
        (r"\*\*|`|__", ""),
        (r"^[^\S\n]*[*+•>][^\S\n]+", ""),
        (r"(?<==)([^\S\n]*)\*([^\s*]+)\*", r"\1\2"),
        (r"(?<!\s)\s+(?=[=≈])", " "),  # a chain may go on in the next line
        (r"(?<=[^=][=≈])[^\S\n]*\n[^\S\n]*(?=[-(\d.])", " "),
        (r"(?<=\d)’(?=\d{3}(?!\d))", "'"),
        (
            r"(?<![\d.,])(\d{1,3})((?: \d{3})+)(?![\d.,]*\d)",
            lambda found: found[1] + found[2].replace(" ", "'"),
        ),
    )
]
MIXED = re.compile(
    r"(?<![\d.,/*^+(-])(\d+)[^\S\n]+(\d{1,3})/(\d{1,3})(?![\d/])|(?<=[(+*/-])(\d+)[^\S\n]+(\d{1,3})/(\d{1,3})(?![\d/])"
)


def plain_notation(text: str) -> str:
    """The text with every sign of arithmetic in ASCII, ≈ for "about", … for what is left out, and no currency signs."""
    if not text.isascii():
        text = plain_characters(text)
    if "\\" in text or "{" in text:
        for _ in range(NESTED):
            for pattern, replacement in LATEX:
                text = pattern.sub(replacement, text)
        for pattern, step in COMMAND_STEPS:
            text = pattern.sub(step, text)
    text = CURRENCY.sub(" ", text)
    for pattern, step in LAYOUT:
        text = pattern.sub(step, text)
    return MIXED.sub(mixed_number, text)


def plain_characters(text: str) -> str:
    """Full width, superscripts, vulgar fractions and the digits of other scripts as ASCII; hidden characters out."""
    text = HIDDEN.sub("", text)
    text = re.sub(r"(?<=[０-９])，(?=[０-９]{3}(?![０-９]))", ",", text)
    text = re.sub(r"[⁰¹²³⁴-⁹]+", lambda found: "^" + found[0].translate(SUPERSCRIPTS), text)
    text = re.sub(f"[{''.join(VULGAR)}]", lambda found: f" {VULGAR[found[0]]}", text.translate(SIGNS))
    text = unicodedata.normalize("NFKC", text)
    return re.sub(r"[^\x00-\x7f]", ascii_digit, text) if not text.isascii() else text


def ascii_digit(found: re.Match[str]) -> str:
    """The ASCII digit of a digit of any script; other characters as they are."""
    return str(unicodedata.decimal(found[0], found[0]))


def mixed_number(found: re.Match[str]) -> str:
    """(2+1/2) for 2 1/2; an improper fraction is none of a mixed number."""
    whole, above, below = (part for part in found.groups() if part)
    return f"({whole}+{above}/{below})" if int(above) < int(below) else found[0]
