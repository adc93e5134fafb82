"""Programming tasks: HumanEval's and MBPP's fields, and the table's own."""

import ast

from schemas.parsing import Unreadable, parse_code, write_code
from stages.curation.readers.fields import Item, Misfit, Record, optional, text, text_list


def humaneval(record: Record) -> Item:
    """{"prompt", "entry_point", "test", "canonical_solution"} (Chen et al. 2021): `check(candidate)`, a body for the prompt.

    The body behind the prompt is the solution. What the prompt defines before the entry point is the tests' setup where
    they use it; elsewhere there is none, since tests without setup are compared outside of the program's process.
    """
    prompt, name = text(record, "prompt"), text(record, "entry_point")
    if "test" not in record and "canonical_solution" not in record:
        raise Misfit("no field `test` or `canonical_solution`")
    test, body = optional(record, "test"), record.get("canonical_solution")
    stem = unify_newlines(record["prompt"])
    solution = None
    if isinstance(body, str) and body.strip():
        solution = defining_program([f"{stem.rstrip()}\n{unify_newlines(body)}", unify_newlines(body)], name)
        if solution is None:
            raise Misfit(f"`canonical_solution` does not define `{name}`, alone or behind `prompt`")
    tests = [] if test is None else [test]
    setup = used_definitions(solution or f"{stem.rstrip()}\n    pass", name, tests)
    fields: Record = {"prompt": prompt, "entry_point": name, "tests": tests, "setup": setup}
    return Item("code_task", fields | {"solution": solution})


def unify_newlines(code: str) -> str:
    return code.replace("\r\n", "\n").replace("\r", "\n")


def defining_program(programs: list[str], name: str) -> str | None:
    """The first of the programs that parses and defines the function or class."""
    for program in programs:
        tree = parse(program)
        if tree and any(isinstance(node, DEFINITIONS) and node.name == name for node in tree.body):
            return program.strip("\n").rstrip()
    return None


DEFINITIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def parse(code: str) -> ast.Module | None:
    try:
        return parse_code(code)
    except Unreadable:
        return None


def used_definitions(program: str, name: str, tests: list[str]) -> str:
    """The statements before the definition of `name`, if the tests use a name that these bind, else "". Raises Misfit."""
    tree, checks = parse(program), [parse(test) for test in tests]
    if tree is None or None in checks:
        return ""
    before = []
    for node in tree.body:
        if isinstance(node, DEFINITIONS) and node.name == name:
            break
        before.append(node)
    bound = {found for node in before for found in bound_names(node)}
    used = {node.id for check in checks if check for node in ast.walk(check) if isinstance(node, ast.Name)}
    own = {found for check in checks if check for node in check.body for found in bound_names(node)}
    try:
        return "\n".join(map(write_code, before)) if bound & used - own else ""
    except Unreadable as error:
        raise Misfit(f"what the tests use of the prompt cannot be written: {error}") from error


def bound_names(node: ast.stmt) -> list[str]:
    """Names that a statement at the top level binds."""
    if isinstance(node, DEFINITIONS):
        return [node.name]
    if isinstance(node, ast.Import | ast.ImportFrom):
        return [alias.asname or alias.name.split(".")[0] for alias in node.names]
    return [part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)]


def mbpp(record: Record) -> Item:
    """{"text", "code", "test_list", "test_setup_code"} (Austin et al. 2021); the tests name the entry point, if nothing else does.

    `challenge_test_list` is not taken: the published results are those of `test_list`.
    """
    prompt, code = text(record, "text", "prompt"), text(record, "code")
    if "test_list" not in record:
        raise Misfit("no field `test_list`")
    tests = text_list(record, "test_list")
    setup = [optional(record, "test_setup_code") or "", *text_list(record, "test_imports")]
    name = optional(record, "entry_point") or entry_point(tests, code)
    fields: Record = {"prompt": prompt, "entry_point": name, "tests": tests}
    return Item("code_task", fields | {"setup": "\n".join(filter(None, setup)), "solution": code})


def entry_point(tests: list[str], code: str) -> str:
    """The function of `code` that the first test calls (innermost call that names one). Raises Misfit."""
    try:
        defined = {node.name for node in ast.walk(parse_code(code)) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        called = [
            node.func.id
            for test in tests
            for node in ast.walk(parse_code(test))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        ]
    except Unreadable as error:
        raise Misfit(f"the tests or the code are not Python that can be read: {error}") from error
    if not (names := [name for name in called if name in defined]):
        raise Misfit(f"no test calls a function that the code defines ({sorted(defined)})")
    return names[0]


def code_task(record: Record) -> Item:
    """{"prompt", "entry_point", "tests", "setup", "solution"}: the table's own fields."""
    fields: Record = {"prompt": text(record, "prompt"), "entry_point": text(record, "entry_point")}
    fields |= {"tests": text_list(record, "tests", "test_list"), "setup": optional(record, "setup") or ""}
    return Item("code_task", fields | {"solution": optional(record, "solution", "code")})
