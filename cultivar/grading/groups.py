r"""Answers of several values: sets, lists, tuples, intervals, unions, matrices, and two values by \pm."""

import re
from typing import Literal, NamedTuple

from cultivar.grading.answer_markup import MAX_CHARS
from cultivar.grading.values import parse_stripped

Kind = Literal["set", "list", "tuple", "union", "matrix"]
MAX_ELEMENTS = 32
"""Elements of an answer that is compared element by element."""

BRACKETS = {"(": ")", "[": "]", "\\{": "\\}", "{": "}", "\\langle": "\\rangle"}
OPENING = re.compile(r"\\\{|\\langle\b|[(\[{\]]")
CLOSING = re.compile(r"(?:\\\}|\\rangle|[)\]}\[])$")
TOKEN = re.compile(r"\\[{}]|\\[A-Za-z]+|.", re.DOTALL)
MATRIX = re.compile(
    r"[\[(]?\s*\\begin\s*\{([pbB]?matrix|array)\}(?:\s*\{[clr|\s]*\})?(.*)\\end\s*\{\1\}\s*[\])]?", re.DOTALL
)
MEMBER = re.compile(r"(?:(?<!\s)\s+)?[A-Za-z]\s*(?:\\in(?![A-Za-z])|=)\s*(?=\\|[(\[{\]])")
"""What stands before a set of solutions: x \\in."""
EMPTY = re.compile(r"\\(?:emptyset|varnothing)\b|\\\{\s*\\\}|\{\s*\}")
AND = re.compile(
    r"(?:,|(?<!\s))\s+(?:and|y|e|et|und|и|و|or|o|ou|oder|или)\s+|(?:(?<!\s)\s+)?(?:和|と|与|및|また|或|または)\s*",
    re.IGNORECASE,
)
PLUS_MINUS = re.compile(r"\\pm(?![A-Za-z])")
UNION = re.compile(r"\\cup(?![A-Za-z])")


class Group(NamedTuple):
    """Several values: how they belong together, how they are enclosed, and each as text. `columns`: of a matrix."""

    kind: Kind
    elements: tuple[str, ...]
    enclosed: str = ""
    columns: int = 0


def parse_group(words: str) -> Group | None:
    """The values of an answer without markup that are more than one, or stand in brackets with a comma.

    None of more than MAX_CHARS characters.
    """
    if len(words) > MAX_CHARS:
        return None
    words = MEMBER.sub("", words, count=1).strip()
    if EMPTY.fullmatch(words):
        return Group("set", ())
    if found := MATRIX.fullmatch(words):
        rows = [split(row, "&") for row in re.split(r"\\\\", found[2]) if row.strip()]
        return limited(Group("matrix", sum(rows, ()), columns=len(rows[0]))) if rows and even(rows) else None
    if "\\begin" in words:
        return None
    if UNION.search(words):
        parts = split(words, "\\cup")
        return limited(Group("union", parts)) if len(parts) > 1 else None
    return enclosed(words) or listed(words)


def even(rows: list[tuple[str, ...]]) -> bool:
    return len({len(row) for row in rows}) == 1


def limited(group: Group) -> Group | None:
    return group if len(group.elements) <= MAX_ELEMENTS else None


def enclosed(words: str) -> Group | None:
    """A set, tuple or interval: one pair of brackets around it all, and a comma inside or braces."""
    first, last = OPENING.match(words), CLOSING.search(words)
    if not first or not last or first.end() > last.start() or depth_ends(words) != len(words):
        return None
    inside = words[first.end() : last.start()]
    separator = ";" if len(split(inside, ";")) > 1 else ","
    elements = tuple(each for part in split(inside, separator) for each in plus_minus(part))
    if first[0] in ("{", "\\{"):
        return limited(Group("set", elements)) if last[0] in ("}", "\\}") else None
    if len(elements) < 2 or not all(elements):
        return None
    left = {"]": "("}.get(first[0], first[0])  # ]0, 1[ as in French
    right = {"[": ")"}.get(last[0], last[0])
    return limited(Group("tuple", elements, enclosed=left.replace("\\langle", "(") + right.replace("\\rangle", ")")))


def depth_ends(words: str) -> int:
    """Where the bracket that opens the text is closed; of intervals ( and [ close each other."""
    depth = 0
    for token in TOKEN.finditer(words):
        sign = token[0]
        if sign in ("(", "{", "\\{", "\\langle") or (sign == "[" and (depth == 0 or token.end() < len(words))):
            depth += 1
        elif sign in (")", "}", "\\}", "\\rangle", "]", "["):
            if sign == "]" and depth == 0:
                depth += 1
                continue
            depth -= 1
            if depth == 0:
                return token.end()
    return -1


def listed(words: str) -> Group | None:
    """Values with commas or "and" between them, and no brackets around all."""
    spread = AND.sub(" , ", words)
    parts = split(spread, ";") if ";" in spread else split(spread, ",")
    elements = tuple(each for part in parts if part for each in plus_minus(part))
    if len(elements) < 2:
        return None
    bare = tuple(re.sub(r"^\s*[A-Za-z]\s*=\s*", "", each) for each in elements)
    if len({each.split("=")[0].strip() for each in elements if "=" in each}) > 1:
        return None  # x = 1, y = 2 are no set
    if any(parse_stripped(each) is None and enclosed(each) is None for each in bare):
        return None
    return limited(Group("list", bare))


def plus_minus(part: str) -> list[str]:
    """Both values of an element with one \\pm."""
    part = part.strip()
    if len(PLUS_MINUS.findall(part)) != 1:
        return [part]
    return [PLUS_MINUS.sub(sign, part).strip().removeprefix("+").strip() for sign in "+-"]


def split(words: str, separator: str) -> tuple[str, ...]:
    """Parts of a text between separators outside of brackets."""
    parts, depth, start = [], 0, 0
    for token in TOKEN.finditer(words):
        sign = token[0]
        if sign in ("(", "[", "{", "\\{", "\\langle"):
            depth += 1
        elif sign in (")", "]", "}", "\\}", "\\rangle"):
            depth -= 1
        elif sign == separator and depth <= 0:
            parts.append(words[start : token.start()].strip())
            start = token.end()
    return (*parts, words[start:].strip())


def assignments(table: list[list[bool | None]]) -> bool | None:
    """Whether the elements of two equally long collections can be paired, by a table of which ones agree.

    False where an element agrees with none of the other side for certain; None where neither is shown.
    """
    size = len(table)
    if any(all(cell is False for cell in row) for row in table):
        return False
    if any(all(row[column] is False for row in table) for column in range(size)):
        return False
    taken = [-1] * size

    def place(row: int, seen: set[int]) -> bool:
        for column in range(size):
            if table[row][column] and column not in seen:
                seen.add(column)
                if taken[column] < 0 or place(taken[column], seen):
                    taken[column] = row
                    return True
        return False

    return True if all(place(row, set()) for row in range(size)) else None
