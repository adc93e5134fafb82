"""A trace as Markdown: headings, a list as the tree, texts as quotes of code, every row an anchor by its id."""

import re

from cultivar.outgoing.escape import for_html, for_markdown, for_terminal
from cultivar.outgoing.redaction import redacted
from reports.trace.outline import Item, Section

SHORT = 100
"""Characters up to which a text of one line stands beside its name."""


def render_markdown(sections: list[Section], picture: str = "") -> str:
    """The sections as Markdown, complete. `picture`: the file of a picture to show below the title."""
    lines: list[str] = []
    for number, section in enumerate(sections):
        lines += [f"{'##' if number else '#'} {for_markdown(redacted(section.title))}", ""]
        if picture and not number:
            lines += [f"![The family from its sources to D and P]({picture})", ""]
        if section.note:
            lines += [for_markdown(redacted(section.note)), ""]
        for item in section.items:
            lines += item_lines(item)
        lines.append("")
    return re.sub("\n{3,}", "\n\n", "\n".join(lines)).strip("\n") + "\n"


def item_lines(item: Item) -> list[str]:
    """An item of the list, with its texts below it."""
    before = "  " * item.level
    anchor = f'<a id="{for_html(item.id)}"></a>' if item.id and not item.is_again else ""
    named = f" [`{for_html(item.id)}`](#{for_html(item.id)})" if item.id else ""
    facts = f": {for_markdown(redacted(' · '.join(item.facts)))}" if item.facts and not item.is_again else ""
    again = " (above)" if item.is_again else ""
    lines = [f"{before}- {anchor}{for_markdown(redacted(item.title))}{named}{again}{facts}"]
    if not item.is_again:
        for name, text in item.texts:
            lines += text_lines(name.strip(), redacted(text), before + "  ")
    return lines


def text_lines(name: str, text: str, before: str) -> list[str]:
    """A named text: behind its name where it is short, else in a block of code whose fence it cannot close."""
    if "\n" not in text and len(text) <= SHORT:
        return [f"{before}- {for_markdown(name)}: {for_markdown(text)}"]
    inert = for_terminal(text)
    fence = "`" * max(3, max((len(run) for run in re.findall("`+", inert)), default=0) + 1)
    body = [f"{before}  {line}" for line in inert.split("\n")]
    return [f"{before}- {for_markdown(name)}:", "", f"{before}  {fence}text", *body, f"{before}  {fence}", ""]
