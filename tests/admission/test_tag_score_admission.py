"""tag and score: which tags an instruction keeps, what its scores are, and what an unreadable answer does."""

import math

import pytest

from cultivar.llm.answer import Generation
from schemas.ids import content_id, seed_of
from schemas.rows import Instruction, Label
from schemas.table import Context, Table
from stages.annotation.params import ScoreParams, TagParams
from stages.annotation.score import score
from stages.annotation.tag import tag
from tests.admission.rows import CUT, ident, instruction
from tests.engines import scripted

ROW, OTHER = instruction("Name four river fish."), instruction("Why is it so?")
RATED = {"complexity": 2, "completeness": 4}


def tag_rows(script, rows=(ROW,), **params):
    with scripted(script, role="tagger", model="m") as tagger:
        tables = tag(Table.of(Instruction, rows), TagParams(**params), tagger)
    for table in tables:
        table.check()
    return tables, tagger


def tags_of(names):
    return {"tags": [{"tag": name, "explanation": f"why {name}"} for name in names]}


@pytest.mark.parametrize(
    ("names", "most", "kept"),
    [
        (["a", "b"], 12, ["a", "b"]),
        (["b", "a", "c"], 2, ["b", "a"]),
        (["b", "a"], 2, ["b", "a"]),
        ([], 12, []),
        ([" a ", "b\n"], 12, ["a", "b"]),
        (["", "  ", "a"], 1, ["a"]),
        (["a", "a ", "b"], 2, ["a", "b"]),
    ],
)
def test_tags_are_kept_once_without_spaces_up_to_the_limit(names, most, kept):
    tables, _ = tag_rows([tags_of(names)], max_tags=most)
    (row,) = tables.tag_sets
    assert [item.tag for item in row.tags] == kept and not len(tables.quarantine)


def test_what_a_tag_set_holds_and_that_the_limit_is_put_to_the_tagger():
    tables, tagger = tag_rows([tags_of(["a"])], max_tags=7)
    (row,) = tables.tag_sets
    tags = [{"tag": "a", "explanation": "why a"}]
    assert row.model_dump() == {
        "id": content_id("tags", tags, [ROW["id"]]),
        "parents": [ROW["id"]],
        "tags": tags,
        "engine": tagger.questions.label,
        "simulated": True,
    }
    assert tagger.questions.label.startswith("simulated/m@")
    (asked,) = tagger.backend.asked
    assert "Name four river fish." in asked and "at most 7 objects" in asked


def test_answers_that_cannot_be_read_quarantine_their_own_instruction():
    readable = {"Name four": CUT, "Why is": tags_of(["a"])}
    tables, _ = tag_rows(readable, [ROW, OTHER])
    (broken,), (row,) = tables.quarantine, tables.tag_sets
    assert (broken.id, broken.parents, broken.stage, broken.error, broken.raw) == (
        ROW["id"],
        [],
        "tag",
        "length",
        "cut o",
    )
    assert row.parents == [OTHER["id"]]
    tables, _ = tag_rows(["no JSON", "none again"])  # asked once more, then given up
    assert [row.raw for row in tables.quarantine] == ["none again"]


def test_a_tag_is_a_title_and_a_longer_one_is_asked_for_again_then_quarantined():
    tables, _ = tag_rows([tags_of(["t" * 200])])
    assert [item.tag for row in tables.tag_sets for item in row.tags] == ["t" * 200]
    tables, tagger = tag_rows([tags_of(["t" * 201]), tags_of(["a", "t" * 1_000_000])])
    (broken,) = tables.quarantine
    assert not len(tables.tag_sets) and "at most 200 characters, not 1,000,000" in broken.error
    assert len(tagger.backend.asked) == 2


def test_an_explanation_may_be_missing():
    tables, _ = tag_rows([{"tags": [{"tag": "a"}]}])
    assert [(item.tag, item.explanation) for row in tables.tag_sets for item in row.tags] == [("a", "")]


def test_seeds_come_from_the_instructions_own_id():
    seeds = []
    tag_rows(lambda request: seeds.append(request.seed) or tags_of(["a"]), [ROW, OTHER])
    score_rows(lambda request: seeds.append(request.seed) or RATED, [ROW, OTHER])
    keys = sorted([ROW["id"], OTHER["id"]])
    assert seeds == [seed_of(key, purpose) for purpose in ("tag", "score") for key in keys]


def score_rows(script, rows=(ROW,), labels=(), **params):
    held = [{"id": ident("label", key), "parents": [key, ident("set", key)], "tags": tags} for key, tags in labels]
    with scripted(script, model="m") as judge:
        tables = score(Table.of(Instruction, rows), Context.of(Label, held), ScoreParams(**params), judge)
    for table in tables:
        table.check()
    return tables, judge


def test_what_a_score_holds():
    tables, judge = score_rows([{"complexity": 2.5, "completeness": 4}], labels=[(ROW["id"], ["a", "b"])])
    (row,) = tables.instruction_scores
    content = {
        "tags": ["a", "b"],
        "tag_count": 2,
        "tag_idf": 0.0,
        "complexity": 2.5,
        "richness": 0.5,
        "completeness": 4.0,
    }
    assert row.model_dump() == content | {
        "id": content_id("score", content, [ROW["id"]]),
        "parents": [ROW["id"]],
        "engine": judge.questions.label,
        "simulated": True,
    }
    assert "Name four river fish." in judge.backend.asked[0]


def test_rare_tags_weigh_more_and_an_instruction_without_tags_weighs_nothing():
    rows = [instruction(f"Name {n} fish.") for n in range(4)]
    labels = [(rows[0]["id"], ["rare", "common"]), (rows[1]["id"], ["common"]), (rows[2]["id"], [])]
    tables, _ = score_rows([RATED] * 4, rows, labels)
    found = {row.parents[0]: (row.tag_idf, row.tag_count, row.tags) for row in tables.instruction_scores}
    assert found == {
        rows[0]["id"]: (pytest.approx(math.log(4) + math.log(2)), 2, ["rare", "common"]),
        rows[1]["id"]: (pytest.approx(math.log(2)), 1, ["common"]),
        rows[2]["id"]: (0, 0, []),
        rows[3]["id"]: (0, 0, []),
    }


@pytest.mark.parametrize(
    ("complexity", "completeness", "readable"),
    [(1, 1, True), (6, 5, True), (0.9, 1, False), (6.1, 5, False), (1, 0.9, False), (6, 5.1, False)],
)
def test_ratings_beyond_their_scale_are_no_ratings(complexity, completeness, readable):
    answer = {"complexity": complexity, "completeness": completeness}
    tables, _ = score_rows([answer] if readable else [answer, answer])
    assert (len(tables.instruction_scores), len(tables.quarantine)) == ((1, 0) if readable else (0, 1))
    if not readable:
        (broken,) = tables.quarantine
        assert broken.id == ROW["id"] and broken.stage == "score" and broken.error.startswith("invalid: ")
        assert broken.raw


def test_a_lost_rating_leaves_the_others():
    tables, _ = score_rows({"Name four": Generation("", "content_filter", 1, 1), "Why is": RATED}, [ROW, OTHER])
    assert [row.id for row in tables.quarantine] == [ROW["id"]]
    assert [row.parents for row in tables.instruction_scores] == [[OTHER["id"]]]
    assert [row.error for row in tables.quarantine] == ["refused: content_filter"]
