"""Fingerprints: one small text file per stage that says which code and which libraries its results come from.

    python -m cultivar.runner.fingerprints      # what stage `code` of dvc.yaml runs

`fingerprints/<stage>.txt` has a line per module that the stage reaches (modules.py) with a hash of its syntax tree,
comments, docstrings and layout left out, and a line per library whose algorithms make content (libraries.py) with its
version. Every stage lists its file among its deps instead of its modules. Modules that only declare (the rows of
schemas/rows.py, the sections of a `params.py`) count by what the stage uses of them: a new row changes nobody else.
"""

import ast
from functools import cache
from pathlib import Path

from cultivar.runner.fingerprints.closure import PACKAGES, Source, parse
from cultivar.runner.fingerprints.libraries import versions
from cultivar.syntax import syntax_hash
from schemas.errors import GraphError

FOLDER = Path("fingerprints")
CODE = "code"
"""The stage of dvc.yaml that writes them."""
HEADER = "# What the results of stage {} come from; written by stage `code`, not by hand."


def stages() -> list[str]:
    """The stages of dvc.yaml that the runner runs, in its order. Raises GraphError."""
    command = "    cmd: python -m cultivar.runner "
    try:
        lines = Path("dvc.yaml").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise GraphError("dvc.yaml is not here; run from the folder that holds it") from None
    found = [line.removeprefix(command).split()[0] for line in lines if line.startswith(command)]
    return list(dict.fromkeys(found))


def fingerprint(stage: str, source: Source | None = None) -> str:
    """The text of a stage's file. Raises GraphError where a module has no file or is no Python."""
    source = source or Source()
    reached = source.reached(stage)
    libraries: set[str] = set()
    lines = []
    for module, names in reached.items():
        path = source.path(module)
        assert path is not None  # what is reached has a file
        facts = source.of(module)
        lines.append(f"{path} {used_hash(path, frozenset(names)) if only_declares(path) else facts.syntax}")
        libraries |= {base.split(".")[0] for base, _ in facts.lazy} - set(PACKAGES)
    found = [f"{name} {version}" for name, version in versions(libraries).items()]
    return "\n".join([HEADER.format(stage), *sorted(lines), *found]) + "\n"


def only_declares(path: Path) -> bool:
    """Whether a file holds declarations only, which count one by one."""
    return path == Path("schemas/rows.py") or path.name == "params.py" and path.parts[0] in ("stages", "train")


@cache
def declarations(path: Path, content: bytes) -> tuple[ast.Module, dict[str, list[ast.stmt]]]:
    """The tree of a file, and the statements that bind each of its top-level names."""
    tree = parse(path, content)
    bound: dict[str, list[ast.stmt]] = {}
    for node in tree.body:
        for name in names_bound(node):
            bound.setdefault(name, []).append(node)
    return tree, bound


def names_bound(node: ast.stmt) -> list[str]:
    match node:
        case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
            return [node.name]
        case ast.Import() | ast.ImportFrom():
            return [(alias.asname or alias.name).split(".")[0] for alias in node.names]
        case ast.Assign():
            return [name.id for target in node.targets for name in ast.walk(target) if isinstance(name, ast.Name)]
        case ast.AnnAssign(target=ast.Name(id=name)):
            return [name]
    return []


def used_hash(path: Path, names: frozenset[str]) -> str:
    """Hash of what `names` of a file come to: their declarations and all that these use; "" among them takes it all."""
    tree, bound = declarations(path, path.read_bytes())
    if "" in names:
        return syntax_hash([tree])
    used: set[ast.stmt] = {node for node in tree.body if not names_bound(node)}
    waiting = [*names, *(name for node in used for name in names_in(node))]
    while waiting:
        for node in bound.get(waiting.pop(), ()):
            if node not in used:
                used.add(node)
                waiting += names_in(node)
    return syntax_hash([ast.Module([node for node in tree.body if node in used], [])])


def names_in(node: ast.AST) -> list[str]:
    """Names that a statement uses; a text may be the name of a class in an annotation."""
    found = [inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)]
    return found + [
        inner.value for inner in ast.walk(node) if isinstance(inner, ast.Constant) and isinstance(inner.value, str)
    ]
