"""The prompts that a stage's code opens, what each is given, and what is wrong with their templates; nothing is run."""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from cultivar.runner.fingerprints.closure import RUNNER, SourceTree, file_of
from cultivar.runner.graph import stage_module
from schemas.faults import Fault, FileFaults

PROMPTS = Path("prompts")
OWN = ("stages", "train", "schemas")


class Opened(NamedTuple):
    """A call of `Prompt`: the template, or the templates that a computed name may mean; None where nobody can tell.

    `given`: the variables, None where they do not stand in the call.
    """

    place: str
    paths: list[Path] | None
    given: tuple[str, ...] | None


def check_prompts(stage: str, deps: Iterable[Path]) -> None:
    """Raise FileFaults for the templates of a stage, before it asks anything; a stage without prompts is not looked at."""
    if any(path.parts[0] == PROMPTS.name for path in deps) and (faults := prompt_faults(code_of_stage(stage))):
        raise FileFaults(faults)


def prompt_faults(modules: Iterable[str]) -> list[Fault]:
    """What is wrong with the templates that modules open, each fault once."""
    from cultivar.llm.templates import template_faults  # by need: most stages ask nothing

    found = []
    for opened in opened_by(modules):
        if opened.paths is None or opened.given is None:
            words = "the name of a prompt and what it is given cannot be read here; write them out as texts"
            found.append(Fault(*split_place(opened.place), words))
            continue
        for path in opened.paths:
            found += template_faults(path, opened.given)
    return list(dict.fromkeys(found))


def split_place(place: str) -> tuple[str, int]:
    path, _, line = place.rpartition(":")
    return path, int(line)


def opened_by(modules: Iterable[str]) -> Iterator[Opened]:
    """The prompts that modules open, in the order of the modules' names."""
    for module in sorted(modules):
        path, tree, _ = tree_of(module)
        for call in calls_in(tree, "Prompt"):
            name, *rest = call.args
            given = tuple(each.value for each in rest if isinstance(each, ast.Constant) and isinstance(each.value, str))
            yield Opened(f"{path}:{call.lineno}", paths_of(name), given if len(given) == len(rest) else None)


def paths_of(name: ast.expr) -> list[Path] | None:
    """The template of this name; of a name with a computed end every template of its folder; None for any other."""
    if isinstance(name, ast.Constant):
        return [PROMPTS / f"{name.value!s}.jinja"]
    if isinstance(name, ast.JoinedStr) and isinstance(start := name.values[0], ast.Constant):
        folder = PROMPTS / str(start.value).rpartition("/")[0]
        return sorted(folder.glob("*.jinja"))
    return None


def templates_of(modules: Iterable[str]) -> set[Path]:
    """The templates that modules open, with all that these include."""
    from cultivar.llm.templates import included_by

    return {each for opened in opened_by(modules) for path in opened.paths or () for each in included_by(path)}


def code_of_stage(stage: str, source: SourceTree | None = None) -> set[str]:
    """Modules that belong to the stage's own reasoning: its imports without the runner, engines and sandbox."""
    source = source or SourceTree()
    own: dict[str, set[str]] = {}
    shared: dict[str, set[str]] = {}
    source.follow(stage_module(stage), True, own)
    source.follow(RUNNER, False, shared)
    return {name for name in own.keys() - shared.keys() if name.split(".")[0] in OWN}


def tree_of(module: str) -> tuple[Path, ast.Module, list[str]]:
    """The file of a module, its syntax tree and its lines."""
    path = file_of(module)
    text = path.read_text(encoding="utf-8")
    return path, ast.parse(text), text.splitlines()


def calls_in(tree: ast.Module, name: str) -> Iterator[ast.Call]:
    """The calls of a function of this name with arguments."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and dotted(node.func).split(".")[-1] == name and node.args:
            yield node


def dotted(node: Any) -> str:
    """`a.b.c` of an expression of names and attributes, "" for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        inner = dotted(node.value)
        return f"{inner}.{node.attr}" if inner else ""
    return ""
