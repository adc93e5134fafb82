"""Shapes: which record becomes which row, what of it is counted as not taken, and what is refused."""

import json
import time

import pytest

from schemas.products import message
from stages.curation.readers.conversations import transcript_turns
from stages.curation.readers.fields import Misfit
from stages.curation.readers.problems import last_box
from stages.curation.readers.shapes import SHAPES

SYSTEM = {"role": "system", "content": "Be brief."}
AFTER = "turns after the last reply"
CUT = "turns from the first without text"


def turns(*texts, roles=("user", "assistant")):
    return [{"role": roles[n % 2], "content": text} for n, text in enumerate(texts)]


def sharegpt(*texts):
    return [{"from": ("human", "gpt")[n % 2], "value": text} for n, text in enumerate(texts)]


def detected(record):
    """The first shape that has the record, and its item."""
    for name, shape in SHAPES.items():
        try:
            return name, shape(record)
        except Misfit:
            continue
    raise AssertionError("no shape")


def instruction(prompt, reference=None, context=None):
    answer = [] if reference is None else [message("assistant", reference)]
    return {"prompt": [*(context or []), message("user", prompt)], "reference": answer}


IMAGE = {"type": "image_url", "image_url": {"url": "x.png"}}
CALL = {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "weather"}}]}
TOOL = {"role": "tool", "content": "12 degrees"}
WEATHER = {"type": "function", "function": {"name": "weather", "arguments": "{}"}}
CALLED = {"role": "assistant", "content": "", "tool_calls": [WEATHER]}


@pytest.mark.parametrize(
    ("shape", "record", "fields", "left"),
    [
        (
            "alpaca",
            {"instruction": "c", "input": "", "output": "d", "system": "Be brief.", "history": [["a", "b"]]},
            instruction("c", "d", [SYSTEM, *turns("a", "b")]),
            {},
        ),
        (
            "alpaca",  # a CSV cell holds the history as JSON
            {"instruction": "c", "input": "x", "output": "d", "history": '[["a","b"],["e","f"]]', "id": "7"},
            instruction("c\n\nx", "d", turns("a", "b", "e", "f")),
            {"field id": 1},
        ),
        (
            "alpaca",
            {"instruction": "c", "input": None, "output": "d", "system": "", "history": [], "lang": "en", "meta": {}},
            instruction("c", "d"),
            {"field lang": 1},
        ),
        (
            "alpaca",
            {"instruction": "c", "input": "", "output": ["d"], "history": "earlier"},
            instruction("c"),
            {"field output": 1, "field history": 1},
        ),
        (
            "prompt_completion",
            {"system_prompt": "Be brief.", "question": "c", "response": "d", "source": "web"},
            instruction("c", "d", [SYSTEM]),
            {"field source": 1},
        ),
        (
            "dolly",
            {"instruction": "Who?", "context": "Ada sang.", "response": "Ada.", "category": "qa"},
            instruction("Who?\n\nAda sang.", "Ada."),
            {"field category": 1},
        ),
        (
            "prompt_completion",
            {"prompt": "Sort. c a", "input": "c a", "completion": "a c"},
            instruction("Sort. c a", "a c"),
            {"field input": 1},
        ),
        ("prompt_completion", {"prompt": "c", "completion": "d", "label": True}, instruction("c", "d"), {}),
        (
            "prompt_completion",
            {"prompt": "c", "completion": "d", "label": "sports"},
            instruction("c", "d"),
            {"field label": 1},
        ),
        (
            "prompt_completion",
            {"prompt": "c", "completion": "d", "label": "False"},
            instruction("c"),
            {"completions labelled false": 1},
        ),
        (
            "messages",
            {"prompt": turns("c"), "completion": turns("c", "d")[1:], "label": False},
            instruction("c"),
            {"completions labelled false": 1},
        ),
        (
            "character",
            {"name": "Ada", "claims": [{"property": "work", "value": "baker", "rank": "normal"}], "born": 1815},
            {"name": "Ada", "description": "", "aliases": [], "article": ""}
            | {"claims": [{"property": "work", "value": "baker"}]},
            {"field claims.rank": 1, "field born": 1},
        ),
        ("prompt", {"prompt": "c", "system": "Be brief."}, instruction("c", None, [SYSTEM]), {}),
        ("prompt", {"prompt": None, "question": "c", "completion": None}, instruction("c"), {}),
        (
            "sharegpt",
            {"system": "Be brief.", "conversations": sharegpt("a", "b", "c", "d")},
            instruction("c", "d", [SYSTEM, *turns("a", "b")]),
            {},
        ),
        (
            "sharegpt",
            {"conversations": [{"from": "system", "value": "Be brief."}, *sharegpt("c", "d")], "id": "x"},
            instruction("c", "d", [SYSTEM]),
            {"field id": 1},
        ),
        (
            "sharegpt",  # both prompts of the system are one message; turns may be OpenAI's
            {"system": "In verse.", "conversations": [SYSTEM, *turns("c", "d")]},
            instruction("c", "d", [{"role": "system", "content": "In verse.\n\nBe brief."}]),
            {},
        ),
        (
            "sharegpt",
            {"system": "Be brief.", "conversations": [SYSTEM, *turns("c")]},
            instruction("c", None, [SYSTEM]),
            {},
        ),
        ("messages", {"messages": turns("c", "d", "e")}, instruction("c", "d"), {AFTER: 1}),
        ("messages", {"messages": turns("c", "d") + turns("e", "f")[1:]}, instruction("c", "d"), {AFTER: 1}),
        ("messages", {"messages": turns("c", "d", "e", "f")}, instruction("e", "f", turns("c", "d")), {}),
        (
            "messages",
            {"messages": turns("b", "c", roles=("assistant", "user"))},
            instruction("c", None, [{"role": "assistant", "content": "b"}]),
            {},
        ),
        (
            "messages",
            {
                "messages": [
                    {"role": "Human", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}
                ]
            },
            instruction("a\nb"),
            {},
        ),
        (
            "messages",
            {"messages": [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": ["c"]}]},
            instruction("c", None, [SYSTEM]),
            {},
        ),
        (
            "messages",
            {"messages": [*turns("c"), {"role": "assistant", "content": "d", "reasoning_content": "hm", "weight": 0}]},
            {"prompt": turns("c"), "reference": [{"role": "assistant", "content": "d", "reasoning": "hm"}]},
            {"field messages.weight": 1},
        ),
        (
            "messages",
            {"messages": [*turns("c", "d", "e"), CALL, TOOL, *turns("x", "f")[1:]], "tools": [{"name": "weather"}]},
            {"prompt": turns("c", "d", "e"), "reference": [CALLED, TOOL, *turns("x", "f")[1:]]}
            | {"tools": '[{"type": "function", "function": {"name": "weather"}}]'},
            {},
        ),
        (
            "messages",
            {"messages": [*turns("c"), CALL, TOOL], "tools": ["weather"]},  # a name alone is no tool
            {"prompt": turns("c"), "reference": [CALLED]},
            {AFTER: 1, "field tools": 1},
        ),
        ("messages", {"messages": [*turns("c"), {"role": "assistant", "content": " "}]}, instruction("c"), {CUT: 1}),
        ("messages", {"messages": [*turns("c"), {"role": "assistant", "content": ""}]}, instruction("c"), {}),
        ("messages", {"messages": [{"role": "system", "content": ""}, *turns("c")]}, instruction("c"), {}),
        ("messages", {"prompt": turns("c"), "completion": turns("c", "d")[1:]}, instruction("c", "d"), {}),
        ("messages", {"prompt": [SYSTEM, *turns("c")]}, instruction("c", None, [SYSTEM]), {}),
        (
            "self_instruct",
            {
                "instruction": "c",
                "instances": [{"input": "x", "output": "d", "note": "n"}, {}],
                "is_classification": False,
            },
            instruction("c\n\nx", "d"),
            {"field instances.note": 1, "instances after the first": 1, "field is_classification": 1},
        ),
        (
            "apps",  # its tests are inputs and outputs of programs
            {"question": "c", "solutions": "[]", "input_output": '{"inputs": []}', "difficulty": "interview"},
            instruction("c"),
            {"field input_output": 1, "field difficulty": 1},
        ),
        (
            "math",
            {"problem": "p", "solution": "So $x=\\boxed{\\frac{1}{2}}$.", "level": "Level 5", "type": "Algebra"},
            {"prompt": "p", "answer": "\\frac{1}{2}", "solution": "So $x=\\boxed{\\frac{1}{2}}$."},
            {"field level": 1, "field type": 1},
        ),
        (
            "prompt_answer",
            {"problem": "p", "solution": "It is \\boxed{2}.", "answer": "2", "subject": "Algebra", "level": 3},
            {"prompt": "p", "answer": "2", "solution": "It is \\boxed{2}."},
            {"field subject": 1, "field level": 1},
        ),
        (
            "mbpp",
            {
                "text": "p",
                "code": "def f(): return 1",
                "test_list": ["assert f() == 1"],
                "challenge_test_list": ["assert f()"],
            },
            {
                "prompt": "p",
                "entry_point": "f",
                "tests": ["assert f() == 1"],
                "setup": "",
                "solution": "def f(): return 1",
            },
            {"field challenge_test_list": 1},
        ),
        (
            "mbpp",
            {"prompt": "p", "entry_point": "g", "test_list": ["assert f(g(1)) == 1"], "code": "def f(x): return x"},
            {"prompt": "p", "entry_point": "g", "tests": ["assert f(g(1)) == 1"], "setup": ""}
            | {"solution": "def f(x): return x"},
            {},
        ),
        (
            "code_task",
            {"prompt": "p", "entry_point": "f", "tests": ["assert f() == 1"], "code": "def f(): return 1", "id": 0},
            {"prompt": "p", "entry_point": "f", "tests": ["assert f() == 1"], "setup": ""}
            | {"solution": "def f(): return 1"},
            {"field id": 1},
        ),
    ],
)
def test_a_record_becomes_a_row_and_the_rest_is_counted(shape, record, fields, left):
    name, item = detected(record)
    assert (name, item.fields) == (shape, fields) and {key: n for key, n in item.left.items() if n} == left
    json.dumps(item.fields)


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"messages": [{"role": "user", "content": {"parts": ["a"]}}]}, "content is dict, not a text"),
        ({"messages": [{"role": "narrator", "content": "a"}]}, "`narrator`, which is no known role"),
        ({"messages": [{"role": "user"}]}, "turns without `role` and `content`"),
        ({"messages": ["a"]}, "turns without `role` and `content`"),
        ({"messages": [SYSTEM]}, "no user turn"),
        ({"messages": [CALL, TOOL]}, "no user turn"),
        ({"messages": "a"}, "no list `messages`"),
        ({"messages": None}, "no list `messages`"),
        ({"prompt": turns("a"), "completion": "b"}, "`completion` is none"),
    ],
)
def test_what_a_conversation_cannot_hold_is_named(record, reason):
    with pytest.raises(Misfit, match=reason):
        SHAPES["messages"](record)


@pytest.mark.parametrize("role", ["assistant", "GPT", "system", "tool"])
def test_a_single_message_of_another_than_the_user_is_no_prompt(role):
    with pytest.raises(Misfit, match=f"a message of `{role}` is no prompt"):
        SHAPES["prompt"]({"text": "a", "role": role, "message_id": "1"})
    assert SHAPES["prompt"]({"text": "a", "role": "prompter"}).fields["prompt"] == turns("a")
    assert SHAPES["prompt"]({"prompt": "a", "role": role}).left == {"field role": 1}
    assert SHAPES["prompt"]({"text": "a", "role": "editor"}).left == {"field role": 1}


@pytest.mark.parametrize("history", [[["a"]], [["a", "b", "c"]], ["a", "b"], [["a", 1]], [["a", " "]], [{"q": "a"}]])
def test_a_history_that_is_no_list_of_exchanges_is_refused_not_lost(history):
    with pytest.raises(Misfit, match="`history` is not a list of"):
        SHAPES["alpaca"]({"instruction": "c", "output": "d", "history": history})


PAIR = {"prompt": turns("c"), "chosen": "d", "rejected": "e", "margin": 1.0, "score": None}
HH = "\n\nHuman: a\n\nAssistant: b\n\nHuman: c\n\nAssistant: {}"


@pytest.mark.parametrize(
    ("record", "fields", "left"),
    [
        ({"prompt": "c", "chosen": "d", "rejected": "e"}, {}, {}),
        ({"question": "c", "chosen": "d", "rejected": "e", "id": 3}, {}, {"field id": 1}),
        ({"instruction": "c", "input": "x", "chosen": "d", "rejected": "e"}, {"prompt": turns("c\n\nx")}, {}),
        ({"system": "Be brief.", "prompt": "c", "chosen": "d", "rejected": "e"}, {"prompt": [SYSTEM, *turns("c")]}, {}),
        ({"prompt": turns("c"), "chosen": turns("x", "d")[1:], "rejected": turns("x", "e")[1:]}, {}, {}),
        ({"chosen": turns("c", "d"), "rejected": turns("c", "e")}, {}, {}),
        ({"prompt": "c", "chosen": turns("c", "d"), "rejected": turns("c", "e")}, {}, {}),
        (
            {"prompt": "evol_12", "chosen": turns("c", "d"), "rejected": turns("c", "e")},
            {},
            {"field prompt (not the prompt of both sides)": 1},
        ),
        (
            {"prompt": [SYSTEM, *turns("c")], "chosen": turns("c", "d"), "rejected": turns("c", "e")},
            {"prompt": [SYSTEM, *turns("c")]},
            {},
        ),
        (
            {
                "conversations": sharegpt("a", "b", "c"),
                "chosen": {"from": "gpt", "value": "d"},
                "rejected": sharegpt("x", "e")[1],
            },
            {"prompt": turns("a", "b", "c")},
            {},
        ),
        ({"chosen": HH.format("d"), "rejected": HH.format("e")}, {"prompt": turns("a", "b", "c")}, {}),
        ({"prompt": HH.format(""), "chosen": "d", "rejected": "e"}, {"prompt": turns("a", "b", "c")}, {}),
        (
            {"prompt": "c", "chosen": "d", "rejected": "e", "score_chosen": 4.5, "score_rejected": 2},
            {"margin": 2.5, "score": 4.5},
            {},
        ),
        (
            {"prompt": "c", "chosen": "d", "rejected": "e", "chosen_score": "3", "rejected_score": "1"},
            {"margin": 2.0, "score": 3.0},
            {},
        ),
        ({"prompt": "c", "chosen": "d", "rejected": "e", "margin": 0.25}, {"margin": 0.25}, {}),
        ({"prompt": "c", "chosen": "d", "rejected": "e", "chosen-rating": 3.0}, {"score": 3.0}, {}),
        ({"prompt": "c", "chosen": "d", "rejected": "e", "score_rejected": 3}, {}, {"field score_rejected": 1}),
    ],
)
def test_a_preference_is_taken_as_it_was_given(record, fields, left):
    name, item = detected(record)
    assert (name, item.kind) == ("preference", "preference") and item.fields == PAIR | fields
    assert {key: n for key, n in item.left.items() if n} == left


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"prompt": "c", "chosen": "d", "rejected": " d\r\n"}, "the same text"),
        ({"prompt": "c", "chosen": "d", "rejected": ""}, "no field `rejected`"),
        ({"prompt": "c", "chosen": "d", "rejected": " "}, "`rejected` is empty"),
        ({"prompt": "c", "chosen": "d"}, "no field `rejected`"),
        ({"chosen": "d", "rejected": "e"}, "no user turn"),
        ({"chosen": turns("a", "d"), "rejected": turns("c", "e")}, "differ before their last answer"),
        ({"chosen": turns("a", "d", "c"), "rejected": turns("a", "d", "e")}, "does not end with the assistant's turn"),
        (
            {"prompt": "c", "chosen": [{"role": "assistant", "content": ""}, TOOL], "rejected": "e"},
            "`chosen` has 1 turns that a row cannot hold",
        ),
        ({"prompt": "c", "chosen": [], "rejected": "e"}, "no field `chosen`"),
        ({"prompt": "c", "chosen": 1, "rejected": 2}, "no list `chosen`"),
        (
            {"prompt": "c", "chosen": "d", "rejected": "e", "score_chosen": 1, "score_rejected": 1},
            "do not prefer `chosen`",
        ),
        (
            {"prompt": "c", "chosen": "d", "rejected": "e", "score_chosen": 1, "score_rejected": 2},
            "do not prefer `chosen`",
        ),
        ({"prompt": "c", "chosen": "d", "rejected": "e", "score_chosen": "good"}, "`score_chosen` is not a number"),
        ({"prompt": "c", "chosen": "d", "rejected": "e", "margin": 0}, "not above 0"),
        ({"prompt": "c", "chosen": "d", "rejected": "e", "margin": float("nan")}, "not a finite number"),
        ({"prompt": [*turns("c"), CALL], "chosen": "d", "rejected": "e"}, "no user turn before"),
    ],
)
def test_a_pair_that_says_nothing_or_too_much_is_refused(record, reason):
    with pytest.raises(Misfit, match=reason):
        SHAPES["preference"](record)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("\n\nHuman: a\n\nAssistant: b", ["a", "b"]),
        ("Human: a\n\nAssistant:", ["a", ""]),
        ("\n\nHuman: a\nHuman: b\n\nc", ["a\nHuman: b\n\nc"]),
        ("A note.\n\nHuman: a", []),
        ("Humans: a", []),
        ("", []),
    ],
)
def test_a_transcript_is_cut_at_its_speakers(text, found):
    assert [turn["content"] for turn in transcript_turns(text)] == found


@pytest.mark.parametrize(
    ("solution", "answer"),
    [
        ("\\boxed{2}", "2"),
        ("\\boxed{1} then \\boxed{3}", "3"),
        ("\\fbox{2}", "2"),
        ("\\boxed{\\left\\{1,\\,2\\right\\}}", "\\left\\{1,\\,2\\right\\}"),
        ("\\boxed{\\text{a {b} c}}.", "\\text{a {b} c}"),
        ("\\boxed 15$.", "15"),
        ("\\boxed {15}", "15"),
        ("\\boxed{2", ""),
        ("\\boxed{}", ""),
        ("no box", ""),
        ("\\boxedx{2}", ""),
    ],
)
def test_the_answer_of_a_solution_is_its_last_box(solution, answer):
    assert last_box(solution) == answer


@pytest.mark.parametrize(
    ("read", "hostile"),
    [
        (last_box, "\\boxed{" + "{" * 20),
        (last_box, "\\boxed" + " " * 20),
        (last_box, "\\boxed " + "\\" * 20),
        (transcript_turns, "\n\nHuman" + "\n\nHuman:"),
        (transcript_turns, " " * 20),
    ],
)
def test_ten_times_the_text_takes_about_ten_times_as_long(read, hostile):
    def seconds(text):
        spent = []
        for _ in range(3):
            begun = time.process_time()
            read(text)
            spent.append(time.process_time() - begun)
        return min(spent)

    assert seconds(hostile * 20_000) < 40 * max(seconds(hostile * 2_000), 1e-4)


@pytest.mark.parametrize(
    ("names", "arguments", "reason"),
    [
        (["a"], ["x"], "not a list of objects"),
        (["a"], [[1]], "not a list of objects"),
        (["a"], 3, "`kwargs` has no entries"),
        (["a"], [{}, {}], "`kwargs` has 2 entries"),
        ([1], [{}], "no list of names"),
    ],
)
def test_arguments_of_constraints_are_objects_one_for_each(names, arguments, reason):
    with pytest.raises(Misfit, match=reason):
        SHAPES["ifeval"]({"prompt": "Hi", "instruction_id_list": names, "kwargs": arguments})
