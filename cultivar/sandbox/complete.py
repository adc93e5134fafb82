"""Gives tests that are only defined the calls that a test runner would make: left uncalled they pass anything."""

from __future__ import annotations

import ast
from collections.abc import Iterator

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def complete(tests: str, entry_point: str | None) -> str:
    """The tests, with the calls of HumanEval's `check(candidate)`, of `test_*` functions and of the methods of `Test*`
    classes that their top level does not make. `TestCase` classes are run in the jail (inside/suites.py), so that
    `unittest.main()`, which would look for them in another module, goes.

    ValueError where nothing runs that could fail, or where it takes a runner that is not here (fixtures, doctest).
    """
    body = ast.parse(tests).body
    kept = [s for s in body if not (isinstance(s, ast.Expr) and runs_unittest(s.value))]
    called = {n.func.id for n in reached(kept) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
    calls = [call for s in kept for call in missing(s, kept, called, entry_point)]
    text = ast.unparse(ast.Module(kept, [])) if len(kept) < len(body) else tests
    for node in ast.walk(ast.Module(kept, [])):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        if "doctest" in [*names, node.module if isinstance(node, ast.ImportFrom) else None]:
            raise ValueError("doctest only prints what fails")
    if not calls and not any(isinstance(n, ast.Assert | ast.Call | ast.Raise) or is_case(n) for n in reached(kept)):
        raise ValueError("nothing in the tests is run that could fail")
    return "\n".join([text, *calls, ""]) if calls else text


def reached(body: list[ast.stmt]) -> Iterator[ast.AST]:
    """Nodes that run when a module does: not those in functions, nor those that only a main program would run."""
    waiting: list[ast.AST] = list(body)
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.If) and ast.unparse(node.test).replace('"', "'") == "__name__ == '__main__'":
            waiting += node.orelse
        elif isinstance(node, FUNCTIONS):
            waiting += [*node.args.defaults, *getattr(node, "decorator_list", ())]
        else:
            waiting += ast.iter_child_nodes(node)


def missing(statement: ast.stmt, body: list[ast.stmt], called: set[str], entry_point: str | None) -> Iterator[str]:
    """The calls that a definition at the top level waits for."""
    if isinstance(statement, ast.ClassDef):
        if statement.name.startswith("Test") and not statement.bases:
            yield from methods(statement)
    elif isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)) and statement.name not in called:
        name, needed = statement.name, parameters(statement)
        helper = any(name in names(s) for s in body if s is not statement and isinstance(s, (*FUNCTIONS, ast.ClassDef)))
        if name == "check" and len(needed) == 1 and not helper:
            if not entry_point:
                raise ValueError("check(candidate) needs the name of the candidate: give entry_point")
            yield f"check({entry_point})"
        elif (name == "test" or name.startswith("test_")) and not (helper and needed):
            if needed or isinstance(statement, ast.AsyncFunctionDef):
                raise ValueError(f"{name} needs a test runner: give tests that run by themselves")
            yield f"{name}()"


def methods(kind: ast.ClassDef) -> Iterator[str]:
    for method in kind.body:
        if isinstance(method, (ast.FunctionDef, ast.AsyncFunctionDef)):
            tests = method.name.startswith("test")
            if method.name.startswith("setup") or (tests and len(parameters(method)) != 1):
                raise ValueError(f"{kind.name}.{method.name} needs a test runner: give tests that run by themselves")
            if tests:
                yield f"{kind.name}().{method.name}()"


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    """Those that a call has to give."""
    given = function.args
    positional = [*given.posonlyargs, *given.args]
    needed = positional[: len(positional) - len(given.defaults)]
    needed += [a for a, default in zip(given.kwonlyargs, given.kw_defaults, strict=True) if default is None]
    return [argument.arg for argument in needed]


def names(node: ast.AST) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}


def runs_unittest(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func) == "unittest.main"


def is_case(node: ast.AST) -> bool:
    return isinstance(node, ast.ClassDef) and any("Test" in ast.unparse(base) for base in node.bases)
