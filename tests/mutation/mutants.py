"""The mutants of a module: every mutation of its syntax tree, with a name and the change as text."""

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType
from typing import NamedTuple

from tests.mutation.operators import OPERATORS, Sections, Site

TOP = "top"
"""The function part of a name for what runs when the module is imported."""
CONTEXT = 60
"""Characters of the line that are shown on either side of a change."""
TOKEN = re.compile(r"\d+\.\d+|\w+|[<>=!*/+-]+|\W")


class Mutation(NamedTuple):
    """A node to be put in place of another one."""

    parent: ast.AST
    field: str
    index: int | None
    new: ast.AST


@dataclass
class Mutant:
    """One mutation of a module. `lines`: first and last line of the function it is in, None for module level.

    The name is `module:function:operator:number`: it outlives an edit in any other function.
    """

    name: str
    module: str
    line: int
    lines: tuple[int, int] | None
    change: str
    mutation: Mutation = field(repr=False)
    tree: ast.Module = field(repr=False)

    def compiled(self, file: Path) -> CodeType:
        """The module's code with the mutation in it. Changes the tree: for a process that ends after this mutant."""
        put(self.mutation)
        return compile(ast.fix_missing_locations(self.tree), str(file), "exec", dont_inherit=True)


class Place(NamedTuple):
    """What is known on the way down the tree."""

    scope: tuple[str, ...]
    lines: tuple[int, int] | None
    sections: Mapping[str, Mapping[str, ast.expr | None]]
    predicate: bool
    statement: ast.stmt | None


def sections(files: Iterable[Path]) -> Sections:
    """Fields of every class of some files with their defaults, bases' fields included; None for required ones."""
    found: dict[str, dict[str, ast.expr | None]] = {}
    bases: dict[str, list[str]] = {}
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ClassDef):
                fields = [line for line in node.body if isinstance(line, ast.AnnAssign)]
                found[node.name] = {ast.unparse(line.target): line.value for line in fields}
                bases[node.name] = [ast.unparse(base) for base in node.bases]

    def all_fields(name: str) -> dict[str, ast.expr | None]:
        inherited: dict[str, ast.expr | None] = {}
        for base in bases.get(name, []):
            inherited |= all_fields(base)
        return inherited | found.get(name, {})

    return {name: all_fields(name) for name in found}


def mutants(module: str, source: str, known: Sections | None = None) -> list[Mutant]:
    """All mutants of a module's source, in the order of its lines."""
    tree = ast.parse(source)
    found: list[Mutant] = []
    numbers: Counter[tuple[str, str]] = Counter()
    unique: set[tuple[int, str, int | None, str]] = set()
    for operator, mutation, line, place in walk(tree, known or {}):
        shape = (id(mutation.parent), mutation.field, mutation.index, ast.dump(mutation.new))
        if shape in unique or ast.dump(node_at(mutation)) == shape[-1]:
            continue
        unique.add(shape)
        scope = ".".join(place.scope) or TOP
        diff = change(mutation, place.statement or tree)
        name = f"{module}:{scope}:{operator}:{numbers[scope, operator]}"
        numbers[scope, operator] += 1
        found.append(Mutant(name, module, line, place.lines, diff, mutation, tree))
    return sorted(found, key=lambda mutant: mutant.line)


def control(module: str, source: str) -> Mutant:
    """The module as it is, in a mutant's clothes: tests that fail on it would kill every mutant."""
    tree = ast.parse(source)
    return Mutant(f"{module}:unchanged", module, 1, None, "nothing", Mutation(tree, "body", 0, tree.body[0]), tree)


def walk(tree: ast.Module, known: Sections) -> Iterator[tuple[str, Mutation, int, Place]]:
    """Every mutation with its operator, line and place."""

    def visit(node: ast.AST, place: Place, line: int) -> Iterator[tuple[str, Mutation, int, Place]]:
        for parent, name, index, child in children(node):
            inner = enter(child, place, known)
            child_line = getattr(child, "lineno", line)
            site = Site(child, parent, name, inner.sections, inner.predicate)
            for operator, mutate in OPERATORS.items():
                for new in mutate(site):
                    yield operator, Mutation(parent, name, index, ast.copy_location(new, child)), child_line, inner
            yield from visit(child, inner, child_line)

    yield from visit(tree, Place((), None, {}, False, None), 1)


def children(node: ast.AST) -> Iterator[tuple[ast.AST, str, int | None, ast.AST]]:
    """A node's children, but of annotations only the calls, and nothing of docstrings and of code for type checkers."""
    for name, value in ast.iter_fields(node):
        for index, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if not isinstance(child, ast.AST) or is_exempt(child):
                continue
            if name in ("annotation", "returns"):
                yield from calls(node, name, index, child)
            else:
                yield node, name, index, child


def calls(parent: ast.AST, name: str, index: int | None, node: ast.AST) -> Iterator[tuple]:
    """Bounds in annotations (`Field(ge=1)`) are behaviour; types are not."""
    if isinstance(node, ast.Call):
        yield parent, name, index, node
        return
    for inner, value in ast.iter_fields(node):
        for child_index, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(child, ast.AST):
                yield from calls(node, inner, child_index, child)


def is_exempt(node: ast.AST) -> bool:
    if isinstance(node, ast.If):
        return "TYPE_CHECKING" in (text := ast.unparse(node.test)) or "__name__" in text
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def enter(node: ast.AST, place: Place, known: Sections) -> Place:
    """The place inside a node."""
    if isinstance(node, ast.stmt):
        place = place._replace(statement=node)
    if isinstance(node, ast.ClassDef):
        return place._replace(scope=(*place.scope, node.name))
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return place
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    named = {arg.arg: ast.unparse(arg.annotation) for arg in arguments if arg.annotation}
    own = {name: known[section] for name, section in named.items() if section in known}
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    return Place(
        scope=(*place.scope, node.name),
        lines=place.lines or (first, node.end_lineno or first),
        sections={**place.sections, **own},
        predicate=node.returns is not None and ast.unparse(node.returns) == "bool",
        statement=node,
    )


def node_at(mutation: Mutation) -> ast.AST:
    value = getattr(mutation.parent, mutation.field)
    return value if mutation.index is None else value[mutation.index]


def put(mutation: Mutation) -> Mutation:
    """Put the new node in its place; returns the mutation that undoes it."""
    undo = mutation._replace(new=node_at(mutation))
    if mutation.index is None:
        setattr(mutation.parent, mutation.field, mutation.new)
    else:
        getattr(mutation.parent, mutation.field)[mutation.index] = mutation.new
    return undo


def change(mutation: Mutation, statement: ast.AST) -> str:
    """The line that the mutation changes, as a word diff."""
    # the statement itself may be what is replaced, and then hangs on its parent
    around: ast.AST = mutation.parent if node_at(mutation) is statement else statement
    before = ast.unparse(around).splitlines()
    undo = put(mutation)
    after = ast.unparse(ast.fix_missing_locations(around)).splitlines()
    put(undo)
    index = next((n for n, (one, other) in enumerate(zip(before, after, strict=False)) if one != other), 0)
    return word_diff(before[index].strip(), after[index].strip())


def word_diff(before: str, after: str) -> str:
    """The change as git's word diff, `a [-<-]{+<=+} b`, cut to what stands around it."""
    old, new = TOKEN.findall(before), TOKEN.findall(after)
    shortest = min(len(old), len(new))
    start = next((n for n in range(shortest) if old[n] != new[n]), shortest)
    end = next((n for n in range(shortest - start) if old[-1 - n] != new[-1 - n]), shortest - start)
    left, right = "".join(old[:start]), "".join(old[len(old) - end :])
    left = left if len(left) <= CONTEXT else "…" + left[-CONTEXT:]
    right = right if len(right) <= CONTEXT else right[:CONTEXT] + "…"
    gone, come = "".join(old[start : len(old) - end]), "".join(new[start : len(new) - end])
    return left + (f"[-{gone}-]" if gone else "") + (f"{{+{come}+}}" if come else "") + right
