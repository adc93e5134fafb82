"""Whatever a text makes a parser raise is one error, and whether it can be read depends on the text alone."""

import ast
import errno
import json

import pytest

from schemas.parsing import (
    CODE_CHARS,
    LEVELS_OF_CODE,
    LEVELS_OF_JSON,
    WRITABLE_LEVELS,
    TooDeep,
    Unreadable,
    check_levels,
    dump_code,
    parse_code,
    parse_json,
    parsed,
    write_code,
)


class PanicException(BaseException):
    """As Rust's libraries raise it: no Exception."""


def fail(error: BaseException) -> None:
    raise error


def at_depth(calls: int, function, *arguments):
    """What a function gives at some depth of the stack."""
    return function(*arguments) if not calls else at_depth(calls - 1, function, *arguments)


@pytest.mark.parametrize(
    "error",
    [ValueError("x"), SyntaxError("x"), OverflowError("x"), OSError("x"), TypeError("x"), PanicException("x")],
)
def test_what_a_text_makes_a_parser_raise_is_unreadable(error):
    with pytest.raises(Unreadable, match="^x$"):
        parsed(fail, error)


@pytest.mark.parametrize("error", [RecursionError("x"), MemoryError()])
def test_an_exhausted_stack_is_a_text_too_deep(error):
    with pytest.raises(TooDeep, match="nested too deeply"):
        parsed(fail, error)


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), SystemExit(1), FileNotFoundError(2, "x"), OSError(errno.ENOSPC, "full")]
)
def test_what_is_no_fault_of_the_text_goes_on(error):
    with pytest.raises(type(error)):
        parsed(fail, error)


def test_the_reason_is_one_short_line_that_a_table_can_hold():
    with pytest.raises(Unreadable) as caught:
        parsed(fail, ValueError("\nhalf \ud800 and \x00" + "a" * 1000 + "\nmore"))
    assert str(caught.value).startswith("half \\ud800 and \\u0000aaa") and len(str(caught.value)) < 400
    with pytest.raises(Unreadable, match="^KeyError$"):
        parsed(fail, KeyError())


NESTED = {
    "lists": ("[", "", "]", LEVELS_OF_JSON),
    "objects": ('{"a":', "1", "}", LEVELS_OF_JSON),
    "both": ('[{"a":', "1", "}]", LEVELS_OF_JSON // 2),
}


@pytest.mark.parametrize("kind", NESTED)
@pytest.mark.parametrize("calls", [0, 300])
def test_json_is_read_to_a_depth_of_its_own(kind, calls):
    opening, middle, closing, levels = NESTED[kind]
    fits = opening * levels + middle + closing * levels
    assert at_depth(calls, parse_json, fits) == json.loads(fits)
    assert at_depth(calls, parse_json, fits.encode()) == json.loads(fits)
    with pytest.raises(TooDeep):
        at_depth(calls, parse_json, opening * (levels + 1) + middle + closing * (levels + 1))


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "9" * 5000, b"\xff", "[1,]", '{"a": undefined}'])
def test_no_other_text_is_json(text):
    with pytest.raises(Unreadable):
        parse_json(text)


def test_many_brackets_side_by_side_are_not_deep_and_a_value_is_measured_without_its_text():
    assert len(parse_json("[" + "[],{}," * 3000 + "[]]")) == 6001
    value: list = []
    for _ in range(LEVELS_OF_JSON - 1):
        value = [value]
    check_levels(value)
    with pytest.raises(TooDeep):
        check_levels({"a": value})


DEEP = {
    "signs": lambda n: "-" * n + "1",
    "sums": lambda n: "+".join("1" * n),
    "negations": lambda n: "not " * n + "x",
    "calls": lambda n: "f" + "()" * n,
    "attributes": lambda n: "x" + ".x" * n,
    "conditions": lambda n: "1 if 1 else " * n + "1",
    "lambdas": lambda n: "lambda: " * n + "1",
    "powers": lambda n: "**".join("1" * n),
    "branches": lambda n: "if x:\n pass\n" + "elif x:\n pass\n" * n,
}


@pytest.mark.parametrize("kind", DEEP)
@pytest.mark.parametrize("calls", [0, 300])
def test_code_is_parsed_to_a_depth_of_its_own(kind, calls):
    source = DEEP[kind]
    assert isinstance(at_depth(calls, parse_code, source(LEVELS_OF_CODE - 5)), ast.Module)
    for size in (LEVELS_OF_CODE + 5, 3000, 8000, 50_000):
        with pytest.raises(TooDeep):
            at_depth(calls, parse_code, source(size))


@pytest.mark.parametrize("source", ["(" * 5000, "\x00", "\ud800", "x = ", "9" * 5000, "[" * 150, " x"])
def test_what_is_no_python_is_unreadable_with_its_error(source):
    with pytest.raises(Unreadable) as caught:
        parse_code(source)
    assert isinstance(caught.value.__cause__, SyntaxError | ValueError)


def test_code_of_too_many_characters_is_not_parsed():
    assert parse_code("#" * CODE_CHARS).body == []
    with pytest.raises(Unreadable, match="characters of code"):
        parse_code("#" * (CODE_CHARS + 1))


@pytest.mark.parametrize("kind", DEEP)
@pytest.mark.parametrize("calls", [0, 300])
def test_a_tree_is_written_to_a_depth_at_which_no_stack_is_exhausted(kind, calls):
    for write in (write_code, dump_code):
        assert at_depth(calls, write, parse_code(DEEP[kind](WRITABLE_LEVELS - 10)))
        with pytest.raises(TooDeep):
            at_depth(calls, write, parse_code(DEEP[kind](WRITABLE_LEVELS + 5)))
