"""Check the gates of a data version (reports/gates.yaml): leaks, personal data, licences, counts, judges, abilities.

The base is A, the version that is checked B: any git revision, tag, branch or DVC experiment. By default the working tree is
checked against the commit at which this branch left the default branch, on that branch itself against HEAD. One line a
gate; ends with 1 where one fails, with its ten worst rows, their texts masked. Waivers of human/waivers.yaml count up to
their day. A figure that is missing is unknown: shown, neither pass nor fail.
"""

import json
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from cultivar.runlog.console import complain, say
from reports.gates.check import check
from reports.gates.declared import BOTH
from reports.gates.model import worst
from reports.gates.show import json_of, lines_of, markdown_of
from reports.versions.repository import find_commit, merge_base
from reports.versions.version import Version, open_version
from schemas.errors import UserError
from schemas.writing import Drafts

DEFAULT_BRANCHES = ("origin/HEAD", "origin/main", "origin/master", "main", "master")


def main(
    base: Annotated[str | None, typer.Argument(metavar="[A]", help="the base version")] = None,
    version: Annotated[str | None, typer.Argument(metavar="[B]", help="the version that is checked")] = None,
    as_json: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="write the results there too")] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="print Markdown in place of lines")] = False,
    day: Annotated[
        str | None, typer.Option("--day", metavar="YYYY-MM-DD", help="waivers count on this day; default: today")
    ] = None,
) -> int:
    try:
        on = date.fromisoformat(day) if day else date.today()
    except ValueError:
        complain(f"error: --day {day}: write a day as 2027-03-01")
        return 1
    try:
        old = open_version(base) if base else default_base()
        new = open_version(version)
        check_built(new)
        checked = check(old, new, on)
        against = old.label if old is not None else ""
        if as_json is not None:
            write_json(as_json, json_of(checked, against, new.label))
    except UserError as error:
        complain(f"error: {error}")
        return 1
    say(markdown_of(checked, against) if markdown else "\n".join(lines_of(checked, against)))
    return int(worst(checked.results) == "fail")


def check_built(version: Version) -> None:
    """Raise UserError where D or P was built and is not on disk: every gate over rows would be unknown, and let it pass."""
    for name in BOTH:
        path = f"data/{name}.parquet"
        if path in version.recorded() and path not in version.tables():
            raise UserError(
                f"{path} is recorded in dvc.lock and not on disk, so its rows cannot be checked: `dvc checkout` (or `dvc pull`), "
                "or name a commit, which is read from DVC's cache or remote: `cultivar gate A HEAD`"
            )


def default_base() -> Version | None:
    """Where this branch left the default branch, HEAD on that branch itself; None where nothing is committed."""
    try:
        head = find_commit("HEAD")
    except UserError:
        return None
    for branch in DEFAULT_BRANCHES:
        try:
            base = merge_base(find_commit(branch).name, head.name)
        except UserError:
            continue
        return open_version("HEAD" if base == head.name else base)
    return open_version("HEAD")


def write_json(path: Path, value: object) -> None:
    """Write the results. Raises UserError where that is not possible."""
    try:
        with Drafts() as drafts:
            drafts.add(path).write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
            drafts.publish()
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error}") from error


if __name__ == "__main__":
    from cultivar.cli import run_module

    run_module("gate")
