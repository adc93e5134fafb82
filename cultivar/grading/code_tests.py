"""Tests as models write them: the assert statements of a text."""

import ast
import warnings

from cultivar.grading.code_blocks import blocks_of, normalize
from cultivar.grading.code_syntax import Statement, effort_for
from schemas.parsing import Unreadable, write_code


def read_tests(text: str, entry_point: str) -> list[str]:
    """The assert statements that call the entry point; none where the text holds anything but asserts.

    Models indent tests, put them in fences and several into one text or line; each statement is a test of its own.
    """
    effort = effort_for(len(text))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the compiler, about the text
        blocks, _ = blocks_of(normalize(text), effort)
    statements = [statement for block in blocks for statement in block.statements]
    if not all(isinstance(statement.node, ast.Assert) for statement in statements):
        return []
    written = [text_of(statement) for statement in statements if calls(statement.node, entry_point)]
    return [text for text in written if text]


def text_of(statement: Statement) -> str:
    """The source of one statement; "" where it shares its line with others and is too deep to be written anew."""
    if ";" not in statement.source:
        return statement.source.strip()
    try:
        return write_code(statement.node)
    except Unreadable:
        return ""


def calls(node: ast.AST, name: str) -> bool:
    """Whether a function of this name is called in the tree."""
    called = (child.func for child in ast.walk(node) if isinstance(child, ast.Call))
    return any(isinstance(function, ast.Name) and function.id == name for function in called)
