"""Assert-style tests to (arguments, expected) pairs by AST, and the names that tests take from a solution."""

from __future__ import annotations

import ast
import builtins
import importlib
import operator
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from .inside.plain import NUMBERS, PlainError, canonical
from .jobs import Case

MAX_ITEMS = 100_000  # of one literal, written out
MAX_SOURCE = 1 << 20  # characters of a solution that are parsed here
ARITHMETIC: dict[type, Callable[[object, object], object]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}


# modules that tests lean on without importing them, and whose names mean one thing; nothing that equals everything
PURE = frozenset(
    """
abc array base64 bisect calendar cmath collections collections.abc copy dataclasses datetime decimal enum fractions
functools hashlib heapq io itertools json math numbers operator os random re statistics string struct sys textwrap time
types typing unicodedata
""".split()
)
# of those, the ones whose functions and classes tests compare with; the names of others (`count`, `choice`, `match`) are
# more often a solution's own
DECIDING = ("cmath", "collections", "copy", "decimal", "fractions", "functools", "math", "operator", "statistics")
# names that tests use for modules, whatever a solution calls so
MODULES = {name: name for name in PURE if "." not in name} | {
    **{"np": "numpy", "numpy": "numpy", "pd": "pandas", "pandas": "pandas", "pytest": "pytest"},
    **{"unittest": "unittest", "mock": "unittest.mock"},
}


@cache
def library_names() -> frozenset[str]:
    """Public names of the modules of `DECIDING`, but those of exceptions: a solution's cannot pass for another."""
    modules = [importlib.import_module(name) for name in DECIDING]
    found = {n for m in modules for n in getattr(m, "__all__", vars(m))}
    return frozenset(n for n in found if not n.startswith("_") and not n.endswith(("Error", "Exception")))


class NotLiteral(ValueError):
    """An expression that cannot be evaluated without running code."""


def literal(node: ast.expr) -> object:
    """Value of a literal expression; also arithmetic of small numbers, `set()`, `float("inf")`. NotLiteral otherwise.

    At most MAX_ITEMS words and characters, however nested: `[[0] * 4000] * 4000` is small here and huge when written.
    """
    return measured(node)[0]


def measured(node: ast.expr) -> tuple[object, int]:
    """The value of `literal` and how many words, characters and containers it has when written out."""
    value, items = evaluated(node)
    if items > MAX_ITEMS:
        raise NotLiteral(f"more than {MAX_ITEMS} items")
    return value, items


def weight(value: object) -> int:
    """Of a string its characters, of a number its machine words, at least one."""
    if isinstance(value, (str, bytes)):
        return 1 + len(value)
    return 1 + (value.bit_length() >> 6 if isinstance(value, int) else 0)


def several(nodes: list[ast.expr]) -> tuple[list, int]:
    found = [measured(node) for node in nodes]
    return [value for value, _ in found], 1 + sum(items for _, items in found)


def evaluated(node: ast.expr) -> tuple[object, int]:
    match node:
        case ast.Constant(value=value) if value is not Ellipsis:
            return value, weight(value)
        case ast.List(elts=elts):
            return several(elts)
        case ast.Tuple(elts=elts):
            values, items = several(elts)
            return tuple(values), items
        case ast.Set(elts=elts):
            values, items = several(elts)
            return set(values), items
        case ast.Dict(keys=keys, values=values) if all(keys):
            names, first = several([k for k in keys if k is not None])
            held, second = several(values)
            return dict(zip(names, held, strict=True)), first + second
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            number: Any = literal(operand)
            if isinstance(number, NUMBERS):
                return -number, weight(number)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in ARITHMETIC:
            a: Any
            b: Any
            (a, a_items), (b, b_items) = measured(left), measured(right)
            if isinstance(a, NUMBERS) and isinstance(b, NUMBERS) and max(abs(a), abs(b)) < 1e18:
                if isinstance(op, ast.Pow) and not (isinstance(b, int) and 0 <= b <= 64):
                    raise NotLiteral(ast.unparse(node)[:80])
                number = ARITHMETIC[type(op)](a, b)
                return number, weight(number)
            for many, items, times in ((a, a_items, b), (b, b_items, a)):
                repeats = isinstance(op, ast.Mult) and isinstance(many, (list, tuple, str)) and isinstance(times, int)
                if repeats and (grown := 1 + times * (items - 1)) <= MAX_ITEMS:
                    return many * times, grown
        case ast.Call(func=ast.Name(id="set"), args=[], keywords=[]):
            return set(), 1
        case ast.Call(func=ast.Name(id="set" | "tuple" | "list" | "frozenset" as name), args=[arg], keywords=[]):
            contents, items = measured(arg)
            if isinstance(contents, (list, tuple, set, str)):
                return {"set": set, "tuple": tuple, "list": list, "frozenset": frozenset}[name](contents), items
        case ast.Call(func=ast.Name(id="float"), args=[ast.Constant(value=str(text))], keywords=[]):
            return float(text), 1
    raise NotLiteral(ast.unparse(node)[:80])


def pair(statement: ast.stmt, defined: set[str]) -> tuple[str, Case]:
    """`assert f(literals) == literal` (either order) as (name of f, case). NotLiteral for any other shape.

    A builtin's name counts as f only where the solution defines it.
    """
    if not isinstance(statement, ast.Assert) or not isinstance(statement.test, ast.Compare):
        raise NotLiteral(ast.unparse(statement)[:80])
    compare = statement.test
    is_none = isinstance(compare.ops[0], ast.Is) and ast.unparse(compare.comparators[0]) == "None"
    if len(compare.ops) != 1 or not (isinstance(compare.ops[0], ast.Eq) or is_none):
        raise NotLiteral(ast.unparse(compare)[:80])
    for call, expected in ((compare.left, compare.comparators[0]), (compare.comparators[0], compare.left)):
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
            continue
        if hasattr(builtins, call.func.id) and call.func.id not in defined:
            continue
        value = literal(expected)
        canonical(value)
        args = [literal(arg) for arg in call.args]
        kwargs = {k.arg: literal(k.value) for k in call.keywords if k.arg}
        if len(kwargs) == len(call.keywords):
            canonical([args, kwargs])
            return call.func.id, Case(args, value, kwargs)
    raise NotLiteral(ast.unparse(compare)[:80])


def cases_of(tests: list[str], entry_point: str | None, code: str = "") -> tuple[str, list[Case]] | None:
    """The entry point and cases of assert-style tests, or None where any of them does not convert."""
    cases = []
    defined, _ = names_of(code)
    try:
        for test in tests:
            for statement in asserts_of(ast.parse(test.replace("\r\n", "\n").strip()).body, entry_point):
                name, case = pair(statement, defined)
                if name != (entry_point := entry_point or name):
                    return None
                cases.append(case)
    except (NotLiteral, PlainError, SyntaxError, ValueError, TypeError, ArithmeticError, RecursionError, MemoryError):
        return None
    return (entry_point, cases) if entry_point and cases else None


class Renamed(ast.NodeTransformer):
    """A name of `check`'s parameter becomes the entry point."""

    def __init__(self, old: str, new: str) -> None:
        self.old, self.new = old, new

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(self.new, node.ctx) if node.id == self.old else node


def asserts_of(body: list[ast.stmt], entry_point: str | None) -> list[ast.stmt]:
    """The statements of a test; of HumanEval's shape (`METADATA = ...`, `def check(candidate)`) those of `check`."""
    check = next((s for s in body if isinstance(s, ast.FunctionDef) and s.name == "check"), None)
    if check is None or entry_point is None:
        return body
    calls = [s for s in body if isinstance(s, ast.Expr) and ast.unparse(s) == f"check({entry_point})"]
    rest = [s for s in body if s is not check and s not in calls]
    bound = [s for s in rest if isinstance(s, ast.Assign) and ast.unparse(s.targets[0]) == "METADATA"]
    if len(check.args.args) != 1 or len(bound) != len(rest):
        raise NotLiteral("more than check(candidate)")
    rename = Renamed(check.args.args[0].arg, entry_point)
    # `assert True, "message"` says nothing, and docstrings neither
    return [
        rename.visit(s)
        for s in check.body
        if not (isinstance(s, ast.Assert) and isinstance(s.test, ast.Constant) and s.test.value)
        and not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))
    ]


def names_of(code: str) -> tuple[set[str], dict[str, tuple[str, str | None]]]:
    """Top-level names that a program defines, and what it takes from modules of `PURE` under its own name: {name:
    (module, attribute)}. An alias, a builtin's name or any other module is not taken: `from operator import truth as
    all` would hand the tests a check of the solution's choice.
    """
    defined: set[str] = set()
    taken: dict[str, tuple[str, str | None]] = {}
    if len(code) > MAX_SOURCE:
        return set(), {}
    try:
        for statement in ast.parse(code.replace("\r\n", "\n")).body:
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
                            taken[a.name] = (module, a.name)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set(), {}  # the solution's process reports it as its own error
    return defined, taken


@dataclass(frozen=True)
class Bindings:
    """What the tests find besides the builtins and their own names.

    exports   names that are the solution's objects
    modules   {name: (module, attribute or None)} that are the library's
    withheld  names that the solution defines and the tests take for the library's: using one decides nothing
    """

    exports: list[str]
    modules: dict[str, tuple[str, str | None]]
    withheld: list[str]


def bindings(code: str, tests: str, entry_point: str | None) -> Bindings:
    """Where the tests' names come from.

    Never from the solution: a builtin, a name that the tests bind themselves, a dunder, a module (`math`, `np`), which
    they get whatever the solution imports or defines, and a name that tests compare with (`isclose`). So a solution
    that shadows `abs`, `sorted` or `math` changes nothing for the tests. Any other name that the tests use without
    binding it is the solution's to define. So is its entry point, whatever it is called; without one, names of the
    library are the solution's where the tests use no other name of its own.
    """
    used: set[str] = set()
    own: set[str] = set()
    for node in ast.walk(ast.parse(tests)):
        if isinstance(node, ast.Name):
            (used if isinstance(node.ctx, ast.Load) else own).add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)):
            own.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            own.update((a.asname or a.name).split(".")[0] for a in node.names)
    defined, taken = names_of(code)
    wanted = {n for n in used - own if not hasattr(builtins, n) and not n.startswith("__")} - {entry_point}
    candidates = wanted & defined
    plain = candidates - library_names() - MODULES.keys()
    if entry_point is None and not plain:
        plain = candidates
    library: dict[str, tuple[str, str | None]] = {n: (MODULES[n], None) for n in wanted & MODULES.keys() - plain}
    library |= {n: source for n, source in taken.items() if n in wanted - candidates}
    exports = plain | ({entry_point} if entry_point else set())
    return Bindings(sorted(exports), library, sorted(candidates - exports - library.keys()))
