"""Pages from templates: reports/page/base.html.jinja and what each job adds beside its code."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from cultivar.outgoing.escape import for_html
from reports.page import charts, numbers
from reports.page.inert import as_code, fenced, for_comment
from reports.page.secrets import redact, secrets_at_once
from reports.page.values import is_conversation, plain, scale_of, shortened
from schemas.conversations import shown, speaker

REPORTS = Path(__file__).parents[1]
BROWSE = "http://127.0.0.1:8400"
"""Where `cultivar browse` answers."""


def render(template: str, context: Mapping[str, Any]) -> str:
    """A template of this package, by its path from reports/ ("page/diff.html.jinja"), filled in.

    Every text that it shows is redacted and escaped, for HTML or Markdown by the template's name, since rows are model
    output; Markup is shown as it is. A name that the context lacks is an error (jinja2.UndefinedError).
    """
    with secrets_at_once():
        return environment(".html." in template).get_template(template).render(context)


@lru_cache(maxsize=2)
def environment(is_html: bool) -> Environment:
    """Templates below reports/ with the filters that pages share."""
    escape = in_html if is_html else for_comment

    def present(value: Any) -> Any:
        return value if isinstance(value, Markup) or not isinstance(value, str) else escape(value)

    made = Environment(
        loader=FileSystemLoader(REPORTS),
        autoescape=True,
        finalize=present,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "count": numbers.count,
        "share": numbers.share,
        "points": numbers.points,
        "figure": numbers.figure,
        "change": numbers.change,
        "code": in_code if is_html else as_code,
        "fenced": fenced,
        "plain": plain,
        "shortened": shortened,
        "cells": lambda values: join(Markup(" | "), map(present, values)),
    }
    made.globals |= {"charts": charts, "row_link": row_link, "anchor": anchor}
    made.globals |= {
        "is_conversation": is_conversation,
        "shown": shown,
        "speaker": speaker,
        "scale_of": scale_of,
        "plural": numbers.plural,
    }
    return made


def join(between: Markup, values: Iterable[Any]) -> Markup:
    return between.join(values)


def in_html(text: Any) -> Markup:
    """The text as itself in HTML."""
    return Markup(for_html(redact(str(text))))


def in_code(text: Any) -> Markup:
    """The text in HTML in the type of code, isolated from the direction of what surrounds it."""
    return Markup(f'<code dir="auto">{in_html(text)}</code>')


def row_link(row: str, version: str) -> str:
    """The address of a row at a version while `cultivar browse` runs."""
    return f"{BROWSE}/row/{quote(row, safe='')}?at={quote(version, safe='')}"


def anchor(*names: str) -> str:
    """An id for an element of a page, and what links to it: letters, digits, dots and hyphens."""
    text = "-".join(names)
    return "".join(letter if letter.isascii() and (letter.isalnum() or letter in "-.") else "_" for letter in text)
