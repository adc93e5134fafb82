"""Write D or P in the format of another tool: a folder with train and held-out apart, a dataset card, Croissant metadata.

    cultivar export D --format trl
    cultivar export P --format sharegpt --out pairs --where "margin >= 1 AND domain = 'math'"
    cultivar export D --format hf --rev v1.2 --push OWNER/NAME

Formats: trl (prompt and completion, chosen and rejected as messages), hf (all columns, for `datasets`), messages (OpenAI),
sharegpt and alpaca (LLaMA-Factory), verifiers (prompt, answer, info). What a format cannot hold is counted by field, a row
that it cannot hold is named with the reason in left_out.jsonl. Nothing leaves this machine without --push.
"""

import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cultivar.runlog.console import complain, say
from cultivar.runlog.progress import ProgressBar
from schemas.errors import UserError
from schemas.writing import in_units

if TYPE_CHECKING:
    from reports.export.folder import Outcome
    from reports.export.push import Target

COLUMN = "column "
"""How the name begins under which a column of the table is counted that is left out; others are fields of messages."""


def main(
    table: Annotated[str, typer.Argument(help="D (demonstrations) or P (preferences)", metavar="D|P")],
    form: Annotated[str, typer.Option("--format", help="trl, hf, messages, sharegpt, alpaca or verifiers")] = "trl",
    out: Annotated[Path | None, typer.Option(help="the folder; default: exports/<table>-<format>")] = None,
    rev: Annotated[
        str | None, typer.Option(help="a git revision, tag, branch or experiment; default: workspace")
    ] = None,
    where: Annotated[str, typer.Option(help="only rows for which this holds, as in SQL: quality >= 0.5")] = "",
    file: Annotated[str, typer.Option(help="jsonl, parquet or csv; default: jsonl, of hf parquet")] = "",
    columns: Annotated[
        str, typer.Option(help="further columns of the table, with commas between; all: every one")
    ] = "",
    force: Annotated[bool, typer.Option("--force", help="replace a folder that holds something else")] = False,
    push: Annotated[str, typer.Option(help="upload it to a dataset repository OWNER/NAME at HF_ENDPOINT")] = "",
    public: Annotated[bool, typer.Option("--public", help="the repository may be public; default: private")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="push without asking")] = False,
) -> int:
    # data frames, Parquet and git, which `cultivar --help` has no need of
    from reports.export.folder import Request, check_place, write_folder
    from reports.export.formats import format_of
    from reports.export.push import target_of
    from reports.export.rows import product
    from reports.versions.version import open_version

    begin, done_so_far = time.monotonic(), "nothing was written"
    try:
        chosen, wanted = product(table), format_of(form)
        kind = kind_of(file or wanted.files[0], wanted.name, wanted.files)
        names = tuple(filter(None, (name.strip() for name in columns.split(","))))
        place = out or Path("exports") / f"{Path(chosen.path).stem}-{wanted.name}"
        check_place(place, force)
        target = target_of(push) if push else None
        if target is not None and not yes and not sys.stdin.isatty():
            raise UserError("--push asks before it sends anything, and nobody is there to answer; --yes says yes")
        with ExitStack() as stack:
            bar = ProgressBar("export", stack)
            version = open_version(rev)
            done = write_folder(version, Request(chosen, wanted, kind, names, where), place, bar.show)
        done_so_far = f"{place} is written, and not known to be pushed"
        say(closing_line(place, done, time.monotonic() - begin))
        if target is not None:
            return push_folder(place, target, public, yes, done, version.label)
    except UserError as error:
        complain(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        complain(f"broken off; {done_so_far}")
        return 130
    return 0


def kind_of(name: str, form: str, allowed: tuple[str, ...]) -> str:
    """Raises UserError for a kind of file that the format has not."""
    if name not in allowed:
        raise UserError(f"--file {name}: {form} is written as {' or '.join(allowed)}")
    return name


def closing_line(place: Path, done: "Outcome", seconds: float) -> str:
    """Rows by split, rows and fields left out, seconds."""
    export = done.export
    rows = {one.split: one.rows for one in export.files}
    parts = [" and ".join(f"{split} {rows.get(split, 0):,}" for split in ("train", "heldout")) + " rows"]
    if done.chosen != done.total:
        parts.append(f"{done.total - done.chosen:,} of {done.total:,} not asked for")
    if refused := export.refused.total():
        rules = ", ".join(f"{rule} {number:,}" for rule, number in export.refused.most_common())
        parts.append(f"{refused:,} refused ({rules}), named in left_out.jsonl")
    inside = [f"{name} {number:,}" for name, number in export.left.most_common() if not name.startswith(COLUMN)]
    if beside := len(export.left) - len(inside):
        inside.append(f"{beside} columns (--columns adds them)")
    if inside:
        parts.append("left out: " + ", ".join(inside))
    if export.tally.simulated:
        parts.append(f"simulated: {export.tally.simulated:,} rows")
    parts.append(f"{in_units(sum(one.size for one in export.files))} · {seconds:.1f} s")
    return f"{place}: " + " · ".join(parts)


def push_folder(place: Path, target: "Target", public: bool, yes: bool, done: "Outcome", label: str) -> int:
    """Ask, then upload. Raises UserError."""
    from reports.export.push import push

    what = f"{done.export.tally.rows:,} rows ({in_units(sum(one.size for one in done.export.files))})"
    where = f"{target.url}, {'which may be public' if public else 'private'}"
    if not yes and not typer.confirm(f"push {what} to {where}?", default=False):
        say("nothing was pushed")
        return 1
    address = push(place, target, public, f"Cultivar: {done.export.title} of {label}")
    say(f"pushed {what} to {where}: {address}")
    return 0


if __name__ == "__main__":
    from cultivar.cli import run_module

    run_module("export")
