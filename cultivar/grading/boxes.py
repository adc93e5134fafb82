r"""Boxes of LaTeX, \boxed{...} and \fbox{...}, with braces of any depth, found in one pass."""

import re
from typing import NamedTuple

TOKEN = re.compile(r"\\(?:boxed|fbox)\s*\{|\\.|[{}]", re.DOTALL)


class Box(NamedTuple):
    """A box: where it begins, where its content does, where that ends, and where the box does."""

    start: int
    inside: int
    stop: int
    end: int


def find_boxes(text: str) -> list[Box]:
    """All boxes that are closed, outermost only, in order."""
    found: list[Box] = []
    open_braces: list[re.Match[str]] = []
    for token in TOKEN.finditer(text):
        if token[0][-1] == "{" and token[0] != "\\{":
            open_braces.append(token)
        elif token[0] == "}" and open_braces:
            opened = open_braces.pop()
            if len(opened[0]) > 1:
                while found and found[-1].start > opened.start():
                    found.pop()
                found.append(Box(opened.start(), opened.end(), token.start(), token.end()))
    return found


def unbox(text: str) -> str:
    """Text with its boxes replaced by what is in them."""
    if "\\boxed" not in text and "\\fbox" not in text:
        return text
    parts, position = [], 0
    for box in find_boxes(text):
        parts += [text[position : box.start], " ", unbox_once(text[box.inside : box.stop]), " "]
        position = box.end
    return "".join([*parts, text[position:]])


def unbox_once(text: str) -> str:
    """The content of a box; of a box in a box, the inner one's."""
    inner = find_boxes(text)
    return text if not inner else text[: inner[0].start] + text[inner[0].inside : inner[0].stop] + text[inner[0].end :]
