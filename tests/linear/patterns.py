"""Every pattern of Python's `re` in the project, and how each is used: compiled ones and those written in a call."""

import ast
import importlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[2]
PACKAGES = ("schemas", "cultivar", "stages", "train", "reports")
SCANS = frozenset({"search", "sub", "subn", "finditer", "findall", "split"})
"""Uses that try a pattern at every place of a text."""
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
USES = SCANS | {"match", "fullmatch"}


@dataclass(frozen=True)
class Use:
    """A pattern of a module (`name`: the global that holds it, or the line of the call), and how it is used."""

    name: str
    pattern: "re.Pattern[str]"
    uses: frozenset[str]


@dataclass(frozen=True)
class Source:
    """A module that uses `re`: its name, syntax tree and itself."""

    name: str
    tree: ast.Module
    module: ModuleType


def sources() -> list[Source]:
    """The modules of the project that import `re`, imported."""
    found = []
    for path in sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        tree = ast.parse(path.read_text())
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        if any(imports_re(node) for node in ast.walk(tree)):
            found.append(Source(name, tree, importlib.import_module(name)))
    return found


def imports_re(node: ast.AST) -> bool:
    if isinstance(node, ast.Import):
        return any(alias.name in ("re", "regex") for alias in node.names)
    return isinstance(node, ast.ImportFrom) and node.module in ("re", "regex")


def compiled(found: list[Source]) -> Iterator[Use]:
    """The patterns that stand in globals, in containers and classes among them; each once."""
    uses = {source.name: methods_of(source) for source in found}
    seen: set[int] = set()
    for source in sorted(found, key=lambda source: source.name):
        for name, value in vars(source.module).items():
            for path, pattern in patterns_in(value, name, 0):
                if id(pattern) not in seen and isinstance(pattern.pattern, str):
                    seen.add(id(pattern))
                    yield Use(f"{source.name}.{path}", pattern, uses_of(path, source, found, uses))


def uses_of(path: str, source: Source, found: list[Source], uses: dict[str, dict[str, set[str]]]) -> frozenset[str]:
    """The methods that are called on a global; of what stands in a container, those that its module calls on other names."""
    if path in uses[source.name]:
        sharing = [other.name for other in found if getattr(other.module, path, None) is getattr(source.module, path)]
        return frozenset().union(*(uses[name].get(path, set()) for name in sharing))
    others = [name for name in uses[source.name] if not isinstance(getattr(source.module, name, None), re.Pattern)]
    called = frozenset().union(*(uses[source.name][name] for name in others if name != "re"))
    return called or frozenset(USES)


def patterns_in(value: object, name: str, depth: int) -> Iterator[tuple[str, "re.Pattern[str]"]]:
    """The patterns in a value, each with where it stands."""
    if isinstance(value, re.Pattern):
        yield name, value
    elif depth > 3:
        return
    elif isinstance(value, Mapping):
        for key, item in [*value.items()]:
            yield from patterns_in(item, f"{name}[{str(key)[:40]}]", depth + 1)
            yield from patterns_in(key, f"{name}[{str(key)[:40]}]", depth + 1)
    elif isinstance(value, list | tuple | set | frozenset):
        for position, item in enumerate(value):
            yield from patterns_in(item, f"{name}[{position}]", depth + 1)
    elif isinstance(value, type) and value.__module__.split(".")[0] in PACKAGES:
        for key, item in vars(value).items():
            yield from patterns_in(item, f"{name}.{key}", depth + 1)
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from patterns_in(getattr(value, field.name, None), f"{name}.{field.name}", depth + 1)


def methods_of(source: Source) -> dict[str, set[str]]:
    """Name -> the methods of patterns that a module calls on it."""
    methods: dict[str, set[str]] = {}
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.attr in USES:
            methods.setdefault(node.value.id, set()).add(node.attr)
    return methods


def written(found: list[Source]) -> tuple[list[Use], list[str]]:
    """The patterns written in calls of `re`, and the calls whose pattern depends on more than their module's globals.

    What a module compiles outside of functions is a global's.
    """
    uses, unknown = [], []
    for source in found:
        inside = {id(node) for part in ast.walk(source.tree) if isinstance(part, FUNCTIONS) for node in ast.walk(part)}
        for node in ast.walk(source.tree):
            method = method_of(node)
            if not isinstance(node, ast.Call) or not method or (method == "compile" and id(node) not in inside):
                continue
            name = f"{source.name}: {ast.unparse(node)}"
            try:
                text = eval(compile(ast.Expression(node.args[0]), source.name, "eval"), vars(source.module))
            except NameError:
                unknown.append(name)
                continue
            pattern = text if isinstance(text, re.Pattern) else re.compile(text, flags_of(node, source.module))
            uses.append(Use(name, pattern, USES if method == "compile" else frozenset({method})))
    return uses, unknown


def method_of(node: ast.AST) -> str:
    """The function of `re` that a call is of; empty for any other node."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
        of = node.func.value
        if isinstance(of, ast.Name) and of.id == "re" and node.func.attr in {*USES, "compile"}:
            return node.func.attr
    return ""


def flags_of(node: ast.Call, module: ModuleType) -> int:
    """The flags that a call gives."""
    given = next((keyword.value for keyword in node.keywords if keyword.arg == "flags"), None)
    place = {"compile": 1, "sub": 4, "subn": 4, "split": 3}.get(node.func.attr, 2)  # type: ignore[attr-defined]
    if given is None and len(node.args) > place:
        given = node.args[place]
    return int(eval(compile(ast.Expression(given), "flags", "eval"), vars(module))) if given is not None else 0
