"""The diff of two versions as Markdown for a comment or a job's summary, never longer than it may be."""

from collections.abc import Callable
from typing import NamedTuple

from reports.diff.model import Diff
from reports.page import markdown_rows as rows
from reports.page import markdown_sections as sections
from reports.page.detail import DETAILS, Detail
from reports.page.secrets import secrets_at_once
from reports.page.traits import Trait, find_traits

COMMENT_LIMIT = 65_000
"""GitHub takes 65,536 characters; the marker and what posts it need some."""
Make = Callable[[Diff, Detail], str]


class Section(NamedTuple):
    """A part of the comment: `rank` says when it goes where there is no room, the highest first."""

    title: str
    rank: int
    make: Make


def diff_markdown(
    diff: Diff, limit: int = COMMENT_LIMIT, traits: tuple[Trait, ...] | None = None, report: str = ""
) -> str:
    """Markdown of at most `limit` characters as GitHub counts them (UTF-16).

    Less is said of everything before anything is left out, and a section is left out as a whole, with a line that says so.
    `report`: the address of the full report. `traits`: as in `diff_html`.
    """
    found = find_traits(diff) if traits is None else traits
    parts = [
        Section("Look at these first", 0, sections.alerts),
        Section("Why", 1, sections.why),
        Section("What the touched rows have in common", 6, lambda diff, detail: sections.common(found, detail)),
        Section("What was edited", 3, sections.edits),
        Section("Gates", 2, sections.gates),
        Section("Metrics", 5, sections.metrics),
        Section("Composition of D and P", 7, sections.composition),
        Section("Schema", 4, sections.schema),
        Section("All tables", 8, sections.tables),
        Section("Changed rows", 9, rows.changed),
        Section("Added rows", 10, rows.added),
        Section("Removed rows", 11, rows.removed),
    ]
    with secrets_at_once():
        return fitted(diff, limit, parts, report)


def fitted(diff: Diff, limit: int, parts: list[Section], report: str) -> str:
    """The most that may be said within the limit."""
    head, foot = sections.head(diff), sections.foot(report)
    for detail in DETAILS:
        made = {part.title: part.make(diff, detail) for part in parts}
        text = assemble(head, parts, made, foot)
        if size(text) <= limit:
            return text
    for part in sorted(parts, key=lambda part: -part.rank):
        made[part.title] = ""
        dropped = [title for title in made if not made[title]]
        text = assemble(head, parts, made, f"Left out here for want of room: {', '.join(dropped)}.\n\n{foot}")
        if size(text) <= limit:
            return text
    return text


def assemble(head: str, parts: list[Section], made: dict[str, str], foot: str) -> str:
    """The text of all sections that have one."""
    shown = [f"### {part.title}\n\n{made[part.title]}" for part in parts if made[part.title]]
    return "\n\n".join([head, *shown, foot]) + "\n"


def size(text: str) -> int:
    """Characters as GitHub counts them: one beyond Unicode's first plane counts twice."""
    return len(text.encode("utf-16-le", errors="surrogatepass")) // 2
