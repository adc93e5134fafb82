"""Metrics per data version, as a table and a plot: `cultivar history [METRIC …]`.

A data version is a commit that changed dvc.lock; the working tree comes last. A metric counts for a version only where
dvc.lock says that it was measured on that data; otherwise it is –. METRIC is FILE:KEY of metrics/FILE.json, or a pattern:
`reward:heldout_accuracy`, `evaluate/*:math_sampled`. Without one: accuracies of the last model, reward accuracy, the
judge's agreement with itself, the simulated teacher's share, the share of rows in quarantine.
"""

from pathlib import Path
from typing import Annotated

import typer

from cultivar.runlog.console import complain, say
from reports.history import formats
from reports.history.measures import chosen_measures, default_measures
from reports.history.page import history_page
from reports.history.revisions import data_revisions, with_experiments
from reports.history.timeline import known_addresses, read_states, timeline, with_workspace
from reports.versions.version import open_version
from schemas.errors import UserError
from schemas.writing import draft_path, naming, write_text

FORMATS = {"markdown": formats.markdown, "json": formats.as_json, "csv": formats.as_csv, "text": formats.text_table}


def main(
    metrics: Annotated[list[str] | None, typer.Argument(help="FILE:KEY of metrics/FILE.json, or a pattern")] = None,
    first: Annotated[str | None, typer.Option("--from", help="the oldest version: a revision, tag or branch")] = None,
    last: Annotated[
        str | None, typer.Option("--to", help="the newest version (default: HEAD and the working tree)")
    ] = None,
    all_branches: Annotated[bool, typer.Option("--all-branches", help="versions of every branch")] = False,
    experiments: Annotated[bool, typer.Option("--experiments", help="DVC's experiments after their baselines")] = False,
    rows: Annotated[bool, typer.Option("--rows", help="count added, removed and changed rows of D and P")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="a Markdown table")] = False,
    json: Annotated[bool, typer.Option("--json", help="numbers as they are, for programs")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="a line a version, for spreadsheets")] = False,
    html: Annotated[
        Path | None, typer.Option("--html", help="write one page with charts, without script, to FILE")
    ] = None,
) -> int:
    wanted = [name for name, is_asked in (("markdown", markdown), ("json", json), ("csv", csv)) if is_asked]
    if len(wanted) > 1:
        complain(f"error: --{wanted[0]} and --{wanted[1]} exclude each other")
        return 1
    try:
        revisions = data_revisions(first, last, all_branches)
        shown = with_experiments(revisions) if experiments else revisions
        states = read_states(with_workspace(shown) if last is None else shown)
        known = known_addresses(states)
        measures = chosen_measures(metrics, known) if metrics else default_measures(open_version(last).graph(), known)
        found = timeline(states, measures, rows)
        if html is not None:
            write(html, history_page(found))
            say(f"{html}: {len(found.lines)} data versions")
        if html is None or wanted:
            say(FORMATS[wanted[0] if wanted else "text"](found))
    except UserError as error:
        complain(f"error: {error}")
        return 1
    return 0


def write(path: Path, text: str) -> None:
    """A file that is there whole or not at all. Raises DiskFull, and OSError where the place cannot be written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = draft_path(path)
    with naming(path):
        write_text(draft, text)
    draft.replace(path)


if __name__ == "__main__":
    from cultivar.cli import run_module

    run_module("history")
