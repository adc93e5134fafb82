"""respond: which responses become candidates, which are too alike, and what is left where none comes."""

import pytest

from schemas.conversations import text_of
from schemas.ids import content_id, seed_of
from schemas.rows import Evolved, Selected
from schemas.table import Table
from stages.annotation.params import RespondParams
from stages.annotation.respond import is_alike, respond
from tests.admission.rows import CUT, evolved_row, ids, selected_row, turn
from tests.engines import scripted

ROW = selected_row("Name four fish.", domain="math", license="MIT", tags=["fish"])


def respond_to(small, large, rows=(ROW,), evolved=(), **params):
    limits = RespondParams.model_validate({"strategies": ["plain"]} | params)
    with scripted(small, role="small", model="s") as one, scripted(large, role="large", model="l") as two:
        tables = respond(Table.of(Selected, rows), Table.of(Evolved, evolved), limits, one, two)
    for table in tables:
        table.check()
    return tables, one, two


def texts(tables):
    return sorted(text_of(row.completion) for row in tables.candidates)


@pytest.mark.parametrize(
    ("first", "second", "threshold", "alike"),
    [
        ("abcdefghij", "abcdefghij", 0.9, True),
        ("abcdefghij", "abcdefghiX", 0.9, False),  # as alike as the threshold stays
        ("abcdefghij", "abcdefghiX", 0.89, True),
        ("abcdefghij", "abcdefghXY", 0.9, False),
        ("abcdefghij", " abcdefghij\n", 0.99, True),
        ("abcdefghij", "0123456789", 0.0, False),
        ("abcdefghij", "a123456789", 0.0, True),
        ("abcdefghij", "abcdefghij", 1.0, True),
        ("The  Pike’s\nhere", "the pikes here", 1.0, True),  # equal in normal form
        ("abcdefghij", "abcdefghijk", 1.0, False),
    ],
)
def test_responses_more_alike_than_the_threshold_are_one_candidate(first, second, threshold, alike):
    tables, _, _ = respond_to([first], [second], near_duplicate=threshold)
    assert len(tables.candidates) == (1 if alike else 2)
    assert [(row.parents, row.stage, row.rule) for row in tables.dropped] == [
        ([ROW["id"]], "respond", "near duplicate")
    ] * alike
    if alike:  # the first by id stays
        assert next(iter(tables.candidates)).id < next(iter(tables.dropped)).id


WORDS = [f"w{n}" for n in range(3000)]
"""More characters than are compared one by one."""


@pytest.mark.parametrize(
    ("changed", "cut", "alike"),
    [
        (0, 3000, True),
        (99, 3000, True),  # each changed word is part of three runs: 297 of 2,998 are lost
        (100, 3000, False),
        (0, 2800, True),
        (0, 2400, False),
    ],
)
def test_long_responses_are_compared_by_runs_of_three_tokens(changed, cut, alike):
    other = [f"x{n}" if n % 10 == 5 and n < 10 * changed else word for n, word in enumerate(WORDS)][:cut]
    assert is_alike(" ".join(WORDS), " ".join(other), 0.9) is alike
    assert is_alike(" ".join(WORDS), " ".join(reversed(WORDS)), 0.9) is False


def test_responses_to_different_instructions_are_never_duplicates_and_evolved_ones_are_answered():
    harder = evolved_row("Name four fish that live in rivers.")
    tables, _, _ = respond_to(["same", "same"], ["other", "other"], evolved=[harder])
    assert {(row.prompt_id, text_of(row.completion)) for row in tables.candidates} == {
        (key, text) for key in (ROW["id"], harder["id"]) for text in ("same", "other")
    }
    assert not len(tables.dropped)


def test_every_role_answers_by_every_strategy_at_every_temperature():
    params = {"strategies": ["plan", "principle"], "temperatures": [0.2, 1.0]}
    replies = [[f"{role} answer {n} {'xyzw'[n] * 30}" for n in range(4)] for role in ("small", "large")]
    tables, small, large = respond_to(*replies, **params)
    found = {text_of(row.completion): (row.role, row.response_strategy, row.temperature) for row in tables.candidates}
    order = [(strategy, temperature) for strategy in params["strategies"] for temperature in params["temperatures"]]
    assert found == {
        text: (role, *how)
        for role, given in zip(("small", "large"), replies, strict=True)
        for text, how in zip(given, order, strict=True)
    }
    for engine in (small, large):
        assert ["plan silently" in asked for asked in engine.backend.asked] == [True, True, False, False]


def test_the_temperature_is_that_of_the_request_and_the_seed_that_of_row_role_and_strategy():
    seen = []
    reply = lambda request: seen.append((request.config.sampling["temperature"], request.seed)) or "x" * 9  # noqa: E731
    respond_to(reply, reply, temperatures=[0.25, 1.5])
    seeds = {role: seed_of(ROW["id"], role, "plain") for role in ("small", "large")}
    assert seen == [(heat, seeds[role]) for role in ("small", "large") for heat in (0.25, 1.5)]


def test_what_a_candidate_holds():
    tables, small, _ = respond_to([" Pike.\n"], [CUT], temperatures=[0.3])
    (row,) = tables.candidates
    parents = [ROW["id"], row.generation]
    assert row.model_dump() == {
        "id": content_id("candidate", [["small", "plain", 0.3], " Pike.\n"], parents),
        "parents": parents,
        "prompt_id": ROW["id"],
        "domain": "math",
        "prompt": turn("user", "Name four fish."),
        "completion": turn("assistant", "Pike."),
        "tools": None,
        "source": "seeds:1",
        "role": "small",
        "response_strategy": "plain",
        "temperature": 0.3,
        "tags": ["fish"],
        "license": "MIT",
        "generation": row.generation,
        "engine": small.questions.label,
        "simulated": True,
    }


def test_a_failed_answer_is_quarantined_alone_and_an_instruction_without_any_is_dropped():
    other = selected_row("Why is it so?")
    tables, _, _ = respond_to({"Name": CUT, "Why": "Because."}, {"Name": CUT, "Why": CUT}, [ROW, other])
    assert [text_of(row.completion) for row in tables.candidates] == ["Because."]
    assert [(row.id, row.parents, row.stage, row.rule) for row in tables.dropped] == [
        (ROW["id"], [], "respond", "no response")
    ]
    assert sorted(row.parents[0] for row in tables.quarantine) == sorted([ROW["id"], ROW["id"], other["id"]])
    assert {(row.stage, row.error, row.raw) for row in tables.quarantine} == {("respond", "length", "cut o")}
    assert not ids(tables.quarantine) & ids([ROW, other]) and len(tables.quarantine) == 3


def test_the_answer_of_the_source_is_one_more_candidate():
    row = ROW | {"reference": turn("assistant", "Cod, carp, eel and pike.")}
    tables, _, _ = respond_to(["a" * 9] * 2, ["b" * 9] * 2, rows=[row], evolved=[evolved_row("Name five fish.")])
    assert len(tables.candidates) == 4 + 1 and not len(tables.dropped)
    (found,) = (candidate for candidate in tables.candidates if candidate.engine == "source")
    assert found.model_dump() == {
        "id": found.id,
        "parents": [row["id"]],
        "prompt_id": row["id"],
        "domain": "math",
        "prompt": turn("user", "Name four fish."),
        "completion": turn("assistant", "Cod, carp, eel and pike."),
        "tools": None,
        "source": "seeds:1",
        "role": "source",
        "response_strategy": "source",
        "temperature": 0.0,
        "tags": ["fish"],
        "license": "MIT",
        "generation": row["id"],
        "engine": "source",
        "simulated": False,
    }


@pytest.mark.parametrize("text", ["abcdefghij", "abcdefghiX"])
def test_of_the_source_s_answer_and_one_like_it_the_source_s_stays(text):
    tables, _, _ = respond_to(
        [text], ["0123456789"], rows=[ROW | {"reference": turn("assistant", "abcdefghij")}], near_duplicate=0.8
    )
    assert texts(tables) == ["0123456789", "abcdefghij"] and len(tables.dropped) == 1
    assert {text_of(row.completion): row.engine for row in tables.candidates}["abcdefghij"] == "source"


def test_the_answer_of_the_source_is_left_where_no_model_answers():
    tables, _, _ = respond_to([CUT], [CUT], rows=[ROW | {"reference": turn("assistant", "Cod.")}])
    assert texts(tables) == ["Cod."] and len(tables.quarantine) == 2 and not len(tables.dropped)


SYSTEM, HELLO = turn("system", "Speak as a fisher."), turn("user", "Hello") + turn("assistant", "Ahoy.")


@pytest.mark.parametrize(
    ("context", "strategy", "before"),
    [
        ([], "plain", []),
        (SYSTEM, "plain", SYSTEM),
        (SYSTEM + HELLO, "plain", SYSTEM + HELLO),
        (HELLO, "plain", HELLO),
        (SYSTEM + HELLO, "plan", turn("system", "Speak as a fisher.\n\nBefore you answer, plan") + HELLO),
        (HELLO, "plan", turn("system", "Before you answer, plan") + HELLO),
    ],
)
def test_a_conversation_is_asked_and_kept_with_all_its_turns(context, strategy, before):
    seen = []
    reply = lambda request: seen.append(request.messages) or "x" * 9  # noqa: E731
    tables, _, _ = respond_to(reply, ["0" * 9], rows=[ROW | {"prompt": context + ROW["prompt"]}], strategies=[strategy])
    (asked,) = seen
    assert asked[-1] == turn("user", "Name four fish.")[0] and [m["role"] for m in asked].count("system") <= 1
    assert len(asked) == len(before) + 1
    assert all(a["role"] == b["role"] and a["content"].startswith(b["content"]) for a, b in zip(asked, before))  # noqa: B905
    kept = {str([message.model_dump() for message in row.prompt]) for row in tables.candidates}
    assert kept == {str(context + turn("user", "Name four fish."))}, "the strategy's system prompt is not the source's"
