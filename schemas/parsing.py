"""Reading of untrusted text: what a model or a file holds ends in a value or in Unreadable, never in the end of a stage.

A text can make a parser fail in more ways than one: nesting exhausts the stack (RecursionError, MemoryError), an integer of
5,000 digits is a ValueError, a damaged table a panic of Rust code, which is no Exception. All of them say the same thing,
that this text cannot be read, and `parsed` makes one error of them. Whoever calls it quarantines the text.

Whether a text can be read depends on the text alone. Where parsers stop by how deep the stack happens to be, the bounds
here are met first: LEVELS_OF_JSON, LEVELS_OF_CODE, CODE_CHARS.
"""

import ast
import json
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from schemas.characters import escape

P = ParamSpec("P")
T = TypeVar("T")
LEVELS_OF_JSON = 200
"""Levels of lists and objects: as many as pydantic reads, and fewer than orjson writes."""
LEVELS_OF_CODE = 600
"""Levels of a syntax tree, about those of 600 nested parentheses or a chain of 600 `elif` or `+`. Python parses some 2,400."""
WRITABLE_LEVELS = 100
"""Levels of a tree that can be visited, dumped and written by recursion (up to nine calls a level) at any depth of the stack."""
CODE_CHARS = 1 << 20
"""Characters of Python: about a second of parsing."""
REASON_CHARS = 300


class Unreadable(ValueError):
    """The text is not of its language, is damaged, or is too deep or too long to be read; the message says which."""


class TooDeep(Unreadable):
    """The text is nested too deeply: it may well be of its language."""

    def __init__(self) -> None:
        super().__init__("it is nested too deeply")


def parsed(parse: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
    """What a parser makes of untrusted text. Raises Unreadable for whatever the parser raises because of the text.

    What is no fault of the text goes on: an interrupt, and an error of the system (no such file, no space left).
    """
    try:
        return parse(*arguments, **options)
    except Unreadable:
        raise
    except BaseException as error:
        if not is_of_text(error):
            raise
        raise (
            TooDeep() if isinstance(error, RecursionError | MemoryError) else Unreadable(reason_of(error))
        ) from error


def is_of_text(error: BaseException) -> bool:
    """Whether a parser raised this because of what it read. Damage is an OSError without a number in pyarrow."""
    if isinstance(error, OSError):
        return error.errno is None
    return isinstance(error, Exception) or type(error).__name__ == "PanicException"


def reason_of(error: BaseException) -> str:
    """The first line of an error, as a table can hold it."""
    line = next(iter(str(error).strip().splitlines()), "") or type(error).__name__
    return escape(line[:REASON_CHARS])


def parse_json(text: str | bytes, **options: Any) -> Any:
    """The value of a JSON text; `options` are those of json.loads. Raises Unreadable, also for more than LEVELS_OF_JSON."""
    value = parsed(json.loads, text, **options)
    check_levels(value, text)
    return value


def check_levels(value: Any, text: str | bytes | None = None) -> None:
    """Raise Unreadable where lists and mappings of a value are more than LEVELS_OF_JSON deep. `text`: what it stands in."""
    if text is not None and brackets_in(text) <= LEVELS_OF_JSON:
        return
    level, depth = {id(value): value}, 0
    # by identity: an alias of YAML is one object in many places
    while level := {id(item): item for container in level.values() for item in items_of(container)}:
        depth += 1
        if depth > LEVELS_OF_JSON:
            raise TooDeep


def brackets_in(text: str | bytes) -> int:
    """Opening brackets of a text: a value in it is no deeper."""
    return text.count("[") + text.count("{") if isinstance(text, str) else text.count(b"[") + text.count(b"{")


def items_of(value: Any) -> list[Any]:
    """The values of a list or mapping; of anything else none."""
    if isinstance(value, dict):
        return list(value.values()) or [None]
    return (value or [None]) if isinstance(value, list) else []


def parse_code(source: str) -> ast.Module:
    """The syntax tree of Python source. Raises Unreadable: no Python, over CODE_CHARS, or over LEVELS_OF_CODE.

    A SyntaxError is the cause of the Unreadable (`__cause__`). The compiler's warnings about the text are the caller's to
    silence.
    """
    if len(source) > CODE_CHARS:
        raise Unreadable(f"more than {CODE_CHARS:,} characters of code")
    tree = parsed(ast.parse, source)
    if len(source) > LEVELS_OF_CODE and not has_levels(tree, LEVELS_OF_CODE):  # a level takes a character at least
        raise TooDeep
    return tree


def has_levels(tree: ast.AST, most: int) -> bool:
    """Whether a syntax tree has at most so many levels."""
    level: list[ast.AST] = [tree]
    depth = 0
    while level and depth <= most:
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        depth += 1
    return depth <= most


def dump_code(node: ast.AST) -> str:
    """A syntax tree as text, which tells trees apart. Raises TooDeep over WRITABLE_LEVELS."""
    if not has_levels(node, WRITABLE_LEVELS):
        raise TooDeep
    return ast.dump(node)


def write_code(node: ast.AST) -> str:
    """The source of a syntax tree. Raises Unreadable over WRITABLE_LEVELS, and for trees that have no source."""
    if not has_levels(node, WRITABLE_LEVELS):
        raise TooDeep
    return parsed(ast.unparse, node)
