"""The simulated teacher on code: it knows the seed tasks, and makes a lookup of the examples for others."""

import ast
import re

from cultivar.llm.simulated.library import LIBRARY
from cultivar.llm.simulated.registry import Call, answers
from schemas.parsing import Unreadable, parse_code, parsed

EXTRA = ("", "    # straightforward\n", '    """Solve the task."""\n', "    # see the task\n")


@answers(sections={"task", "entry_point"})
def solution(call: Call) -> str:
    """A fenced solution; wrong: a plausible bug, an exception, or no function of that name."""
    name = call.sections["entry_point"]
    if name in LIBRARY:
        right, bug, _ = LIBRARY[name]
        code = bug if call.wrong else right
        head, _, rest = code.partition("\n")
        code = f"{head}\n{EXTRA[call.rng.randrange(len(EXTRA))]}{rest}"
    else:
        code = lookup_table(name, call)
    if call.wrong and call.rng.random() < 0.15:
        code = code.replace(f"def {name}(", f"def {name}_(", 1)
    return f"```python\n{code}\n```"


def lookup_table(name: str, call: Call) -> str:
    """A function that answers the example asserts from a table; wrong: one entry is off."""
    pairs = [pair for test in call.sections.get("tests", "").splitlines() if (pair := parse_assert(test, name))]
    if call.wrong and pairs:
        pairs[-1] = (pairs[-1][0], "None")
    body = "".join(f"    if repr(arguments) == {given!r}:\n        return {want}\n" for given, want in pairs)
    return f"def {name}(*arguments):\n{body}    return None"


def parse_assert(test: str, name: str) -> tuple[str, str] | None:
    """(repr of the arguments, source of the expected value) of `assert name(literals) == literal`, else None."""
    try:
        statement = parse_code(test.strip()).body[0]
        assert isinstance(statement, ast.Assert) and isinstance(statement.test, ast.Compare)
        function_call, expected = statement.test.left, statement.test.comparators[0]
        assert (
            isinstance(function_call, ast.Call)
            and isinstance(function_call.func, ast.Name)
            and function_call.func.id == name
        )
        given = tuple(parsed(ast.literal_eval, argument) for argument in function_call.args)
        return parsed(repr, given), parsed(repr, parsed(ast.literal_eval, expected))
    except (Unreadable, AssertionError, IndexError):
        return None


@answers(fields={"tests"})
def test_cases(call: Call) -> dict:
    """Asserts for a seed task; wrong: one expects another value. Examples are repeated for tasks it does not know."""
    name = call.sections.get("entry_point", "")
    asserts = (
        LIBRARY[name][2] if name in LIBRARY else re.findall(r"^assert .+$", call.sections.get("examples", ""), re.M)
    )
    tests = (
        call.rng.sample(asserts, max(1, len(asserts) - call.rng.randrange(2)))
        if asserts
        else [f"assert {name} is not None"]
    )
    if call.wrong:
        tests[-1] = re.sub(r"== .+", "== 'something else'", tests[-1])
    return {"tests": tests}
