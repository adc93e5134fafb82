"""Replies that make a reader fail: each is an error of the row, never of the run."""

import orjson
import pytest
from pydantic import BaseModel

from cultivar.grading.code_tests import read_tests
from cultivar.llm import structured
from cultivar.llm.http_engine import parse_choices, server_error
from cultivar.llm.simulated.code import parse_assert
from cultivar.llm.structured import Unparsable, parse_answer
from cultivar.sandbox import job_from_asserts
from cultivar.sandbox.judge import job_payload
from cultivar.sandbox.uncalled_tests import add_test_calls
from schemas.parsing import Unreadable

SUM = "+".join("1" * 3000)


class Tags(BaseModel):
    tags: list[str]


@pytest.mark.parametrize(
    "text",
    [
        '{"tags": [], "more": ' + "9" * 5000 + ', "nul": "\\u0000"}',
        '{"tags":' + "[" * 1200 + "]" * 1200 + "}",
        '{"tags": \'a\', "more": ' + "[" * 1200 + "]" * 1200 + "}",
        "{" * 5000 + "}" * 5000,
        "{'tags': ['" + "a" * 200_000 + "']}",
    ],
)
def test_an_answer_that_cannot_be_read_is_unparsable(text):
    with pytest.raises(Unparsable):
        parse_answer(text, Tags)


def test_what_is_repaired_is_neither_too_long_nor_too_deep(monkeypatch):
    assert parse_answer("{'tags': ['" + "a" * 50_000 + "']}", Tags).tags == ["a" * 50_000]
    monkeypatch.setattr(structured, "repair_json", lambda *_, **__: pytest.fail("it takes minutes"))
    for text in ("{" * 49_000 + "}" * 49_000, "{'a': " * 101 + "1" + "}" * 101, "{'tags': ['" + "a" * 100_000 + "']}"):
        with pytest.raises(Unparsable):
            parse_answer(text, Tags)


def test_a_reply_whose_parts_are_too_deep_is_no_reply():
    deep = b"[" * 900 + b"]" * 900
    good = b'{"choices": [{"message": {"content": "a"}, "finish_reason": %s}]}'
    assert parse_choices(good % b'"stop"', 1)
    with pytest.raises(ValueError, match=r"deeply|not a chat"):
        parse_choices(b'{"choices": [{"message": {"content": %s}}]}' % deep, 1)
    assert server_error(orjson.dumps({"error": {"message": "full"}})) == "full"
    assert server_error(b'{"detail": %s}' % deep).startswith('{"detail"')


@pytest.mark.parametrize(
    "test", [f"assert f(1) == {SUM}", f"assert f({SUM}) == 1", "assert f(1) == " + "-" * 8000 + "1"]
)
def test_a_test_too_deep_to_be_read_is_refused_everywhere(test):
    assert parse_assert(test, "f") is None and read_tests(test, "f") == []
    job = job_from_asserts("1", "def f(x): return x", [test], "f")
    assert job.mode == "split"
    for read in (lambda: job_payload(job), lambda: add_test_calls(test, "f")):
        with pytest.raises(Unreadable, match="deeply"):
            read()


def test_a_statement_that_shares_its_line_is_written_anew_unless_it_is_too_deep():
    deep = "+".join("1" * 200)
    assert read_tests(f"assert f(1) == 1; assert f(2) == {deep}", "f") == ["assert f(1) == 1"]
    assert read_tests(f"assert f(2) == {deep}", "f") == [f"assert f(2) == {deep}"]
