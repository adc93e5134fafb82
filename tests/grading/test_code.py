"""The program that a text gives for a task: wherever it stands, whole, and with what it needs (cultivar/grading/code.py)."""

import ast
import json
import os
import time
from pathlib import Path

import pytest

from cultivar.grading.code import find_program
from tests.grading.wrappers import BODIES, WRAPPERS, fenced

DATA = Path(os.environ.get("CULTIVAR_REAL_DATA", Path(__file__).parents[3] / "shared" / "data")) / "mbpp" / "mbpp.jsonl"
CODE = """import math

LIMIT = 3


def helper(x):
    '''One.

      Two.'''
    return [
        x,
    ]


def f(x):
    # a comment
    return helper(math.floor(x))[0] + LIMIT"""
PROMPT = '''from typing import List


def encode(text: str) -> str:
    """Reverse it."""
    return text[::-1]


def f(x: List[int]) -> int:
    """Add them up.
    >>> f([1, 2])
    3
    """
'''
BODY = "    total = 0\n    for n in x:\n        total += n\n    return total"


def dump(code: str) -> str:
    return ast.dump(ast.parse(code))


def functions(code: str) -> dict[str, str]:
    return {
        node.name: ast.dump(node) for node in ast.parse(code).body if isinstance(node, ast.FunctionDef | ast.ClassDef)
    }


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_a_program_is_found_in_any_wrapper(wrapper):
    program = find_program(WRAPPERS[wrapper](CODE), "f", "Write f.")
    assert program is not None and dump(program) == dump(CODE)


@pytest.mark.parametrize("wrapper", BODIES)
def test_a_body_is_put_behind_the_signature_of_the_prompt(wrapper):
    for prompt in (PROMPT, PROMPT.strip(), f"Complete this:\n{fenced(PROMPT)}\nThanks."):
        program = find_program(BODIES[wrapper](BODY), "f", prompt)
        assert program is not None and functions(program)["f"] == functions(f"{PROMPT}\n{BODY}")["f"]
        assert "from typing import List" in program


# ---------------------------------------------------------------- MBPP, as far as it is here


@pytest.fixture(scope="module")
def tasks():
    if not DATA.exists():
        pytest.skip(f"{DATA} is not here (set CULTIVAR_REAL_DATA)")
    tasks = []
    for line in DATA.read_text(encoding="utf-8").splitlines():
        task = json.loads(line)
        code, tests = (
            task["code"].replace("\r\n", "\n").replace("\r", "\n"),
            [task["test_setup_code"], *task["test_list"]],
        )
        names = {node.name for node in ast.walk(ast.parse(code)) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        called = [n.func.id for n in ast.walk(ast.parse(tests[1])) if isinstance(n, ast.Call) and hasattr(n.func, "id")]
        tasks.append((next(name for name in called if name in names), code, tests))
    return tasks


def share(tasks, wrappers, name):
    """Every eighth task, from another one on for each wrapper; all of them where CULTIVAR_ALL_TASKS is set."""
    assert len(tasks) == 974
    return tasks if os.environ.get("CULTIVAR_ALL_TASKS") else tasks[list(wrappers).index(name) % 8 :: 8]


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_every_solution_of_mbpp_is_found_in_any_wrapper(tasks, wrapper):
    tasks = share(tasks, WRAPPERS, wrapper)
    programs = [(find_program(WRAPPERS[wrapper](code), name, "Write it.", tests), code) for name, code, tests in tasks]
    assert [code for program, code in programs if program is None or dump(program) != dump(code)] == []


@pytest.mark.parametrize("wrapper", BODIES)
def test_every_solution_of_mbpp_is_found_as_a_body(tasks, wrapper):
    """In HumanEval's shape: the prompt ends with the signature and a docstring, the text is what follows."""
    wrong = []
    for name, code, tests in share(tasks, BODIES, wrapper):
        lines = code.split("\n")
        (node,) = (n for n in ast.parse(code).body if isinstance(n, ast.FunctionDef) and n.name == name)
        head, body = lines[: node.body[0].lineno - 1], "\n".join(lines[node.body[0].lineno - 1 :])
        indent = body[: len(body) - len(body.lstrip())]
        doc = f'{indent}"""It does it.\n{indent}>>> {name}(1)\n{indent}2\n{indent}"""'
        prompt = "\n".join(["from typing import List", "", "", *head, doc])
        program, whole = find_program(BODIES[wrapper](body), name, prompt.strip(), tests), f"{prompt}\n{body}"
        found = functions(program) if program else {}
        needed = set(functions(whole)) & {n.id for n in ast.walk(ast.parse(whole)) if isinstance(n, ast.Name)}
        if found.get(name) != functions(whole)[name] or not needed <= found.keys():
            wrong.append(code)
    assert wrong == []


# ---------------------------------------------------------------- which block, and what comes with it

F1, F2, STUB = "def f(x):\n    return 1", "def f(x):\n    return 2", "def f(x): ..."


@pytest.mark.parametrize(
    ("text", "program"),
    [
        (f"{fenced(F1)}\nBetter:\n{fenced(F2)}", F2),
        (f"{fenced(F1)}\nIts signature:\n{fenced(STUB)}", F1),
        (fenced(STUB), STUB),
        (f"{fenced(F1)}\n{fenced('from solution import f' + chr(10) + 'print(f(1))')}", F1),
        (f"{fenced(F1)}\n{fenced('f = f(3)')}", F1),
        (f"{fenced(F1)}\nbroken:\n{fenced('def f(x:')}", F1),
        (f"{fenced(F1)}\nActually:\n\n{F2}\n\nThat is it.", F2),
        (f"{fenced(F1)}\nInstead of\n\n    def f(x):\n        return 2\n\nit counts.", F1),
        (f"{fenced(F1)}\n\nclass f: pass", F1),
        (f"{fenced(F1)}\nUsage:\n{fenced('f = open(1).read()')}", F1),
        (f"{fenced(F1)}\nUsage:\n{fenced('f = sum([1, 2]) + 3')}", F1),
        ("```python def f(x):\n    return 1\n```", F1),
        ("```py @a\ndef f(x): return 1\n```", "@a\ndef f(x): return 1"),
        ("```python\ndef f(x):\n    return\u00a0x +\u200b '\u00a0'\n```", "def f(x):\n    return x + '\u00a0'"),
        ("`f = lambda x: x`", "f = lambda x: x"),
        ("```python f = lambda x: x```", "f = lambda x: x"),
        ("async def f(x):\n    return x", "async def f(x):\n    return x"),
        ("class f:\n    pass", "class f:\n    pass"),
        ("from math import gcd as f", "from math import gcd as f"),
        (
            "try:\n    import a\nexcept ImportError:\n    def f(x): return 1",
            "try:\n    import a\nexcept ImportError:\n    def f(x): return 1",
        ),
        ("def f(x):\n    return x\n\nComplexity = O(n)", "def f(x):\n    return x"),
        (
            '```\ndef f(x):\n    """\n    ```\n    f(1)\n    ```\n    """\n    return x\n```',
            'def f(x):\n    """\n    ```\n    f(1)\n    ```\n    """\n    return x',
        ),
        ("f = 1", None),
        ("def g(x):\n    return 1", None),
        ("def f(x:\n    return 1", None),
        ("def f(x):\n    return '\0'", None),
        (">>> def f(x):\n...     return x", None),
        ("f returns 1.", None),
        ("", None),
    ],
)
def test_the_last_block_that_defines_the_function_counts(text, program):
    assert find_program(text, "f") == program


@pytest.mark.parametrize(
    ("first", "last", "program"),
    [
        ("import math", "def f(x): return math.pi", "import math\ndef f(x): return math.pi"),
        ("import math", "def f(x): return 1", "def f(x): return 1"),
        ("def h(x): return 1\nprint(h(1))", "def f(x): return h(x)", "def h(x): return 1\ndef f(x): return h(x)"),
        (
            "M = {}\nM[1] = 2\nfor i in M:\n    M.pop(i)\nprint(M)",
            "def f(x): return M",
            "M = {}\nM[1] = 2\nfor i in M:\n    M.pop(i)\ndef f(x): return M",
        ),
        ("A = 1\ndef h(): return A", "def f(x): return h()", "A = 1\ndef h(): return A\ndef f(x): return h()"),
        (
            "result = f(1)",
            "def f(x):\n    result = x\n    return result",
            "def f(x):\n    result = x\n    return result",
        ),
        ("def f(x): return 1", "f = len and f", "def f(x): return 1\nf = len and f"),
        ("from math import *", "def f(x): return sqrt(x)", "from math import *\ndef f(x): return sqrt(x)"),
        (
            "A = 1",
            "from __future__ import annotations\ndef f(x): return A",
            "from __future__ import annotations\nA = 1\n\ndef f(x): return A",
        ),
    ],
)
def test_of_the_other_blocks_comes_what_the_last_needs(first, last, program):
    assert find_program(f"{fenced(first)}\nthen\n{fenced(last)}\n{fenced('print(f(1))')}", "f") == program


def test_helpers_of_later_blocks_and_of_the_prompt_come_too():
    later = f"{fenced('def f(x): return h(x)')}\nwhere\n{fenced('def h(x): return x')}"
    assert find_program(later, "f") == "def h(x): return x\ndef f(x): return h(x)"
    whole = "def f(x: List[int]) -> int:\n    return 1"
    assert find_program(whole, "f", PROMPT) == f"from typing import List\n{whole}"
    tested = find_program(whole, "f", PROMPT, ["def check(candidate):\n    assert candidate(encode('a')) == 1"])
    assert tested is not None and functions(tested).keys() == {"encode", "f"}


def test_without_an_entry_point_the_tests_name_it():
    assert find_program(f"{fenced(F1)}\n{fenced('g = 1')}", None, "", ["assert f(1) == 1"]) == F1
    assert find_program(fenced(F1), None, "", ["assert g(1) == 1"]) is None


@pytest.mark.parametrize(
    "text",
    [
        "    return x +",
        "Sure.",
        "    total = 0\n    return total +\n    return 1",
        "x\n",
        "    pass",
        fenced("print(f(1))"),
    ],
)
def test_what_is_no_body_is_none(text):
    assert find_program(text, "f", PROMPT) is None


@pytest.mark.parametrize(
    ("prompt", "head"),
    [
        ("def f(x):", "def f(x):"),
        ("def f(x):\n    # your code here", "def f(x):\n    # your code here"),
        ('def f(x):\n    """Doc."""\n    pass', 'def f(x):\n    """Doc."""'),
        ("def f(x): ...", "def f(x):"),
        ("def f(\n    x: int,\n) -> int:\n    raise NotImplementedError", "def f(\n    x: int,\n) -> int:"),
        ("Write the body of\n\ndef f(x):\n\nplease.", "def f(x):\n"),
    ],
)
def test_any_signature_of_a_prompt_takes_a_body(prompt, head):
    assert find_program("    return x", "f", prompt) == f"{head}\n    return x"


# ---------------------------------------------------------------- hostile text

HOSTILE = {
    "fences": lambda n: "```\n" * n,
    "fences in a list": lambda n: "1. ```\n   def f(x):\n       return x\n" * n,
    "tildes": lambda n: "~" * n + "`",
    "words before ticks": lambda n: "a " * n + "`",
    "functions": lambda n: "def f(x):\n    return x\n" * n,
    "functions between words": lambda n: "def f(x):\n    return x\nSo it is.\n" * n,
    "open strings": lambda n: 'x = """\n' * n,
    "open brackets": lambda n: "x = (\n" * n,
    "open blocks": lambda n: '```\nx = """\n```\n' * n,
    "a chain of helpers": lambda n: (
        "".join(f"```\ndef h{i}(x): return h{i + 1}(x)\n```\n" for i in range(n)) + fenced("def f(x): return h0(x)")
    ),
    "a body with words": lambda n: "x = 1\n" * n + "return x\n" + "Aha so\n" * n,
    "decorators": lambda n: "@a\n" * n,
    "depth": lambda n: "def f(x): return " + "(" * n,
    "minus": lambda n: "def f(x): return " + "-" * n + "1",
    "attributes": lambda n: "def f(x): return x" + ".a" * n,
    "odd spaces": lambda n: "```\ndef f(x):\n" + "    x =\u00a0'a\\'\n" * n + "```",
    "quotes": lambda n: "```\ndef f(x):\n\u00a0   x = " + '"""\'' * n + "\n```",
    "blank": lambda n: " " * n + "\n" * n,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_texts_take_linear_time(kind):
    """Ten times the text takes about ten times as long: a hundred times would be quadratic."""
    seconds = []
    for size in (300, 3000):
        start = time.process_time()
        find_program(HOSTILE[kind](size), "f", PROMPT)
        seconds.append(time.process_time() - start)
    assert seconds[1] < 40 * seconds[0] + 0.3
