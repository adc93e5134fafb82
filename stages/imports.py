"""First-party code that each stage runs: its transitive imports, found without running anything.

    python -m stages.imports            # compare with dvc.yaml; exit status 1 where they differ
    python -m stages.imports --write    # bring the code deps of dvc.yaml up to date

A stage's code is the import closure of its module and of the runner. The runner's imports inside functions (engines,
sandbox) count only where the stage itself imports them, which its signature makes it do; what the runner lays around
them (BOUND) counts with them. Packages that find their modules at run time, or run them elsewhere (PLUGINS), count
whole.
"""

import argparse
import ast
import sys
from functools import cache
from pathlib import Path

from ruamel.yaml import YAML

from schemas.params.root import MODULES
from stages.graph import GRAPH, load_yaml

ROOMS = ("schemas", "llm", "sandbox", "stages", "train", "reports", "annotate")
RUNNER = "stages.run"
PLUGINS = {"llm.simulated": Path("llm/simulated"), "sandbox": Path("sandbox")}
BOUND = {"sandbox": "stages.verdicts"}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m stages.imports", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--write", action="store_true", help="rewrite the code deps of dvc.yaml")
    write = parser.parse_args().write
    differing = differences()
    for stage, (missing, needless) in differing.items():
        print(f"{stage}: " + " ".join([*(f"+{path}" for path in missing), *(f"-{path}" for path in needless)]))
    if write and differing:
        rewrite()
        print(f"dvc.yaml: code deps of {len(differing)} stages rewritten")
        return 0
    if not differing:
        print("dvc.yaml lists exactly the code that each stage imports")
    return 1 if differing else 0


def differences() -> dict[str, tuple[list[Path], list[Path]]]:
    """Stage -> (code files it imports but dvc.yaml does not list, code files listed but not imported)."""
    found = {}
    for stage, entry in load_yaml(GRAPH)["stages"].items():
        listed = {Path(dep) for dep in entry.get("deps", []) if is_code(dep)}
        needed = set(code_of(module_of(entry["cmd"])))
        if listed != needed:
            found[stage] = sorted(needed - listed), sorted(listed - needed)
    return found


def rewrite() -> None:
    """Write the code deps of every stage into dvc.yaml, after its other deps; comments stay."""
    yaml = YAML()
    yaml.width, yaml.preserve_quotes = 4096, True
    yaml.indent(mapping=2, sequence=4, offset=2)
    graph = yaml.load(GRAPH)
    for entry in graph["stages"].values():
        kept = [dep for dep in entry.get("deps", []) if not is_code(dep)]
        if "deps" not in entry:
            entry.insert(list(entry).index("cmd") + 1, "deps", [])
        entry["deps"][:] = kept + [str(path) for path in code_of(module_of(entry["cmd"]))]
    yaml.dump(graph, GRAPH)


def is_code(dep: str) -> bool:
    return dep.endswith(".py") and Path(dep).parts[0] in ROOMS or Path(dep) in PLUGINS.values()


def module_of(command: str) -> str:
    """The stage module of `python -m stages.run NAME …`."""
    name = command.split()[3]
    return name if "." in name else f"stages.{name}"


def code_of(module: str) -> list[Path]:
    """Files that running a stage's module imports from this project, sorted."""
    modules = closure(module, lazy=True) | closure(RUNNER, lazy=False)
    for package in modules & BOUND.keys():
        modules |= closure(BOUND[package], lazy=True)
    plugins = {folder for package, folder in PLUGINS.items() if package in modules}
    files = {path for name in modules if (path := file_of(name)) is not None}
    section = params_module(module.rsplit(".", 1)[1])
    if section is not None:
        files |= {path for name in closure(section, lazy=True) if (path := file_of(name)) is not None}
    return sorted({path for path in files if not any(folder in path.parents for folder in plugins)} | plugins)


def params_module(stage: str) -> str | None:
    return next((module for module, names in MODULES.items() if stage in names), None)


def closure(module: str, lazy: bool) -> set[str]:
    """Module names reachable by imports; `lazy` follows imports inside functions as well."""
    reached: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in reached or file_of(name) is None:
            continue
        reached.add(name)
        waiting += [parent for parent in [name.rpartition(".")[0]] if parent]
        waiting += imported(name, lazy)
    return reached


@cache
def imported(module: str, lazy: bool) -> tuple[str, ...]:
    """First-party names that a module imports (a name imported from a package may be a module or an attribute)."""
    path = file_of(module)
    assert path is not None
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    names: list[str] = []
    for node in ast.walk(tree) if lazy else top_level(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *([base] if base else [])])
            names += [base, *(f"{base}.{alias.name}" for alias in node.names)]
    return tuple(name for name in names if name.split(".")[0] in ROOMS)


def top_level(tree: ast.Module) -> list[ast.AST]:
    return [
        inner
        for node in tree.body
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        for inner in ast.walk(node)
    ]


def file_of(module: str) -> Path | None:
    """The file of a first-party module, None where there is none (an attribute, or an empty package)."""
    path = Path(*module.split("."))
    for candidate in (path / "__init__.py", path.with_suffix(".py")):
        if candidate.is_file():
            return candidate
    return None


if __name__ == "__main__":
    sys.exit(main())
