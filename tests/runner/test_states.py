"""Row states: a lost, doubled or contradictory row fails the stage."""

import pytest

from cultivar.runner.states import StateError, close
from schemas.products import message
from schemas.rows import Dropped, Instruction, Quarantined, TagSet
from schemas.table import Table

A, B, C, T = (letter * 32 for letter in "abcd")


def instructions(*ids):
    return {
        "instructions": Table.of(
            Instruction, [{"id": i, "prompt": [message("user", "p")], "source": "s", "license": "l"} for i in ids]
        )
    }


def tagged(*parents):
    rows = [
        {"id": f"{n:032x}", "parents": [p], "engine": "e", "simulated": True, "tags": []} for n, p in enumerate(parents)
    ]
    return Table.of(TagSet, rows)


def dropped(*ids):
    return Table.of(Dropped, [{"id": i, "stage": "s", "rule": "r"} for i in ids])


def quarantined(*ids):
    return Table.of(Quarantined, [{"id": i, "stage": "s", "error": "e"} for i in ids])


def test_sums_close():
    outputs = {"tag_sets": tagged(A), "dropped": dropped(B), "quarantine": quarantined(C)}
    assert close("tag", instructions(A, B, C), outputs) == {"in": 3, "kept": 1, "dropped": 1, "quarantined": 1}


@pytest.mark.parametrize(
    ("outputs", "complaint"),
    [
        ({"tag_sets": tagged(A)}, "ended nowhere"),
        ({"tag_sets": tagged(A, B), "dropped": dropped(B)}, "ended twice"),
        ({"dropped": dropped(A, B), "quarantine": quarantined(B)}, "more than one state"),
        ({"tag_verdicts": tagged(A, B)}, "ended nowhere"),
    ],
)
def test_a_row_in_no_state_or_two_fails_the_stage(outputs, complaint):
    with pytest.raises(StateError, match=complaint):
        close("tag", instructions(A, B), outputs)
