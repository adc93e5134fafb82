"""The sides of the equations of a text: which tokens belong to them, and whether nothing of them was left unread.

A side is numbers, operators and parentheses; words between them count what the numbers count. `sure` says that the
whole side was read: no letter of algebra, no word that multiplies, no second number that no operator joins, no time.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from cultivar.grading.measures import MULTIPLIERS, OPERATIONS, SCALES, multiplies
from cultivar.grading.notation import plain_notation

WORD = r"(?:[A-Za-z]|[^\x00-\x7f…≈√∑∏∫±∞≠≤≥→⇒—])+"
TOKEN = re.compile(
    rf"""
    (?P<number>\d+(?:[.,]\d+)*|(?<![\w.])\.\d+)
    |(?P<approx>≈|~|=~)
    |(?P<unread>(?<=\d):(?=\d)|\.\.\.+|…|[√∑∏∫±∞@\\_]|!(?=\s*[-+*/=]))
    |(?P<stop>[<>!]=|[-=]+>|[<>≠≤≥→⇒|;?:!,—\n]|\.(?!\s*[-+*/=]))
    |(?P<equals>=+)
    |(?P<hyphen>(?<=[A-Za-z0-9])-(?=[A-Za-z][A-Za-z]))
    |(?P<operator>//|[-+*/^])
    |(?P<open>[(\[{{])
    |(?P<close>[)\]}}])
    |(?P<percent>%)
    |(?P<word>{WORD}(?:['-]{WORD})*|¢)
    """,
    re.VERBOSE,
)
MAX_TOKENS = 200
"""Tokens of a side; a longer one is not read."""
NEAR = 2
"""Words behind the number of a right side that may belong to it: 3 full dozen."""
HEDGES = frozenset("about approximately around roughly almost nearly over under not less more than least most".split())
LEADS = frozenset("of the his her its their my our your this that these those a an all".split())
"""Words between a word that multiplies and its number: half of the 10."""


class Token(NamedTuple):
    """One sign, number or word, with its place in the text."""

    kind: str
    text: str
    start: int
    end: int
    scale: Fraction = Fraction(1)
    """Of a number: the size of the measure that it counts."""


@dataclass
class Side:
    """One side of an equation.

    `parts` are its tokens without words, `words` what was left out. `starts` are places in `parts` where the side may begin instead: "5 - each costs 3*2" is 3*2 as well.
    """

    parts: list[Token] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    sure: bool = True

    @property
    def bare(self) -> bool:
        """Whether it is one number."""
        return sum(part.kind == "number" for part in self.parts) == 1

    @property
    def divided(self) -> bool:
        """Whether a value may have been rounded."""
        return any(part.text in ("/", "//", "%") for part in self.parts)

    @property
    def percents(self) -> bool:
        return any(part.kind == "percent" for part in self.parts)

    @property
    def first(self) -> list[Token]:
        """The number that the side begins with, with its sign and percent; empty where it begins otherwise."""
        kinds = "".join({"number": "n", "percent": "%"}.get(part.kind, part.text) for part in self.parts[:3])
        found = re.match("-?n%?", kinds)
        return self.parts[: found.end()] if found else []

    @property
    def key(self) -> str:
        """Without words, the same for every notation."""
        return "".join(canonical(part.text) if part.kind == "number" else part.text for part in self.parts)


class Equation(NamedTuple):
    """Two neighbouring sides; `exact` is False for ≈, `chained` where one of them stands between two signs."""

    left: Side
    right: Side
    exact: bool
    chained: bool


def canonical(number: str) -> str:
    """A number as a key: no thousands separators, no needless zeros."""
    whole, point, decimals = number.replace(",", "").partition(".")
    decimals = decimals.rstrip("0")
    return (whole.lstrip("0") or "0") + (point + decimals if decimals else "")


def read_equations(text: str) -> Iterator[Equation]:
    """Every pair of neighbouring sides around an equals sign, in order."""
    for line in plain_notation(text).split("\n"):
        if "=" in line or "≈" in line:
            for clause in clauses(tokenize(line)):
                yield from pairs(clause)


def tokenize(line: str) -> list[Token]:
    tokens = [Token(found.lastgroup or "", found[0], *found.span()) for found in TOKEN.finditer(line)]
    named = []
    for position, token in enumerate(tokens):
        before = tokens[position - 1] if position else None
        after = tokens[position + 1] if position + 1 < len(tokens) else None
        if token.kind == "word" and after is not None and after.kind in ("number", "open"):
            if token.text in "xXхХ" and before is not None and before.kind in ("number", "close", "percent", "word"):
                token = token._replace(kind="operator", text="*")
            elif token.text.lower() in OPERATIONS and before is not None and before.kind in ("number", "close"):
                token = token._replace(kind="spoken", text=OPERATIONS[token.text.lower()])
        elif token.text == "/" and (after is None or after.kind == "word"):
            token = token._replace(kind="word", text="per")
        if token.kind != "hyphen":
            named.append(token)
    return named


def clauses(tokens: list[Token]) -> Iterator[list[Token]]:
    """The tokens between stops; parentheses that do not match, or that hold an equals sign, are stops as well."""
    for clause in split(tokens, lambda token: token.kind == "stop"):
        if not any(token.kind in ("equals", "approx") for token in clause):
            continue
        stops: set[int] = set()
        opened: list[int] = []
        for position, token in enumerate(clause):
            if token.kind == "open":
                opened.append(position)
            elif token.kind == "close":
                stops.add(position) if not opened else opened.pop()
            elif token.kind in ("equals", "approx"):
                stops.update(opened)
                opened.clear()
        stops.update(opened)
        marked = [token._replace(kind="stop") if at in stops else token for at, token in enumerate(clause)]
        yield from split(marked, lambda token: token.kind == "stop")


def split(tokens: list[Token], is_border) -> Iterator[list[Token]]:
    start = 0
    for position, token in enumerate(tokens):
        if is_border(token):
            yield tokens[start:position]
            start = position + 1
    yield tokens[start:]


def pairs(clause: list[Token]) -> Iterator[Equation]:
    signs = [token for token in clause if token.kind in ("equals", "approx")]
    sides = [runs(side) for side in split(clause, lambda token: token.kind in ("equals", "approx"))]
    for position, (sign, (lefts, rights)) in enumerate(zip(signs, pairwise(sides), strict=True)):
        if not lefts or not rights:
            continue
        before = lefts[-2] if len(lefts) > 1 else []
        left = read_side(lefts[-1], before, is_left=True)
        right = read_side(rights[0], [], is_left=False)
        if len(rights) > 1 and is_compound(rights[0], rights[1]):
            right.sure = False
        chained = position > 0 and len(lefts) == 1
        yield Equation(left, right, sign.kind == "equals", chained)


def runs(side: list[Token]) -> list[list[Token]]:
    """A side cut where a number follows another with no operator between: "in 20 minutes she sells 20*18" are two."""
    found: list[list[Token]] = [[]]
    depth, complete = 0, False
    for position, token in enumerate(side):
        adjacent = position > 0 and side[position - 1].kind in ("number", "close", "percent")
        if token.kind in ("number", "open") and depth == 0 and complete and not (token.kind == "open" and adjacent):
            found.append([])
        depth += (token.kind == "open") - (token.kind == "close")
        if token.kind in ("operator", "spoken"):
            complete = False
        elif token.kind in ("number", "close"):
            complete = True
        found[-1].append(token)
    return found if side else []


def is_compound(first: list[Token], second: list[Token]) -> bool:
    """Whether two runs are one quantity: 5 feet 3 inches, 1 hour and 30 minutes; or two numbers side by side."""
    between = [token.text.lower() for token in first[-2:] if token.kind == "word" and token.text.lower() != "and"]
    beside = bool(first) and first[-1].kind in ("number", "percent", "unread") and second[0].kind == "number"
    measured = bool(between) and between[-1] in SCALES and any(token.text.lower() in SCALES for token in second[1:3])
    return beside or (measured and len(between) == 1)


def read_side(run: list[Token], before: list[Token], is_left: bool) -> Side:
    """The side that a run writes; `before` is the run that stands before it in the same side."""
    first = next((at for at, token in enumerate(run) if token.kind not in ("word", "unread")), len(run))
    if len(run) - first > MAX_TOKENS:
        return Side(sure=False)
    lead, run = run[:first], run[first:]
    side = Side(sure=not is_multiplied(before + lead) and not (before and is_compound(before, run)))
    if not is_left and not HEDGES.isdisjoint(token.text.lower() for token in lead):
        side.sure = False
    if any(token.kind == "unread" for token in lead):
        side.sure = False
    need, words = True, lead  # an operand is awaited; the words since the last sign
    for position, token in enumerate(run):
        after = run[position + 1] if position + 1 < len(run) else None
        if token.kind in ("word", "unread"):
            words = [*words, token]
            continue
        if not read_words(side, words if position else [], ends=False):
            side.sure = False
        if token.kind in ("operator", "spoken"):
            if need and (words or token.text not in "+-"):
                return Side(sure=False)  # an operand without a number: algebra, or the end of something else
            side.parts.append(token._replace(kind="operator"))
            if token.kind == "spoken" or is_dash(run, position, is_left):
                side.starts.append(len(side.parts))
            need = True
        elif token.kind == "open":
            if not need:
                side.parts.append(token._replace(kind="operator", text="*"))
                side.starts.append(len(side.parts))
            side.parts.append(token)
            need = True
        elif token.kind == "close":
            if need:
                return Side(sure=False)
            side.parts.append(token)
        elif token.kind == "percent":
            if need or (after is not None and after.kind in ("number", "open")):
                side.sure = False
            else:
                side.parts.append(token)
        elif not need:
            side.sure = False  # a second number within parentheses
        else:
            side.parts.append(token)
            need = False
        words = []
    if not read_words(side, words, ends=not is_left):
        side.sure = False
    return Side(sure=False) if need else side


def read_words(side: Side, words: list[Token], ends: bool) -> bool:
    """Take the words behind a number; whether they only count. Those that end a right side count near the number only."""
    if words and side.parts and side.parts[-1].kind == "number" and words[0].text.lower() in SCALES:
        side.parts[-1] = side.parts[-1]._replace(scale=SCALES[words[0].text.lower()])
    side.words += [word.text.lower() for word in words]
    near = words[:NEAR] if ends else words
    for position, word in enumerate(near):
        letter = len(word.text) == 1 and (word.text.isascii() or "α" <= word.text.lower() <= "ω") and word.text != "¢"
        apart = position + 1 < len(words) and len(words[position + 1].text) > 1
        glued = position == 0 and bool(side.parts) and side.parts[-1].end == word.start
        if word.kind == "unread" or multiplies(word.text) or (letter and (glued or not apart)):
            return False
    return True


def is_dash(run: list[Token], position: int, is_left: bool) -> bool:
    """Whether a sign may be no minus: a bullet, the dash behind "Day 1", or one before words ("5 - each costs 3*2")."""
    if run[position].text != "-":
        return False
    if position == 0:
        return is_left
    return position + 1 < len(run) and run[position + 1].kind == "word"


def is_multiplied(before: list[Token]) -> bool:
    """Whether the words before a side make another number of it: half of 20 + 10."""
    for token in reversed(before):
        if token.kind != "word" or token.text.lower() not in LEADS:
            return token.kind == "word" and token.text.lower() in MULTIPLIERS
    return False
