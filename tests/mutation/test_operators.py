"""The mutation check itself: what each operator makes, and that a break which tests miss is reported as a survivor."""

import json
import subprocess
import sys

import pytest

from tests.mutation.mutants import mutants, sections
from tests.mutation.report import Equivalents
from tests.mutation.run import Result
from tests.mutation.targets import EXCLUDED, ROOT, TARGETS

CASES = {
    "compare": ("x = a < b", ["x = a [-<-]{+<=+} b"]),
    "constant": ("x = f(3, flag=True)", ["x = f([-3-]{+4+}, flag=True)", "x = f(3, flag=[-True-]{+False+})"]),
    "argument": ("f(a, b.c, 'text')", ["f([-a, b.c-]{+b.c, a+}, 'text')"]),
    "pair": ("for a, b in f(): pass", ["for [-a, b-]{+b, a+} in f():"]),
    "operand": ("x = a and b", ["x = [-a and -]b", "x = a[- and b-]"]),
    "without_not": ("x = not a", ["x = [-not -]a"]),
    "negation": ("x = [a for a in b if a]", ["x = [a for a in b if {+not +}a]"]),
    "condition": (
        "x = y.filter(a)\nif f(x):\n    x = 1",
        ["x = y[-.filter(a)-]", "if [-f(x)-]{+False+}:"],
    ),
    "extremum": ("x = min(a) + b.max()", ["x = [-min-]{+max+}(a) + b.max()", "x = min(a) + b.[-max-]{+min+}()"]),
    "order": ("x = sorted(a)", ["x = sorted(a{+, reverse=True+})"]),
    "arithmetic": ("x = a + b + 'text'", ["x = a [-+-]{+-+} b + 'text'"]),
    "threshold": (
        "def f(params: Small): return params.least",
        ["return [-params.least-]{+2.5+}", "return [-params.least-]{+0+}"],
    ),
    "sides": (
        "x = {'chosen_ids': a, 'rejected_ids': b}",
        ["x = {'chosen_ids': [-a, 'rejected_ids': b-]{+b, 'rejected_ids': a+}}"],
    ),
    "answer": ("def f() -> bool: return g(x)", ["return {+not +}g(x)"]),
    "statement": ("x.add(1)", ["[-x.add(1)-]{+pass+}"]),
}


@pytest.mark.parametrize("operator", CASES)
def test_an_operator_makes_these_mutants(operator, tmp_path):
    (tmp_path / "params.py").write_text("class Base:\n    least: float = 2.5\n\nclass Small(Base):\n    most: int")
    source, changes = CASES[operator]
    found = mutants("toy", source, sections(tmp_path.glob("*.py")))
    assert [one.change for one in found if one.name.split(":")[2] == operator] == changes


@pytest.mark.parametrize(
    "source", ["x: Literal[1, 2]", '"""Text."""', "def f(a: tuple[int, str]) -> dict[str, int]: g = a"]
)
def test_types_and_docstrings_are_left_alone(source):
    assert mutants("toy", source) == []


def test_bounds_in_annotations_are_behaviour():
    assert [one.change for one in mutants("toy", "x: Annotated[int, Field(ge=1)]")] == [
        "x: Annotated[int, Field(ge=[-1-]{+2+})]"
    ]


def test_a_name_outlives_an_edit_in_another_function():
    source = "def g():\n    return a < b\n"
    assert [m.name for m in mutants("toy", "def f():\n    return a < b\n" + source)][-2:] == [
        m.name for m in mutants("toy", source)
    ]


def test_an_equivalent_that_is_gone_changed_or_killed_is_stale(tmp_path):
    found = mutants("toy", "def f():\n    return a < b")
    file = tmp_path / "equivalent.txt"
    same, name = f"{found[0].name}\n{found[0].change}\nno reason", "toy:f:compare:0"
    listing = {same: [], f"{name}\na < c\nreason": ["is now"], "toy:g:compare:0\na\nreason": ["no such"]}
    for text, reported in listing.items():
        file.write_text(f"# comment\n\n{text}\n")
        stale = Equivalents.read(file, ["toy"]).stale(found, [])
        assert len(stale) == len(reported) and all(part in line for part, line in zip(reported, stale, strict=True))
    file.write_text(same)
    assert "is killed" in Equivalents.read(file, ["toy"]).stale(found, [Result(found[0], "killed", "a test")])[0]


def test_every_module_of_the_table_and_every_path_is_there():
    modules = [module for target in TARGETS for module in target.modules]
    assert len(set(modules)) == len(modules)
    assert [m for m in modules if not (ROOT / (m.replace(".", "/") + ".py")).is_file()] == []
    assert [path for path in EXCLUDED if not (ROOT / path).is_file()] == []


RULES = """
LEAST = 3

def admit(n):
    return n >= LEAST

def count(n):
    while n > 0:
        n -= 1
    return n

def unused(n):
    return not n
"""
TESTS = """
from toy.rules import admit, count

def test_admit():
    assert admit(4) and not admit(2)

def test_count():
    assert count(2) == 0
"""
RUN = """
import sys
from pathlib import Path
from tests.mutation import run
from tests.mutation.__main__ import main
from tests.mutation.targets import Target

run.SPARE = 1.0
root = Path(sys.argv[1])
sys.exit(main(["--json", str(root / "results")], root, [Target(("toy.rules",), ("tests",))], root / "none"))
"""


def test_a_break_that_no_test_sees_survives_and_the_others_are_killed(tmp_path):
    for name, text in {"toy/rules.py": RULES, "tests/test_rules.py": TESTS}.items():
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(text)
    ran = subprocess.run([sys.executable, "-c", RUN, str(tmp_path)], cwd=ROOT, capture_output=True, text=True)
    outcomes = {line["change"]: line["outcome"] for line in json.loads((tmp_path / "results").read_text())}
    expected = {
        "return n [->=-]{+>+} LEAST": "survived",
        "LEAST = [-3-]{+4+}": "survived",
        "return {+not +}n >= LEAST": "killed",
        "while n [->-]{+>=+} 0:": "killed",
        "n [--=-]{++=+} 1": "timeout",
        "[-n -= 1-]{+pass+}": "timeout",
        "return [-not -]n": "unreached",
    }
    assert {change: outcomes[change] for change in expected} == expected
    assert ran.returncode == 1 and ran.stdout.splitlines()[-1].endswith("toy.rules; stale equivalents: 0")
    assert "survived   toy.rules:admit:compare:0  line 5, 1 tests\n           return n [->=-]{+>+} LEAST" in ran.stdout
