"""What a synthesis stage writes down: each row of D, P, verdicts, drops and quarantine, and the one state of a source."""

import pytest

from cultivar.llm.answer import Answer
from schemas.ids import content_id
from schemas.products import Admission, demonstration_row, message, preference_row
from stages.synthesis.ledger import Ledger

A, B, C = (content_id("row", name) for name in "abc")
ADMISSION = Admission(
    prompt=[message("user", "Why?")],
    domain="code",
    strategy="execution",
    label_source="verifier",
    quality=1.0,
    license="MIT",
    source="seeds.jsonl:1",
    engine="e",
    simulated=False,
    verdicts=[A],
    scores={"tests": 2},
)


@pytest.fixture
def ledger() -> Ledger:
    return Ledger("execution")


def failed(key: str = A) -> Answer:
    return Answer(key, "{", None, "length", "length", 1, 1, "e", False)


def rows(ledger: Ledger, name: str) -> list:
    return list(ledger.tables()[name])


def test_rows_of_d_and_p_are_added_once_and_equal_texts_make_no_pair(ledger):
    for parent in (B, C, B):
        ledger.demonstrate(demonstration_row(ADMISSION, "x", [parent]))
        ledger.prefer(preference_row(ADMISSION, "x", "y", 1, [parent]))
    ledger.prefer(preference_row(ADMISSION, "x", "x", 1, [B]))
    assert sorted(row.parents for row in rows(ledger, "execution_demonstrations")) == sorted([[B], [C]])
    assert sorted(row.parents for row in rows(ledger, "execution_preferences")) == sorted([[B], [C]])


def test_a_verdict_names_its_subject_first_and_its_detail_is_bounded(ledger):
    row_id = ledger.verdict(A, "sandbox", "fail", score=0.5, detail="x" * 501, parents=[B, C])
    (row,) = rows(ledger, "execution_verdicts")
    assert (row.id, row.parents, row.stage) == (row_id, [A, B, C], "execution")
    assert (row.verifier, row.outcome, row.score, row.detail) == ("sandbox", "fail", 0.5, "x" * 500)
    assert row_id == content_id("verdict", ["sandbox", "fail", 0.5, "x" * 501], [A, B, C])


def test_verdicts_differ_by_each_of_their_parts(ledger):
    first = {"subject": A, "verifier": "sandbox", "outcome": "fail", "score": 0.5, "detail": "why", "parents": [B]}
    others = {"subject": C, "verifier": "judge", "outcome": "pass", "score": 0.6, "detail": "how", "parents": [C]}
    changed = [first | {name: value} for name, value in others.items()]
    assert len({ledger.verdict(**each) for each in [first, first, *changed]}) == 7


def test_the_first_rule_that_drops_a_row_is_its_rule(ledger):
    ledger.drop(A, "first")
    ledger.drop(A, "second", B, "more")
    ledger.drop(B, "third", C, "more")
    found = {row.id: (row.rule, row.parents, row.detail, row.stage) for row in rows(ledger, "dropped")}
    assert found == {A: ("first", [], "", "execution"), B: ("third", [C], "more", "execution")}


def test_a_failed_answer_is_a_row_of_its_own_or_takes_its_row_with_it(ledger):
    ledger.fail(failed(), B)
    ledger.fail(failed(), B)
    ledger.fail(failed(key=C), B)
    ledger.quarantine(C, "refused", "raw")
    ledger.quarantine(C, "later", "later")
    found = rows(ledger, "quarantine")
    assert sorted((row.parents, row.error, row.raw) for row in found) == [
        ([], "refused", "raw"),
        ([B], "length", "{"),
        ([B], "length", "{"),
    ]
    assert [row.id for row in found if not row.parents] == [C] and {row.stage for row in found} == {"execution"}


@pytest.mark.parametrize("kind", ["demonstration", "preference"])
def test_a_row_that_came_to_something_is_neither_dropped_nor_quarantined(ledger, kind):
    if kind == "demonstration":
        ledger.demonstrate(demonstration_row(ADMISSION, "x", [A, C]))
    else:
        ledger.prefer(preference_row(ADMISSION, "x", "y", 1, [A, C]))
    ledger.drop(A, "some rule")
    ledger.quarantine(C, "length")
    ledger.close([A, B, C], "nothing came of it")
    assert [(row.id, row.rule) for row in rows(ledger, "dropped")] == [(B, "nothing came of it")]
    assert rows(ledger, "quarantine") == []


def test_a_row_that_came_to_nothing_keeps_the_state_that_it_has(ledger):
    ledger.drop(A, "some rule")
    ledger.quarantine(B, "length")
    ledger.close([A, B, C], "nothing came of it")
    assert {row.id: row.rule for row in rows(ledger, "dropped")} == {A: "some rule", C: "nothing came of it"}
    assert [row.id for row in rows(ledger, "quarantine")] == [B]
