"""What replays make of a charge: proved, corrected, an interaction, left as it was, or a bug."""

import polars as pl
import pytest

from reports.causes.change import Change
from reports.causes.charge import CHARGED, settle
from reports.causes.proof import STATES, Proof, groups_of, moved

T = "data/demonstrations.parquet"
MOVED = {"table": pl.String, "id": pl.String, "reached": pl.Boolean}


def change(name: str, kind: str = "parameter", unit: str = "") -> Change:
    return Change(kind, name, name, ("solve",), unit or name)  # type: ignore[arg-type]


def moves(*ids: str, reached: bool = True) -> pl.DataFrame:
    return pl.DataFrame([{"table": T, "id": row, "reached": reached} for row in ids], schema=MOVED)


def settled(cause: int, proof: Proof, changes: list[Change], mark: str = "") -> tuple[int, list[str], list[int]]:
    """What becomes of the charge of the row "x"."""
    row = {"table": T, "id": "x", "cause": cause, "via": 1, "marks": [mark] if mark else [], "together": []}
    frame = settle(pl.DataFrame([row], schema=CHARGED), proof, changes)
    return frame["cause"][0], frame["marks"][0].to_list(), frame["together"][0].to_list()


ONE, TWO, THREE = [change("a")], [change("a"), change("b")], [change("a"), change("b"), change("c")]


@pytest.mark.parametrize(
    ("alone", "cause", "result"),
    [
        ({0: "x", 1: ""}, 0, (0, ["proved"], [])),
        ({0: "", 1: "x"}, 0, (1, ["proved"], [])),  # lineage said the other one
        ({0: "x", 1: "x"}, 1, (1, ["proved", "also"], [])),
        ({0: "", 1: ""}, 1, (1, ["interaction"], [0, 1])),
        ({0: "", 1: ""}, -1, (0, ["interaction"], [0, 1])),
    ],
)
def test_two_changes_that_were_each_applied_alone(alone, cause, result):
    both = {((0,), (1,)): moves("x")}
    proof = Proof([(0,), (1,)], {((number,),): moves(*rows) for number, rows in alone.items()} | both)
    assert settled(cause, proof, TWO) == result


def test_of_two_that_move_a_row_the_one_that_brings_it_to_its_new_state():
    proof = Proof([(0,), (1,)], {((0,),): moves("x", reached=False), ((1,),): moves("x")})
    assert settled(0, proof, TWO) == (1, ["proved"], [])


def test_a_row_that_the_only_change_does_not_move_is_unexplained():
    assert settled(0, Proof([(0,)], {((0,),): moves("y")}), ONE) == (-1, [], [])


def test_a_row_that_two_changes_do_not_move_together_either_is_unexplained():
    moved_by = {((0,),): moves(), ((1,),): moves(), ((0,), (1,)): moves()}
    assert settled(0, Proof([(0,), (1,)], moved_by), TWO) == (-1, [], [])


def test_a_pair_that_cannot_be_applied_leaves_the_charge():
    groups = [(0,), (1,), (2,)]
    proof = Proof(groups, {((number,),): moves() for number in range(3)}, {((0,), (1,)): "it fails"})
    assert settled(1, proof, THREE) == (1, [], [])


def test_a_pair_of_three_moves_a_row():
    groups = [(0,), (1,), (2,)]
    alone = {((number,),): moves() for number in range(3)}
    pairs = {((0,), (2,)): moves("x"), ((0,), (1,)): moves(), ((1,), (2,)): moves()}
    assert settled(1, Proof(groups, alone | pairs), THREE) == (0, ["interaction"], [0, 2])
    assert settled(2, Proof(groups, alone | pairs), THREE) == (2, ["interaction"], [0, 2])


def test_what_was_not_replayed_keeps_its_charge():
    proof = Proof([(0,), (1,)], {((0,),): moves()}, {((1,),): "3 answers of stage solve are not remembered"})
    assert settled(1, proof, TWO, "displaced") == (1, ["displaced"], [])


def test_what_the_others_do_not_move_is_that_which_was_not_replayed():
    proof = Proof([(0,), (1,)], {((0,),): moves()}, {((1,),): "it fails"})
    assert settled(0, proof, TWO) == (1, [], [])
    rows = [change("f:1", "source row", "f"), change("b")]
    assert settled(0, proof, rows) == (0, [], [])  # made of an edited row, whatever else came to it


def test_where_not_all_changes_were_applied_nothing_follows_from_what_did_not_move():
    assert settled(0, Proof([(0,), (1,)], {((0,),): moves(), ((1,),): moves()}), THREE) == (0, [], [])


def test_states_that_count_as_moved():
    def states(**rows: int) -> pl.DataFrame:
        return pl.DataFrame([{"table": T, "id": name, "state": state} for name, state in rows.items()], schema=STATES)

    before, after = states(gone=1, edited=1, both=1, same=1), states(come=2, edited=2, both=2, same=1)
    here = states(gone=9, edited=2, both=3, same=1, come=5)
    found = {name: reached for _, name, reached in moved(before, after, here).iter_rows()}
    # `gone` is still there, otherwise than before: it did not go
    assert found == {"edited": True, "both": False, "come": False}


@pytest.mark.parametrize(
    ("changes", "groups"),
    [
        (THREE, [(0,), (1,), (2,)]),
        ([change(f"f:{n}", "source row", "f") for n in range(5)], [(n,) for n in range(5)]),
        ([change(f"f:{n}", "source row", "f") for n in range(6)], [tuple(range(6))]),
        ([change("h#1", "human", "h"), change("h#2", "human", "h"), change("p")], [(0, 1), (2,)]),
        ([change(str(n)) for n in range(6)], [(0,), (1,)]),  # only those that rows are charged to
    ],
)
def test_what_is_applied_together(changes, groups):
    assert groups_of(changes, [0, 1]) == groups


def test_too_many_to_apply_each_alone():
    assert groups_of([change(str(n)) for n in range(6)], range(6)) is None
