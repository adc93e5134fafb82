"""One reading of code: the program that a text of a model gives for a task, wherever in the text it stands.

Used by evaluation and by execution feedback. The last block that compiles and defines the task's function counts: of any
fence or none, or a body that goes on behind the signature of the prompt. To it come, of the other blocks and of the
prompt, the imports, functions and constants that it or the tests use and it does not define itself; examples of use,
outputs and consoles stay out. Nothing is run.
"""

from __future__ import annotations

import ast
import textwrap
import warnings
from collections.abc import Iterable, Sequence

from cultivar.grading.code_blocks import CONTINUES, Block, Region, blocks_of, normalize, readings
from cultivar.grading.code_syntax import (
    ASSIGNED,
    DEFINED,
    STUB,
    Effort,
    Statement,
    effort_for,
    error_line,
    names_of,
    parse,
    toplevel,
)
from schemas.parsing import Unreadable, parse_code

MAX_TEXT = 1 << 20
"""Characters of a text; a longer one holds no program of a model."""
CUTS = 4
"""Lines that do not parse at which the end of a body is looked for."""


def find_program(text: str, entry_point: str | None, prompt: str = "", tests: Iterable[str] = ()) -> str | None:
    """The program of a text that defines `entry_point`, or without one some name that the tests use; None without any.

    `tests` and `prompt` bring names that the program must define too: where the prompt is code, its imports and helpers.
    """
    text, prompt = normalize(text), normalize(prompt)
    if len(text) + len(prompt) > MAX_TEXT:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the compiler, about the text
        effort = effort_for(len(text) + len(prompt))
        asked = names_of("\n".join(normalize(test) for test in tests))
        tested = asked.used - asked.bound
        names = frozenset([entry_point]) if entry_point else tested
        blocks, regions = blocks_of(text, effort)
        given, _ = blocks_of(prompt, effort) if prompt else ([], [])
        # an assignment between sentences may as well be a line of a body
        for level, is_whole in (
            (ASSIGNED, True),
            (DEFINED, False),
            (None, False),
            (ASSIGNED, False),
            (STUB, True),
            (STUB, False),
        ):
            if level is None:
                body = find_body(regions, prompt, entry_point, effort) if entry_point else None
                if body is not None:
                    return assemble([*blocks, body], len(blocks), given, names, tested, effort)
            elif (place := last_block(blocks, names, level, is_whole)) is not None:
                return assemble(blocks, place, given, names, tested, effort)
    return None


def last_block(blocks: Sequence[Block], names: frozenset[str], level: int, is_whole: bool) -> int | None:
    """The place of the last block that defines one of the names so well; None where there is none.

    A definition between sentences is as good as one in a fence; indented below a sentence, or a part of a fence, it is not.
    """
    for place in range(len(blocks) - 1, -1, -1):
        block = blocks[place]
        strength, is_bare = block.strength(names), block.is_at_margin and not block.is_fenced
        if strength >= level and (block.is_whole == is_whole or (is_bare and strength == DEFINED)):
            return place
    return None


# ---------------------------------------------------------------- helpers of other blocks


def assemble(
    blocks: Sequence[Block],
    place: int,
    given: Sequence[Block],
    names: frozenset[str],
    tested: frozenset[str],
    effort: Effort,
) -> str:
    """The block at `place` behind those statements of the others, and of the prompt, that it or the tests need."""
    chosen = blocks[place]
    source = chosen.source if chosen.is_whole and chosen.is_fenced else without_words(chosen, names, blocks, given)
    others = [*given, *blocks[:place], *blocks[place + 1 :]]
    split = len(given) + place
    nearest: dict[str, int] = {}
    for index in (*range(split - 1, -1, -1), *range(split, len(others))):
        for name in others[index].names.bound - nearest.keys():
            if name not in names or others[index].strength(names) >= ASSIGNED:
                nearest[name] = index
    own = names_of(source)
    waiting = [*((own.used | tested) - own.bound), *(names if uses_itself(chosen, names) else ())]
    taken: set[tuple[int, int]] = set()
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in seen or name not in nearest:
            continue
        seen.add(name)
        for number in others[nearest[name]].places[name]:
            taken.add((nearest[name], number))
            waiting += others[nearest[name]].statements[number].names.used - own.bound
    found = {name for index, number in taken for name in others[index].statements[number].names.bound}
    if (own.used | tested) - own.bound - found:  # names of a star import are not known
        taken |= {(i, n) for i, other in enumerate(others) for n, s in enumerate(other.statements) if s.is_star_import}
    helpers = [others[index].statements[number] for index, number in sorted(taken)]
    return (join(helpers, source, effort) if helpers else source).strip()


def join(helpers: list[Statement], source: str, effort: Effort) -> str:
    """Helpers before a program, with its `from __future__` at the top; the program alone where they do not fit."""
    lines = source.split("\n")
    futures = []
    try:
        body = parse_code(source).body
    except Unreadable:
        return source
    for node in body:
        if Statement(node, "").is_future:
            futures.append(ast.unparse(node))
            lines[node.lineno - 1 : node.end_lineno] = [""] * ((node.end_lineno or node.lineno) - node.lineno + 1)
    futures += [helper.source for helper in helpers if helper.is_future]
    parts = [*futures, *(helper.source for helper in helpers if not helper.is_future), "\n".join(lines)]
    program = "\n".join(dict.fromkeys(parts))
    return program if parse(program, effort) is not None else source


def uses_itself(block: Block, names: frozenset[str]) -> bool:
    """Whether the first definition of the function is made from one that the block does not hold (`f = cache(f)`)."""
    first = next((s for s in block.statements if s.names.bound & names), None)
    return isinstance(first, Statement) and isinstance(first.node, ast.Assign) and bool(first.names.used & names)


def without_words(block: Block, names: frozenset[str], blocks: Sequence[Block], given: Sequence[Block]) -> str:
    """A block between sentences, without lines that only look like code: they use a name that nothing binds."""
    known = names.union(block.names.bound, *(other.names.bound for other in (*blocks, *given)))
    kept = [
        statement.source
        for statement in block.statements
        if not isinstance(statement.node, ast.Expr | ast.Assign)
        or statement.names.used <= known
        or statement.names.bound & names
    ]
    return block.source if len(kept) == len(block.statements) else "\n".join(kept)


# ---------------------------------------------------------------- a body behind the prompt's signature


def find_body(regions: Sequence[Region], prompt: str, entry_point: str, effort: Effort) -> Block | None:
    """The prompt's signature of the function with the body that a text gives: of a fence, the last first, or of all of it."""
    head = signature(prompt, entry_point, effort)
    if head is None:
        return None
    fenced = [raw for region in reversed(regions) if region.is_fenced for raw in (region.raw, *readings(region))]
    outside = [region.raw for region in regions if not region.is_fenced]
    raws = dict.fromkeys((*fenced, *outside))
    for cuts in (0, CUTS):
        for raw in raws:
            for body in readings_of_body(raw, head[1]):
                if (block := complete(head[0], body, entry_point, cuts, effort)) is not None:
                    return block
    return None


def signature(prompt: str, entry_point: str, effort: Effort) -> tuple[str, str] | None:
    """(the prompt's definition of a function up to where its body begins, the body's indent); None without one.

    A signature may have a docstring, a stub (`pass`, `...`) or nothing behind it.
    """
    lines = prompt.split("\n")
    starts = [n for n, line in enumerate(lines) if line.lstrip().removeprefix("async ").lstrip().startswith("def ")]
    for start in reversed(starts):
        if entry_point not in lines[start]:
            continue
        margin = lines[start][: len(lines[start]) - len(lines[start].lstrip())]
        last = next((n for n in range(start + 1, len(lines)) if ends_function(lines[n], margin)), len(lines))
        source = textwrap.dedent("\n".join(lines[start:last]))
        for tail in ("", "\n    pass", "\n\tpass"):
            tree = parse(source + tail, effort)
            if tree is None or not tree.body or getattr(tree.body[0], "name", None) != entry_point:
                continue
            return head_of(tree.body[0], (source + tail).split("\n"))
    return None


def ends_function(line: str, margin: str) -> bool:
    """Whether a line at or before a function's margin ends it; one that closes its parameters does not."""
    return bool(line.strip()) and not line.removeprefix(margin)[:1].isspace() and line.lstrip()[0] not in ")]}\"'#"


def head_of(node: ast.stmt, lines: list[str]) -> tuple[str, str]:
    """As `signature`, of the function's node and the lines that it was parsed from."""
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    first = node.body[0]
    row = lines[first.lineno - 1]
    before = row.encode()[: first.col_offset].decode()
    indent = before if not before.strip() else "    "
    if ast.get_docstring(node, clean=False) is not None:
        return "\n".join(lines[: first.end_lineno]), indent
    above = lines[: first.lineno - 1]
    return "\n".join(above if not before.strip() else [*above, before.rstrip()]), indent


def readings_of_body(raw: str, indent: str) -> list[str]:
    """A body by each way to indent it: as it stands, its first line indented alone, all of it, what is indented in it."""
    lines = raw.strip("\n").split("\n")
    flat = textwrap.dedent("\n".join(lines)).split("\n")
    whole = "\n".join(indent + line if line.strip() else "" for line in flat)
    first_alone = "\n".join([indent + lines[0].lstrip(), *lines[1:]])
    indented = next((n for n, line in enumerate(lines) if line[:1] in (" ", "\t") and line.strip()), 0)
    rest = "\n".join(indent + line for line in textwrap.dedent("\n".join(lines[indented:])).split("\n"))
    as_is = ["\n".join(lines)] if lines[0][:1] in (" ", "\t") else []
    return list(dict.fromkeys([*as_is, first_alone, whole, *(["\n".join(lines[indented:]), rest] if indented else [])]))


def complete(head: str, body: str, entry_point: str, cuts: int, effort: Effort) -> Block | None:
    """A function of a head and a body, which ends at words that do not parse. None unless it returns or yields something.

    Words stand at the margin, or behind a `return` that ends the body: code with a fault inside is no code.
    """
    lines = f"{head}\n{body}".split("\n")
    first = head.count("\n") + 1
    margin = next((n for n, line in enumerate(lines) if n >= first and is_at_margin(line)), len(lines))
    for _ in range(cuts + 1):
        source = "\n".join(lines)
        tree = parse(source, effort)
        if tree is not None:
            return Block(source, tree) if returns(tree, entry_point, len(lines) < margin) else None
        line = error_line(source, effort)
        if line <= first + 1:
            return None
        lines = lines[: line - 1]
    return None


def is_at_margin(line: str) -> bool:
    """Whether a statement at the top of a module begins here."""
    return bool(line.strip()) and not line[0].isspace() and line[0] != "#" and not CONTINUES.match(line)


def returns(tree: ast.Module, entry_point: str, at_end: bool) -> bool:
    """Whether the function of this name, as the module defines it last, returns or yields something; `at_end`: last."""
    functions = [node for node in toplevel(tree.body) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    named = [node for node in functions if node.name == entry_point]
    if not named or (at_end and not isinstance(named[-1].body[-1], ast.Return)):
        return False
    return any(isinstance(node, ast.Return | ast.Yield | ast.YieldFrom) for node in ast.walk(named[-1]))
