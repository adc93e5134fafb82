"""Push the generation store to a URL, or pull it from there: `cultivar sync push s3://bucket/store`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from cultivar.runlog.console import complain, say
from cultivar.store.store import project_store_folder
from cultivar.store.sync import pull, push


def main(
    direction: Annotated[Literal["push", "pull"], typer.Argument()],
    url: Annotated[str, typer.Argument(help="any URL that fsspec knows: s3://…, gs://…, sftp://…, a folder")],
    store: Annotated[
        Path | None, typer.Option(help="folder of the store; default: CULTIVAR_STORE, runtime.store, .cache")
    ] = None,
) -> int:
    work = push if direction == "push" else pull
    try:
        root = store or project_store_folder()
        count, damaged = work(root, url)
    except KeyboardInterrupt:
        complain("\nstopped; finished segments are in their place, run it again to go on")
        return 130
    except (OSError, ValueError, ImportError) as error:
        complain(f"error: {url}: {error}")
        return 1
    for name in damaged:
        side = root if direction == "push" else url
        complain(f"{side}/{name} is damaged and was left out; delete it, then {direction} again")
    say(f"{direction}: {count} segments copied, {len(damaged)} damaged")
    return 1 if damaged else 0


if __name__ == "__main__":
    from cultivar.cli import run_module

    run_module("sync")
