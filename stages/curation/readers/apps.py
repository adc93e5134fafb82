"""APPS (Hendrycks et al. 2021): programming problems whose tests are inputs and outputs of a function or of a program."""

import ast
from typing import Any

from schemas.parsing import Unreadable, parsed
from schemas.products import message
from stages.curation.readers.conversations import asked_turns, instruction
from stages.curation.readers.fields import Item, Left, Misfit, Record, count, count_others, holds, optional, text
from stages.curation.readers.json_text import NotJSON, parse_json
from stages.curation.readers.programs import DEFINITIONS, defining_program, parse

CLASS = "Solution"
"""The class whose method is called, where a problem's starter code is of LeetCode's kind."""
BEHIND = "solutions after the first"
UNREAD = "solutions that do not define the function"


def apps(record: Record) -> Item:
    """{"question", "solutions", "input_output": {"inputs", "outputs", "fn_name"}}, the last two maybe as JSON text.

    A problem of a function is a code task whose tests compare its results. One of a program that reads its standard input
    has no test that a code task can hold: it is an instruction with its first solution as the reference.
    """
    if "solutions" not in record and "input_output" not in record:
        raise Misfit("no field `solutions` or `input_output`")
    asked = text(record, "question")
    starter = optional(record, "starter_code")
    left: Left = {}
    solutions = texts_of(record, "solutions")
    given = value_of(record, "input_output")
    prompt = f"{asked}\n\n{starter}" if starter else asked
    name = given.get("fn_name") if isinstance(given, dict) else None
    if not isinstance(name, str) or not name.isidentifier():
        count(left, "field input_output", int(holds(given)))
        count(left, BEHIND, max(len(solutions) - 1, 0))
        reference = [message("assistant", solutions[0])] if solutions else []
        return instruction(asked_turns(record, prompt), reference, left)
    assert isinstance(given, dict)
    count_others(left, "input_output", given, ("fn_name", "inputs", "outputs"))
    is_method = any(defines_method(code, name) for code in [starter or "", *solutions[:1]])
    entry = CLASS if is_method else name
    sound = [code for code in solutions if defining_program([code], entry)]
    count(left, UNREAD, len(solutions) - len(sound))
    count(left, BEHIND, max(len(sound) - 1, 0))
    called = f"{CLASS}().{name}" if is_method else name
    fields: Record = {"prompt": prompt, "entry_point": entry, "tests": tests_of(given, called), "setup": ""}
    return Item("code_task", fields | {"solution": sound[0] if sound else None}, left)


def value_of(record: Record, name: str) -> Any:
    """A field, read from its JSON where it is a text. Raises Misfit."""
    value = record.get(name)
    if not isinstance(value, str) or not value.strip():
        return value
    try:
        return parse_json(value)
    except NotJSON as error:
        raise Misfit(f"`{name}` is no JSON: {error}") from error


def texts_of(record: Record, name: str) -> list[str]:
    """The texts of a list; those that are empty are none. Raises Misfit."""
    value = value_of(record, name) or []
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise Misfit(f"`{name}` is not a list of texts")
    return [one.replace("\r\n", "\n") for one in value if one.strip()]


def tests_of(given: dict[str, Any], called: str) -> list[str]:
    """An assert statement for each input; an output that is a list of one may stand for what is in it. Raises Misfit."""
    inputs, outputs = given.get("inputs"), given.get("outputs")
    if not isinstance(inputs, list) or not isinstance(outputs, list) or len(inputs) != len(outputs):
        raise Misfit("`input_output` has no `inputs` and `outputs` of one length")
    tests = []
    for arguments, output in zip(inputs, outputs, strict=True):
        if not isinstance(arguments, list):
            raise Misfit("`input_output` of a function has an input that is no list of arguments")
        call = f"{called}({', '.join(map(repr, arguments))})"
        if isinstance(output, list) and len(output) == 1:
            tests.append(f"assert {call} in ({output!r}, {output[0]!r})")
        else:
            tests.append(f"assert {call} == {output!r}")
    try:
        for test in tests:
            parsed(ast.parse, test)
    except Unreadable as error:
        raise Misfit(f"`input_output` cannot be written as tests: {error}") from error
    return tests


def defines_method(code: str, name: str) -> bool:
    """Whether a program, or the beginning of one, defines a method of class Solution."""
    tree = parse(code) or parse(f"{code.rstrip()}\n        pass")
    if tree is None:
        return False
    return any(
        isinstance(node, ast.ClassDef)
        and node.name == CLASS
        and any(isinstance(part, DEFINITIONS) and part.name == name for part in node.body)
        for node in tree.body
    )
