"""The `cultivar` command: everything that stands beside the graph, one subcommand per tool.

A tool is a module with a function `main` whose annotations are its options and whose result is the exit status. It is
imported when it is called, so `cultivar --help` is quick. `python -m MODULE` is the same command in its other form.
"""

import functools
import importlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import typer
from typer.core import TyperGroup

from cultivar.runlog.console import complain, guard_output, print_error
from cultivar.runlog.streams import lost_output, open_console


class Tool(NamedTuple):
    """Where a subcommand stands in the help, its module, and what it does in a line."""

    section: str
    module: str
    help: str


DATA, BEFORE, RUN, REVIEW, CHECK, SHARE = "Your data", "Before a run", "Run", "Review", "Check", "Share"
TOOLS = {
    "add": Tool(DATA, "cultivar.tools.sources.add", "Add a file, a folder or a data set of the Hub; `--remove` one."),
    "sources": Tool(
        DATA, "cultivar.tools.sources.listing", "The sources that are declared, and what was taken of them."
    ),
    "init": Tool(DATA, "cultivar.tools.sources.start", "Start with your own data alone: without the demo's sources."),
    "plan": Tool(BEFORE, "cultivar.tools.plan", "What the next `dvc repro` will run, ask and cost."),
    "check": Tool(
        BEFORE, "cultivar.tools.check", "Check all that people write: params.yaml, prompts, rankings, principles …"
    ),
    "params": Tool(BEFORE, "cultivar.tools.params", "Check every knob of params.yaml."),
    "recipe": Tool(BEFORE, "cultivar.tools.recipe", "Apply a parameter set of recipes/ to params.yaml."),
    "run": Tool(RUN, "cultivar.runner.__main__", "Run one stage, as `dvc repro` does."),
    "parallel": Tool(RUN, "cultivar.tools.parallel", "`dvc repro` with independent stages side by side."),
    "summary": Tool(
        RUN, "cultivar.tools.summary", "What came out, in a few lines; `--all`: every metric and where the time went."
    ),
    "clean": Tool(RUN, "cultivar.tools.clean", "Remove the tables and models that stages wrote, and nothing else."),
    "diff": Tool(
        REVIEW, "reports.diff.command", "Which rows of which tables changed between two data versions, and why."
    ),
    "gate": Tool(REVIEW, "reports.gates.command", "Hold a data version against reports/gates.yaml."),
    "comment": Tool(REVIEW, "reports.comment.command", "Say in one comment what a pull request changes."),
    "trace": Tool(
        REVIEW, "reports.trace.command", "The family of a row: back to its source, forward to D, P and models."
    ),
    "browse": Tool(REVIEW, "reports.browse.command", "Look at any table of any version in a local page."),
    "history": Tool(REVIEW, "reports.history.command", "Metrics per data version, as table and plot."),
    "bisect": Tool(REVIEW, "reports.bisect.command", "Which version, source or strategy moved a metric."),
    "forget": Tool(REVIEW, "reports.forget.command", "Take out a source, row, annotator, model or answer everywhere."),
    "export": Tool(
        REVIEW, "reports.export.command", "Write D or P in the format of another tool, with card and metadata; push it."
    ),
    "doctor": Tool(
        CHECK, "cultivar.tools.doctor", "Check DVC's cache, a remote, the store, and what killed runs left."
    ),
    "verify": Tool(CHECK, "cultivar.tools.verify", "Derive cached answers and verdicts again and compare."),
    "reads": Tool(CHECK, "cultivar.tools.reads", "Compare what stages read with what dvc.yaml lists."),
    "hermetic": Tool(CHECK, "cultivar.tools.hermetic", "Run stages with only what they declare and compare."),
    "sandbox": Tool(CHECK, "cultivar.sandbox.__main__", "Which sandbox backends work here; a self-test; one program."),
    "sync": Tool(SHARE, "cultivar.tools.sync", "Push or pull the generation store."),
    "compact": Tool(SHARE, "cultivar.tools.compact", "Merge the store's small segments."),
}
OWN_PARSERS = ("run", "sandbox")
"""Subcommands that parse their arguments themselves, since they run without this module too."""


class Commands(TyperGroup):
    """The tools, each imported by need."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(TOOLS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return tool_command(cmd_name, TOOLS[cmd_name]) if cmd_name in TOOLS else None

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        for section in dict.fromkeys(tool.section for tool in TOOLS.values()):
            with formatter.section(section):
                formatter.write_dl([(name, tool.help) for name, tool in TOOLS.items() if tool.section == section])


app = typer.Typer(cls=Commands, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.callback()
def cultivar() -> None:
    """Cultivar: the post-training recipe as one DVC graph. `dvc repro` builds it; this command stands beside it."""


def tool_command(name: str, tool: Tool) -> Any:
    """The command of a tool."""
    module = importlib.import_module(tool.module)
    if name in OWN_PARSERS:
        settings = {"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []}
        return as_command(name, functools.partial(forward, name, module.main), tool.help, settings)
    return as_command(name, module.main, module.__doc__ or "")


def as_command(name: str, function: Callable[..., int], text: str, settings: dict[str, Any] | None = None) -> Any:
    """A function as a command: its annotations are the options, `text` the help, its result the exit status."""

    @functools.wraps(function)
    def run(*arguments: Any, **options: Any) -> None:
        raise typer.Exit(finish(name, function, *arguments, **options))

    single = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    single.command(name, help=text, context_settings=settings)(run)
    command = typer.main.get_command(single)
    command.name = name
    return command


def finish(name: str, function: Callable[..., int], /, *arguments: Any, **options: Any) -> int:
    """Run a tool; its exit status, or 1 where its answer could not be written or the disk was full."""
    from schemas.writing import disk_full

    try:
        status = function(*arguments, **options)
    except Exception as error:
        full = disk_full(error, Path())
        if full is None:
            raise
        complain(f"error: {full}")
        return 1
    return status or int(name != "run" and lost_output() is not None)


def forward(name: str, function: Callable[[], int], context: typer.Context) -> int:
    """Call a main function that reads sys.argv."""
    sys.argv = [f"cultivar {name}", *context.args]
    return function()


def run_module(name: str) -> None:
    """The module form of a tool: `python -m MODULE …`."""
    call([name, *sys.argv[1:]])


def main() -> None:
    """The console script. In a checkout that holds a cultivar of its own, that one runs, as with `python -m`."""
    here = Path.cwd() / "cultivar" / "cli.py"
    if here.is_file() and not here.samefile(__file__):
        os.execv(sys.executable, [sys.executable, "-m", "cultivar", *sys.argv[1:]])
    call(sys.argv[1:])


def call(arguments: list[str]) -> None:
    """Run the command; a traceback of it is printed as everything else is (cultivar/runlog/console.py)."""
    open_console()
    guard_output()
    try:
        app(arguments, prog_name="cultivar")
    except Exception as error:
        print_error(type(error), error, error.__traceback__)
        sys.exit(1)
