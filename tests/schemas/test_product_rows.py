"""Rows of D and P: one exact row of each, what tells rows apart, and what makes no pair."""

from dataclasses import replace

import pytest

from schemas.ids import content_id
from schemas.products import Admission, Sampled, demonstration_row, message, preference_row
from schemas.rows import Demonstration, Preference
from schemas.table import Table

A, B, C, D = (content_id("row", name) for name in "abcd")
PROMPT = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}]
ADMISSION = Admission(
    prompt=[message("system", "Be brief."), message("user", "Why?")],
    domain="math",
    strategy="rejection",
    label_source="verifier",
    quality=0.5,
    sampled=Sampled(samples=4, pass_rate=0.75, votes=3),
    license="MIT",
    source="seeds.jsonl:1",
    engine="http/m@1",
    simulated=False,
    verdicts=[C],
    scores={"reasoning": 5, "votes": 0.5},
    tags=["sea"],
)
SHARED = {
    "parents": [A, B],
    "prompt": PROMPT,
    "domain": "math",
    "strategy": "rejection",
    "label_source": "verifier",
    "quality": 0.5,
    "samples": 4,
    "pass_rate": 0.75,
    "votes": 3,
    "tags": ["sea"],
    "scores": [{"name": "reasoning", "value": 5.0}, {"name": "votes", "value": 0.5}],
    "license": "MIT",
    "engine": "http/m@1",
    "simulated": False,
    "source": "seeds.jsonl:1",
    "tools": None,
}


def assistant(text: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": text}]


def test_a_row_of_d():
    row = demonstration_row(ADMISSION, "Because.", [A, B])
    completion = assistant("Because.")
    row_id = content_id("demonstration", [PROMPT, completion], [A, B])
    assert row == SHARED | {"id": row_id, "verdicts": [C], "completion": completion}
    Table.of(Demonstration, [row]).check()


def test_a_row_of_p():
    row = preference_row(ADMISSION, "Because.", "No.", 1, [A, B], rejected_by=[D])
    sides = {"chosen": assistant("Because."), "rejected": assistant("No.")}
    row_id = content_id("preference", [PROMPT, "Because.", "No."], [A, B])
    assert row == SHARED | sides | {"id": row_id, "verdicts": [C, D], "margin": 1.0}
    Table.of(Preference, [row]).check()


@pytest.mark.parametrize(("chosen", "rejected"), [(False, False), (True, False), (False, True), (True, True)])
def test_a_pair_is_simulated_if_either_side_is(chosen, rejected):
    row = preference_row(replace(ADMISSION, simulated=chosen), "Because.", "No.", 1, [A], rejected_simulated=rejected)
    assert row["simulated"] is (chosen or rejected)


def test_a_parent_that_is_given_twice_stands_once():
    assert demonstration_row(ADMISSION, "Because.", [A, B, A]) == demonstration_row(ADMISSION, "Because.", [A, B])
    pair = ("Because.", "No.", 1)
    assert preference_row(ADMISSION, *pair, [A, A]) == preference_row(ADMISSION, *pair, [A])


@pytest.mark.parametrize(
    ("rejected", "margin"), [("Because.", 1.0), ("No.", 0.0), ("No.", -1.0), ("No.", float("nan"))]
)
def test_equal_texts_or_no_margin_make_no_pair(rejected, margin):
    assert preference_row(ADMISSION, "Because.", rejected, margin, [A]) is None
    assert preference_row(ADMISSION, "Because.", "No.", 1e-9, [A])


def test_rows_differ_by_prompt_texts_sides_and_parents_and_by_nothing_else():
    how = replace(ADMISSION, prompt=[message("user", "How?")])
    judged = replace(ADMISSION, engine="http/other@1", scores={}, verdicts=[D])
    texts = [(ADMISSION, "x", [A]), (ADMISSION, "y", [A]), (ADMISSION, "x", [B]), (how, "x", [A]), (judged, "x", [A])]
    assert len({demonstration_row(*each)["id"] for each in texts}) == 4
    pairs = [(ADMISSION, "x", "y", 1, [A]), (ADMISSION, "y", "x", 1, [A]), (ADMISSION, "x", "z", 1, [A])]
    pairs += [(ADMISSION, "x", "y", 1, [B]), (how, "x", "y", 1, [A]), (judged, "x", "y", 2, [A])]
    assert len({preference_row(*each)["id"] for each in pairs}) == 5
