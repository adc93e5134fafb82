"""What a reader's host makes of Markdown and HTML: elements, links, and the texts in which it looks for words."""

import html.parser
import re
from typing import Any

from markdown_it import MarkdownIt

MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
VOID = {"br", "img", "meta", "link", "input", "hr"}
QUIET = {"code", "pre", "a"}
ACTIVE = re.compile(
    r"@\w|[#!%~$&]\w|GH-\d|https?://|www\.|mailto:|:\w+:|\b[0-9a-f]{7,40}\b|\{\+|(?m:^/\w)"  # people, issues, addresses, …
)


class Page(html.parser.HTMLParser):
    """Elements with their attributes, comments, and texts outside code and links; raises where tags do not pair."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, Any]]] = []
        self.comments: list[str] = []
        self.texts: list[str] = []
        self.all_text: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == [], f"not closed: {self.open}"

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open[-1] == tag, f"</{tag}> ends {self.open}"
        self.open.pop()

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def handle_data(self, data: str) -> None:
        if "style" in self.open:
            return
        self.all_text.append(data)
        if not QUIET & set(self.open):
            self.texts.append(data)

    @property
    def tags(self) -> set[str]:
        return {tag for tag, _ in self.elements}

    @property
    def links(self) -> list[str]:
        return [attributes["href"] for tag, attributes in self.elements if tag == "a"]


def read_comment(text: str) -> Page:
    """A comment as a host shows it."""
    return Page(MARKDOWN.render(text))
