"""Fingerprints: one small text file per stage that says which code and which libraries its results come from.

    python -m cultivar.runner.fingerprints      # what stage `code` of dvc.yaml runs

`fingerprints/<stage>.txt` has a line per module that the stage reaches (closure.py) with a hash of its syntax tree,
comments, docstrings and layout left out, and a line per library whose algorithms make content (libraries.py) with its
version. Every stage lists its file among its deps instead of its modules. Modules that only declare count by
what the stage uses of them (declarations.py).
"""

from pathlib import Path

from cultivar.runner.fingerprints.closure import PACKAGES, SourceTree
from cultivar.runner.fingerprints.declarations import only_declares, used
from cultivar.runner.fingerprints.libraries import versions
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


def fingerprint(stage: str, source: SourceTree | None = None) -> str:
    """The text of a stage's file. Raises GraphError where a module has no file or is no Python."""
    source = source or SourceTree()
    reached = source.reached(stage)
    libraries: set[str] = set()
    lines = []
    for module, names in reached.items():
        path = source.path(module)
        assert path is not None  # what is reached has a file
        facts = source.of(module)
        lines.append(f"{path} {used(path, names).syntax if only_declares(path) else facts.syntax}")
        libraries |= {base.split(".")[0] for base, _ in facts.lazy} - set(PACKAGES)
    found = [f"{name} {version}" for name, version in versions(libraries).items()]
    return "\n".join([HEADER.format(stage), *sorted(lines), *found]) + "\n"
