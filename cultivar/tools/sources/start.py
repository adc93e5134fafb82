"""Start with your own data alone: `cultivar init` takes the demo's sources out of params.yaml and dvc.yaml.

In a clone of the project. The demo's files below data/seeds stay in git, and nothing reads them any more; `git checkout
params.yaml dvc.yaml` brings them back. Then `cultivar add` brings yours. Stages that get no rows end with empty tables.
"""

import sys
from typing import Annotated

import typer

from cultivar.runlog.console import complain, say
from cultivar.runlog.domains import USES
from cultivar.runner.graph import PARAMS
from cultivar.tools.sources.edits import all_or_nothing, declared, drop_dep, undeclare
from schemas.errors import UserError

SEEDS = "data/seeds"


def main(yes: Annotated[bool, typer.Option("--yes", "-y", help="do not ask")] = False) -> int:
    try:
        return start(yes)
    except UserError as error:
        complain(f"error: {error}")
        return 1


def start(yes: bool) -> int:
    """Empty the lists of sources. Raises ParamsError, GraphError."""
    names = [str(entry["name"]) for _, entry in declared() if str(entry["path"]).startswith(SEEDS)]
    if not names:
        say("params.yaml declares none of the demo's sources; `cultivar add PATH` adds yours")
        return 0
    say(f"takes {len(names)} sources of the demo out of params.yaml: {', '.join(names)}")
    if not yes and sys.stdin.isatty() and not typer.confirm("Go on?", default=True):
        say("nothing was changed")
        return 0
    with all_or_nothing():
        undeclare(*names)
        drop_dep(SEEDS)
    left = {entry["domain"] for _, entry in declared()}
    say(f"{PARAMS} and dvc.yaml: yours alone now. What each domain is for, when you bring it:")
    for domain, (_, use) in USES.items():
        if domain not in left:
            say(f"  {domain:<10} {use}")
    say("Next: `cultivar add PATH`; `git checkout params.yaml dvc.yaml` brings the demo back.")
    return 0


if __name__ == "__main__":
    from cultivar.cli import run_module

    run_module("init")
