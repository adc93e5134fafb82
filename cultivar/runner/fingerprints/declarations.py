"""Modules that only declare: the rows of schemas/rows.py, and the sections of a `params.py`.

They count by what a stage uses of them, so that a new row or section, or another default of one, changes nobody else.
"""

import ast
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

from cultivar.syntax import syntax_hash


class Used(NamedTuple):
    """What some names of a module come to: the hash of their declarations, and the (module, name) that these import."""

    syntax: str
    imports: list[tuple[str, str]]


def only_declares(path: Path) -> bool:
    return path == Path("schemas/rows.py") or (path.name == "params.py" and path.parts[0] in ("stages", "train"))


def used(path: Path, names: Iterable[str]) -> Used:
    """The declarations of `names` in a file and all that these use; "" among the names takes everything."""
    return used_of(path.read_bytes(), frozenset(names))


@cache
def used_of(content: bytes, names: frozenset[str]) -> Used:
    tree, bound = declarations(content)
    statements = {node for node in tree.body if not names_bound(node) or "" in names}
    waiting = [*names, *(name for node in statements for name in names_in(node))]
    while waiting:
        for node in bound.get(waiting.pop(), ()):
            if node not in statements:
                statements.add(node)
                waiting += names_in(node)
    kept = [node for node in tree.body if node in statements]
    imports = [
        (node.module, alias.name)
        for node in kept
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    ] + [(alias.name, "") for node in kept if isinstance(node, ast.Import) for alias in node.names]
    return Used(syntax_hash([ast.Module(kept, [])]), imports)


@cache
def declarations(content: bytes) -> tuple[ast.Module, dict[str, list[ast.stmt]]]:
    """The tree of a module, and the statements that bind each of its top-level names."""
    tree = ast.parse(content)
    bound: dict[str, list[ast.stmt]] = {}
    for node in tree.body:
        for name in names_bound(node):
            bound.setdefault(name, []).append(node)
    return tree, bound


def names_bound(node: ast.stmt) -> list[str]:
    match node:
        case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
            return [node.name]
        case ast.Import() | ast.ImportFrom():
            return [(alias.asname or alias.name).split(".")[0] for alias in node.names]
        case ast.Assign():
            return [name.id for target in node.targets for name in ast.walk(target) if isinstance(name, ast.Name)]
        case ast.AnnAssign(target=ast.Name(id=name)):
            return [name]
    return []


def names_in(node: ast.AST) -> list[str]:
    """Names that a statement uses; a text may be the name of a class in an annotation."""
    found = [inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)]
    return found + [
        inner.value for inner in ast.walk(node) if isinstance(inner, ast.Constant) and isinstance(inner.value, str)
    ]
