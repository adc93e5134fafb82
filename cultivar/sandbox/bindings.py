"""Where the names that tests use come from: the solution, the standard library, or neither."""

from __future__ import annotations

import ast
import builtins
import importlib
from dataclasses import dataclass
from functools import cache

from schemas.parsing import Unreadable, parse_code

# Modules that tests often use without importing them and whose names are unambiguous. None of them has an object that
# equals everything (as unittest.mock.ANY does).
PURE = frozenset(
    """
abc array base64 bisect calendar cmath collections collections.abc copy dataclasses datetime decimal enum fractions
functools hashlib heapq io itertools json math numbers operator os random re statistics string struct sys textwrap time
types typing unicodedata
""".split()
)
# Those of PURE whose functions and classes decide comparisons in tests. Names from the others (`count`, `choice`,
# `match`) are more often defined by a solution.
DECIDING = ("cmath", "collections", "copy", "decimal", "fractions", "functools", "math", "operator", "statistics")
# Names that tests use for modules, even where a solution defines the same name.
MODULES = {name: name for name in PURE if "." not in name} | {
    **{"np": "numpy", "numpy": "numpy", "pd": "pandas", "pandas": "pandas", "pytest": "pytest"},
    **{"unittest": "unittest", "mock": "unittest.mock"},
}


@cache
def library_names() -> frozenset[str]:
    """Public names of the modules of `DECIDING`, without exceptions: one class of exception cannot pass for another."""
    modules = [importlib.import_module(name) for name in DECIDING]
    names = {n for m in modules for n in getattr(m, "__all__", vars(m))}
    return frozenset(n for n in names if not n.startswith("_") and not n.endswith(("Error", "Exception")))


def solution_names(code: str) -> tuple[set[str], dict[str, tuple[str, str | None]]]:
    """(top-level names that a program defines, {name: (module, attribute)} that it imports from modules of `PURE`).

    Imports under an alias, of a builtin's name or from any other module are ignored: `from operator import truth as all`
    would let the solution choose how the tests check it.
    """
    defined: set[str] = set()
    imported: dict[str, tuple[str, str | None]] = {}
    try:
        body = parse_code(code.replace("\r\n", "\n")).body
    except Unreadable:
        return set(), {}  # the solution's process reports it as its own error
    for statement in body:
        match statement:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.AsyncFunctionDef(name=name):
                defined.add(name)
            case ast.Assign(targets=targets):
                defined.update(n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name)):
                defined.add(name)
            case ast.ImportFrom(module=str(module), names=aliases, level=0) if module in PURE:
                for a in aliases:
                    if a.asname in (None, a.name) and not a.name.startswith("_") and not hasattr(builtins, a.name):
                        imported[a.name] = (module, a.name)
    return defined, imported


@dataclass(frozen=True)
class Bindings:
    """The names that the tests can use besides the builtins and their own.

    exports    names of the solution's objects
    modules    {name: (module, attribute or None)} from the standard library
    ambiguous  names that the solution defines and that also belong to the library: a test that uses one is unsupported
    """

    exports: list[str]
    modules: dict[str, tuple[str, str | None]]
    ambiguous: list[str]


def find_bindings(code: str, tests: str, entry_point: str | None) -> Bindings:
    """Where the names that the tests use come from.

    Never from the solution: builtins, names that the tests bind themselves, dunders, modules (`math`, `np`; the tests get
    the library's, whatever the solution imports or defines) and names that tests compare with (`isclose`). So a solution
    that shadows `abs`, `sorted` or `math` changes nothing for the tests. Any other name that the tests use without
    binding it is taken from the solution. So is the entry point, whatever its name; without an entry point, library names
    are taken from the solution if the tests use no other name that it defines.

    Raises Unreadable where the tests cannot be parsed.
    """
    loaded: set[str] = set()
    bound: set[str] = set()
    for node in ast.walk(parse_code(tests)):
        if isinstance(node, ast.Name):
            (loaded if isinstance(node.ctx, ast.Load) else bound).add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)):
            bound.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            bound.update((a.asname or a.name).split(".")[0] for a in node.names)
    defined, imported = solution_names(code)
    free_names = {n for n in loaded - bound if not hasattr(builtins, n) and not n.startswith("__")} - {entry_point}
    candidates = free_names & defined
    exported = candidates - library_names() - MODULES.keys()
    if entry_point is None and not exported:
        exported = candidates
    library: dict[str, tuple[str, str | None]] = {n: (MODULES[n], None) for n in free_names & MODULES.keys() - exported}
    library |= {n: source for n, source in imported.items() if n in free_names - candidates}
    exports = exported | ({entry_point} if entry_point else set())
    return Bindings(sorted(exports), library, sorted(candidates - exports - library.keys()))
