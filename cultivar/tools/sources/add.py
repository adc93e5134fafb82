"""Add your own data: `cultivar add PATH`, a file, a folder, or a data set of the Hub (hf://datasets/OWNER/NAME@REVISION).

Shows what the file will be as rows, and what will not be taken and why; then asks for domain and licence, copies the file
below data/raw, puts it into git or under DVC as its size wants, and declares it in params.yaml and dvc.yaml. `--remove NAME`
takes a source out of both; the file itself stays. `cultivar sources` lists them.
"""

import importlib
import re
import sys
from pathlib import Path
from typing import Annotated, Any, get_args

import typer
from pydantic import ValidationError

from cultivar.runlog.console import complain, say
from cultivar.runner.graph import PARAMS
from cultivar.tools.sources.edits import (
    SourceError,
    all_or_nothing,
    covered,
    declare,
    declared,
    deps,
    drop_dep,
    list_dep,
    undeclare,
)
from cultivar.tools.sources.licences import checked
from cultivar.tools.sources.place import HUB, keep, placed
from cultivar.tools.sources.repeated import repeated
from cultivar.tools.sources.shown import report
from schemas.errors import UserError
from schemas.rows import Domain

NAME_ON_HUB = re.compile(r"\w[\w.-]{0,95}/\w[\w.-]{0,95}(?:@[\w.-]{1,200})?")
"""OWNER/NAME, maybe with a revision: a data set of the Hub where no file has the name."""
NEXT = "Next: `dvc repro assemble` builds D and P, `cultivar sources` lists what is declared, `git commit -a` keeps the version."
KEYS = ("format", "columns", "encoding", "delimiter", "table", "split", "limit")
"""Of a source in params.yaml, and options here."""


def main(
    path: Annotated[str, typer.Argument(help="a file, a folder, or a data set of the Hub: OWNER/NAME")] = "",
    name: Annotated[str, typer.Option(help="of the source; else that of the file")] = "",
    domain: Annotated[str, typer.Option(help=f"one of {', '.join(get_args(Domain))}")] = "",
    licence: Annotated[str, typer.Option("--license", help="an SPDX expression: CC-BY-4.0, LicenseRef-mine")] = "",
    format: Annotated[str, typer.Option(help="see docs/data.md; else it is detected")] = "auto",
    columns: Annotated[list[str], typer.Option(help="what a field is called in the file: prompt=Frage")] = [],  # noqa: B006
    split: Annotated[str, typer.Option(help="the split of a data set that has several")] = "",
    strategy: Annotated[str, typer.Option(help="of answers in D; else human")] = "",
    table: Annotated[str, typer.Option(help="of a database that has several")] = "",
    delimiter: Annotated[str, typer.Option(help="of a CSV file; else it is detected")] = "",
    encoding: Annotated[str, typer.Option(help="of text files; else UTF-8, or their byte order mark")] = "",
    limit: Annotated[int, typer.Option(help="rows that are taken at most")] = 0,
    evaluation: Annotated[bool, typer.Option("--evaluation", help="for decontamination and evaluation only")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="do not ask")] = False,
    remove: Annotated[str, typer.Option(metavar="NAME", help="take the source of this name out")] = "",
) -> int:
    try:
        if remove:
            return take_out(remove)
        if not path:
            raise SourceError("name a file, a folder or a data set: cultivar add PATH")
        fields = {"format": format, "split": split, "strategy": strategy, "encoding": encoding, "limit": limit}
        fields |= {"table": table, "delimiter": delimiter}
        options = {key: value for key, value in fields.items() if value and value != "auto"}
        if columns:
            options["columns"] = dict(pair(each) for each in columns)
        return take_in(path, name, domain, licence, options, evaluation, yes)
    except (UserError, OSError, ValidationError) as error:
        complain(f"error: {error}{options_for(str(error))}")
        return 1


def options_for(fault: str) -> str:
    """Which options of this command are the keys of params.yaml that a fault names; "" for none."""
    named = [f"--{key}" for key in KEYS if f"`{key}" in fault]
    return f"\nHere that is {', '.join(named)} of `cultivar add`." if named else ""


def take_in(
    path: str, name: str, domain: str, licence: str, options: dict[str, Any], evaluation: bool, yes: bool
) -> int:
    """Show a source and add it. Raises SourceError, LicenceError, ParamsError and what the readers raise."""
    stage = importlib.import_module("stages.curation.preview")  # stages are imported by name only
    name = name or name_of(path)
    if any(entry["name"] == name for _, entry in declared()):
        raise SourceError(
            f"a source is called {name!r} already; choose another with --name, or `cultivar add --remove {name}`"
        )
    if licence:
        licence = checked(licence)
    if not licence and (yes or not sys.stdin.isatty()):
        raise SourceError("the licence is missing, and nobody is to be asked; give --license LicenseRef-unknown")
    if not path.startswith(HUB) and not Path(path).exists():
        if not NAME_ON_HUB.fullmatch(path) or Path(path).parent.exists():
            raise FileNotFoundError(f"{path}: no such file or folder (a pattern is declared in params.yaml by hand)")
        path = f"{HUB}datasets/{path}"
    if path.startswith(HUB):
        path = stage.at_commit(path)
    guess = domain or stage.domain_of(path, {"name": name, **options})
    entry = {"name": name, "path": path, "domain": guess, "license": licence or "LicenseRef-unknown", **options}
    say(f"reading {path} …")
    found = stage.preview(entry, evaluation)
    for line in [*report(found, path), *repeated(found.ids)]:
        say(line)
    say()
    if not found.taken:
        raise SourceError(f"{path}: not one row can be taken; name its --format or --columns, or correct the file")
    entry["domain"] = domain or ask("domain", guess, yes, f"--domain {guess}")
    while not licence:
        licence = ask("licence, an SPDX expression", "", yes, "--license LicenseRef-unknown")
        try:
            licence = checked(licence)
        except UserError as error:
            complain(f"error: {error}")
            licence = ""
    entry["license"] = licence
    if not yes and sys.stdin.isatty() and not typer.confirm("Add it?", default=True):
        say("nothing was changed")
        return 0
    store(path, entry, "evaluation" if evaluation else "sources")
    return 0


def store(path: str, entry: dict[str, Any], section: str) -> None:
    """Put the file in its place and declare it; a failing step leaves nothing behind."""
    if path.startswith(HUB):
        with all_or_nothing():
            declare(section, entry)
        say(f"{PARAMS}: source {entry['name']}; its revision is part of its path, so that it needs no dep in dvc.yaml")
        say(NEXT)
        return
    with placed(Path(path), entry["name"]) as place, all_or_nothing():
        entry["path"] = place.as_posix()
        listed = list_dep(entry["path"])
        declare(section, entry)
        where = keep(place)
    say(f"{place}: {where}")
    say(f"{PARAMS}: source {entry['name']}" + (f"; dvc.yaml: {place.as_posix()} is a dep of ingest" if listed else ""))
    say(NEXT)


def take_out(name: str) -> int:
    """Remove a source from params.yaml, and its dep where no other source needs it. The file stays."""
    with all_or_nothing():
        (entry,) = undeclare(name)
        path = str(entry["path"])
        needed = [covered(str(other["path"]), [dep]) for _, other in declared() for dep in deps()]
        dep = covered(path, deps())
        gone = dep == path and dep not in needed and drop_dep(path)
    say(f"{PARAMS}: source {name} is out" + (f"; dvc.yaml: {path} is no dep of ingest any more" if gone else ""))
    if not path.startswith(HUB):
        pointer = Path(f"{path}.dvc")
        way = f"`dvc remove {pointer}` and delete it" if pointer.is_file() else "delete it"
        say(f"{path} itself stays; {way} if you need it no more")
    return 0


def ask(what: str, default: str, yes: bool, flag: str) -> str:
    """A person's answer; the default with --yes. Raises SourceError where nobody can be asked."""
    if yes and default:
        return default
    if yes or not sys.stdin.isatty():
        if default:
            return default
        raise SourceError(f"the {what} is missing, and there is no terminal to ask; give {flag}")
    return typer.prompt(what, default=default or None)


def pair(text: str) -> tuple[str, str]:
    """field=column. Raises SourceError."""
    name, sign, column = text.partition("=")
    if not (name and sign and column):
        raise SourceError(f"--columns {text!r}: write FIELD=COLUMN, as prompt=Frage")
    return name.strip(), column.strip()


def name_of(path: str) -> str:
    """A source's name from its path: letters, digits and dashes."""
    stem = path.split("@")[0].rstrip("/").rsplit("/", 1)[-1]
    if not path.startswith(HUB):
        stem = stem.split(".")[0] or stem
    return re.sub(r"[^\w]+", "-", stem).strip("-").lower() or "source"


if __name__ == "__main__":
    from cultivar.cli import run_module

    run_module("add")
