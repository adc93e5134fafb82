"""The house: imports point one way and in no circle, no room is above a fifth of the code, no module is two things."""

import graphlib
from collections import defaultdict
from pathlib import Path

import pytest
from project import ROOT

from cultivar.runner.fingerprints.closure import PACKAGES, SourceTree, file_of, modules_below

PARTS = {
    *("cultivar.text", "cultivar.grading", "cultivar.store", "cultivar.llm", "cultivar.sandbox", "cultivar.syntax"),
    "cultivar.outgoing",
}
ALLOWED = {  # room -> the rooms that it may import; stages and train import parts, and nothing imports them
    "schemas": set(),
    "cultivar": set(),
    "cultivar.syntax": set(),
    "cultivar.outgoing": set(),
    "cultivar.text": {"schemas"},
    "cultivar.grading": {"schemas", "cultivar.text"},
    "cultivar.sandbox": {"schemas", "cultivar.syntax", "cultivar.outgoing"},
    "cultivar.store": {"schemas", "cultivar.outgoing"},
    "cultivar.llm": {"schemas", "cultivar.store", "cultivar.syntax", "cultivar.outgoing"},
    "cultivar.runlog": {"schemas", "cultivar.outgoing"},
    "cultivar.runner": {"schemas", "cultivar.runlog", *PARTS},
    "cultivar.cli": {"schemas", "cultivar.runlog"},
    "cultivar.__main__": {"cultivar.cli"},
    "cultivar.tools": {"schemas", "cultivar.runlog", "cultivar.runner", "cultivar.cli", *PARTS},
    "stages": {"schemas", *PARTS},
    "train": {"schemas", *PARTS},
    "reports": {"schemas", "stages", "cultivar.runlog", "cultivar.runner", "cultivar.tools", "cultivar.cli", *PARTS},
}
ROOTS = (*PACKAGES, "reports")
MOST_LINES = 300
ONE_TABLE = {"schemas/rows.py"}
"""Longer, and one thing: a class per table."""


@pytest.fixture(scope="module")
def imports(module_source: SourceTree) -> dict[str, set[str]]:
    """Module -> the first-party modules that it imports."""
    found: dict[str, set[str]] = {}
    for package in ROOTS:
        for module in modules_below(package):
            pairs = module_source.of(module).lazy
            targets = {f"{base}.{name}" if file_of(f"{base}.{name}").is_file() else base for base, name in pairs}
            found[module] = {target for target in targets if target.split(".")[0] in ROOTS} - {module}
    return found


@pytest.fixture(scope="module")
def module_source(tmp_path_factory: pytest.TempPathFactory):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        patch.setenv("DVC_ROOT", str(tmp_path_factory.mktemp("cache")))
        yield SourceTree()


def room(module: str) -> str:
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[0] == "cultivar" else parts[0]


def test_no_modules_import_each_other_in_a_circle(imports):
    assert list(graphlib.TopologicalSorter(imports).static_order())  # CycleError names the circle


def test_imports_point_one_way(imports):
    arrows = {(room(module), room(target)) for module, targets in imports.items() for target in targets}
    assert {(a, b) for a, b in arrows if a != b and b not in ALLOWED[a]} == set()


def test_no_room_is_above_a_fifth_of_the_code(imports):
    sizes: dict[str, int] = defaultdict(int)
    for module in imports:
        place = ".".join(module.split(".")[:2]) if module.startswith(("stages.", "reports.")) else room(module)
        sizes[place] += lines(module)
    assert max(sizes.values()) <= sum(sizes.values()) / 5, sizes


def lines(module: str) -> int:
    path = ROOT.joinpath(*module.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return len(file.read_text().splitlines())


def test_no_module_is_two_things():
    long = {
        str(path.relative_to(ROOT))
        for package in ROOTS
        for path in (ROOT / package).rglob("*.py")
        if len(path.read_text().splitlines()) > MOST_LINES
    }
    assert long <= ONE_TABLE


def test_the_graph_is_short():
    assert len(Path(ROOT / "dvc.yaml").read_text().splitlines()) < 600
