"""When two programs, or two tests, are one."""

import ast

from schemas.parsing import Unreadable, dump_code, parse_code


def syntax_key(code: str) -> str:
    """The syntax tree of a program without docstrings, as text; the program itself where the tree is too deep for that.

    Layout and comments are no part of it.
    """
    try:
        tree = parse_code(code)
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                node.body = node.body[ast.get_docstring(node, clean=False) is not None :]
        return dump_code(tree)
    except Unreadable:
        return code


def assert_key(test: str) -> str:
    """The syntax tree of an assert statement without its message, as text; the statement where that is too deep."""
    try:
        tree = parse_code(test)
        for node in tree.body:
            if isinstance(node, ast.Assert):
                node.msg = None
        return dump_code(tree)
    except Unreadable:
        return test
