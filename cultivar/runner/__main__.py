"""Run one stage of the graph: `python -m cultivar.runner evaluate model=sft`. `dvc repro` runs all that changed."""

import argparse
import gc
import logging
import os
import sys
import tempfile
from pathlib import Path

import polars as pl
from pydantic import ValidationError
from ruamel.yaml.error import YAMLError

from cultivar.runlog.console import complain, guard_output
from cultivar.runlog.folders import cache_folder
from cultivar.runlog.streams import open_console
from cultivar.runner.run import run
from schemas.errors import UserError
from schemas.writing import disk_full

PLACES = (Path("data"), Path("models"), cache_folder(), Path(tempfile.gettempdir()))
"""Where a stage writes, for errors of a full disk that do not say where."""


def main() -> int:
    open_console()
    parser = argparse.ArgumentParser(
        prog="python -m cultivar.runner",
        description="Run one stage of the graph.",
        epilog="`dvc repro` runs every stage whose inputs changed.",
    )
    parser.add_argument("stage", help="name in dvc.yaml")
    parser.add_argument("item", nargs="*", help="matrix item, as key=value")
    parser.add_argument(
        "--allow-unsandboxed",
        action="store_true",
        help="with `sandbox_backend: none` in params.yaml: run programs of models without a sandbox "
        "(for `dvc repro`: CULTIVAR_ALLOW_UNSANDBOXED=1)",
    )
    arguments = parser.parse_args()
    if wrong := [item for item in arguments.item if "=" not in item]:
        parser.error(f"a matrix item is key=value, not {wrong[0]}")
    if arguments.allow_unsandboxed:
        os.environ["CULTIVAR_ALLOW_UNSANDBOXED"] = "1"
    logging.basicConfig(level=os.environ.get("CULTIVAR_LOG", "WARNING").upper(), format="%(name)s: %(message)s")
    guard_output()
    pl.Config.set_fmt_str_lengths(80)
    gc.set_threshold(200_000, 20, 100)  # rows are many and hold no cycles: a third less time where all is cached
    try:
        run(arguments.stage, dict(item.split("=", 1) for item in arguments.item))
    except KeyboardInterrupt:
        complain("\nstopped; finished model calls are cached, run `dvc repro` to go on")
        return 130
    except (
        UserError,
        ValidationError,
        YAMLError,  # of a file that people write: ontology, constitution
        OSError,  # no such file, no permission: finished model calls are cached all the same
    ) as error:
        if os.environ.get("CULTIVAR_LOG", "").upper() == "DEBUG":
            raise
        complain(f"error: {disk_full(error, *PLACES) or error}")
        return 1
    except Exception as error:  # a full disk in a library's own words
        full = disk_full(error, *PLACES)
        if full is None or os.environ.get("CULTIVAR_LOG", "").upper() == "DEBUG":
            raise
        complain(f"error: {full}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
