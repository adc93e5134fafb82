"""The tokens of a text with equations, in clauses: what stands between stops, words as "so" and "is" among them."""

import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import NamedTuple

from cultivar.grading.measures import LABELS, LEADS, OPERATIONS, POWERS, SPOKEN, UNIT_LETTERS
from cultivar.grading.notation import plain_notation

WORD = r"(?:[A-Za-z]|[^\x00-\x7f…≈√∑∏∫±∞≠≤≥→⇒—])+"
TOKEN = re.compile(
    rf"""
    (?P<unread>\d+(?:\.\d+)?[eE][-+]?\d+(?!\w)|0b[01]+(?!\w)|0x(?=\d*[a-f])[\da-f]+(?!\w)|0x(?=\d*[A-F])[\dA-F]+(?!\w)
        |(?<=\d):(?=\d)|\.\.\.+|…|[√∑∏∫±∞@\\_]|!(?=\s*[-+*/=]))
    |(?P<number>\d+(?:[.,']\d+)*|(?<![\w.])\.\d+)
    |(?P<approx>≈|~|=~)
    |(?P<stop>====+|[<>!]=|[-=]{1, 3}>|[<>≠≤≥→⇒|;?:!,—]|(?<!sq)(?<!cu)(?<!fl)\.(?![A-Za-z]|\s*[-+*/=]|\s*[xX]\s))
    |(?P<equals>=+)
    |(?P<hyphen>(?<=[A-Za-z])-(?=[A-Za-z][A-Za-z])|(?<=\d)-(?=[a-z][a-z]))
    |(?P<operator>//|[-+*/^])
    |(?P<open>[(\[{{])
    |(?P<close>[)\]}}])
    |(?P<percent>%)
    |(?P<word>{WORD}(?:['&-]{WORD})*(?:\^\(?[23]\)?)?|¢)
    """,
    re.VERBOSE,
)
STOPS = frozenset("or so since because therefore thus hence then if but means is are was were".split())
"""Words that end a clause."""
PARENTHESES = {"[": "(", "{": "(", "]": ")", "}": ")"}
MAX_GAP = 4
"""Words between "of" and its number: 2/3 of the other 9."""


class Token(NamedTuple):
    """One sign, number or word, with its place in its line.

    `scale` is, of a number, the size of the measure that it counts; `counted` is the word behind it, of unknown size.
    """

    kind: str
    text: str
    start: int
    end: int
    scale: Fraction = Fraction(1)
    counted: str = ""


def read_clauses(text: str) -> Iterator[list[Token]]:
    """The clauses of a text that hold an equals sign or ≈."""
    for line in plain_notation(text).split("\n"):
        if "=" in line or "≈" in line or "equals" in line:
            yield from clauses(name_words(tokenize(line)))


def tokenize(line: str) -> list[Token]:
    """Every token of a line; brackets and braces are parentheses."""
    return [
        Token(kind, PARENTHESES.get(found[0], found[0]), found.start(), found.end())
        for found in TOKEN.finditer(line)
        if (kind := found.lastgroup or "") != "hyphen"
    ]


def name_words(tokens: list[Token]) -> list[Token]:
    """The tokens with operators in words and stops among the words as what they are."""
    named: list[Token] = []
    none = Token("", "", -1, -1)
    quotient = False  # a slash stands in this side
    for position, token in enumerate(tokens):
        before = named[-1] if named else none
        after = tokens[position + 1] if position + 1 < len(tokens) else none
        if token.kind == "word":
            word = token.text.lower()
            number = after.kind in ("number", "open")
            behind = before.kind in ("number", "close", "percent", "word")
            if word in ("x", "х") and behind and (number or after.text == "the"):
                token = token._replace(kind="operator", text="*")
            elif word == "equals":
                token = token._replace(kind="equals")
            elif number and word == "by" and before.text.lower() in SPOKEN:
                token = named.pop()._replace(kind="spoken", text=SPOKEN[before.text.lower()])
            elif number and word in OPERATIONS and before.kind in ("number", "close", "percent"):
                token = token._replace(kind="spoken", text=OPERATIONS[word])
            elif word == "of" and is_share(named):
                gap = [ahead.kind for ahead in tokens[position + 1 : position + 2 + MAX_GAP]]
                ahead = next((kind for kind in gap if kind != "word"), "")
                token = (
                    token._replace(kind="of", text="*")
                    if ahead in ("number", "open")
                    else token._replace(kind="unread")
                )
            elif word in STOPS and after.text != "far":
                token = token._replace(kind="stop")
        elif token.kind == "operator":
            if token.text == "/" and after.kind == "word" and (len(after.text) > 1 or is_unit(before, after)):
                token = token._replace(kind="word", text="per")
            elif token.text == "/" and before.kind == "word" and before.end == token.start and token.end == after.start:
                named += [token._replace(kind="unread")] * quotient  # 150 / 5 minutes/100 meters: this may be a unit
            quotient = quotient or token.text == "/"
        elif token.kind == "unread" and token.text == ":" and len(named) > 1 and named[-2].text.lower() in LABELS:
            token = token._replace(kind="stop")
        elif token.kind == "stop" and token.text == ":" and is_quotient(named, token, after):
            token = token._replace(kind="spoken", text="/")
        elif token.kind == "equals":
            quotient = False
        elif token.kind == "stop" and (before.kind == "operator" or is_group(named, token, after)):
            token = token._replace(kind="unread")  # "+ . 84", "14, 400": no whole number
        named.append(token)
    return named


def is_quotient(tokens: list[Token], colon: Token, after: Token) -> bool:
    """Whether a colon with spaces around it may divide two numbers: 12 : 4."""
    before = tokens[-1] if tokens else colon
    return before.kind in ("number", "close") and after.kind in ("number", "open") and before.end < colon.start


def is_group(tokens: list[Token], comma: Token, after: Token) -> bool:
    """Whether a comma and a space may stand within one number: 14, 400."""
    if not tokens:
        return False
    further, before = tokens[-2] if len(tokens) > 1 else tokens[-1], tokens[-1]
    apart = further.kind not in ("equals", "approx", "operator")
    return (
        comma.text == ","
        and apart
        and before.text.isdigit()
        and len(before.text) < 3 == len(after.text)
        and after.text.isdigit()
    )


def is_unit(before: Token, letter: Token) -> bool:
    """Whether a letter behind a slash is a unit: 15 ml/g, 3 a day."""
    return letter.text == "a" or (before.kind == "word" and letter.text in UNIT_LETTERS)


def is_share(tokens: list[Token]) -> bool:
    """Whether the tokens end in a percentage or a fraction."""
    kinds = [token.kind for token in tokens[-3:]]
    return kinds[-1:] == ["percent"] or (kinds == ["number", "operator", "number"] and tokens[-2].text == "/")


def clauses(tokens: list[Token]) -> Iterator[list[Token]]:
    """The tokens between stops. Parentheses that do not match or hold an equals sign stop as well; remarks are out."""
    for clause in split(tokens, lambda token: token.kind == "stop"):
        if not any(token.kind in ("equals", "approx") for token in clause):
            continue
        unmatched: set[int] = set()
        remarks: dict[int, int] = {}
        opened: list[int] = []
        for position, token in enumerate(clause):
            if token.kind == "open":
                opened.append(position)
            elif token.kind == "close":
                if not opened:
                    unmatched.add(position)
                elif is_remark(clause, start := opened.pop()):
                    remarks[start] = position
            elif token.kind in ("equals", "approx"):
                unmatched.update(opened)
                opened.clear()
        unmatched.update(opened)
        kept, position = [], 0
        while position < len(clause):
            token = clause[position]
            if position in unmatched:
                whole = position == 0 or clause[position - 1].kind != "operator"
                token = token._replace(kind="stop" if whole else "unread")
            if position in remarks:
                position = remarks[position]
            else:
                kept.append(token)
            position += 1
        yield from split(kept, lambda token: token.kind == "stop")


def is_remark(clause: list[Token], start: int) -> bool:
    """Whether a parenthesis behind a number or word begins with a word: 12 (from 3 miles)."""
    inside = clause[start + 1]
    if start == 0 or inside.kind != "word" or len(inside.text) == 1 or inside.text in POWERS:
        return False
    before = clause[start - 1]
    return (
        before.kind == "word"
        or inside.text in LEADS
        or (before.kind in ("number", "percent", "close") and before.end < clause[start].start)
    )


def split(tokens: list[Token], is_border: Callable[[Token], bool]) -> Iterator[list[Token]]:
    start = 0
    for position, token in enumerate(tokens):
        if is_border(token):
            yield tokens[start:position]
            start = position + 1
    yield tokens[start:]
