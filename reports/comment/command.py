"""Write the review of this branch's data as one comment on its pull or merge request, and keep that comment up to date.

cultivar comment                 # in CI of GitHub or GitLab: what this branch changes
cultivar comment --print         # anywhere: only show it
cultivar comment main HEAD --html review.html   # the full report, too, as one file

The comment is found by its hidden marker and replaced in place. In GitHub Actions the review stands in the job's summary as
well, also where the key may not comment. Keys come from GITHUB_TOKEN or GITLAB_TOKEN and go to that host only.
"""

import os
from datetime import date
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

from cultivar.runlog.console import complain, say
from reports.comment.hosts import base_revision, find_host, run_address
from reports.comment.posting import publish
from reports.diff.model import Diff
from reports.page.diff_html import diff_html
from reports.page.diff_markdown import COMMENT_LIMIT, diff_markdown
from reports.page.traits import Trait, find_traits
from reports.versions.repository import git, is_shallow, merge_base
from reports.versions.version import open_version
from schemas.errors import UserError
from schemas.writing import Drafts

SUMMARY_LIMIT = 250_000
"""Characters of a job's summary, of which GitHub takes 1 MiB in UTF-8."""
BRANCHES = ("origin/HEAD", "origin/main", "origin/master", "main", "master")
"""Where a branch is likely to be merged to, outside CI."""


def main(
    old: Annotated[
        str | None, typer.Argument(metavar="[A]", help="the version before; default: where this branch left its base")
    ] = None,
    new: Annotated[str, typer.Argument(metavar="[B]", help="the version after")] = "HEAD",
    only_print: Annotated[bool, typer.Option("--print", help="print the comment, write and send nothing")] = False,
    number: Annotated[
        int | None, typer.Option("--number", min=1, help="of the request; default: the one that CI runs for")
    ] = None,
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="write the full report here")] = None,
    prove: Annotated[
        bool, typer.Option("--prove/--no-prove", help="prove causes by applying each change alone, asking nobody")
    ] = False,
) -> int:
    from reports.diff.review import review

    try:
        host = None if only_print else find_host(number)  # before the work: what is missing is said at once
        before = open_version(old or branch_point(new))
        diff = review(before, open_version(new), day=date.today(), prove=prove)
        traits = find_traits(diff)
        text = diff_markdown(diff, COMMENT_LIMIT, traits, "" if only_print else run_address())
        if html is not None:
            write(html, diff_html(diff, traits))
        if host is None:
            print(text, end="", flush=True)  # inert already, and escapes of Markdown stay
            return 0
        add_summary(diff, traits)
        say(publish(host, marker(), text))
    except UserError as error:
        complain(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        complain("\nstopped; run it again, no comment is written twice")
        return 130
    return 0


def marker() -> str:
    """What our comment begins with, which no reader sees: another project of the same repository has another one."""
    place = git("rev-parse", "--show-prefix").decode(errors="replace").strip("/\n")
    return f"<!-- cultivar comment {quote(place or '.').replace('--', '-%2D')} -->"


def branch_point(new: str) -> str:
    """The commit where the branch left what it will be merged to. Raises UserError where that is not known."""
    base = base_revision() or next((name for name in BRANCHES if exists(name)), None)
    if base is None:
        raise UserError(
            f"none of {', '.join(BRANCHES)} exists; name the version to compare with: `cultivar comment A B`"
        )
    try:
        return merge_base(base, new)
    except UserError as error:
        if not is_shallow():
            raise UserError(f"{base} and {new} have no common commit ({error}); name the version before") from error
        raise UserError(
            f"this clone is too shallow to reach {base}: fetch all history, with `fetch-depth: 0` of actions/checkout or "
            "GIT_DEPTH: 0 of GitLab"
        ) from error


def exists(name: str) -> bool:
    """Whether git knows this revision."""
    try:
        git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    except UserError:
        return False
    return True


def add_summary(diff: Diff, traits: tuple[Trait, ...]) -> None:
    """Add the review to the summary of a job of GitHub Actions; elsewhere do nothing."""
    if path := os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(diff_markdown(diff, SUMMARY_LIMIT, traits, run_address()))


def write(path: Path, text: str) -> None:
    """Write a file whole or not at all. Raises UserError where that is not possible."""
    try:
        with Drafts() as drafts:
            drafts.add(path).write_text(text, "utf-8")
            drafts.publish()
    except OSError as error:
        raise UserError(
            f"{path} cannot be written: {error.strerror or error}; name a file in a folder that exists"
        ) from error


if __name__ == "__main__":
    from cultivar.cli import run_module

    run_module("comment")
