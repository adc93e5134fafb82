"""Adds calls of tests that are only defined, as a test runner would make them: tests that never run pass anything."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator

from schemas.parsing import Unreadable, parse_code, write_code

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def add_test_calls(tests: str, entry_point: str | None) -> str:
    """The tests, followed by those calls of HumanEval's `check(candidate)`, of `test_*` functions and of methods of `Test*`
    classes that their top level lacks. `TestCase` classes are run in the jail (inside/suites.py); `unittest.main()`, which
    would look for them in another module, is removed.

    Raises ValueError where nothing runs that could fail, where the tests need a runner (fixtures, doctest), and Unreadable,
    which is one, where they cannot be parsed.
    """
    body = parse_code(tests).body
    statements = [s for s in body if not (isinstance(s, ast.Expr) and is_unittest_main(s.value))]
    called = {n.func.id for n in toplevel_nodes(statements) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
    users = Counter(name for s in statements if isinstance(s, (*FUNCTIONS, ast.ClassDef)) for name in names(s))
    calls = [call for s in statements for call in missing_calls(s, users, called, entry_point)]
    text = write_code(ast.Module(statements, [])) if len(statements) < len(body) else tests
    for node in ast.walk(ast.Module(statements, [])):
        imported = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        if "doctest" in [*imported, node.module if isinstance(node, ast.ImportFrom) else None]:
            raise ValueError("doctest only prints what fails")
    if not calls and not any(
        isinstance(n, ast.Assert | ast.Call | ast.Raise) or is_test_case(n) for n in toplevel_nodes(statements)
    ):
        raise ValueError("nothing in the tests is run that could fail")
    return "\n".join([text, *calls, ""]) if calls else text


def toplevel_nodes(body: list[ast.stmt]) -> Iterator[ast.AST]:
    """Nodes that are executed with the module: not those in functions, nor those under `if __name__ == "__main__"`."""
    waiting: list[ast.AST] = list(body)
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.If) and shown(node.test).replace('"', "'") == "__name__ == '__main__'":
            waiting += node.orelse
        elif isinstance(node, FUNCTIONS):
            waiting += [*node.args.defaults, *getattr(node, "decorator_list", ())]
        else:
            waiting += ast.iter_child_nodes(node)


def missing_calls(statement: ast.stmt, users: Counter[str], called: set[str], entry_point: str | None) -> Iterator[str]:
    """The calls that a test runner would make for a definition at the top level. Raises ValueError.

    `users`: for each name the number of definitions at the top level that hold it.
    """
    if isinstance(statement, ast.ClassDef):
        if statement.name.startswith("Test") and not statement.bases:
            yield from method_calls(statement)
    elif isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)) and statement.name not in called:
        name, required = statement.name, required_parameters(statement)
        is_helper = users[name] > (name in names(statement))
        if name == "check" and len(required) == 1 and not is_helper:
            if not entry_point:
                raise ValueError("check(candidate) needs the name of the candidate: give entry_point")
            yield f"check({entry_point})"
        elif (name == "test" or name.startswith("test_")) and not (is_helper and required):
            if required or isinstance(statement, ast.AsyncFunctionDef):
                raise ValueError(f"{name} needs a test runner: give tests that run by themselves")
            yield f"{name}()"


def method_calls(kind: ast.ClassDef) -> Iterator[str]:
    """A call of every test method of a class. Raises ValueError where it has fixtures."""
    for method in kind.body:
        if isinstance(method, (ast.FunctionDef, ast.AsyncFunctionDef)):
            tests = method.name.startswith("test")
            if method.name.startswith("setup") or (tests and len(required_parameters(method)) != 1):
                raise ValueError(f"{kind.name}.{method.name} needs a test runner: give tests that run by themselves")
            if tests:
                yield f"{kind.name}().{method.name}()"


def required_parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    """Names of the parameters without a default."""
    arguments = function.args
    positional = [*arguments.posonlyargs, *arguments.args]
    required = positional[: len(positional) - len(arguments.defaults)]
    required += [a for a, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if default is None]
    return [argument.arg for argument in required]


def names(node: ast.AST) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}


def is_unittest_main(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and shown(node.func) == "unittest.main"


def is_test_case(node: ast.AST) -> bool:
    return isinstance(node, ast.ClassDef) and any("Test" in shown(base) for base in node.bases)


def shown(node: ast.expr) -> str:
    """The source of an expression; "" where it is too deep to be written."""
    try:
        return write_code(node)
    except Unreadable:
        return ""
