"""Merge the small segments of the generation store into large ones, while others read and write: `cultivar compact`."""

from pathlib import Path
from typing import Annotated

import typer

from cultivar.runlog.console import complain, say
from cultivar.store.compaction import compact
from cultivar.store.store import Store, project_store_folder


def main(folder: Annotated[Path | None, typer.Argument(help="of the store; default: the project's")] = None) -> int:
    """Compact every kind of the store."""
    try:
        store = Store(folder or project_store_folder())
    except ValueError as error:
        complain(f"error: {error}")
        return 1
    for kind in store.kinds():
        before, after = compact(store, kind)
        say(f"{kind}: {before} segments, now {after}")
    say(f"{store.root}: compacted")
    return 0


if __name__ == "__main__":
    from cultivar.cli import run_module

    run_module("compact")
