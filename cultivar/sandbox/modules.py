"""Modules that a job imports and the sandbox does not have: what fails for want of them is no fault of the program."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from importlib import metadata

from schemas.parsing import Unreadable, parse_code

from .bindings import find_bindings
from .jobs import Job

NO_MODULE = re.compile(r"No module named '([\w.]{1,200})'")
NO_NAME = re.compile(r"name '(\w{1,200})' is not defined")


@dataclass(frozen=True)
class MissingModules:
    """Top-level modules that are neither of the standard library nor among the sandbox's packages.

    modules     those that the sources import, or that the tests use without importing them (`np`)
    aliases     names that the tests use for such a module without importing it
    is_guarded  whether an import of one stands in a `try`, so that the program itself handles its absence
    """

    modules: frozenset[str] = frozenset()
    aliases: frozenset[str] = frozenset()
    is_guarded: bool = False

    def explains(self, message: str) -> bool:
        """Whether an error with this message, which the program may have chosen, comes from such a module."""
        if self.is_guarded:
            return True
        found, unknown = NO_MODULE.search(message), NO_NAME.search(message)
        return bool(found and found[1].split(".")[0] in self.modules) or bool(unknown and unknown[1] in self.aliases)


def missing_modules(job: Job, packages: Collection[str]) -> MissingModules:
    """What the sources of a job import in vain, by their syntax; nothing where they cannot be read."""
    modules: set[str] = set()
    is_guarded = False
    for source in (job.code, job.setup, *job.tests):
        for name, guarded in imports_of(source):
            if is_missing(name, packages):
                modules.add(name)
                is_guarded = is_guarded or guarded
    aliases: dict[str, str] = {}
    if job.mode == "split":
        try:
            bindings = find_bindings(job.code, "\n".join([job.setup, *job.tests]), job.entry_point)
            aliases = {name: module.split(".")[0] for name, (module, _) in bindings.modules.items()}
        except Unreadable:
            pass
    aliases = {name: module for name, module in aliases.items() if is_missing(module, packages)}
    return MissingModules(frozenset(modules | set(aliases.values())), frozenset(aliases), is_guarded)


def is_missing(module: str, packages: Collection[str]) -> bool:
    return module not in sys.stdlib_module_names and module not in packages


def imports_of(source: str) -> Iterator[tuple[str, bool]]:
    """(top-level module, whether it is imported within a `try`) of every import of a source."""
    if "import" not in source:
        return
    try:
        waiting: list[tuple[ast.AST, bool]] = [(parse_code(source.replace("\r\n", "\n")), False)]
    except Unreadable:
        return
    while waiting:
        node, guarded = waiting.pop()
        if isinstance(node, ast.Import):
            yield from ((alias.name.split(".")[0], guarded) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0], guarded
        if isinstance(node, ast.Try):
            waiting += [(child, True) for child in node.body]
            waiting += [(child, guarded) for child in (*node.handlers, *node.orelse, *node.finalbody)]
        else:
            waiting += [(child, guarded) for child in ast.iter_child_nodes(node)]


def package_versions(packages: Collection[str]) -> list[str]:
    """`name version` of packages that are installed here, sorted; the name alone where no distribution is known."""
    owners = metadata.packages_distributions() if packages else {}
    return sorted(
        " ".join([name, *(f"{owner} {metadata.version(owner)}" for owner in sorted(set(owners.get(name, ()))))])
        for name in packages
    )
