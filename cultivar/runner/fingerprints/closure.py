"""Which modules a stage reaches: its import closure, found in the source text without running anything.

A stage NAME is the function NAME of the module `stages/*/NAME.py` or `train/NAME.py`. It reaches what its module
imports, at the top or inside functions, what the runner imports at its top, and the section of its parameters. The
runner's imports inside functions (engines, sandbox) count where the stage itself imports them, which its signature
makes it do; what the runner lays around them (BOUND) counts with them. Packages that find their modules at run time,
or run them in other processes, count entirely (PLUGINS). EXEMPT rooms count for no stage: they say how a run went and
guard it, and change no result.
"""

import ast
import contextlib
import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from cultivar import syntax
from cultivar.runner.fingerprints.declarations import only_declares, used
from cultivar.runner.graph import params_modules, section_class, section_names, stage_module
from cultivar.syntax import syntax_hash
from schemas.errors import GraphError

PACKAGES = ("schemas", "cultivar", "stages", "train")
"""Top-level packages of this project; modules of all others are libraries."""
RUNNER = "cultivar.runner.run"
PLUGINS = ("cultivar.llm.simulated", "cultivar.sandbox")
BOUND = {"cultivar.sandbox": "cultivar.runner.verdicts"}
EXEMPT = (
    *("cultivar.runlog", "cultivar.runner.guard", "cultivar.runner.fingerprints", "cultivar.runner.prompts"),
    "cultivar.runner.__main__",
)
CACHE = Path(".cache/modules.json")
FACTS_CODE = (Path(__file__), Path(syntax.__file__))
"""The files that decide what the facts of a module are; facts that older ones cached are not used."""


@dataclass(frozen=True)
class Facts:
    """What one module's source says. `eager` and `lazy`: imports at the top, and all of them, as (module, name or "")."""

    syntax: str
    eager: list[list[str]] = field(default_factory=list)
    lazy: list[list[str]] = field(default_factory=list)


def is_exempt(module: str) -> bool:
    return any(module == room or module.startswith(f"{room}.") for room in EXEMPT)


class SourceTree:
    """The project's source text in the working directory, read once. Facts are cached by file, bytes and FACTS_CODE."""

    def __init__(self) -> None:
        self.cache = Path(os.environ.get("DVC_ROOT", ".")) / CACHE  # changes no result
        try:
            self.known: dict[str, dict] = json.loads(self.cache.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            self.known = {}
        self.rule = hashlib.sha256(b"".join(file.read_bytes() for file in FACTS_CODE)).hexdigest()[:16]
        self.used: dict[str, dict] = {}
        self.facts: dict[str, Facts] = {}
        self.paths: dict[str, Path | None] = {}
        self.resolved: dict[tuple[str, bool], list[tuple[str, str]]] = {}
        self.new = False

    def reached(self, stage: str) -> dict[str, set[str]]:
        """Module -> the names that other reached modules import from it ("": the module itself), of a stage's closure."""
        reached: dict[str, set[str]] = {}
        self.follow(stage_module(stage), True, reached)
        self.follow(RUNNER, False, reached)
        for package, module in BOUND.items():
            if package in reached:
                self.follow(module, True, reached)
        for package in PLUGINS:
            if package in reached:
                for module in sorted(modules_below(package)):
                    self.follow(module, True, reached)
        for module in params_modules():
            if stage in section_names(module):
                self.follow(module, True, reached)
                reached[module].add(section_class(stage))
        self.follow_declarations(reached)
        self.save()
        return reached

    def follow(self, module: str, lazy: bool, reached: dict[str, set[str]]) -> None:
        """Add a module and all that it imports (`lazy`: also inside functions) to `reached`."""
        waiting = [module]
        done: set[str] = set()
        while waiting:
            here = waiting.pop()
            if here in done or self.path(here) is None:
                continue
            done.add(here)
            reached.setdefault(here, set())
            if parent := here.rpartition(".")[0]:
                waiting.append(parent)
            for base, name in self.edges(here, lazy):
                waiting.append(base)
                reached.setdefault(base, set()).add(name)

    def follow_declarations(self, reached: dict[str, set[str]]) -> None:
        """Follow what modules that only declare import for the names that are used of them, until nothing is new."""
        while True:
            before = {module: len(names) for module, names in reached.items()}
            for module in list(reached):
                path = self.path(module)
                if path is not None and only_declares(path):
                    for base, name in self.counted(used(path, reached[module]).imports):
                        self.follow(base, True, reached)
                        reached[base].add(name)
            if {module: len(names) for module, names in reached.items()} == before:
                return

    def edges(self, module: str, lazy: bool) -> list[tuple[str, str]]:
        """(module, name) of the first-party imports of a module that count; none of one that only declares."""
        if (module, lazy) not in self.resolved:
            path = self.path(module)
            assert path is not None
            facts = self.of(module)
            pairs = [] if only_declares(path) else facts.lazy if lazy else facts.eager
            self.resolved[module, lazy] = self.counted([(base, name) for base, name in pairs])
        return self.resolved[module, lazy]

    def counted(self, imports: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """The first-party imports that count. A name that is a module of its own is imported as such, with the name ""."""
        ours = [(base, name) for base, name in imports if base.split(".")[0] in PACKAGES]
        modules = [(f"{base}.{name}", "") if self.path(f"{base}.{name}") else (base, name) for base, name in ours]
        return [(base, name) for base, name in modules if self.path(base)]

    def path(self, module: str) -> Path | None:
        """The file of a first-party module that counts; None for an attribute, an empty folder or an exempt module."""
        if module not in self.paths:
            path = file_of(module)
            self.paths[module] = None if is_exempt(module) or not path.is_file() else path
        return self.paths[module]

    def beside(self, stage: str) -> set[str]:
        """What a stage imports beside what counts for it.

        These are the modules of the exempt rooms with all that they import, and the imports of modules that only declare.
        """
        declaring = [module for module in self.reached(stage) if only_declares(file_of(module))]
        waiting = [*declaring, *(module for room in EXEMPT for module in (room, *modules_below(room)))]
        found: set[str] = set()
        while waiting:
            here = waiting.pop()
            if here not in found and file_of(here).is_file():
                found.add(here)
                waiting.append(here.rpartition(".")[0] or here)
                for base, name in self.of(here).lazy:
                    waiting += [base, f"{base}.{name}"] if base.split(".")[0] in PACKAGES else []
        return found

    def of(self, module: str) -> Facts:
        """The facts of a module. Raises GraphError where its file is no Python."""
        if module not in self.facts:
            path = file_of(module)
            content = path.read_bytes()
            key = f"{path}:{hashlib.sha256(content).hexdigest()[:32]}:{self.rule}"
            if key not in self.known:
                self.new = True
                self.known[key] = asdict(read_facts(module, path, content))
            self.used[key] = self.known[key]
            self.facts[module] = Facts(**self.known[key])
        return self.facts[module]

    def save(self) -> None:
        """Keep the facts of the files that were read, and of no older ones, where there were new files."""
        if self.new:
            self.new = False
            draft = self.cache.with_name(f".{self.cache.name}.{os.getpid()}.tmp")
            try:
                self.cache.parent.mkdir(parents=True, exist_ok=True)
                draft.write_text(json.dumps(self.used), encoding="utf-8")
                draft.replace(self.cache)
            except OSError:  # read-only, or a full disk: they are worked out again
                with contextlib.suppress(OSError):
                    draft.unlink(missing_ok=True)


def file_of(module: str) -> Path:
    """The file of a first-party module, which may not exist; of a package its __init__.py."""
    path = Path(*module.split("."))
    package = path / "__init__.py"
    return package if package.is_file() else path.with_suffix(".py")


def modules_below(package: str) -> Iterator[str]:
    """Dotted names of all modules of a package, those of its packages too."""
    folder = Path(*package.split("."))
    for path in folder.rglob("*.py"):
        parts = path.with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def parse_module(path: Path, content: bytes) -> ast.Module:
    """The syntax tree of a file. Raises GraphError with file and line."""
    try:
        return ast.parse(content, str(path))
    except SyntaxError as error:
        raise GraphError(f"{path}:{error.lineno}: {error.msg}") from None


def read_facts(module: str, path: Path, content: bytes) -> Facts:
    tree = parse_module(path, content)
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    keep_docstrings = any(isinstance(node, ast.Name) and node.id == "__doc__" for node in ast.walk(tree))
    return Facts(
        syntax=syntax_hash([tree], keep_docstrings),
        eager=[list(pair) for pair in imports_of(top_level(tree), package)],
        lazy=[list(pair) for pair in imports_of(ast.walk(tree), package)],
    )


def imports_of(nodes: Iterable[ast.AST], package: str) -> list[tuple[str, str]]:
    """(module, name) of every import, each once and sorted; the name is "" where the module itself is imported."""
    found: set[tuple[str, str]] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {(alias.name, "") for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *([base] if base else [])])
            found |= {(base, "" if alias.name == "*" else alias.name) for alias in node.names}
    return sorted(found)


def top_level(tree: ast.Module) -> Iterator[ast.AST]:
    """The nodes that run when a module is imported, less those inside classes."""
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from ast.walk(node)
