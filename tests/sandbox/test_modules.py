"""What the sandbox does not have or cannot carry is no failure of the program; how verifiers' answers are read."""

import pytest
from judging import one

from cultivar.sandbox import Job, job_from_asserts
from cultivar.sandbox.modules import missing_modules, package_versions

RAISES = "No module named 'no_such'"


@pytest.mark.parametrize(
    ("code", "test", "outcome"),
    [
        ("import no_such\ndef f(x): return 1", "assert f(1) == 1", "unsupported"),
        ("from no_such.part import g\ndef f(x): return 1", "assert f(1) > 0", "unsupported"),
        ("def f(x):\n    import no_such\n    return 1", "assert f(1) == 1", "unsupported"),
        ("def f(x): return 1", "import no_such\nassert f(1) == 1", "unsupported"),
        (
            "try:\n    import no_such\nexcept ImportError:\n    no_such = None\ndef f(x): return no_such.g()",
            "assert f(1) == 1",
            "unsupported",
        ),
        (
            "try:\n    import no_such\nexcept ImportError:\n    no_such = None\ndef f(x): return 1",
            "assert f(1) == 1",
            "pass",
        ),
        (
            "try:\n    import no_such\nexcept ImportError:\n    no_such = None\ndef f(x): return 2",
            "assert f(1) == 1",
            "fail",
        ),
        ("def f(x):\n    if x: return 2\n    import no_such", "assert f(1) == 1", "fail"),
        ("def f(x):\n    1 / 0\n    import no_such", "assert f(1) == 1", "error"),
        (f'def f(x): raise ModuleNotFoundError("{RAISES}")', "assert f(1) == 1", "error"),
        ("import math.no_such\ndef f(x): return 1", "assert f(1) == 1", "error"),
        ("from . import g\ndef f(x): return 1", "assert f(1) == 1", "error"),
        ("def f(x): return 1", "assert np.isclose(f(1), 1)", "unsupported"),
        ("def f(x): return np.abs(x)", "assert f(1) == 1", "error"),
    ],
)
def test_an_error_for_want_of_a_module_says_nothing_of_the_program(box, code, test, outcome):
    verdict = one(box, job_from_asserts("a", code, [test], "f"))
    assert verdict.outcome == outcome, verdict.message
    assert verdict.results == [outcome] and verdict.is_cacheable


def test_modules_are_missing_where_neither_the_library_nor_the_packages_have_them():
    job = Job("a", "split", "import math, numpy.linalg\nimport no_such", tests=["assert pd.f(f(1))"], entry_point="f")
    missing = missing_modules(job, ("numpy",))
    assert missing.modules == {"no_such", "pandas"} and missing.aliases == {"pd"} and not missing.is_guarded
    assert missing.explains("ModuleNotFoundError: No module named 'no_such.part'")
    assert missing.explains("NameError: name 'pd' is not defined")
    assert not missing.explains("ModuleNotFoundError: No module named 'numpy'") and not missing.explains(
        "NameError: pd"
    )
    assert missing_modules(Job("b", "io", "import ("), ()).modules == frozenset()


def test_a_package_counts_by_its_version():
    pytest.importorskip("numpy")
    import numpy

    assert package_versions(("numpy",)) == [f"numpy numpy {numpy.__version__}"] and package_versions(()) == []


@pytest.mark.parametrize(
    ("value", "result"),
    [
        ("True", "true"),
        ("False", "false"),
        ("1", "true"),
        ("0", "false"),
        ("3", "true"),
        ("0.0", "false"),
        ("None", "false"),
        ("re.match('a', r)", "true"),
        ("re.match('b', r)", "false"),
        ("re.findall('a', r)", "true"),
        ("re.findall('b', r)", "false"),
        ("set()", "false"),
        ("{'a': 1}", "true"),
        ("'true'", "true"),
        ("'False'", "false"),
        ("' TRUE '", "true"),
        ("'yes'", "error"),
        ("''", "error"),
        ("(False, 'short')", "error"),
        ("[False]", "error"),
        ("float('nan')", "error"),
        ("object()", "error"),
        ("g()", "error"),
        ("(x for x in r)", "error"),
        ("len", "error"),
    ],
)
def test_what_a_verifier_returns_is_read_by_its_truth(box, value, result):
    code = f"import re\nasync def g(): pass\ndef evaluate(r):\n    return {value}"
    assert one(box, Job("v", "verifier", code, inputs=["a"])).results == [result]


LARGE = {
    "a text": "'a' * (17 << 20)",
    "a list": "['a' * 100] * (170 << 10)",
    "what it prints": "print('a' * (17 << 20))",
}


@pytest.mark.parametrize("kind", LARGE)
def test_a_value_too_large_for_split_is_output_limit_and_the_next_test_goes_on(box, kind):
    code = f"def f(x):\n    return {LARGE[kind]} if x else 1"
    verdict = one(box, Job("s", "split", code, entry_point="f", tests=["assert f(1) is None", "assert f(0) > 0"]))
    assert verdict.results == ["output_limit", "pass"] and "16 MiB" in verdict.message


def test_other_values_too_large_for_split(box):
    constant = Job("c", "split", "D = 'a' * (17 << 20)", tests=["assert len(D) == 3"])
    assert one(box, constant).outcome == "output_limit"
    given = "def f(g): return g('a' * (17 << 20))"
    callback = Job(
        "g", "split", given, entry_point="f", tests=["assert f(lambda s: len(s)) == 17 << 20", "assert f is not None"]
    )
    assert one(box, callback).results[0] == "output_limit"
    own = Job(
        "t",
        "split",
        "def f(x): return 1",
        entry_point="f",
        tests=["assert f('a' * (17 << 20)) == 1", "assert f(0) > 0"],
    )
    assert one(box, own).results == ["unsupported", "pass"], "the tests' own data say nothing of the solution"


def test_a_solution_that_ends_is_still_an_early_exit(box):
    job = Job("e", "split", "import os\ndef f(x): os._exit(0)", entry_point="f", tests=["assert f(0) > 0"])
    assert one(box, job).outcome == "early_exit"
