"""The parse ladder."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from cultivar.llm.structured import LEAST_STEPS, STEPS_OF_REPAIR, Exhausted, Unparsable, parse_answer, repair


class Inner(BaseModel):
    tag: str


class Verdict(BaseModel):
    score: int = Field(ge=1, le=5)
    reason: str
    tags: list[Inner] = []


RIGHT = Verdict(score=4, reason="it's clear", tags=[Inner(tag="a")])
TEXT = RIGHT.model_dump_json()


@given(st.builds(Verdict), st.text(alphabet="abc \n`.", max_size=20), st.text(alphabet="abc \n`.", max_size=20))
def test_what_a_model_wraps_around_its_answer_does_not_matter(verdict: Verdict, before: str, after: str) -> None:
    assert parse_answer(before + verdict.model_dump_json() + after, Verdict) == verdict


@pytest.mark.parametrize(
    "text",
    [
        f"```json\n{TEXT}\n```",
        TEXT.replace("clear", "cl\near").replace("cl\near", "clear"),
        TEXT[:-1] + ",}",
        "{'score': 4, 'reason': \"it's clear\", 'tags': [{'tag': 'a'}]}",
    ],
)
def test_what_can_be_repaired_is(text: str) -> None:
    assert parse_answer(text, Verdict) == RIGHT


@pytest.mark.parametrize(
    "text", [r'{"score": 4, "reason": "%s"}', r'{"score": 4, "reason": "%s",}', r"{'score': 4, 'reason': '%s'}"]
)
@pytest.mark.parametrize(
    ("escape", "character"), [(r"\ud83d\ude00", "😀"), (r"\u00e9", "é"), (r"\ufffe", "\ufffe"), (r"\u000b", "\v")]
)
def test_an_escaped_character_is_that_character(text: str, escape: str, character: str) -> None:
    assert parse_answer(text % escape, Verdict).reason == character


def test_raw_newlines_in_strings_are_kept() -> None:
    assert parse_answer('{"score": 4, "reason": "one\ntwo"}', Verdict).reason == "one\ntwo"


NO_TEXT = "it holds half a surrogate pair or a NUL, which no text can hold"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (r'{"score": 4, "reason": "\ud83d"}', NO_TEXT),
        (r'{"score": 4, "reason": "\ude00\ud83d"}', NO_TEXT),
        (r'{"score": 4, "reason": "x", "tags": [{"tag": "a\ud83dz"}]}', NO_TEXT),
        (r'{"score": 4, "reason": "x", "other": {"\ud83d": 1}}', NO_TEXT),
        (r"{'score': 4, 'reason': '\ud83d'}", NO_TEXT),
        (r'{"score": 4, "reason": "a\u0000b"}', NO_TEXT),
        ('{"score": 4, "reason": "x", "tags": ' + "[" * 100_000 + "}", "it is nested too deeply"),
        ("{'score': 4, 'tags': " + "[" * 100_000 + "}", "Invalid JSON: key must be a string at line 1 column 2"),
        (
            '{"score": 1' + "0" * 5_000 + ', "reason": "x"}',
            "score: Unable to parse input string as an integer, exceeded maximum size",
        ),
        ("I cannot help with that.", "the answer is not a JSON object"),
        ('{"score": 9, "reason": "x"}', "score: Input should be less than or equal to 5"),
        ('{"score": 4, "tags": [{}]}', "reason: Field required; tags.0.tag: Field required"),
        ('{"score": 4, "rea', "the answer is not a JSON object"),
        ('{"score": 4, "x": {"a": 1}, "rea', "reason: Field required"),
    ],
)
def test_what_cannot_be_repaired_says_why(text: str, reason: str) -> None:
    with pytest.raises(Unparsable) as caught:
        parse_answer(text, Verdict)
    assert str(caught.value) == reason


@pytest.mark.parametrize("repeated", ["{1} ", "{a: b} ", r"\frac{1}{2} ", r"\{1\}"])
def test_braces_that_are_no_json_are_given_up_after_steps_in_proportion_to_the_text(repeated: str) -> None:
    """json-repair takes an hour for 100,000 characters of them."""
    text = repeated * (8000 // len(repeated))
    with pytest.raises(Exhausted):
        repair(text, LEAST_STEPS + STEPS_OF_REPAIR * len(text))
    with pytest.raises(Unparsable):
        parse_answer(text, Verdict)


@pytest.mark.parametrize(
    "wrong", [str, lambda value: json.dumps(value).replace('"', "'"), lambda value: json.dumps(value, indent=4)[:-4]]
)
def test_long_answers_are_repaired(wrong: Callable[[object], str]) -> None:
    value = {"score": 4, "reason": "it is so", "tags": [{"tag": f"topic {number}"} for number in range(500)]}
    assert parse_answer(wrong(value) + "}", Verdict) == Verdict.model_validate(value)
