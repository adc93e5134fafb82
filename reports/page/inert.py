"""Texts of rows on GitHub and GitLab: nobody is notified, nothing is linked, no bot obeys.

`for_markdown` lets a text be read as itself. These two hosts look further, at the words: `@team` notifies people, `#12`,
`!12`, `GH-12` and a commit's hash become links that show up elsewhere, an address becomes a link, `:tada:` a picture, a line
that begins with `/close` a command. Each of these is cut in two by an empty element, which shows nothing and is not copied.
"""

import re
from typing import Any

from markupsafe import Markup

from cultivar.outgoing.escape import for_html, for_markdown, for_terminal
from reports.page.secrets import redact

CUT = "<span></span>"
ACTIVE = re.compile(
    r"(?P<head>"
    r"\\?[@#!%~$^](?=\\?[\w\"'/{-])|&amp;(?=\\?\w)"  # people, issues, requests, milestones, labels, snippets, epics
    r"|:(?=//|(?:\\?[\w+-])+:)|\bwww(?=\.)"  # addresses, pictures by name
    r"|\b(?:GH|gh)(?=-\d)|\{(?=[+-])|\b(?:mailto|xmpp)(?=:)"  # issues, changes as GitLab marks them, other schemes
    r")"
)
HASH = re.compile(r"(?<![\w.,])(?P<head>[0-9a-fA-F]{4})(?=[0-9a-fA-F]{3,60}\b)")
"""What may be a commit, or the beginning of its name."""
FENCE = re.compile("`+|~+")


def for_comment(text: Any) -> Markup:
    """The text on one line of a comment, as itself and without effect."""
    line = cut(HASH, cut(ACTIVE, for_markdown(redact(str(text)))))
    return Markup("&#47;" + line[1:] if line.startswith("/") else line)


def cut(pattern: re.Pattern[str], text: str) -> str:
    return pattern.sub(lambda found: found["head"] + CUT, text)


def as_code(text: Any) -> Markup:
    """The text on one line of a comment in the type of code: names, values, ids. Hosts look for no words in there."""
    return Markup(f"<code>{cut(ACTIVE, for_markdown(redact(str(text)))) or '&nbsp;'}</code>")


def fenced(text: str, language: str = "") -> Markup:
    """Lines of text as a block of code, whose end stands nowhere in the text."""
    shown = for_terminal(redact(text))
    longest = max(map(len, FENCE.findall(shown)), default=0)
    fence = "`" * max(3, longest + 1)
    return Markup(f"{fence}{language}\n{shown}\n{fence}")


def in_summary(text: Any) -> Markup:
    """The text within a line of HTML of a comment, where hosts read no Markdown."""
    line = cut(HASH, cut(ACTIVE, for_html(redact(" ".join(str(text).split())))))
    return Markup(f"/{CUT}{line[1:]}" if line.startswith("/") else line)
