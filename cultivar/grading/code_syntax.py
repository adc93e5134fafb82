"""What a piece of Python defines and needs, by its syntax alone: nothing is run, and no text takes more than linear time.

Python's parser is linear, but a reader has to try: `Effort` bounds the characters that all tries on one text may parse.
"""

from __future__ import annotations

import _symtable  # without the objects of `symtable`, whose look-ups are quadratic
import ast
import builtins
import sys
from dataclasses import dataclass, field
from functools import cached_property

from schemas.parsing import CODE_CHARS, Unreadable, dump_code, parse_code, parsed

INCOMPLETE = 0x4000 | 0x200 | ast.PyCF_ONLY_AST  # ALLOW_INCOMPLETE_INPUT and DONT_IMPLY_DEDENT, as codeop has them
TRIES = 48
"""Times that each character of a text may be parsed on average, up to FEW_CHARS of them."""
FEW_CHARS = 1 << 16
TRIES_OF_MORE = 4
"""Times that each further character may be parsed: so long a text is hardly a program."""
SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
GLOBAL_SCOPES = (_symtable.GLOBAL_IMPLICIT, _symtable.GLOBAL_EXPLICIT)
NO_FUNCTIONS = (
    *(ast.Constant, ast.List, ast.Tuple, ast.Dict, ast.Set, ast.JoinedStr, ast.BinOp, ast.UnaryOp, ast.Compare),
    *(ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.Await),
)
MAY_GIVE_FUNCTIONS = frozenset(
    {"__import__", "classmethod", "eval", "getattr", "next", "staticmethod", "super", "type", "vars"}
)
"""Builtins whose result may be callable; that of the others (`open`, `len`, `sorted`) is data."""
STUB, ASSIGNED, DEFINED = 1, 2, 3
"""How well a statement defines a function: as a stub or by an import; by an assignment; by `def` or `class`."""


@dataclass
class Effort:
    """Characters that may still be parsed for one text."""

    left: int

    def spend(self, source: str) -> bool:
        """Whether there is enough left to parse this; takes it."""
        self.left -= len(source) + 64
        return self.left >= 0


def effort_for(size: int) -> Effort:
    """The effort for a text of so many characters: some seconds at most."""
    few = min(size, FEW_CHARS)
    return Effort(TRIES * (few + 1024) + TRIES_OF_MORE * (size - few))


def parse(source: str, effort: Effort) -> ast.Module | None:
    """The syntax tree of a program, None for a text that is none. Warnings are the caller's to silence."""
    if not effort.spend(source):
        return None
    try:
        tree = parse_code(source)
    except Unreadable:
        return None
    # the parser takes a `return` outside of functions, which cannot run; compiling would see it, in quadratic time
    return None if any(isinstance(node, ast.Return) for node in toplevel(tree.body)) else tree


def is_incomplete(source: str, effort: Effort) -> bool:
    """Whether more lines could make this a program: a string or bracket is open, or a decorator has nothing to decorate."""
    if not effort.spend(source) or len(source) > CODE_CHARS:
        return False
    try:
        parsed(compile, source, "<program>", "exec", INCOMPLETE, dont_inherit=True)
    except Unreadable as error:
        return isinstance(error.__cause__, SyntaxError) and error.__cause__.msg == "incomplete input"
    return False


def error_line(source: str, effort: Effort) -> int:
    """The number of the line that does not parse; 0 where there is none."""
    if effort.spend(source):
        try:
            parse_code(source)
        except Unreadable as error:
            return (error.__cause__.lineno or 0) if isinstance(error.__cause__, SyntaxError) else 0
    return 0


@dataclass(frozen=True)
class Names:
    """Names that a source uses and binds in its module's scope. Those of builtins are not among the used ones."""

    used: frozenset[str] = frozenset()
    bound: frozenset[str] = frozenset()


def names_of(source: str) -> Names:
    """The names of a source; none where it cannot be read."""
    used: set[str] = set()
    bound: set[str] = set()
    try:
        waiting = [parsed(_symtable.symtable, source, "<program>", "exec")]
    except Unreadable:
        return Names()
    while waiting:
        table = waiting.pop()
        waiting += table.children
        is_module = table.type == _symtable.TYPE_MODULE
        for name, flags in table.symbols.items():
            scope = (flags >> _symtable.SCOPE_OFF) & _symtable.SCOPE_MASK
            if flags & _symtable.USE and (is_module or scope in GLOBAL_SCOPES):
                used.add(name)
            if flags & (_symtable.DEF_LOCAL | _symtable.DEF_IMPORT) and (
                is_module or scope == _symtable.GLOBAL_EXPLICIT
            ):
                bound.add(name)
    return Names(frozenset(name for name in used if not hasattr(builtins, name)), frozenset(bound))


@dataclass(frozen=True)
class Statement:
    """A statement at the top of a block. `changed`: names whose objects it changes besides those that it binds."""

    node: ast.stmt
    source: str

    @cached_property
    def names(self) -> Names:
        return names_of(self.source)

    @cached_property
    def changed(self) -> frozenset[str]:
        if isinstance(self.node, SCOPES):
            return frozenset()
        found = set()
        for node in ast.walk(self.node):
            if isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load):
                found.add(root_name(node))
            elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
                found.add(root_name(node.value.func) if isinstance(node.value.func, ast.Attribute) else "")
        return frozenset(found)

    @property
    def is_future(self) -> bool:
        return isinstance(self.node, ast.ImportFrom) and self.node.module == "__future__"

    @property
    def is_star_import(self) -> bool:
        return isinstance(self.node, ast.ImportFrom) and self.node.names[0].name == "*"


def root_name(node: ast.expr) -> str:
    """The name that an attribute or element is taken of; "" where it is of no name."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


@dataclass(frozen=True)
class Block:
    """Code that compiles. `is_whole`: all of a region of the text, not a part of it. `is_fenced`: in a fence.

    `is_at_margin`: its lines are indented as in the text.
    """

    source: str
    tree: ast.Module = field(compare=False)
    is_whole: bool = True
    is_fenced: bool = True
    is_at_margin: bool = True

    @cached_property
    def names(self) -> Names:
        return names_of(self.source)

    @cached_property
    def statements(self) -> list[Statement]:
        lines = self.source.split("\n")
        return [Statement(node, "\n".join(lines[first_line(node) - 1 : node.end_lineno])) for node in self.tree.body]

    @cached_property
    def places(self) -> dict[str, list[int]]:
        """Name -> the places of the statements that bind it or change its object."""
        found: dict[str, list[int]] = {}
        for number, statement in enumerate(self.statements):
            for name in statement.names.bound | statement.changed:
                found.setdefault(name, []).append(number)
        return found

    def strength(self, names: frozenset[str]) -> int:
        """How well it defines one of these names: DEFINED, ASSIGNED, STUB or 0."""
        return max((strength(node, names) for node in toplevel(self.tree.body)), default=0)


def first_line(node: ast.stmt) -> int:
    """The line on which a statement begins, with its decorators."""
    return min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", ()))])


def toplevel(body: list[ast.stmt]) -> list[ast.stmt]:
    """The statements that run with the module: also those under `if`, `try`, `with`, `for`, `while` and `match`."""
    found: list[ast.stmt] = []
    waiting = list(body)
    while waiting:
        node = waiting.pop()
        found.append(node)
        if not isinstance(node, SCOPES):
            parts = [getattr(node, name, []) for name in ("body", "orelse", "finalbody")]
            parts += [part.body for name in ("handlers", "cases") for part in getattr(node, name, [])]
            waiting += [statement for part in parts for statement in part]
    return found


def strength(node: ast.stmt, names: frozenset[str]) -> int:
    """As `Block.strength`, of one statement. An assignment defines a function unless its value is plain data."""
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) if name in names:
            return STUB if is_stub(node.body) else DEFINED
        case ast.ClassDef(name=name) if name in names:
            return STUB if is_stub(node.body) else DEFINED
        case ast.Assign(targets=targets, value=value):
            return ASSIGNED if binds(targets, names) and may_be_function(value, names) else 0
        case ast.AnnAssign(target=target, value=value) if value is not None:
            return ASSIGNED if binds([target], names) and may_be_function(value, names) else 0
        case ast.ImportFrom(module=str(module), names=aliases, level=0) if (
            module.split(".")[0] in sys.stdlib_module_names
        ):
            return STUB if any((alias.asname or alias.name) in names for alias in aliases) else 0
    return 0


def binds(targets: list[ast.expr], names: frozenset[str]) -> bool:
    return any(isinstance(target, ast.Name) and target.id in names for target in targets)


def may_be_function(value: ast.expr, names: frozenset[str]) -> bool:
    """Whether a value may be callable: no data (`1`, `a + b`, `open(p)`), and no result of the function (`f = f(3)`)."""
    called = value.func if isinstance(value, ast.Call) else None
    if isinstance(called, ast.Attribute):  # `"".join(x)`, `input().split()`: methods of data
        return not isinstance(called.value, NO_FUNCTIONS) and may_be_function(called.value, frozenset())
    if isinstance(called, ast.Name):
        is_data = hasattr(builtins, called.id) and called.id not in MAY_GIVE_FUNCTIONS
        return called.id not in names and not is_data
    return not isinstance(value, NO_FUNCTIONS)


def is_stub(body: list[ast.stmt]) -> bool:
    """Whether the body of a function or class does nothing: a docstring, `pass`, `...`, `raise NotImplementedError`."""
    return all(
        isinstance(node, ast.Pass)
        or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        or (isinstance(node, ast.Raise) and node.exc is not None and is_not_implemented(node.exc))
        for node in body
    )


def is_not_implemented(error: ast.expr) -> bool:
    """Whether what is raised says that something is not implemented."""
    try:
        return "NotImplemented" in dump_code(error)[:120]
    except Unreadable:
        return False


def is_code(tree: ast.Module) -> bool:
    """Whether statements look like code rather than like words that happen to parse (`Done`, `Note: fast`)."""
    for node in tree.body:
        if isinstance(node, ast.Expr) and not isinstance(node.value, ast.Call | ast.Constant | ast.Await):
            return False
        if isinstance(node, ast.Pass) or (isinstance(node, ast.AnnAssign) and node.value is None):
            return False
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and not isinstance(node.value.value, str)
        ):
            return False
    return True
