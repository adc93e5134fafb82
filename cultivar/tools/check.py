"""Check everything that people write before anything runs: `cultivar check`.

params.yaml, the prompt templates with what each stage gives them, and the files of human/ and reports/gates.yaml. What is
wrong is named with file, line and remedy, all of it at once; exit status 1. What is worth a look and stops nobody (a ranking of texts that have
changed since, a tag that nobody has) is named as well; so is what could not be compared, since its table is not built yet.
"""

import importlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import polars as pl

from cultivar.runlog.console import complain, say
from cultivar.runner.fingerprints import CODE
from cultivar.runner.fingerprints.closure import SourceTree
from cultivar.runner.graph import GRAPH, PARAMS, load_yaml
from cultivar.runner.params import validate
from cultivar.runner.prompts import PROMPTS, code_of_stage, prompt_faults, templates_of
from schemas.errors import GraphError, ParamsError, UserError
from schemas.faults import Fault, FileFaults, listed


class Written(NamedTuple):
    """A kind of files that people write: where they are, the module that checks them, the table that they speak of."""

    what: str
    patterns: tuple[str, ...]
    module: str
    table: Path | None = None


WRITTEN = (
    Written("rankings", ("human/annotations/*",), "stages.annotation.items", Path("data/candidates.parquet")),
    Written("refinements", ("human/ontology/*",), "stages.annotation.refinements", Path("data/ontology.parquet")),
    Written("principles", ("human/constitution/*",), "stages.synthesis.principles"),
    Written("gates and waivers", ("reports/gates.yaml", "human/waivers.yaml"), "reports.gates.reading"),
)
"""Modules stand by name, as stages do: what is not here is not checked. Each has `findings(paths, table)`."""


@dataclass
class Checked:
    """What was found: `faults` stop a run, `remarks` stop nobody, `unchecked` could not be compared."""

    faults: list[str] = field(default_factory=list)
    remarks: list[Fault] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)


def main() -> int:
    checked = check()
    for line in [*listed(checked.remarks), *checked.unchecked]:
        say(line)
    if checked.faults:
        complain("error: " + "\n  ".join(checked.faults))
        return 1
    counts = [f"{count:,} {what}" for what, count in checked.counts.items()]
    say(f"{', '.join([str(PARAMS), *counts])}: all valid")
    return 0


def check(with_tables: bool = True) -> Checked:
    """Everything that people write, read. `with_tables`: compared with the tables that are built, too."""
    checked = Checked()
    try:
        validate(load_yaml(PARAMS))
    except (GraphError, ParamsError) as error:
        checked.faults.append(str(error))
    try:
        check_prompts(checked, load_yaml(GRAPH)["stages"])
    except GraphError as error:
        checked.faults.append(str(error))
    for kind in WRITTEN:
        check_files(checked, kind, with_tables)
    return checked


def raise_faults() -> None:
    """Raise UserError for everything that people wrote amiss; tables are not looked at."""
    if faults := check(with_tables=False).faults:
        raise UserError("\n  ".join(faults))


def check_prompts(checked: Checked, stages: dict[str, dict]) -> None:
    """The templates of every stage that lists some, and those that nobody opens."""
    source = SourceTree()
    asking = [name for name, entry in stages.items() if name != CODE and lists_prompts(entry.get("deps", ()))]
    modules = {module for name in asking for module in code_of_stage(name, source)}
    checked.faults += listed(prompt_faults(modules))
    opened = templates_of(modules)
    checked.counts["prompts"] = sum(path.is_file() for path in opened)
    for path in sorted(PROMPTS.rglob("*.jinja")):
        if path not in opened:
            checked.remarks.append(Fault(str(path), 0, "no stage opens this template; correct its name, or remove it"))


def lists_prompts(deps: Iterable[object]) -> bool:
    return any(str(next(iter(dep)) if isinstance(dep, dict) else dep).startswith(f"{PROMPTS}/") for dep in deps)


def check_files(checked: Checked, kind: Written, with_tables: bool) -> None:
    """The files of a kind."""
    paths = sorted({path for pattern in kind.patterns for path in Path().glob(pattern) if path.is_file()})
    if not paths:
        return
    try:
        findings = importlib.import_module(kind.module).findings
    except ModuleNotFoundError:
        checked.unchecked.append(f"{', '.join(kind.patterns)}: not checked: {kind.module} is not here")
        return
    table = None
    if kind.table is not None and with_tables:
        try:
            table = pl.read_parquet(kind.table)
        except (OSError, pl.exceptions.PolarsError):
            checked.unchecked.append(f"{kind.what}: names not compared, {kind.table} is not built yet (`dvc repro`)")
    try:
        checked.counts[kind.what], remarks = findings(paths, table)
    except FileFaults as error:
        checked.faults += listed(error.faults)
    except UserError as error:
        checked.faults.append(str(error))
    else:
        checked.remarks += remarks


if __name__ == "__main__":
    from cultivar.cli import run_module

    run_module("check")
