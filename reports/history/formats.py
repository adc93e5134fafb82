"""The timeline as a table for a terminal, as Markdown, CSV and JSON."""

import csv
import io
import json
import unicodedata
from collections.abc import Sequence
from typing import Any

from cultivar.outgoing.escape import for_markdown, for_terminal
from cultivar.outgoing.redaction import redacted
from reports.history.measures import Measure, Measured
from reports.history.rows import RowChange
from reports.history.timeline import PRODUCTS, Line, Timeline
from reports.page.numbers import MINUS, NONE, count, figure, share

TITLE = 36
"""Columns of a terminal that a title may take."""
BARS = "▁▂▃▄▅▆▇█"


def header(timeline: Timeline) -> list[str]:
    products = [name for letter in PRODUCTS for name in (letter, f"change of {letter}")]
    return ["revision", "date", "title", *products, *(measure.words for measure in timeline.measures)]


def cells(line: Line, measures: Sequence[Measure]) -> list[str]:
    """The texts of a line, not yet escaped."""
    name = f"+ {line.revision.name}" if line.revision.baseline else line.revision.name
    products = [text for letter in PRODUCTS for text in (count(line.rows[letter]), change_text(line.changes[letter]))]
    values = [value_text(value, measure) for value, measure in zip(line.values, measures, strict=True)]
    return [redacted(name), line.revision.date or NONE, redacted(line.revision.title), *products, *values]


def change_text(change: RowChange | None) -> str:
    """+3 −1 ~2 for counted rows, the difference in rows otherwise, = for equal tables."""
    if change is None:
        return NONE
    if change.added is None:
        return f"net {change.net:+,}".replace("-", MINUS)
    parts = [f"{mark}{count(rows)}" for mark, rows in zip(f"+{MINUS}~", change[1:], strict=True) if rows]
    return " ".join(parts) or "="


def value_text(value: Measured | None, measure: Measure) -> str:
    """61.4 % (56–66): the value and its interval."""
    if value is None:
        return NONE
    shown = share if measure.is_share else figure
    text = shown(value.value)
    if value.low is None or value.high is None:
        return text
    ends = [f"{end * 100:.0f}" if measure.is_share else figure(end) for end in (value.low, value.high)]
    return f"{text} ({NONE.join(ends)})"


def text_table(timeline: Timeline) -> str:
    """Lines for a terminal; texts flush left, numbers flush right."""
    rows = [header(timeline)]
    for line in timeline.lines:
        revision, date, title, *numbers = [
            for_terminal(cell).replace("\n", " ") for cell in cells(line, timeline.measures)
        ]
        rows.append([revision, date, shortened(title, TITLE), *numbers])
    widths = [max(map(width, column)) for column in zip(*rows, strict=True)]
    aligned = [
        "  ".join(
            text + " " * (wide - width(text)) if at < 3 else " " * (wide - width(text)) + text
            for at, (text, wide) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    return "\n".join([*aligned, *trends(timeline), *notes(timeline)])


def trends(timeline: Timeline) -> list[str]:
    """A bar a version under each measure that moved: the plot of a terminal."""
    found = []
    for at, measure in enumerate(timeline.measures):
        values = [line.values[at] for line in timeline.lines if not line.revision.baseline]
        known = [value.value for value in values if value is not None]
        if len(known) > 1 and min(known) < max(known):
            low, span = min(known), max(known) - min(known)
            bars = [BARS[round((value.value - low) / span * 7)] if value else " " for value in values]
            first, last = (value_text(Measured(value), measure) for value in (known[0], known[-1]))
            found += [(measure.words, "".join(bars), f"{first} to {last}")] if first != last or len(known) > 2 else []
    wide = max((width(words) for words, _, _ in found), default=0)
    return (
        ["", *(f"{words}{' ' * (wide - width(words))}  {bars}  {ends}" for words, bars, ends in found)] if found else []
    )


def notes(timeline: Timeline) -> list[str]:
    """What the table does not say by itself."""
    found = []
    stale = [line for line in timeline.lines if line.stale]
    if stale:
        found.append(
            f"{NONE}: not measured on that data. {count(len(stale))} of {count(len(timeline.lines))} versions hold "
            "metrics of earlier data; `dvc repro` measures the checked-out one."
        )
    if any(value and value.low is not None for line in timeline.lines for value in line.values):
        found.append(
            "(low–high): 95 % interval over the held-out items; another seed of training moves a value as well."
        )
    return ["", *found] if found else []


def markdown(timeline: Timeline) -> str:
    rows = [[for_markdown(cell) for cell in cells(line, timeline.measures)] for line in timeline.lines]
    head = [for_markdown(word) for word in header(timeline)]
    marks = ["---"] * 3 + ["---:"] * (len(head) - 3)
    table = "\n".join("| " + " | ".join(row) + " |" for row in (head, marks, *rows))
    return "\n".join([table, *map(for_markdown, notes(timeline))])


def plain(line: Line, measures: Sequence[Measure]) -> dict[str, Any]:
    """A line as JSON has it: numbers as they are, null for what is not known."""
    return {
        "revision": redacted(line.revision.name),
        "commit": line.revision.commit,
        "baseline": line.revision.baseline,
        "date": line.revision.date,
        "title": redacted(line.revision.title),
        "rows": line.rows,
        "changes": {letter: change and change._asdict() for letter, change in line.changes.items()},
        "metrics": {
            measure.address: value and value._asdict() for measure, value in zip(measures, line.values, strict=True)
        },
        "of_earlier_data": list(line.stale),
    }


def as_json(timeline: Timeline) -> str:
    return json.dumps([plain(line, timeline.measures) for line in timeline.lines], indent=2, ensure_ascii=True)


def as_csv(timeline: Timeline) -> str:
    """A line a version; a metric has a column for its value and one for each end of its interval."""
    products = [f"{letter}_{what}" for letter in PRODUCTS for what in ("rows", *RowChange._fields)]
    metrics = [measure.address + end for measure in timeline.measures for end in ("", "_low", "_high")]
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(["revision", "commit", "date", "title", *products, *metrics])
    for line in timeline.lines:
        one = line.revision
        row: list[Any] = [redacted(one.name), one.commit, one.date, inert_cell(redacted(one.title))]
        for letter in PRODUCTS:
            row += [line.rows[letter], *(line.changes[letter] or (None,) * len(RowChange._fields))]
        for value in line.values:
            row += value or (None, None, None)
        table.writerow(row)
    return out.getvalue().rstrip("\n")


def inert_cell(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t") else text


def width(text: str) -> int:
    """Columns of a terminal."""
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )


def shortened(text: str, columns: int) -> str:
    if width(text) <= columns:
        return text
    while width(text) > columns - 1:
        text = text[:-1]
    return text + "…"
