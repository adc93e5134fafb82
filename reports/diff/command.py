"""What differs between two data versions: which rows, in which columns and words, and what to look at first.

cultivar diff                      # HEAD and the working tree
cultivar diff main                 # a git revision, tag, branch or DVC experiment, and the working tree
cultivar diff v1 v2 --table demonstrations   # one table, with rows and word diffs
cultivar diff main HEAD --html diff.html --markdown diff.md --json diff.json

Tables are read from DVC's cache as they are, and from the remote what the cache lacks; nothing is checked out or run, unless
--prove asks for it. A row whose text was edited is a changed row, not one removed and one added.
"""

import os
import sys
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from cultivar.runlog.console import complain
from reports.diff.build import SAMPLES, build_diff
from reports.diff.model import Diff
from reports.diff.terminal import Style, diff_lines, one_table_lines
from reports.versions.database import interruptible
from reports.versions.version import Version, open_version
from schemas.errors import UserError
from schemas.writing import Drafts


def main(
    old: Annotated[str, typer.Argument(metavar="[A]", help="the version before")] = "HEAD",
    new: Annotated[
        str | None, typer.Argument(metavar="[B]", help="the version after; default: the working tree")
    ] = None,
    table: Annotated[
        str | None, typer.Option("--table", metavar="NAME", help="one table with its rows: preferences")
    ] = None,
    rows: Annotated[int, typer.Option("--rows", help="rows of each kind that a table shows", min=0)] = SAMPLES,
    as_json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="everything, with the ids of all rows")
    ] = None,
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="one page, without scripts")] = None,
    markdown: Annotated[Path | None, typer.Option("--markdown", metavar="FILE", help="for a comment")] = None,
    causes: Annotated[
        bool, typer.Option("--why/--no-why", help="name the cause of every changed row of D and P")
    ] = True,
    prove: Annotated[
        bool, typer.Option("--prove", help="and prove it: apply each change alone, asking nobody")
    ] = False,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="end with 1 where something differs")] = False,
) -> int:
    try:
        versions = open_version(old), open_version(new)
        diff = read_diff(*versions, rows=rows, causes=causes, prove=prove, for_page=bool(html or markdown))
        lines = list(shown_lines(diff, table))
        for path, render in ((as_json, render_json), (html, render_html), (markdown, render_markdown)):
            if path is not None:
                write(path, render(diff))
    except UserError as error:
        complain(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        complain("\nstopped; nothing was written")
        return 130
    for line in lines:
        print(line, flush=True)
    return int(exit_code and (bool(diff.missing) or any(one.touched or one.moved or one.schema for one in diff.tables)))


@interruptible()
def read_diff(old: Version, new: Version, *, rows: int, causes: bool, prove: bool, for_page: bool) -> Diff:
    """The diff with as much beside it as is asked for: gates, price and metrics stand on the page alone."""
    from reports.diff.review import review, with_causes
    from reports.versions.database import connect

    if for_page:
        return review(old, new, day=date.today(), samples=rows, prove=prove)
    database = connect()
    diff = build_diff(old, new, database=database, samples=rows)
    return with_causes(diff, database, prove) if causes else diff


def shown_lines(diff: Diff, table: str | None) -> list[str]:
    """What is printed. Texts of rows are inert in it; colours are for a terminal alone. Raises UserError."""
    style = Style(sys.stdout.isatty() and "NO_COLOR" not in os.environ)
    if table is None:
        return list(diff_lines(diff, style))
    path = find_table(diff, table)
    found = diff.table(path)
    if path in diff.missing:
        return list(diff.notes)
    return list(one_table_lines(found, style)) if found else [f"{path} does not differ"]


def find_table(diff: Diff, name: str) -> str:
    """The path of a table by its name: preferences, dropped/filter, data/preferences.parquet. Raises UserError."""
    path = name if name.endswith(".parquet") else f"{name}.parquet"
    path = path if path.startswith("data/") else f"data/{path}"
    known = [*(one.table for one in diff.tables), *diff.same, *diff.missing]
    if path not in known:
        names = ", ".join(sorted(one.removeprefix("data/").removesuffix(".parquet") for one in known))
        raise UserError(f"no version has a table {name}; there are {names}")
    return path


def render_json(diff: Diff) -> bytes:
    from reports.diff.as_json import diff_json

    return diff_json(diff)


def render_html(diff: Diff) -> bytes:
    from reports.page.diff_html import diff_html

    return diff_html(diff).encode()


def render_markdown(diff: Diff) -> bytes:
    from reports.page.diff_markdown import diff_markdown

    return diff_markdown(diff).encode()


def write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all. Raises UserError where that is not possible."""
    try:
        with Drafts() as drafts:
            drafts.add(path).write_bytes(content)
            drafts.publish()
    except OSError as error:
        raise UserError(
            f"{path} cannot be written: {error.strerror or error}; name a file in a folder that exists"
        ) from error


if __name__ == "__main__":
    from cultivar.cli import run_module

    run_module("diff")
