"""ingest: which records become rows of which table, which are dropped by which rule, which are quarantined."""

import json

import pytest

from schemas.conversations import last_turn, text_of
from schemas.ids import content_id
from stages.curation.readers.record import FormatError
from tests.admission.rows import turn

MATH = {"prompt": "2+2?", "answer": "4"}


def kept(tables):
    """(table, its rows' text) of every row that was taken."""
    names = (
        "instructions",
        "problems",
        "code_tasks",
        "constraints",
        "passages",
        "characters",
        "safety_prompts",
        "evaluation",
    )
    return sorted(
        (name, asked_of(row) or getattr(row, "text", None) or row.name)
        for name in names
        for row in getattr(tables, name)
    )


def asked_of(row):
    """The prompt of a row, of a conversation its last turn; None where it has none."""
    prompt = getattr(row, "prompt", None)
    return last_turn(prompt) if isinstance(prompt, list) else prompt


def gone(tables):
    return sorted((row.rule, row.detail.split(": ", 1)[1]) for row in tables.dropped)


def errors(tables):
    return sorted((row.source, row.error) for row in tables.quarantine)


@pytest.mark.parametrize(
    ("row", "fields", "expected"),
    [
        (MATH, {"domain": "math"}, ("problems", "2+2?")),
        (MATH, {}, ("instructions", "2+2?")),
        ({"prompt": "Hello there"}, {"domain": "math"}, ("instructions", "Hello there")),
        ({"prompt": "Hi", "area": "a", "harmful": True}, {"domain": "safety"}, ("safety_prompts", "Hi")),
        ({"text": "No commas."}, {"domain": "constraint"}, ("constraints", "No commas.")),
        ({"text": "No commas."}, {}, ("instructions", "No commas.")),
        ({"text": "No commas."}, {"format": "constraint"}, ("constraints", "No commas.")),
        ({"prompt": "x", "entry_point": "f", "tests": []}, {"domain": "code"}, ("code_tasks", "x")),
    ],
)
def test_shape_and_domain_decide_the_table(take, row, fields, expected):
    tables = take(("a.jsonl", [row], fields))
    assert kept(tables) == [expected] and not len(tables.quarantine) and not len(tables.dropped)


def test_what_a_row_holds(take):
    row = {"prompt": "2+2?", "answer": "4", "solution": "It is 4."}
    fields = {"license": "CC0-1.0", "split": "dev", "domain": "code"}
    (found,) = take(("a.jsonl", ["", row][1:], fields)).instructions
    content = {"prompt": "2+2?", "reference": "It is 4.", "domain": "code"}
    assert found.model_dump() == {
        "id": content_id("instruction", content),
        "parents": [],
        "prompt": turn("user", "2+2?"),
        "reference": turn("assistant", "It is 4."),
        "tools": None,
        "domain": "code",
        "source": "a.jsonl:1",
        "license": "CC0-1.0",
        "split": "dev",
    }
    (found,) = take(("a.jsonl", [MATH], {})).instructions
    assert (text_of(found.reference), found.domain) == ("4", "general")
    (found,) = take(("a.jsonl", [{"prompt": "Hi", "completion": "Ho"}], {"domain": "math"})).instructions
    assert (text_of(found.reference), found.domain) == ("Ho", "math")


@pytest.mark.parametrize(
    ("row", "fields", "error"),
    [
        ({"prompt": "Hi"}, {"domain": "safety"}, "a safety prompt needs `area` and `harmful`"),
        (
            {"prompt": "Hi", "instruction_id_list": ["a"], "kwargs": [{}]},
            {},
            "declare the file under ingest.evaluation",
        ),
    ],
)
def test_a_shape_that_the_source_cannot_take_is_quarantined(take, row, fields, error):
    tables = take(("a.jsonl", [row], fields))
    ((source, reason),) = errors(tables)
    assert source == "a.jsonl:1" and error in reason and not kept(tables)
    (broken,) = tables.quarantine
    asked = json.loads(broken.raw)["prompt"]
    assert asked in ("Hi", turn("user", "Hi")) and broken.stage == "ingest" and broken.parents == []
    assert broken.id == content_id("quarantined", [broken.source, broken.error, broken.raw])


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (MATH, {"task": "math", "prompt": "2+2?", "answer": "4", "solution": None}),
        (MATH | {"solution": "It is 4."}, {"task": "math", "prompt": "2+2?", "answer": "4", "solution": "It is 4."}),
        (
            {"prompt": "x", "entry_point": "f", "tests": ["assert f()"], "setup": "a = 1", "solution": "s"},
            {"task": "code", "prompt": "x", "entry_point": "f", "tests": ["assert f()"], "setup": "a = 1"}
            | {"solution": "s"},
        ),
        (
            {"prompt": "Hi", "instruction_id_list": ["a"], "kwargs": [{"n": 1, "m": None}]},
            {"task": "constraint", "prompt": "Hi", "constraints": ["a"], "arguments": ['{"n":1}'], "answer": None}
            | {"solution": None},
        ),
        (
            {"prompt": "Hi", "completion": "Ho"},
            {"task": "general", "prompt": "Hi", "answer": "Ho", "solution": "Ho"},
        ),
        (
            {"prompt": "Hi", "area": "a", "harmful": True},
            {"task": "general", "prompt": "Hi", "answer": None, "solution": None},
        ),
    ],
)
def test_an_evaluation_file_becomes_evaluation_items_and_nothing_else(take, row, expected):
    tables = take(("s.jsonl", [{"prompt": "Else"}], {}), evaluation=[("a.jsonl", [row], {"license": "CC0-1.0"})])
    (item,) = tables.evaluation
    assert kept(tables) == [("evaluation", expected["prompt"]), ("instructions", "Else")]
    values = item.model_dump()
    assert {name: values[name] for name in expected} == expected and item.id == content_id("evaluation", expected)
    assert (item.source, item.license, item.split) == ("a.jsonl:1", "CC0-1.0", "test")


def test_what_cannot_be_evaluated_is_quarantined(take):
    source = ("s.jsonl", [{"prompt": "Else"}], {})
    tables = take(source, evaluation=[("a.jsonl", [{"text": "No commas."}], {"format": "constraint"})])
    assert "a constraint cannot be evaluated" in errors(tables)[0][1] and not len(tables.evaluation)


@pytest.mark.parametrize(
    ("prompt", "leaks"),
    [("two  and TWO?", True), (" Two and two?\n", True), ("Two and two", False), ("Two and three?", False)],
)
def test_a_training_row_with_an_evaluation_prompt_is_dropped(take, prompt, leaks):
    held = [("e.jsonl", [{"prompt": "Two and two?", "answer": "4"}], {})]
    for domain in ("general", "math"):
        tables = take(("a.jsonl", [{"prompt": prompt, "answer": "5"}], {"domain": domain}), evaluation=held)
        assert gone(tables) == ([("evaluation prompt", "its prompt is an evaluation item")] if leaks else [])
        assert len(tables.evaluation) == 1 and len(kept(tables)) == (1 if leaks else 2)
        assert [row.parents for row in tables.dropped] == [list(tables.evaluation.ids)] * leaks
    assert not gone(
        take(("a.txt", "Two and two?\n", {"domain": "constraint"}), evaluation=held)
    )  # no prompt of its own


def test_equal_rows_stand_once_within_a_source_and_over_sources(take):
    tables = take(
        ("a.jsonl", [MATH, {"prompt": "3+3?", "answer": "6"}, MATH], {}),
        ("b.jsonl", [MATH, MATH | {"answer": "5"}], {"license": "CC0-1.0"}),
        ("c.jsonl", [MATH], {"domain": "math"}),
    )
    assert kept(tables) == [("instructions", "2+2?")] * 2 + [("instructions", "3+3?"), ("problems", "2+2?")]
    assert sorted(row.detail for row in tables.dropped) == [
        "a.jsonl:3: the same instruction stands at a.jsonl:1",
        "b.jsonl:1: the same instruction stands at a.jsonl:1",
    ]
    first = next(row for row in tables.instructions if row.source == "a.jsonl:1")
    assert {(row.stage, row.rule, *row.parents) for row in tables.dropped} == {("ingest", "exact duplicate", first.id)}
    for row in tables.dropped:
        source = row.detail.split(": ", 1)[0]
        assert row.id == content_id("dropped", ["instruction", source, "exact duplicate"], [first.id])
    twice = take(
        ("s.jsonl", [{"prompt": "Else"}], {}), evaluation=[("e.jsonl", [MATH, MATH], {}), ("f.jsonl", [MATH], {})]
    )
    assert len(twice.evaluation) == 1 and [rule for rule, _ in gone(twice)] == ["exact duplicate"] * 2


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        (None, "abcdef"),
        ("", "abcdef"),
        ("2", "b"),
        ("2-4", "bcd"),
        ("4-4", "d"),
        ("2-3, x-7", "bce"),
        ("1,x-7", "ae"),
        (" 3 , , 1 ", "ac"),
        ("9", ""),
        ("8", "f"),
        ("6", ""),
        ("4-2", ""),
        ("x", ""),
        ("-2", ""),
        ("2-", ""),
        ("x-1-2", ""),
    ],
)
def test_ids_and_ranges_choose_records(take, ids, expected):
    names = [{"task_id": 1}, {"id": 2}, {}, {"task_id": 4, "id": 9}, {"id": "x-7", "key": 3}, {"key": 8}]
    rows = [{"prompt": letter} | name for letter, name in zip("abcdef", names, strict=True)]
    tables = take(("a.jsonl", rows, {"ids": ids}))
    chosen = "".join(sorted(last_turn(row.prompt) for row in tables.instructions))
    assert chosen == expected and not len(tables.dropped)


def test_a_record_without_an_id_is_chosen_by_its_line(take):
    rows = "\n".join(json.dumps({"prompt": letter}) for letter in "abc")
    assert kept(take(("a.jsonl", "\n" + rows, {"ids": "2-3"}))) == [("instructions", "a"), ("instructions", "b")]


@pytest.mark.parametrize(("limit", "left"), [(None, 0), (4, 0), (5, 0), (3, 1), (1, 3)])
def test_a_limit_takes_the_rows_with_the_least_ids_and_counts_the_others(take, limit, left):
    rows = [{"prompt": letter} for letter in "abcd"]
    tables = take(("a.jsonl", rows, {"limit": limit}), ("b.jsonl", [{"prompt": "z"}], {}))
    ids = sorted(content_id("instruction", row | {"reference": None, "domain": "general"}) for row in rows)
    taken = [row.id for row in tables.instructions if last_turn(row.prompt) != "z"]
    assert taken == ids[: 4 - left] and len(tables.instructions) == 5 - left
    assert tables.metrics["rows_by_source"] == {"s0": {"instructions": 4 - left}, "s1": {"instructions": 1}}
    assert tables.metrics["not_taken"] == ({"s0: rows over the limit": left} if left else {})


def test_turns_and_instances_that_are_not_taken_are_counted_by_source(take):
    talk = [{"role": role, "content": f"{role} {n}"} for n, role in enumerate(["user", "assistant", "user"])]
    many = {"instruction": "Rhyme.", "instances": [{"input": "", "output": "a"}, {"input": "b", "output": "c"}]}
    tables = take(("a.jsonl", [{"messages": talk}, {"messages": talk[:2]}], {}), ("b.jsonl", [many], {}))
    left = {"s0: turns after the last reply": 1, "s1: instances after the first": 1}
    assert tables.metrics["not_taken"] == left


def test_fields_that_no_shape_looks_at_are_counted_once_by_name(take):
    rows = [{"prompt": letter, "id": n, "lang": "en" if n else "", "a\nb": 1} for n, letter in enumerate("abc")]
    tables = take(("a.jsonl", rows, {}), ("b.csv", "prompt,answer,note\n2+2?,4,x\n3+3?,6,\n", {"domain": "math"}))
    left = {"s0: field a b": 3, "s0: field id": 3, "s0: field lang": 2, "s1: field note": 1}
    assert tables.metrics["not_taken"] == left


def test_a_file_with_a_field_for_each_row_does_not_fill_the_metrics(take):
    rows = [{"prompt": str(n), f"key{n}": 1, "id": n} for n in range(300)]
    left = take(("a.jsonl", rows, {})).metrics["not_taken"]
    assert len(left) == 201 and left["s0: field id"] == 300 and sum(left.values()) == 600
    assert left["fields of other names"] == 101


@pytest.mark.parametrize(("answer", "counted"), [("4", False), ("5", True)])
def test_an_answer_that_its_working_does_not_name_is_counted_outside_of_maths(take, answer, counted):
    row = {"prompt": "2+2?", "answer": answer, "solution": "It is 4."}
    assert bool(take(("a.jsonl", [row], {})).metrics["not_taken"]) is counted
    assert not take(("a.jsonl", [row], {"domain": "math"})).metrics["not_taken"]


PAIR = {"prompt": "Two and two?", "chosen": "Four.", "rejected": "Five."}


def test_what_a_given_preference_holds(take):
    row = PAIR | {"system": "Be brief.", "score_chosen": 4, "score_rejected": 1}
    (found,) = take(("a.jsonl", [row], {"domain": "code", "license": "CC0-1.0"})).given_preferences
    prompt = turn("system", "Be brief.") + turn("user", "Two and two?")
    assert found.model_dump() == {
        "id": content_id("preference", [prompt, "Four.", "Five."], []),
        "parents": [],
        "prompt": prompt,
        "domain": "code",
        "strategy": "given",
        "label_source": "given",
        "quality": 1.0,
        "samples": None,
        "pass_rate": None,
        "votes": None,
        "tags": [],
        "scores": [{"name": "given", "value": 4.0}],
        "license": "CC0-1.0",
        "verdicts": [],
        "engine": "source",
        "simulated": False,
        "source": "a.jsonl:1",
        "chosen": turn("assistant", "Four."),
        "rejected": turn("assistant", "Five."),
        "margin": 3.0,
        "tools": None,
    }
    (found,) = take(("a.jsonl", [PAIR], {})).given_preferences
    assert (found.margin, found.scores, found.domain) == (1.0, [], "general")


def test_a_pair_stands_once_and_one_without_a_difference_is_quarantined(take):
    rows = [PAIR, PAIR | {"rejected": "Six."}, PAIR | {"id": 1}, PAIR | {"rejected": "Four."}]
    tables = take(("a.jsonl", rows, {}))
    assert {row.rejected[0].content for row in tables.given_preferences} == {"Five.", "Six."}
    assert gone(tables) == [("exact duplicate", "the same preference stands at a.jsonl:1")]
    assert errors(tables) == [("a.jsonl:4", "not preference: `chosen` and `rejected` are the same text")]


TALK = [{"role": role, "content": text} for role, text in zip(["user", "assistant"] * 2, "abcd", strict=True)]


@pytest.mark.parametrize(
    ("row", "leaks"),
    [
        ({"messages": TALK}, True),
        ({"messages": TALK[2:]}, False),
        ({"instruction": "c", "input": "", "output": "d", "history": [["a", "b"]]}, True),
        ({"prompt": "a", "chosen": "b", "rejected": "e"}, True),
        ({"prompt": TALK[:3], "chosen": "d", "rejected": "e"}, True),
        ({"prompt": "c", "chosen": "a", "rejected": "e"}, False),
    ],
)
def test_no_turn_of_the_user_may_be_an_evaluation_prompt(take, row, leaks):
    tables = take(("a.jsonl", [row], {}), evaluation=[("e.jsonl", [{"prompt": " A", "answer": "5"}], {})])
    assert gone(tables) == [("evaluation prompt", "its prompt is an evaluation item")] * leaks
    assert len(tables.instructions) + len(tables.given_preferences) == (not leaks)


@pytest.mark.parametrize(
    ("row", "items", "left"),
    [
        ({"messages": TALK}, [("a", "b"), ("c", "d")], {}),
        ({"messages": TALK[:1]}, [("a", None)], {}),
        (
            {"messages": [{"role": "system", "content": "s"}, *TALK]},
            [("a", "b"), ("c", "d")],
            {"e0: system prompts of evaluation items": 1},
        ),
        ({"prompt": TALK[:3], "chosen": "d", "rejected": "e"}, [("a", "b"), ("c", "d")], {"e0: field rejected": 1}),
        (
            {"prompt": "a", "area": "x", "harmful": True},
            [("a", None)],
            {"e0: field area": 1, "e0: field harmful": 1},
        ),
    ],
)
def test_each_turn_of_the_user_is_an_evaluation_item(take, row, items, left):
    tables = take(("s.jsonl", [{"prompt": "Else"}], {}), evaluation=[("e.jsonl", [row], {})])
    assert sorted((item.prompt, item.solution) for item in tables.evaluation) == items
    assert tables.metrics["not_taken"] == left


@pytest.mark.parametrize(("right", "wrong", "told"), [(2, 1, True), (1, 1, False), (1, 2, False), (3, 2, True)])
def test_a_format_is_what_more_than_half_of_the_sound_records_have(take, right, wrong, told):
    rows = [{"question": f"{n}?", "answer": "#### 1"} for n in range(right)] + [{"query": str(n)} for n in range(wrong)]
    if told:
        tables = take(("a.jsonl", rows, {"domain": "math"}))
        assert len(tables.problems) == right and len(tables.quarantine) == wrong
        assert all("not gsm8k: no field `question`" in error for _, error in errors(tables))
        assert all("query" in row.raw for row in tables.quarantine)
    else:
        with pytest.raises(
            FormatError, match=r"its first \d records have the fields \['answer', 'query', 'question'\]"
        ):
            take(("a.jsonl", rows, {"domain": "math"}))


def test_only_sound_records_at_the_beginning_tell_the_format(take):
    rows = [{"query": "x"}, {"prompt": "b"}, {"prompt": "c"}]
    assert len(take(("a.jsonl", rows, {}), detect_rows=3).instructions) == 2
    with pytest.raises(FormatError, match="its first 2 records"):
        take(("a.jsonl", rows, {}), detect_rows=2)
    broken = 'x\ny\nz\n{"prompt": "a"}\n'
    tables = take(("a.jsonl", broken, {}))
    assert kept(tables) == [("instructions", "a")] and [source for source, _ in errors(tables)] == [
        "a.jsonl:1",
        "a.jsonl:2",
        "a.jsonl:3",
    ]
    with pytest.raises(FormatError, match=r"none of its first 1 records can be read .*line 1: not JSON"):
        take(("a.jsonl", "x\n", {}))
    with pytest.raises(FormatError, match="the file is empty; remove it from source s0"):
        take(("a.jsonl", "\n", {}))


def test_a_format_that_is_named_is_not_guessed(take):
    rows = [{"prompt": "2+2?", "answer": "4"}]
    assert kept(take(("a.jsonl", rows, {"format": "prompt", "domain": "math"}))) == [("instructions", "2+2?")]
    tables = take(("a.jsonl", rows, {"format": "gsm8k", "domain": "math"}))
    assert errors(tables) == [("a.jsonl:1", "not gsm8k: no field `question`")]
