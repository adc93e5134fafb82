"""A preview as people read it (stages/curation/preview.py)."""

import shutil
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

MOST_LINES = 12
"""Kinds of one list that are shown."""
MOST_PARTS = 4
"""Lines, about, of one reason."""


def report(found: Any, path: str) -> Iterator[str]:
    """The lines of a preview: format, rows, examples beside what is not taken, languages, lengths."""
    width = shutil.get_terminal_size((100, 24)).columns
    kinds = sorted(set(found.files.values()))
    more = f" ({len(found.files)} files)" if len(found.files) > 1 else ""
    yield f"{path}{more}: format {', '.join(kinds) or 'not told'}"
    yield ""
    yield from rows(found)
    yield ""
    yield "The first rows as they will come in:"
    for place, lines in found.examples:
        yield f"  {place}"
        for line in lines[:MOST_LINES]:
            yield cut("    " + " ".join(line.split()), width)
        if len(lines) > MOST_LINES:
            yield f"    … {len(lines) - MOST_LINES} more"
    if not found.examples:
        yield "  none"
    yield ""
    yield from left(found, width)
    yield ""
    median, high, most = found.tokens
    yield f"Tokens of a row's texts (words, or characters of scripts without spaces): median {median:,}, 95 % {high:,}, most {most:,}"
    yield f"Languages: {listed(found.languages)}"


def rows(found: Any) -> Iterator[str]:
    """How many rows each table gets."""
    names = {"given_demonstrations": "answers of people (for D)", "given_preferences": "pairs of people (for P)"}
    counts = (f"{count:,} {names.get(name, name.replace('_', ' '))}" for name, count in found.rows.items())
    yield "Rows: " + (", ".join(counts) or "none")


def left(found: Any, width: int) -> Iterator[str]:
    """What will not be taken, and why."""
    if not (found.not_taken or found.dropped or found.quarantined):
        yield "Everything is taken."
        return
    yield "What will not be taken:"
    for name, count in list(found.not_taken.items())[:MOST_LINES]:
        yield cut(f"  {count:>8,}  {name}", width)
    for verb, kinds in (("dropped", found.dropped), ("quarantined", found.quarantined)):
        for reason, (count, example) in list(kinds.items())[:MOST_LINES]:
            yield from wrapped(f"{verb}: {reason} (first: {example})", f"  {count:>8,}  ", width)
    for file in found.skipped[:MOST_LINES]:
        yield from wrapped(f"skipped file {file}", " " * 12, width)
    listed_kinds = (found.not_taken, found.dropped, found.quarantined, found.skipped)
    hidden = sum(max(0, len(kinds) - MOST_LINES) for kinds in listed_kinds)
    if hidden:
        yield f"            and {hidden} more kinds; metrics/ingest.json and data/quarantine/ingest.parquet hold all"


def listed(counts: Mapping[str, int]) -> str:
    """The most frequent, with their shares."""
    total = sum(counts.values()) or 1
    return ", ".join(f"{name} {count / total:.0%}" for name, count in list(counts.items())[:6]) or "none"


def wrapped(text: str, head: str, width: int) -> list[str]:
    """A text on at most MOST_PARTS lines: the place at its end is what a person needs."""
    text = text if len(text) <= MOST_PARTS * width else f"{text[: 2 * width]} … {text[-width // 2 :]}"
    return textwrap.wrap(" ".join(text.split()), max(40, width), initial_indent=head, subsequent_indent=" " * len(head))


def cut(line: str, width: int) -> str:
    return line if len(line) <= width else line[: max(20, width - 1)] + "…"
