"""A hash of what code does: comments, docstrings and layout change nothing, whatever the version of Python."""

import ast
import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path

LEFT_OUT = {"ctx", "kind", "type_comment", "type_ignores"}
"""Fields of syntax trees that say nothing about what a program does."""


def code_hash(files: Iterable[Path]) -> str:
    """16 hex digits of what some Python files do, in the given order, and of their names."""
    trees = [(path.name, ast.parse(path.read_bytes(), str(path))) for path in files]
    return hashlib.sha256("".join(f"{name} {syntax_hash([tree])}\n" for name, tree in trees).encode()).hexdigest()[:16]


def syntax_hash(nodes: Iterable[ast.AST], keep_docstrings: bool = False) -> str:
    """16 hex digits of what some code does: comments, docstrings and layout are left out, whatever the Python version.

    Texts that stand alone as a statement count as docstrings too.
    """
    parts: list[str] = []
    for node in nodes:
        write_syntax(node, keep_docstrings, parts.append)
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def write_syntax(value: object, keep_docstrings: bool, write: Callable[[str], None]) -> None:
    """Write a syntax tree as parts of text. Empty fields are left out, since newer versions of Python add some."""
    if isinstance(value, ast.AST):
        write(f"({type(value).__name__}")
        for name, item in ast.iter_fields(value):
            if isinstance(item, list) and not keep_docstrings:
                item = [part for part in item if not is_docstring(part)]
            if name not in LEFT_OUT and item is not None and item != []:
                write(name)
                write_syntax(item, keep_docstrings, write)
        write(")")
    elif isinstance(value, list):
        for item in value:
            write_syntax(item, keep_docstrings, write)
    else:
        write(f"{type(value).__name__} {value!r}")


def is_docstring(node: object) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
