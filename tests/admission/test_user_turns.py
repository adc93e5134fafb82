"""Of a conversation each user turn is tagged by itself, all are scored together, and evolution changes the last one alone."""

from schemas.conversations import with_last_turn
from schemas.ids import seed_of
from schemas.rows import Instruction, Label, Selected
from schemas.table import Context, Table
from stages.annotation.evolve import evolve
from stages.annotation.params import EvolveParams, ScoreParams, TagParams
from stages.annotation.score import score
from stages.annotation.tag import tag, turn_seed
from tests.admission.rows import CUT, instruction, selected_row, turn
from tests.engines import scripted

TALK = turn("system", "Be brief.") + turn("user", "Name four fish.") + turn("assistant", "Cod …")
TALK += turn("user", "Why are they wet?")


def tags_of(replies, **params):
    row = instruction("talk") | {"prompt": TALK}
    with scripted(replies, role="tagger", model="t") as tagger:
        tables = tag(Table.of(Instruction, [row]), TagParams.model_validate(params), tagger)
    return row, tables


def tagged(*names):
    return {"tags": [{"tag": name, "explanation": f"why {name}"} for name in names]}


def test_each_user_turn_is_tagged_by_itself_and_the_tags_are_merged():
    replies = {"Name four": tagged("list", "fish"), "Why are": tagged("fish", "reason", "more")}
    _, tables = tags_of(replies, max_tags=2)
    assert [[one.tag for one in row.tags] for row in tables.tag_sets] == [["list", "fish", "reason"]]


def test_one_turn_that_fails_quarantines_the_instruction():
    row, tables = tags_of({"Name four": CUT, "Why are": tagged("reason")})
    assert not len(tables.tag_sets) and [one.id for one in tables.quarantine] == [row["id"]]


def test_the_last_turn_has_the_seed_of_an_instruction_of_one_turn():
    assert turn_seed("a", 0) == seed_of("a", "tag") and len({turn_seed("a", before) for before in range(3)}) == 3


def test_all_that_the_user_asks_is_scored():
    seen = []
    reply = lambda request: seen.append(request.messages[-1]["content"]) or {"complexity": 2, "completeness": 3}  # noqa: E731
    with scripted(reply) as judge:
        tables = score(
            Table.of(Instruction, [instruction("talk") | {"prompt": TALK}]),
            Context(Label, Table.of(Label, []).frame),
            ScoreParams(),
            judge,
        )
    assert len(tables.instruction_scores) == 1
    assert "Name four fish.\n\nWhy are they wet?" in seen[0] and "Be brief." not in seen[0]


def test_evolution_changes_the_last_user_turn_alone():
    new = "Why are they wet and not dry in the sea?"
    step, fine = {"instruction": new, "added": ["dry"]}, {"same": False, "coherent": True}
    limits = EvolveParams.model_validate({"rounds": 1, "share": 1.0, "nodes": 1, "min_added_words": 2})
    with scripted([step], role="teacher", model="t") as teacher, scripted([fine], model="j") as judge:
        tables = evolve(Table.of(Selected, [selected_row("talk") | {"prompt": TALK}]), limits, teacher, judge)
    (row,) = tables.evolved
    assert [message.model_dump() for message in row.prompt] == with_last_turn(TALK, new)
