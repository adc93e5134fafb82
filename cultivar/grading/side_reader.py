"""Reading the sides of the equations of a text: which tokens belong to them, and whether nothing of them was left unread.

`sure` says that the whole side was read: no letter of algebra, no word that multiplies, no second number that no operator
joins, no time.
"""

import re
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise

from cultivar.grading.equation_tokens import Token, read_clauses, split
from cultivar.grading.measures import (
    ARTICLES,
    AT,
    CHANGES,
    HEDGES,
    KINDS,
    LABELS,
    LEADS,
    MULTIPLIERS,
    NEUTRAL,
    POWERS,
    UNIT_LETTERS,
    scale_of,
)
from cultivar.grading.sides import MAX_CHOICES, Equation, Side

MAX_TOKENS = 120
"""Tokens of a side; a longer one is not read."""
NEAR = 2
"""Words behind the number of a right side that may belong to it: 3 full dozen."""


def read_equations(text: str) -> Iterator[Equation]:
    """Every pair of neighbouring sides around an equals sign, in order."""
    for clause in read_clauses(text):
        signs = [token for token in clause if token.kind in ("equals", "approx")]
        sides = [runs(side) for side in split(clause, lambda token: token.kind in ("equals", "approx"))]
        calculated = False
        for sign, (lefts, rights) in zip(signs, pairwise(sides), strict=True):
            if not lefts or not rights:
                calculated = False
                continue
            left = read_side(lefts[-1], lefts[-2] if len(lefts) > 1 else [], is_left=True)
            right = read_side(rights[0], [], is_left=False)
            if len(rights) > 1 and is_compound(rights[0], rights[1]):
                right.sure = False
            calculated = (calculated and len(lefts) == 1) or not left.bare
            opens = lefts[0][0].start == 0 and len(lefts) == 1
            yield Equation(left, right, sign.kind == "equals", calculated and left.bare, opens)


def runs(side: list[Token]) -> list[list[Token]]:
    """A side cut where a number follows another with no operator between: "in 20 minutes she sells 20*18" are two."""
    found: list[list[Token]] = [[]]
    depth, complete = 0, False
    before = ""
    for token in side:
        product = before in ("number", "percent", "close") if token.kind == "open" else before == "close"
        if token.kind in ("number", "open") and depth == 0 and complete and not product:
            found.append([])
        depth += (token.kind == "open") - (token.kind == "close")
        if token.kind in ("operator", "spoken", "of"):
            complete = False
        elif token.kind in ("number", "close"):
            complete = True
        found[-1].append(token)
        before = token.kind
    return found if side else []


def is_compound(first: list[Token], second: list[Token]) -> bool:
    """Whether two runs are one quantity: 5 feet 3 inches, 1 hour and 30 minutes, 1 and 1/4, 12:30, 12 30."""
    between = [token.text.lower() for token in first[-2:] if token.kind == "word"]
    if first[-1].kind != "word":
        return second[0].kind == "number"
    if between == ["and"]:
        return len(second) > 2 and second[1].text == "/" and second[1].end == second[2].start
    units = [word for word in between if word != "and"]
    kind = KINDS.get(units[0]) if len(units) == 1 else None
    if (kind or units[:1] == ["m"]) and len(units) == 1 and second[1:2] and second[1].text in UNIT_LETTERS:
        return True  # 1 kg 200 g
    return kind is not None and any(KINDS.get(token.text.lower()) == kind for token in second[1:3])


def read_side(run: list[Token], before: list[Token], is_left: bool) -> Side:
    """The side that a run writes; `before` is the run that stands before it in the same side."""
    first = next((at for at, token in enumerate(run) if token.kind not in ("word", "unread")), len(run))
    if len(run) - first > MAX_TOKENS:
        return Side(sure=False)
    lead, run = run[:first], run[first:]
    side = Side(words=bool(lead), sure=is_whole(before, lead, run, is_left))
    need, words = True, lead  # an operand is awaited; the words since the last sign
    for position, token in enumerate(run):
        after = run[position + 1] if position + 1 < len(run) else None
        if token.kind in ("word", "unread"):
            words = [*words, token]
            continue
        if position and not read_words(side, words, ends=False):
            side.sure = False
        if token.kind in ("operator", "spoken", "of"):
            if need and (words or token.text not in "+-"):
                return Side(sure=False)  # an operand without a number: algebra, or the end of something else
            if need and token.text == "+" and side.parts and side.words:
                side.sure = False
            side.parts.append(token._replace(kind="operator"))
            if token.kind != "operator":
                side.ends.append(len(side.parts) - 1)
            labelled = position == 1 and bool(lead) and lead[-1].text.lower() in LABELS
            if token.kind != "operator" or (token.text == "-" and (labelled or is_dash(run, position, is_left))):
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
        elif need or run[position - 1].kind == "close":
            if not need:
                side.parts.append(token._replace(kind="operator", text="*"))
                side.starts.append(len(side.parts))
            if names_something(words, token, side) or re.match(r"0\d{2}", token.text):
                side.sure = False
            side.parts.append(token)
            need = False
        else:
            side.sure = False  # a second number within parentheses
        words = []
    if not read_words(side, words, ends=not is_left):
        side.sure = False
    side.sure = side.sure and len(side.starts) <= MAX_CHOICES and not adds_percent(side.parts)
    return Side(sure=False) if need else side


def is_whole(before: list[Token], lead: list[Token], run: list[Token], is_left: bool) -> bool:
    """Whether what stands before a side is no part of it: no operator, nothing that multiplies it, no label."""
    ahead = [*before, *lead]
    if any(token.kind == "unread" for token in lead) or has_operator(before):
        return False
    if ahead and ahead[-1].text.lower().endswith("s") and ahead[-1].text.lower()[:-1] in LABELS and is_range(run):
        return False  # weeks 1-2
    if before and is_compound(ahead, run):
        return False
    if lead and run and run[0].kind == "open" and lead[-1].end == run[0].start and lead[-1].text.isascii():
        return False  # f(3 + 4)
    if not is_left and not HEDGES.isdisjoint(token.text.lower() for token in lead):
        return False
    if before and [token.text.lower() in words for token, words in zip(ahead[-2:], (AT, LABELS), strict=False)] == [
        1,
        1,
    ]:
        return False
    if any(CHANGES.search(token.text) for token in ahead if token.kind == "word"):
        return False
    for token in reversed(ahead):
        if token.kind != "word" or token.text.lower() not in LEADS:
            word = token.text.lower()
            averaged = word in ("average", "mean") and any(part.text == "+" for part in run)
            return not (token.kind == "word" and (word in MULTIPLIERS or averaged))
    return True


def has_operator(run: list[Token]) -> bool:
    """Whether a run calculates; a fraction or a range, as in "1/8 the size" or "2-4", does not."""
    kinds = [token.kind for token in run if token.kind not in ("word", "unread")]
    signs = [token.text for token in run if token.kind == "operator"]
    return bool(signs) and (signs not in (["/"], ["-"]) or kinds != ["number", "operator", "number"])


def is_range(run: list[Token]) -> bool:
    """Whether a run begins like 1-2, written tightly."""
    if [token.kind for token in run[:3]] != ["number", "operator", "number"]:
        return False
    return run[1].text == "-" and run[0].end == run[1].start and run[1].end == run[2].start


def names_something(words: list[Token], number: Token, side: Side) -> bool:
    """Whether a number is a name: D3, Week 1 + Week 2, weeks 1-2."""
    if not words:
        return False
    label = words[-1].text.lower().removesuffix("s")
    return words[-1].end == number.start or (label in LABELS and bool(side.parts))


def read_words(side: Side, words: list[Token], ends: bool) -> bool:
    """Take the words behind a number; whether they only count. Those that end a right side count near the number only."""
    near = words[:NEAR]
    if words and side.parts and side.parts[-1].kind == "number":
        scale = next((size for word in near if (size := scale_of(word.text)) != 1), Fraction(1))
        counted = (
            next((word.text.lower() for word in near if word.text.lower() not in NEUTRAL), "") if scale == 1 else ""
        )
        side.parts[-1] = side.parts[-1]._replace(scale=scale, counted=counted)
    side.words = side.words or bool(words)
    side.unit = words[0].text.lower() if words else ""
    for position, word in enumerate(near if ends else words):
        text = word.text.partition("^")[0]
        glued = position == 0 and bool(side.parts) and side.parts[-1].end == word.start
        article = text in ARTICLES and position + 1 < len(words) and len(words[position + 1].text) > 1 and not glued
        if (word.kind == "unread" and not (ends and text == "of")) or text.lower() in POWERS or CHANGES.search(text):
            return False
        if len(text) == 1 and (text.isascii() or "α" <= text.lower() <= "ω") and not article and text != "k":
            side.letters.append(text)
    return True


def adds_percent(parts: list[Token]) -> bool:
    """Whether a percentage is added to numbers that are none: 100 - 20%."""
    kinds = ["factor" if part.text in ("*", "/", "^") else part.kind for part in parts]
    if "operator" not in kinds or kinds.count("percent") in (0, kinds.count("number")):
        return False
    terms = [kinds[max(at - 2, 0) : at + 2] for at, kind in enumerate(kinds) if kind == "percent"]
    return any("factor" not in term for term in terms)


def is_dash(run: list[Token], position: int, is_left: bool) -> bool:
    """Whether a minus may be none: a bullet, or a dash before words ("5 - each costs 3*2")."""
    if position == 0:
        return is_left
    return position + 1 < len(run) and run[position + 1].kind == "word"
