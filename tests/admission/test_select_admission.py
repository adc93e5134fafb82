"""select: which instructions are kept out by which rule, in which order the others are taken, and in which pass."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.rows import Instruction, InstructionScore
from schemas.table import Context, Table
from stages.annotation.params import SelectParams
from stages.annotation.select import select
from tests.admission.rows import engine_fields, ident, instruction, rules, turn
from tests.stages.annotation.test_ontology_parts import algorithm_1

WEIGHTS = {f"weight_{name}": 0.0 for name in ("complexity", "tags", "richness", "completeness")}
BY_COMPLEXITY = WEIGHTS | {"weight_complexity": 1.0}


def score(row, **fields):
    tags = fields.get("tags", ["t"])
    content = {"tags": tags, "tag_count": len(tags), "tag_idf": 1.0, "complexity": 2.0, "richness": 0.5}
    content |= {"completeness": 5.0}
    return engine_fields(id=ident("score", row["id"]), parents=[row["id"]], **content | fields)


def select_from(scored, **params):
    """`scored`: (instruction, fields of its score or None) pairs."""
    scores = [score(row, **fields) for row, fields in scored if fields is not None]
    tables = select(
        Table.of(Instruction, [row for row, _ in scored]),
        Context.of(InstructionScore, scores),
        SelectParams.model_validate(params),
    )
    for table in tables[:-1]:
        table.check()
    assert len(tables.selected) + len(tables.dropped) == len(scored)
    return tables


@pytest.mark.parametrize(
    ("prompt", "fields", "params", "rule"),
    [
        ("Name four river fish.", {}, {}, None),
        ("Name river fish.", {}, {}, "too short"),
        ("Name river fish.", {}, {"min_words": 2}, None),
        ("Name river fish.", {}, {"min_words": 0}, None),
        ("Name four river fish.", {}, {"max_words": 4}, None),
        ("Name four river fish.", {}, {"max_words": 3, "min_words": 1}, "too long"),
        ("Name the four fish drawn here.", {}, {}, None),
        ("DRAW the four river fish.", {}, {}, "asks for more than text"),
        ("Describe the imagery of it.", {}, {}, None),
        ("Describe the image of it.", {}, {}, None),
        ("Describe these images, please, now.", {}, {}, "asks for more than text"),
        ("Name four river fish.", {"completeness": 3.0}, {}, None),
        ("Name four river fish.", {"completeness": 2.9}, {}, "incomplete"),
        ("Name four river fish.", {"completeness": 4.0}, {"min_completeness": 4.5}, "incomplete"),
        ("Name four river fish.", {"tags": []}, {}, "no tag"),
        ("Name four river fish.", None, {}, "not scored"),
        ("Fish?", None, {}, "not scored"),
        ("Draw fish.", {}, {}, "too short"),
        ("Draw four river fish now.", {}, {"max_words": 4}, "too long"),
        ("Name four river fish " * 200, {}, {"max_words": None}, None),
        ("Draw four river fish.", {"completeness": 1.0}, {}, "asks for more than text"),
        ("Name four river fish.", {"completeness": 1.0, "tags": []}, {}, "incomplete"),
    ],
)
def test_the_first_rule_that_keeps_an_instruction_out(prompt, fields, params, rule):
    row = instruction(prompt)
    tables = select_from([(row, fields)], **params)
    assert rules(tables.dropped) == ({} if rule is None else {row["id"]: rule})
    assert [chosen.id for chosen in tables.selected] == ([row["id"]] if rule is None else [])
    detail = {None: "", "asks for more than text": "English, " + ("shown" if "images" in prompt else "draw")}.get(
        rule, ""
    )
    assert all((gone.stage, gone.parents, gone.detail) == ("select", [], detail) for gone in tables.dropped)


def in_order(tag_sets):
    """Instructions that selection walks in this order: the first is the most complex."""
    return [
        (instruction(f"Task number {n} of all."), {"tags": tags, "complexity": 6 - n / 4})
        for n, tags in enumerate(tag_sets)
    ]


@pytest.mark.parametrize(
    ("tag_sets", "size", "passes"),
    [
        (["a", "a", "b", "ab", "c"], 3, [0, None, 0, None, 0]),
        (["a", "a", "b", "ab", "c"], 4, [0, 1, 0, None, 0]),
        (["a", "a", "b", "ab", "c"], 5, [0, 1, 0, 1, 0]),
        (["a", "a", "b", "ab", "c"], 9, [0, 1, 0, 1, 0]),
        (["ab", "a", "b", "bc"], 2, [0, None, None, 0]),  # a row goes before its betters where it alone adds a tag
        (["ab", "a", "b", "bc"], 3, [0, 1, None, 0]),
        (["a", "a", "a"], 9, [0, 1, 2]),
        (["a", "b", "c"], 2, [0, 0, None]),
    ],
)
def test_a_pass_takes_what_adds_a_tag_until_the_target_is_met(tag_sets, size, passes):
    scored = in_order([list(tags) for tags in tag_sets])
    tables = select_from(scored, target_size=size, **BY_COMPLEXITY)
    found = {row.id: row.pass_number for row in tables.selected}
    assert [found.get(row["id"]) for row, _ in scored] == passes
    left_out = {row["id"] for (row, _), number in zip(scored, passes, strict=True) if number is None}
    assert rules(tables.dropped) == dict.fromkeys(left_out, "adds no tag within the target size")


@pytest.mark.parametrize(
    ("weight", "criterion"),
    [("complexity", "complexity"), ("tags", "tag_idf"), ("richness", "richness"), ("completeness", "completeness")],
)
def test_each_weight_counts_its_own_criterion(weight, criterion):
    plain, better = instruction("Name four river fish."), instruction("Name five river fish.")
    low, high = {"complexity": (1, 2), "tag_idf": (0, 1), "richness": (0, 1), "completeness": (4, 5)}[criterion]
    for first, second in ((low, high), (high, low)):
        tables = select_from(
            [(plain, {criterion: first}), (better, {criterion: second})],
            target_size=1,
            **WEIGHTS | {f"weight_{weight}": 2.0},
        )
        assert [row.id for row in tables.selected] == [(better if second == high else plain)["id"]]
        assert {score.name: score.value for row in tables.selected for score in row.scores}["combined"] == 2.0


def test_criteria_are_ranks_among_the_rows_that_no_rule_kept_out():
    rows = [instruction(f"Task number {n} of all.") for n in range(3)]
    scored = [
        (rows[0], {"complexity": 1.0, "tag_idf": 3.0}),
        (rows[1], {"complexity": 1.0, "tag_idf": 2.0}),
        (rows[2], {"complexity": 6.0, "tag_idf": 1.0}),
        (instruction("Draw a map of it."), {"complexity": 4.0}),
    ]
    tables = select_from(scored, weight_complexity=1.0, weight_tags=0.5, weight_richness=0.25, weight_completeness=0.0)
    combined = {row.id: row.scores[0].value for row in tables.selected}
    richness = 0.25 * 2 / 3  # all three tie at the middle rank
    assert combined == pytest.approx(
        {
            rows[0]["id"]: 1.5 / 3 + 0.5 * 3 / 3 + richness,
            rows[1]["id"]: 1.5 / 3 + 0.5 * 2 / 3 + richness,
            rows[2]["id"]: 3.0 / 3 + 0.5 * 1 / 3 + richness,
        },
        abs=1e-8,
    )


def test_equal_scores_are_taken_by_the_least_id():
    scored = [(instruction(f"Task number {n} of all."), {}) for n in range(6)]
    (row,) = select_from(scored, target_size=1).selected
    assert row.id == min(row["id"] for row, _ in scored)


def test_what_a_selected_row_holds_and_how_much_of_the_tags_is_covered():
    row = instruction(
        "Name four river fish.", reference=turn("assistant", "Pike."), domain="math", license="MIT", split="dev"
    )
    fields = {"tags": ["a", "b"], "complexity": 3.0, "tag_idf": 1.5, "richness": 0.25, "completeness": 4.0}
    others = [
        (instruction("Name four river birds."), {"tags": ["c"], "complexity": 1.0}),
        (instruction("Draw four river birds."), {"tags": ["d"]}),
    ]
    tables = select_from([(row, fields), *others], target_size=1, **BY_COMPLEXITY)
    (chosen,) = tables.selected
    assert {name: chosen.model_dump()[name] for name in row} == row and chosen.tags == ["a", "b"]
    assert [(score.name, score.value) for score in chosen.scores] == [
        ("combined", 1.0),
        ("tag_count", 2.0),
        ("complexity", 3.0),
        ("tag_idf", 1.5),
        ("richness", 0.25),
        ("completeness", 4.0),
    ]
    assert tables.metrics == {"tag_coverage": pytest.approx(2 / 3), "mean_tags": 2.0}
    assert select_from([others[0]]).metrics == {"tag_coverage": 1.0, "mean_tags": 1.0}
    assert select_from([others[1]]).metrics == {"tag_coverage": 0.0, "mean_tags": 0.0}


def test_a_selected_instruction_keeps_its_conversation():
    context = turn("system", "Be brief.") + turn("user", "Hello") + turn("assistant", "Hi")
    talk = context + turn("user", "Name four river fish.")
    rows = [instruction("talk") | {"prompt": talk}, instruction("Name four sea fish.")]
    tables = select_from([(row, {}) for row in rows], target_size=2)
    kept = {row.id: [message.model_dump() for message in row.prompt] for row in tables.selected}
    assert kept == {rows[0]["id"]: talk, rows[1]["id"]: turn("user", "Name four sea fish.")}


TAGS = st.lists(st.lists(st.sampled_from("abcdefg"), unique=True, max_size=4), min_size=1, max_size=12)


@given(TAGS, st.integers(1, 12))
def test_with_the_number_of_tags_alone_the_selection_is_instag_s(sets, size):
    rows = [
        (instruction(f"Name the {n} river fish."), {"tags": tags, "tag_count": len(tags)})
        for n, tags in enumerate(sets)
    ]
    weights = {"weight_tag_count": 1.0} | dict.fromkeys(
        ("weight_complexity", "weight_tags", "weight_richness", "weight_completeness"), 0.0
    )
    tables = select_from(rows, target_size=size, **weights)
    ordered = sorted(((-len(fields["tags"]), row["id"], fields["tags"]) for row, fields in rows))
    taken = algorithm_1([tags for _, _, tags in ordered], size)
    assert {row.id for row in tables.selected} == {ordered[place][1] for place in taken}
