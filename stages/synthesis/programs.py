"""When two programs are one."""

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
