"""When two programs are one."""

import ast


def syntax_key(code: str) -> str:
    """The syntax tree of a program without docstrings, as text; the program itself where the tree is too deep for that.

    Layout and comments are no part of it.
    """
    try:
        tree = ast.parse(code)
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                node.body = node.body[ast.get_docstring(node, clean=False) is not None :]
        return ast.dump(tree)
    except (RecursionError, MemoryError):
        return code
