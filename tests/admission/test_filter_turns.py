"""Filtering of conversations: every turn counts, and so do calls and results of tools, and reasoning."""

import pytest

from tests.admission.rows import demonstration, ids, rules, turn
from tests.admission.test_filter_admission import D, filter_by

CALL = {"type": "function", "function": {"name": "weather", "arguments": '{"city": "Oslo"}'}}
OTHER = {"type": "function", "function": {"name": "weather", "arguments": '{"city": "Bergen"}'}}
ASKED = "How many apples does Ana have after she gives three of her twelve apples to Ben today?"
CHATBOT = "I am ChatGPT, a large language model trained by OpenAI."


def talk(*before, answer="Fine.", key="", **fields):
    """A demonstration of a conversation of three turns and an answer of several messages."""
    row = demonstration(f"{before}{answer}{key}{fields}", "x")
    prompt = [*before, *turn("user", "Thanks! Anything else?")]
    completion = answer if isinstance(answer, list) else turn("assistant", answer)
    return row | {"prompt": prompt, "completion": completion} | fields


def calling(call, **fields):
    return [{"role": "assistant", "tool_calls": [call], "content": ""} | fields, *turn("assistant", "It rains.")]


@pytest.mark.parametrize(
    ("one", "another", "duplicate"),
    [
        ({"answer": calling(CALL)}, {"answer": calling(CALL)}, True),
        ({"answer": calling(CALL)}, {"answer": calling(OTHER)}, False),
        ({"answer": calling(CALL)}, {"answer": calling(CALL, reasoning="I look.")}, False),
        ({"answer": calling(CALL)}, {"answer": calling(CALL), "tools": "[]"}, False),
    ],
)
def test_calls_reasoning_and_tools_tell_rows_apart(one, another, duplicate):
    found = filter_by(**{D: [talk(key=1, quality=0.9, **one), talk(key=2, **another)]})
    assert list(rules(found.dropped).values()) == ["exact duplicate"] * duplicate


@pytest.mark.parametrize(
    "before",
    [
        turn("system", "Be brief and kind to everyone whom you meet on your long way home.") + turn("user", ASKED),
        turn("user", "Hi!") + turn("assistant", "Hello! What can I do for you on this fine day?") + turn("user", ASKED),
        turn("user", "Hi!") + turn("assistant", ASKED),
        turn("user", "Look it up.") + [{"role": "tool", "content": ASKED, "name": "search"}],
    ],
)
def test_every_turn_is_decontaminated_by_itself(before):
    """Long turns beside it do not hide an evaluation prompt."""
    row, other = talk(*before), talk(*turn("user", "Tell me of ships and shoes."))
    found = filter_by(evaluation=[ASKED], **{D: [row, other]})
    assert rules(found.dropped) == {row["id"]: "evaluation overlap"} and ids(found.filtered_demonstrations) == {
        other["id"]
    }


def test_reasoning_and_arguments_of_calls_are_decontaminated_too():
    thinking = talk(answer=[{"role": "assistant", "content": "Nine.", "reasoning": ASKED}])
    calling_it = talk(answer=calling({"type": "function", "function": {"name": "f", "arguments": f'"{ASKED}"'}}))
    found = filter_by(evaluation=[ASKED], **{D: [thinking, calling_it]})
    assert set(rules(found.dropped).values()) == {"evaluation overlap"} and len(found.dropped) == 2


@pytest.mark.parametrize(
    "before", [turn("assistant", CHATBOT), [{"role": "assistant", "content": "Hi", "reasoning": CHATBOT}]]
)
def test_an_earlier_turn_or_thought_may_not_leak_an_identity(before):
    row, told = talk(*turn("user", "Hi"), *before), talk(*turn("user", CHATBOT), *turn("assistant", "Oh."))
    found = filter_by(**{D: [row, told]})
    (drop,) = found.dropped
    assert (drop.id, drop.rule) == (row["id"], "identity leakage") and "earlier turn" in drop.detail


def test_an_answer_that_only_calls_a_tool_is_not_empty():
    row, empty = talk(answer=calling(CALL)[:1]), talk(answer=turn("assistant", " "))
    assert rules(filter_by(**{D: [row, empty]}).dropped) == {empty["id"]: "empty completion"}


def test_conversations_that_share_a_system_prompt_are_no_near_duplicates():
    shared = turn("system", " ".join(f"Rule {n} of this house is kept." for n in range(200)))
    rows = [
        talk(*shared, *turn("user", text)) for text in ("Why is the sea salty?", "Who painted the ceiling in Rome?")
    ]
    rows = [row | {"prompt": row["prompt"][:-1]} for row in rows]
    found = filter_by({"near_duplicate": {"general": 0.7}}, **{D: rows})
    assert not len(found.dropped)
