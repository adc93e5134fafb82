"""Pieces of Markdown for comments: tables, folds, bars of characters, word diffs. All texts in them are inert."""

import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

from markupsafe import Markup

from reports.diff.model import CellDiff
from reports.page.charts import Part, shares_of
from reports.page.inert import as_code, for_comment, in_summary
from reports.page.render import row_link
from reports.page.values import shortened

SQUARES = {"unchanged": "⬜", "moved": "⬜", "changed": "🟨", "added": "🟩", "removed": "🟥"}
BLOCKS = " ▁▂▃▄▅▆▇█"
WIDTH = 96
"""Characters of a line in a block, above which a reader must scroll."""


def table(heads: Sequence[str], rows: Iterable[Sequence[Any]], numbers: Iterable[int] = ()) -> str:
    """A table; cells that are no Markup are made inert. `numbers`: places of columns that are set to the right."""
    right = set(numbers)
    rules = ["--:" if place in right else "---" for place in range(len(heads))]
    lines = [heads, rules, *([cell(value) for value in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cell(value: Any) -> str:
    return str(value) if isinstance(value, Markup) else str(for_comment(value))


def fold(summary: str, body: str, is_open: bool = False) -> str:
    """A part that unfolds."""
    return f"<details{' open' if is_open else ''}>\n<summary>{in_summary(summary)}</summary>\n\n{body}\n\n</details>"


def row_id(row: str, version: str) -> Markup:
    """A row's id, which opens it in `cultivar browse` at that version."""
    return Markup(f"[{as_code(row[:12])}]({row_link(row, version)})")


def squares(parts: Sequence[Part], most: int = 20) -> Markup:
    """A stacked bar of coloured squares; what is above nothing has at least one."""
    total = sum(part.value for part in parts)
    if not total:
        return Markup("")
    numbers = {part.kind: max(1, round(part.value / total * most)) for part in parts if part.value}
    over = sum(numbers.values()) - most
    largest = max(numbers, key=lambda kind: numbers[kind])
    numbers[largest] = max(1, numbers[largest] - over)
    return Markup("".join(SQUARES[kind] * number for kind, number in numbers.items()))


def blocks(bins: Sequence[int]) -> Markup:
    """A histogram of one line."""
    shares = shares_of(bins)
    most = max(shares, default=0) or 1
    return Markup(f"<code>{''.join(BLOCKS[-(-int(share / most * 800) // 100)] for share in shares)}</code>")


def cell_lines(cell_diff: CellDiff, most: int) -> list[str]:
    """A changed value as lines of a block in the language `diff`: its name, then what was and what is."""
    name = f"{cell_diff.column}, {cell_diff.place}" if cell_diff.place else cell_diff.column
    sides = []
    for sign, kind, whole in (("-", "old", cell_diff.old), ("+", "new", cell_diff.new)):
        if whole is not None:
            sides += signed_lines(sign, piece_text(cell_diff, kind), most)
    return [f"  {name}", *sides]


def piece_text(cell_diff: CellDiff, kind: str) -> str:
    """The words of one version, with what was left out of both."""
    return "".join(
        f" … {piece.words} words … " if piece.kind == "skip" else piece.text
        for piece in cell_diff.words
        if piece.kind in ("same", "skip", kind)
    )


def signed_lines(sign: str, text: str, most: int) -> list[str]:
    """A text, at most so many characters of it, as lines that begin with the sign."""
    return [
        f"{sign} {part}"
        for line in shortened(text, most).split("\n")
        for part in (textwrap.wrap(line, WIDTH, drop_whitespace=False, replace_whitespace=False) or [""])
    ]
