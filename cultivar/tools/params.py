"""Check params.yaml (or another file) from top to bottom: `cultivar params [FILE]`.

Exit status 1 and one line per fault: the key's path, the value and what is allowed.
"""

from pathlib import Path
from typing import Annotated

import typer

from cultivar.runlog.console import complain, say
from cultivar.runner.graph import PARAMS, load_yaml
from cultivar.runner.params import section_modules, validate
from schemas.errors import GraphError, ParamsError


def main(path: Annotated[Path, typer.Argument(metavar="FILE")] = PARAMS) -> int:
    try:
        params = load_yaml(path)
        validate(params)
    except (GraphError, ParamsError) as error:
        complain(f"error: {error}")
        return 1
    say(f"{path}: {len(params)} of {len(section_modules())} sections, all valid")
    return 0


if __name__ == "__main__":
    from cultivar.cli import run_module

    run_module("params")
