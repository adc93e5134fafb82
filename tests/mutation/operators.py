"""Mutation operators over a syntax tree: each gives the nodes that may stand in place of one node.

A mutation is a small fault of the kinds that a hand makes: a comparison one off, a condition forgotten, two arguments
or the sides of a pair swapped, a threshold that is not read (Jia and Harman 2011, "An Analysis and Survey of the
Development of Mutation Testing", section III). Annotations and docstrings are left alone.
"""

import ast
import copy
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, TypeVar

Sections = Mapping[str, Mapping[str, ast.expr | None]]
"""Default of every field of every parameter section, by class name; None for a required field."""


class Site(NamedTuple):
    """A node, where it hangs, and what its function knows: argument -> section, and whether it returns a bool."""

    node: ast.AST
    parent: ast.AST
    field: str
    sections: Mapping[str, Mapping[str, ast.expr | None]]
    predicate: bool


Node = TypeVar("Node", bound=ast.AST)
Item = TypeVar("Item")
OPERATORS: dict[str, Callable[[Site], Iterator[ast.AST]]] = {}
COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
BOUNDS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
}
TEXT = (ast.JoinedStr, ast.List, ast.ListComp, ast.Tuple)
SYMMETRIC = {"isinstance", "issubclass", "min", "max", "getattr", "print", "intersection", "union", "select"}
"""Calls whose positional arguments may be swapped without effect, or never with a quiet one."""
UNORDERED = {"isinstance", "issubclass", "startswith", "endswith", "sorted", "min", "max", "sum", "set"}
"""Calls that take a tuple without regard to the order of its elements."""
SIDES = (("chosen", "rejected"),)
FORBIDS = {"strict", "frozen", "kw_only", "slots"}
"""Keywords of `zip` and of dataclasses that refuse a wrong use: without them right code does the same."""


def operator(function: Callable[[Site], Iterator[ast.AST]]) -> Callable[[Site], Iterator[ast.AST]]:
    OPERATORS[function.__name__] = function
    return function


def with_fields(node: Node, **fields: object) -> Node:
    """A copy of the node with other fields."""
    new = copy.copy(node)
    for name, value in fields.items():
        setattr(new, name, value)
    return new


def negate(node: ast.expr) -> ast.expr:
    return ast.UnaryOp(ast.Not(), node)


def is_negated_elsewhere(node: ast.AST) -> bool:
    """Whether `compare` or `without_not` already negates this expression."""
    if isinstance(node, ast.Compare):
        return len(node.ops) == 1 and not isinstance(node.ops[0], BOUNDS)
    return isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)


def name_of(function: ast.AST) -> str:
    """The last name of what is called."""
    return getattr(function, "attr", "") or getattr(function, "id", "")


def kind(node: ast.AST) -> str:
    """Arguments of one kind are easily confused; a class is seldom taken for a value."""
    if isinstance(node, ast.Name) and node.id[0].isupper() and not node.id.isupper():
        return "class"
    if isinstance(node, ast.Name | ast.Attribute | ast.Subscript):
        return "value"
    return type(node.value).__name__ if isinstance(node, ast.Constant) else type(node).__name__


def swap(items: list[Item], first: int, second: int) -> list[Item]:
    new = items[:]
    new[first], new[second] = new[second], new[first]
    return new


@operator
def compare(site: Site) -> Iterator[ast.AST]:
    """`<` to `<=`, `>` to `>=`, `==` to `!=`, `in` to `not in`, `is` to `is not`, and back."""
    if isinstance(site.node, ast.Compare):
        for index, op in enumerate(site.node.ops):
            ops = [*site.node.ops]
            ops[index] = COMPARISONS[type(op)]()
            yield with_fields(site.node, ops=ops)


@operator
def constant(site: Site) -> Iterator[ast.AST]:
    """A number to the next one; True to False.

    Digits of `round` are left alone (rounding hides rounding), and keywords that only forbid (`FORBIDS`).
    """
    node = site.node
    if isinstance(site.parent, ast.keyword) and site.parent.arg in FORBIDS:
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        digits = isinstance(site.parent, ast.Call) and name_of(site.parent.func) == "round"
        if not digits:
            yield ast.Constant(node.value + 1)


@operator
def argument(site: Site) -> Iterator[ast.AST]:
    """Two neighbouring positional arguments of one kind swapped."""
    node = site.node
    if isinstance(node, ast.Call) and name_of(node.func) not in SYMMETRIC:
        for index in range(len(node.args) - 1):
            if kind(node.args[index]) == kind(node.args[index + 1]) != "Starred":
                yield with_fields(node, args=swap(node.args, index, index + 1))


@operator
def pair(site: Site) -> Iterator[ast.AST]:
    """The elements of a 2-tuple swapped, whether it is built or unpacked."""
    node, parent = site.node, site.parent
    if not isinstance(node, ast.Tuple) or len(node.elts) != 2 or any(isinstance(e, ast.Starred) for e in node.elts):
        return
    if isinstance(parent, ast.Subscript | ast.ExceptHandler | ast.Compare):
        return  # type arguments, exception classes, members
    if isinstance(parent, ast.Call) and name_of(parent.func) in UNORDERED:
        return
    if isinstance(node.ctx, ast.Store) and isinstance(parent, ast.Assign) and isinstance(parent.value, ast.Tuple):
        return  # the value's elements are swapped already
    yield with_fields(node, elts=node.elts[::-1])


@operator
def operand(site: Site) -> Iterator[ast.AST]:
    """One operand of `and`, `or`, `&` or `|` dropped."""
    node = site.node
    if isinstance(node, ast.BoolOp):
        for index in range(len(node.values)):
            left = node.values[:index] + node.values[index + 1 :]
            yield with_fields(node, values=left) if len(left) > 1 else left[0]
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitAnd | ast.BitOr):
        yield node.right
        yield node.left


@operator
def without_not(site: Site) -> Iterator[ast.AST]:
    """`not x` to `x`, `~x` to `x`."""
    if isinstance(site.node, ast.UnaryOp) and isinstance(site.node.op, ast.Not | ast.Invert):
        yield site.node.operand


@operator
def negation(site: Site) -> Iterator[ast.AST]:
    """The condition of an `if` negated."""
    is_condition = site.field == "test" and isinstance(site.parent, ast.If | ast.IfExp) or site.field == "ifs"
    if is_condition and isinstance(site.node, ast.expr) and not is_negated_elsewhere(site.node):
        yield negate(site.node)


@operator
def condition(site: Site) -> Iterator[ast.AST]:
    """A condition ignored: the body of an `if` never runs, a filter lets everything through, a `when` never holds."""
    node = site.node
    if site.field == "test" and isinstance(site.parent, ast.If):
        yield ast.Constant(False)
    elif site.field == "ifs":
        yield ast.Constant(True)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and len(node.args) == 1:
        if node.func.attr == "filter":
            yield node.func.value
        elif node.func.attr == "when":
            false = ast.Call(ast.Attribute(ast.Name("pl", ast.Load()), "lit", ast.Load()), [ast.Constant(False)], [])
            yield with_fields(node, args=[false])


@operator
def extremum(site: Site) -> Iterator[ast.AST]:
    """`min` to `max` and back, as function or method."""
    other = {"min": "max", "max": "min"}.get(name_of(site.node))
    if other and site.field == "func":
        yield with_fields(site.node, **{"attr" if isinstance(site.node, ast.Attribute) else "id": other})


@operator
def order(site: Site) -> Iterator[ast.AST]:
    """A sort the other way round. (Where the call says `reverse=` or `descending=`, `constant` flips it.)"""
    node = site.node
    if isinstance(node, ast.Call) and not {word.arg for word in node.keywords} & {"reverse", "descending"}:
        if name_of(node.func) == "sorted" or (name_of(node.func) == "sort" and not node.args):
            yield with_fields(node, keywords=[*node.keywords, ast.keyword("reverse", ast.Constant(True))])
        elif name_of(node.func) == "sort":
            yield with_fields(node, keywords=[*node.keywords, ast.keyword("descending", ast.Constant(True))])


@operator
def arithmetic(site: Site) -> Iterator[ast.AST]:
    """`+` to `-`, `*` to `/`, and back; not where text or lists are joined."""
    node = site.node
    if isinstance(node, ast.BinOp):
        parts = (node.left, node.right)
        joins = any(isinstance(p, TEXT) or (isinstance(p, ast.Constant) and isinstance(p.value, str)) for p in parts)
        if type(node.op) in ARITHMETIC and not joins:
            yield with_fields(node, op=ARITHMETIC[type(node.op)]())
    elif isinstance(node, ast.AugAssign) and type(node.op) in ARITHMETIC and not isinstance(node.value, TEXT):
        yield with_fields(node, op=ARITHMETIC[type(node.op)]())


@operator
def threshold(site: Site) -> Iterator[ast.AST]:
    """A parameter that is not read: its default, and none at all (None, 0, or the other truth value)."""
    node = site.node
    if not (isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and isinstance(node.ctx, ast.Load)):
        return
    fields = site.sections.get(node.value.id, {})
    if node.attr not in fields:
        return
    default = fields[node.attr]
    if default is None:
        yield ast.Constant(0)
    elif isinstance(default, ast.Constant):
        yield ast.Constant(default.value)
        if isinstance(default.value, bool):
            yield ast.Constant(not default.value)
        elif isinstance(default.value, int | float) and default.value:
            yield ast.Constant(0)


@operator
def sides(site: Site) -> Iterator[ast.AST]:
    """Chosen and rejected swapped: in a row, in a call, in what is read of a row."""
    node = site.node
    for first, second in SIDES:
        if isinstance(node, ast.Dict):
            keys = [k.value if isinstance(k, ast.Constant) and isinstance(k.value, str) else "" for k in node.keys]
            for index, key in enumerate(keys):
                if first in key and key.replace(first, second) in keys:
                    yield with_fields(node, values=swap(node.values, index, keys.index(key.replace(first, second))))
        elif isinstance(node, ast.Call):
            words = [word.arg or "" for word in node.keywords]
            if first in words and second in words:
                values = [word.value for word in node.keywords]
                values = swap(values, words.index(first), words.index(second))
                words_ = [ast.keyword(word.arg, value) for word, value in zip(node.keywords, values, strict=True)]
                yield with_fields(node, keywords=words_)
        for one, other in ((first, second), (second, first)):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load) and node.attr == one:
                yield with_fields(node, attr=other)
            if isinstance(node, ast.Constant) and node.value == one and site.field not in ("keys", "value"):
                yield ast.Constant(other)


@operator
def answer(site: Site) -> Iterator[ast.AST]:
    """A returned truth value negated."""
    node = site.node
    if site.field != "value" or not isinstance(site.parent, ast.Return) or is_negated_elsewhere(node):
        return
    truth = isinstance(node, ast.Compare | ast.BoolOp) or (
        isinstance(node, ast.Call) and name_of(node.func) in ("any", "all")
    )
    if isinstance(node, ast.expr) and not isinstance(node, ast.Constant) and (site.predicate or truth):
        yield negate(node)


@operator
def statement(site: Site) -> Iterator[ast.AST]:
    """A call for its effect, or a running sum, left out."""
    node = site.node
    if isinstance(node, ast.AugAssign) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)):
        yield ast.Pass()
