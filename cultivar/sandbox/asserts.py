"""Assert-style tests to (arguments, expected value) cases, by AST: nothing is run."""

from __future__ import annotations

import ast
import builtins
import operator
from collections.abc import Callable
from typing import Any

from schemas.parsing import WRITABLE_LEVELS, has_levels, parse_code

from .bindings import solution_names
from .inside.plain import NUMBERS, canonical
from .jobs import Case, Job, Limits

MAX_ITEMS = 100_000  # of one literal, written out
ARITHMETIC: dict[type, Callable[[object, object], object]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}


def job_from_asserts(
    id: str,
    code: str,
    tests: list[str],
    entry_point: str | None = None,
    setup: str = "",
    limits: Limits | None = None,
) -> Job:
    """A `call` job where every test is `assert f(literals) == literal`, otherwise a `split` job."""
    converted = convert_asserts(tests, entry_point, code) if not setup.strip() else None
    if converted is None:
        return Job(id, "split", code, entry_point=entry_point, tests=tests, setup=setup, limits=limits)
    return Job(id, "call", code, entry_point=converted[0], cases=converted[1], limits=limits)


class NotLiteral(ValueError):
    """An expression that cannot be evaluated without running code."""


def literal_value(node: ast.expr) -> object:
    """Value of a literal expression; also arithmetic of small numbers, `set()`, `float("inf")`.

    Raises NotLiteral for anything else, and for more than MAX_ITEMS machine words and characters, however nested:
    `[[0] * 4000] * 4000` is short as source and huge as a value.
    """
    return measure_literal(node)[0]


def measure_literal(node: ast.expr) -> tuple[object, int]:
    """The value of a literal and how many machine words, characters and containers it holds."""
    value, items = evaluate_literal(node)
    if items > MAX_ITEMS:
        raise NotLiteral(f"more than {MAX_ITEMS} items")
    return value, items


def item_count(value: object) -> int:
    """Size of a scalar: characters of a string, 64-bit words of a number, plus one."""
    if isinstance(value, (str, bytes)):
        return 1 + len(value)
    return 1 + (value.bit_length() >> 6 if isinstance(value, int) else 0)


def evaluate_elements(nodes: list[ast.expr]) -> tuple[list, int]:
    """The values of a container's elements, and the size of the container."""
    elements = [measure_literal(node) for node in nodes]
    return [value for value, _ in elements], 1 + sum(items for _, items in elements)


def evaluate_literal(node: ast.expr) -> tuple[object, int]:
    """The value and size of one node, without the bound on size. Raises NotLiteral."""
    match node:
        case ast.Constant(value=value) if value is not Ellipsis:
            return value, item_count(value)
        case ast.List(elts=elts):
            return evaluate_elements(elts)
        case ast.Tuple(elts=elts):
            values, items = evaluate_elements(elts)
            return tuple(values), items
        case ast.Set(elts=elts):
            values, items = evaluate_elements(elts)
            return set(values), items
        case ast.Dict(keys=keys, values=values) if all(keys):
            names, key_items = evaluate_elements([k for k in keys if k is not None])
            dict_values, value_items = evaluate_elements(values)
            return dict(zip(names, dict_values, strict=True)), key_items + value_items
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            number: Any = literal_value(operand)
            if isinstance(number, NUMBERS):
                return -number, item_count(number)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in ARITHMETIC:
            a: Any
            b: Any
            (a, a_items), (b, b_items) = measure_literal(left), measure_literal(right)
            if isinstance(a, NUMBERS) and isinstance(b, NUMBERS) and max(abs(a), abs(b)) < 1e18:
                if isinstance(op, ast.Pow) and not (isinstance(b, int) and 0 <= b <= 64):
                    raise NotLiteral(ast.unparse(node)[:80])
                number = ARITHMETIC[type(op)](a, b)
                return number, item_count(number)
            for many, items, times in ((a, a_items, b), (b, b_items, a)):
                repeats = isinstance(op, ast.Mult) and isinstance(many, (list, tuple, str)) and isinstance(times, int)
                if repeats and (total := 1 + times * (items - 1)) <= MAX_ITEMS:
                    return many * times, total
        case ast.Call(func=ast.Name(id="set"), args=[], keywords=[]):
            return set(), 1
        case ast.Call(func=ast.Name(id="set" | "tuple" | "list" | "frozenset" as name), args=[arg], keywords=[]):
            contents, items = measure_literal(arg)
            if isinstance(contents, (list, tuple, set, str)):
                return {"set": set, "tuple": tuple, "list": list, "frozenset": frozenset}[name](contents), items
        case ast.Call(func=ast.Name(id="float"), args=[ast.Constant(value=str(text))], keywords=[]):
            return float(text), 1
    raise NotLiteral(ast.unparse(node)[:80])


def convert_assert(statement: ast.stmt, defined: set[str]) -> tuple[str, Case]:
    """`assert f(literals) == literal` (either order) as (name of f, case). Raises NotLiteral for any other shape.

    A builtin's name counts as f only where the solution defines it (`defined`).
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
        value = literal_value(expected)
        canonical(value)
        args = [literal_value(arg) for arg in call.args]
        kwargs = {k.arg: literal_value(k.value) for k in call.keywords if k.arg}
        if len(kwargs) == len(call.keywords):
            canonical([args, kwargs])
            return call.func.id, Case(args, value, kwargs)
    raise NotLiteral(ast.unparse(compare)[:80])


def convert_asserts(tests: list[str], entry_point: str | None, code: str = "") -> tuple[str, list[Case]] | None:
    """The entry point and the cases of assert-style tests, or None where any of them does not convert."""
    cases = []
    defined, _ = solution_names(code)
    try:
        for test in tests:
            tree = parse_code(test.replace("\r\n", "\n").strip())
            if not has_levels(tree, WRITABLE_LEVELS):
                return None
            for statement in test_statements(tree.body, entry_point):
                name, case = convert_assert(statement, defined)
                if name != (entry_point := entry_point or name):
                    return None
                cases.append(case)
    except (ValueError, TypeError, ArithmeticError):  # NotLiteral, PlainError and Unreadable are ValueErrors
        return None
    return (entry_point, cases) if entry_point and cases else None


class RenameName(ast.NodeTransformer):
    """Renames `check`'s parameter to the entry point."""

    def __init__(self, old: str, new: str) -> None:
        self.old, self.new = old, new

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(self.new, node.ctx) if node.id == self.old else node


def test_statements(body: list[ast.stmt], entry_point: str | None) -> list[ast.stmt]:
    """The statements of a test; for HumanEval's format (`METADATA = ...`, `def check(candidate)`) those of `check`.

    Raises NotLiteral where a test of that format contains anything else.
    """
    check = next((s for s in body if isinstance(s, ast.FunctionDef) and s.name == "check"), None)
    if check is None or entry_point is None:
        return body
    calls = [s for s in body if isinstance(s, ast.Expr) and ast.unparse(s) == f"check({entry_point})"]
    rest = [s for s in body if s is not check and s not in calls]
    metadata = [s for s in rest if isinstance(s, ast.Assign) and ast.unparse(s.targets[0]) == "METADATA"]
    if len(check.args.args) != 1 or len(metadata) != len(rest):
        raise NotLiteral("more than check(candidate)")
    rename = RenameName(check.args.args[0].arg, entry_point)
    # `assert True, "message"` and docstrings test nothing
    return [
        rename.visit(s)
        for s in check.body
        if not (isinstance(s, ast.Assert) and isinstance(s.test, ast.Constant) and s.test.value)
        and not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))
    ]
