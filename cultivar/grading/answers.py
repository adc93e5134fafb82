"""The final answer of a worked text: where it stands, the one value that it gives, and whether it is the right one.

A text gives its answer after "the answer is", "Answer:" or "####", or in a box; the last one counts. The answer is
one value: a number, arithmetic, or one expression of algebra. Words before it (therefore, x =, 3 + 4 =), a reason after
it and its unit are no part of it; %, ° and currencies are units, so 17% is 17 and never 0.17. Where another number, or
a word that multiplies, denies or offers a choice, stands beside the number, the text has no answer.

Only numbers are compared here. What takes algebra is left open: rejection passes over it, evaluation asks math-verify.
"""

import re
from fractions import Fraction
from typing import NamedTuple

from cultivar.grading.arithmetic import evaluate_expression

MAX_CHARS = 300
"""Characters of a final answer."""
BOX = re.compile(r"\\(?:boxed|fbox)\s*\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}")
ANSWER_MARK = re.compile(
    r"(\bor\s+)?(?:####|(?:\b(?:so|the|my|our|final|correct|right)\s+){1,3}answer(?:\s+is\b|[\s*]*[:=])|"
    r"(?:^|(?<=[^\w\s]))[^\S\n]*answer[\s*]*[:=])[\s:*_]*(?=\S)",
    re.IGNORECASE | re.MULTILINE,
)

NUMBER = r"(?:(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|\.\d+)"
OPEN = r"(?:[-+(\s]|(?:US)?[$€£¥])*"
NUMERIC = re.compile(rf"{OPEN}{NUMBER}\)*(?:\s*(?:\*\*|[-+*/^]){OPEN}{NUMBER}\)*)*")
ALGEBRA = re.compile(r"(?=.*(?:[A-Za-z]|\^\{))[A-Za-z0-9\s+\-*/^().\\{}\[\]]+")
COMMAND = re.compile(
    r"\\(?!(?:leq?|geq?|lt|gt|neq?|approx|equiv|sim|in|notin|pm|mp|cup|cap|lor|land|vee|wedge|to|rightarrow|neg|lnot)\b)"
    r"[A-Za-z]+"
)
SEVERAL = re.compile(r"\\|[^\W\d_]{2}|\d\s+\d")
"""What is more than one value of algebra, or none: words, a row of numbers, any other command."""
VARIABLE = re.compile(r"\s*[A-Za-z](?:_\{?\w+\}?)?(?:\(\w+\))?\s*")
IN_WORDS = re.compile(r"(.+?)\s*\(([^()\d]+)\)")
"""42 (forty-two)."""

WORD = r"(?:\d+-)?[^\W\d_]+(?:\^\{?[23]\}?)?"
UNIT = re.compile(rf"[\s%°€£¥$,.;(\"'’]*(?:{WORD}(?:[\s%°€£¥$,.;()\"'’!]+|[-/](?=[^\W\d_])|$))*")
PRODUCT = re.compile(
    r"^[^\W\d_](?![^\W\d_])|^\s*(?!(?:[ckm]m|[km]g|m[lLi]|l[bs]|oz|ft|in|yd|hr|[ap]m|of|at|to|by|on|is)\b)[^\W\d_]{2}\b|"
    r"(?<![\w'’°])(?!(?:[mglLsh]|[aI](?=\s+[a-z]{2}))\b)[^\W\d_]\b"
)
"""What makes a product of the number before it: 17x and 17 ab are not 17 of something, 17 m and 17 km are."""
QUALIFIER = re.compile(
    r"\b(?:no[tr]?|never|isn|wrong|incorrect|or|either|neither|than|between|but|maybe|perhaps|alternatively|instead|vs|"
    r"versus|if|unless|squared|cubed|factorial|dozens?|hundreds?|thousands?|(?:m|b|tr)illions?|half|halves|twice|thirds?|"
    r"quarters?|(?:four|fif|six|seven|eigh|nin|ten)ths?|plus|minus|times(?!\W*$)|mod|root|sin|cos|tan|log)\b",
    re.IGNORECASE,
)

ONES = "zero one two three four five six seven eight nine".split()
TEENS = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
NUMBER_OF = {word: number for number, word in enumerate(ONES + TEENS)} | {
    word: 10 * number for number, word in enumerate(TENS, 2)
}
SPELLED = re.compile(rf"\b(?:({'|'.join(TENS)})[-\s]({'|'.join(ONES[1:])})|({'|'.join(NUMBER_OF)}))\b", re.IGNORECASE)
POWER_OF_TEN = re.compile(rf"{NUMBER}[eE][-+]?\d{{1,2}}(?!\d)")
SIGNS = str.maketrans(
    {"−": "-", "×": "*", "·": "*", "÷": "/", "⁄": "/", "²": "^2", "³": "^3", "½": " 1/2", "¼": " 1/4", "¾": " 3/4"}
)
FRACTION = r"\\[dtc]?frac\s*(?:\{\s*(\d+)\s*\}|(\d))\s*(?:\{\s*(\d+)\s*\}|(\d))"
MARKUP = {
    BOX.pattern: r" \1 ",
    r"\\(?:text|mathrm|mbox|textbf|mathbf)\s*\{([^{}]*)\}": r" \1",
    r"(?<!\\)\$\$?((?:\\.|[^$\\])+)(?<!\\)\$\$?|\\\((.+?)\\\)|\\\[(.+?)\\\]": r" \1\2\3 ",
    r"(?<![\w)])\*\*([^*\s][^*]*)\*\*(?![\w(])": r"\1",
    r"\\([%$#&])": r"\1",
    r"\^\s*\{?\s*\\circ\s*\}?": "°",
    r"(?<!\\)\\[,;:! ]|\\(?:left|right|displaystyle|quad)\b|~": " ",
    r"\{,\}": ",",
    r"\\(?:times|cdot)\b": "*",
    r"π|(?<![A-Za-z\\])pi(?![A-Za-z])": r"\\pi ",
    rf"(?<=\d)\s*{FRACTION}": r" \1\2/\3\4",
    FRACTION: r"(\1\2/\3\4)",
    rf"(?<![\d.,/])({NUMBER})\s+(\d+/\d+)(?![\d/])": r"(\1+\2)",
    r"(?i)[\s,;.(]*\b(?:because|since)\b.*$": "",
    r"^[\s*_`\"'“]+|[\s*_`\"'”.,;]+$|(?<=[a-z])!+$": "",
    r"(?i)^(?:(?:therefore|thus|hence|so|then|simply|just|exactly|only|approximately|about|around|roughly|equals|"
    r"equal\s+to|given\s+by|a\s+total\s+of)\b[\s,:]*|[=≈:]\s*)+": "",
}
"""What an answer is without markup, lead words and reason: the left is written as the right, in this order."""
REWRITES = [(re.compile(pattern), replacement) for pattern, replacement in MARKUP.items()]


class Value(NamedTuple):
    """An expression as math-verify reads it, and what number it is where that is plain."""

    expression: str
    number: Fraction | None = None

    @property
    def letters(self) -> set[str]:
        """Of its variables."""
        return set(re.findall("[A-Za-z]", COMMAND.sub("#", self.expression)))


def last_answer(text: str) -> str:
    """The words that a text gives last as its answer, to the end of the line or the boxes of a line; empty for none."""
    *_, mark = [None, *ANSWER_MARK.finditer(text)]
    first, _, rest = (text[mark.end() :] if mark else f"\n{text}").partition("\n")
    boxes = [found for line in rest.splitlines() if (found := BOX.findall(line))]
    words = ", ".join(dict.fromkeys(boxes[-1])) if boxes else ((mark and mark[1]) or "") + first
    return words.strip() if len(words) <= MAX_CHARS else ""


def final_answer(text: str) -> Value | None:
    """The one value that a text gives as its answer; None where it gives none or not one."""
    return parse_value(last_answer(text))


def agrees(words: str, answer: str) -> bool | None:
    """Whether the words of a text are the answer: one value without a unit, else the same text.

    None where that is left open: of algebra that is not written alike, or of words.
    """
    found, gold = parse_value(words), parse_value(answer, unit=False)
    given, expected = strip_markup(words), strip_markup(answer)
    if words and (given == expected or (gold is None and "".join(given.split()) == "".join(expected.split()))):
        return True
    if found is not None and found == gold:
        return True
    if found is None:
        return False
    return None if gold is None or None in (found.number, gold.number) else False


def parse_value(words: str, unit: bool = True) -> Value | None:
    """The one value of an answer; None where it is none or not one. Without `unit`, words after it make it none."""
    words = strip_markup(words)
    if unit and (both := IN_WORDS.fullmatch(words)) and (one := parse_value(both[1])) and one == parse_value(both[2]):
        return one
    words = POWER_OF_TEN.sub(lambda found: f"({Fraction(found[0].replace(',', ''))})", SPELLED.sub(in_digits, words))
    *left, words = words.split("=")
    words = words.strip()
    found = None
    if (numeric := NUMERIC.match(words)) and is_unit(words[numeric.end() :], unit):
        written = re.sub(r"[\s,$€£¥US]", "", numeric[0])
        exact = evaluate_expression(written)
        found = Value(written if exact is None else str(exact), exact)
    elif ALGEBRA.fullmatch(words) and not SEVERAL.search(COMMAND.sub("#", words)):
        found = Value(f"${words}$")
    number = found and found.number
    alike = all(
        VARIABLE.fullmatch(side) or (number is not None and evaluate_expression(side) == number) for side in left
    )
    return found if alike else None


def strip_markup(words: str) -> str:
    """An answer without markup, lead words and reason."""
    words = words.translate(SIGNS)
    for pattern, replacement in REWRITES:
        words = pattern.sub(replacement, words)
    return words.strip()


def in_digits(spelled: re.Match[str]) -> str:
    return str(sum(NUMBER_OF[word.lower()] for word in spelled.groups() if word))


def is_unit(rest: str, unit: bool) -> bool:
    """Whether the text after a number is empty or a unit; a unit in words only with `unit`."""
    if not unit:
        return rest.strip() in ("", "%", "°")
    return bool(UNIT.fullmatch(rest)) and not PRODUCT.search(rest) and not QUALIFIER.search(rest)
