"""A trace as a tree for a terminal: every line within its width, every text inert."""

import unicodedata

from cultivar.runlog.console import shown
from reports.trace.outline import Item, Section

LEAST = 40
"""Columns below which lines are not made narrower."""
LABEL = 12
"""Columns of the name of a text."""


def render_text(sections: list[Section], columns: int = 80, full: bool = False) -> str:
    """The sections as text. Texts are cut to a line each, or wrapped and complete with `full`."""
    columns = max(LEAST, columns)
    lines: list[str] = []
    for number, section in enumerate(sections):
        title = section.title if number else f"{section.title}"
        lines += ["", title, "─" * min(columns, width_of(title))] if number else [*fold(title, "", columns)]
        if section.note:
            lines += fold(section.note, "  ", columns)
        for item in section.items:
            lines += item_lines(item, columns, full, is_head=number == 0)
    return "\n".join(lines)


def item_lines(item: Item, columns: int, full: bool, is_head: bool) -> list[str]:
    """The lines of an item."""
    before = "" if is_head else "  " * item.level
    if is_head:
        lines = []
    else:
        named = f"{item.title} {item.id}" if item.id else item.title
        lines = fold(f"└ {named}{' (above)' if item.is_again else ''}", before, columns, hanging="  ")
    if item.is_again:
        return lines
    inner = before + "  "
    if item.facts:
        lines += fold(" · ".join(item.facts), inner, columns)
    for name, text in item.texts:
        lines += text_lines(name, text, inner, columns, full)
    return lines


def text_lines(name: str, text: str, before: str, columns: int, full: bool) -> list[str]:
    """A named text: its beginning on one line, or all of it."""
    label = f"{shown(name):<{LABEL}} "
    room = max(10, columns - len(before) - len(label))
    if not full and not name.startswith("request "):  # of a request the proof stands last
        return [before + label + cut(" ".join(shown(text).split()), room)]
    wrapped = [piece for line in shown(text).expandtabs(4).split("\n") for piece in pieces(line, room)]
    return [before + (label if not number else " " * len(label)) + line for number, line in enumerate(wrapped)]


def fold(text: str, before: str, columns: int, hanging: str = "") -> list[str]:
    """A text as lines of the width, behind an indent."""
    room = max(10, columns - len(before) - len(hanging))
    parts = pieces(" ".join(shown(text).split()), room)
    return [before + (hanging if number else "") + part for number, part in enumerate(parts)]


def pieces(line: str, room: int) -> list[str]:
    """A line in pieces of at most `room` columns, between words where there are any."""
    found, rest = [], line
    while width_of(rest) > room:
        fitting = fit(rest, room)
        space = rest.rfind(" ", 1, fitting + 1)
        end = space if space > room // 3 else fitting
        found.append(rest[:end].rstrip())
        rest = rest[end:].lstrip(" ")
    return [*found, rest]


def cut(text: str, room: int) -> str:
    """The beginning of a text, with `…` where it goes on."""
    return text if width_of(text) <= room else text[: fit(text, room - 1)] + "…"


def fit(text: str, room: int) -> int:
    """How many characters of a text fit in so many columns, one at least."""
    used = 0
    for number, character in enumerate(text):
        used += width_of(character)
        if used > room:
            return max(1, number)
    return len(text)


def width_of(text: str) -> int:
    """Columns of a text on a terminal."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(one) else 2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text
    )
