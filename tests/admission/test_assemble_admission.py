"""assemble: least margins, rows per prompt, caps, the split; each row of D and P on the right side of each line."""

import pytest

from schemas.ids import content_id, unit_of
from schemas.rows import Demonstration, EvaluationItem, Preference
from schemas.table import Context, Table
from stages.curation.assemble import EvaluationLeak, assemble
from stages.curation.params import AssembleParams
from tests.admission.rows import declared, demonstration, evaluation_item, ids, preference, rules, turn


def assemble_rows(demonstrations=(), preferences=(), evaluation=(), **params):
    tables = assemble(
        Table.of(Demonstration, demonstrations),
        Table.of(Preference, preferences),
        Context.of(EvaluationItem, map(evaluation_item, evaluation)),
        declared(seeds="seeds"),
        AssembleParams.model_validate({"per_prompt": 9} | params),
    )
    for table in tables[:-1]:
        table.check()
    gone = ids(tables.dropped)
    assert gone | ids(tables.demonstrations) | ids(tables.preferences) == ids([*demonstrations, *preferences])
    assert not gone & (ids(tables.demonstrations) | ids(tables.preferences))
    assert all(row.stage == "assemble" for row in tables.dropped)
    return tables


def coin(prompt, purpose):
    return unit_of(content_id("prompt", prompt.lower()), purpose)


@pytest.mark.parametrize(
    ("margin", "strategy", "least", "kept"),
    [
        (2.0, "annotation", {"annotation": 2.0}, True),
        (1.9, "annotation", {"annotation": 2.0}, False),
        (1.9, "rejection", {"annotation": 2.0}, True),
        (1e-9, "annotation", {}, True),
        (1.9, "annotation", {"annotation": 1.0, "rejection": 2.0}, True),
        (1.9, "rejection", {"annotation": 1.0, "rejection": 2.0}, False),
    ],
)
def test_a_pair_needs_its_strategys_margin(margin, strategy, least, kept):
    row = preference("One?", "Good.", "Bad.", margin, strategy=strategy)
    tables = assemble_rows([], [row], min_margin=least)
    assert rules(tables.dropped) == ({} if kept else {row["id"]: "margin below minimum"})


@pytest.mark.parametrize(("source", "kept"), [("human", True), ("judge", False), ("given", False)])
def test_the_least_margin_does_not_bind_people(source, kept):
    row = preference("One?", "Good.", "Bad.", 0.5, label_source=source)
    assert len(assemble_rows([], [row], min_margin={"annotation": 1.0}).preferences) == kept


def test_the_worthiest_rows_of_a_prompt_stay_by_label_source_then_quality():
    worth = [("judge", 0.9), ("human", 0.1), ("judge", 0.8), ("judge", 0.7), ("judge", 0.1)]
    rows = [demonstration("One?", f"{n}.", quality, label_source=source) for n, (source, quality) in enumerate(worth)]
    other = demonstration("Two?", "0.", 0.5)
    for most, order in ((1, [1]), (2, [1, 0]), (3, [1, 0, 2]), (4, [1, 0, 2, 3]), (5, [0, 1, 2, 3, 4])):
        tables = assemble_rows([*rows, other], per_prompt=most)
        assert ids(tables.demonstrations) == ids([*(rows[index] for index in order), other])
        assert set(rules(tables.dropped).values()) == ({"rows per prompt"} if most < 5 else set())
    pairs = [
        preference("One?", f"{n}.", "Bad.", margin=9 - 9 * quality, quality=quality)
        for n, quality in enumerate((0.1, 0.3, 0.2))
    ]
    tables = assemble_rows([rows[0]], pairs, per_prompt=2)
    assert ids(tables.preferences) == ids([pairs[1], pairs[2]]) and len(tables.demonstrations) == 1
    assert rules(tables.dropped) == {pairs[0]["id"]: "rows per prompt"}


def test_rows_of_a_prompt_that_are_equally_worthy_stay_by_the_least_id():
    rows = [demonstration("One?", f"{n}.", 0.1) for n in range(6)]
    tables = assemble_rows(rows, per_prompt=2)
    assert [row.id for row in tables.demonstrations] == sorted(ids(rows))[:2]


def test_prompts_that_differ_in_case_and_spaces_are_one_prompt_and_a_system_message_is_part_of_it():
    rows = [demonstration("One  THING?", "a", 0.1), demonstration(" one thing?\n", "b", 0.2)]
    talk = turn("system", "Be brief.") + turn("user", "one thing?")
    rows.append(demonstration("one thing?", "c", 0.0) | {"prompt": talk})
    tables = assemble_rows(rows, per_prompt=1)
    assert rules(tables.dropped) == {rows[0]["id"]: "rows per prompt"}


def test_a_pair_below_its_margin_takes_no_place():
    narrow = preference("One?", "a", "b", 4.0, strategy="rejection")
    kept, surplus = preference("One?", "c", "d", quality=0.3), preference("One?", "e", "f", quality=0.2)
    tables = assemble_rows([], [narrow, kept, surplus], per_prompt=1, min_margin={"rejection": 5.0})
    assert rules(tables.dropped) == {narrow["id"]: "margin below minimum", surplus["id"]: "rows per prompt"}


@pytest.mark.parametrize("column", ["strategy", "domain"])
def test_a_cap_takes_prompts_by_their_coin_and_of_each_the_worthiest_rows(column):
    value = {"strategy": "rejection", "domain": "math"}[column]
    prompts = sorted((f"Task {n}?" for n in range(5)), key=lambda prompt: coin(prompt, "mix"))
    rows = [demonstration(prompt, f"{n}.", n / 10, **{column: value}) for prompt in prompts for n in range(3)]
    free = demonstration("Another?", "x")
    order = [row for index in range(0, 15, 3) for row in rows[index : index + 3][::-1]]  # the best of a prompt first
    for most in (1, 4, 5, 15):
        tables = assemble_rows([*rows, free], **{f"max_per_{column}": {value: most}})
        assert ids(tables.demonstrations) == ids([*order[:most], free])
        assert rules(tables.dropped) == dict.fromkeys(ids(order[most:]), f"{column} cap")


@pytest.mark.parametrize("column", ["strategy", "domain"])
def test_a_cap_takes_the_better_label_source_before_the_coin_of_the_prompt(column):
    value = {"strategy": "annotation", "domain": "general"}[column]
    prompts = sorted((f"Task {n}?" for n in range(4)), key=lambda prompt: coin(prompt, "mix"))
    sources = ["judge", "judge", "verifier", "human"]
    rows = [
        demonstration(prompt, "a", 0.9 - n / 10, label_source=source)
        for n, (prompt, source) in enumerate(zip(prompts, sources, strict=True))
    ]
    for most, places in ((1, [3]), (2, [2, 3]), (3, [0, 2, 3])):
        tables = assemble_rows(rows, **{f"max_per_{column}": {value: most}})
        assert ids(tables.demonstrations) == ids([rows[place] for place in places])


def test_a_cap_counts_d_and_p_apart_and_of_equal_rows_the_least_id_stays():
    rows = [demonstration("One?", f"{n}.", 0.1) for n in range(4)]
    pairs = [preference("One?", f"{n}.", "b", 1.0) for n in range(4)]
    tables = assemble_rows(rows, pairs, max_per_strategy={"annotation": 2})
    assert [row.id for row in tables.demonstrations] == sorted(ids(rows))[:2]
    assert [row.id for row in tables.preferences] == sorted(ids(pairs))[:2]


def test_what_one_cap_drops_takes_no_place_under_the_next():
    prompts = sorted((f"Task {n}?" for n in range(4)), key=lambda prompt: coin(prompt, "mix"))
    strategies = ["rejection", "rejection", "execution", "execution"]
    rows = [
        demonstration(prompt, "a", strategy=strategy, domain="math")
        for prompt, strategy in zip(prompts, strategies, strict=True)
    ]
    tables = assemble_rows(rows, max_per_strategy={"rejection": 1}, max_per_domain={"math": 2})
    assert rules(tables.dropped) == {rows[1]["id"]: "strategy cap", rows[3]["id"]: "domain cap"}
    one = [demonstration("One?", f"{n}.", n / 10) for n in range(3)]
    tables = assemble_rows(one, per_prompt=2, max_per_strategy={"annotation": 1})
    assert rules(tables.dropped) == {one[0]["id"]: "rows per prompt", one[1]["id"]: "strategy cap"}


@pytest.mark.parametrize("product", ["D", "P"])
def test_an_evaluation_prompt_among_the_chosen_rows_stops_the_stage_by_name(product):
    kept = [demonstration("Two  and TWO?", "4."), preference("Two  and TWO?", "4.", "5.")]
    rows = {"D": ([kept[0]], []), "P": ([], [kept[1]])}[product]
    item = evaluation_item("two and two?")
    with pytest.raises(
        EvaluationLeak, match=f"1 rows of {product} .* row {rows[product == 'P'][0]['id']} and item {item['id']}"
    ):
        assemble_rows(*rows, evaluation=["two and two?", "Another?"])
    assemble_rows(*rows, evaluation=["Two and three?"])


def test_of_several_leaks_the_row_with_the_least_id_is_named():
    rows = [demonstration("Two?", f"{n}.") for n in range(4)]
    with pytest.raises(EvaluationLeak, match=f"4 rows of D .* first row {min(ids(rows))} "):
        assemble_rows(rows, [preference("Two?", "a", "b")], evaluation=["Two?"])


@pytest.mark.parametrize("asked", ["Be brief. One? 1. Two?", "Two?", "One?"])
def test_a_whole_prompt_or_any_turn_of_the_user_may_be_what_an_evaluation_item_asks(asked):
    prompt = [*turn("system", "Be brief."), *turn("user", "One?"), *turn("assistant", "1."), *turn("user", "Two?")]
    row = demonstration("Two?", "4.") | {"prompt": prompt}
    with pytest.raises(EvaluationLeak):
        assemble_rows([row], evaluation=[asked])
    assemble_rows([row], evaluation=["Be brief.", "1."])


def test_a_row_that_was_dropped_leaks_nothing():
    low, high = preference("Two?", "a", "b", 1.0), preference("One?", "a", "b", 2.0)
    assemble_rows([], [low, high], evaluation=["Two?"], min_margin={"annotation": 2.0})


def test_the_coin_of_the_prompt_is_the_split_of_all_its_rows():
    share = coin("Task 0?", "split")
    prompts = [f"Task {n}?" for n in range(12)]
    rows = [demonstration(prompt, f"{n}.") for prompt in prompts for n in range(2)]
    rows += [demonstration(prompt.upper(), "2.") for prompt in prompts]
    pairs = [preference(f" {prompt}", "a", "b") for prompt in prompts] + [preference("Only in P?", "a", "b")]
    for limit in (0.0, share, 1.0):  # at the share itself: the held-out side is what lies below
        tables = assemble_rows(rows, pairs, heldout_share=limit)
        for row in (*tables.demonstrations, *tables.preferences):
            prompt = row.prompt[0].content.strip()
            assert row.split == ("heldout" if coin(prompt, "split") < limit else "train")
    assert {coin(prompt, "split") < share for prompt in prompts} == {True, False}


def twins(letter, count):
    """Prompts of which each two share 18 of 20 shingles."""
    return [" ".join(f"{letter}{n}" for n in range(20)) + f" {place}" for place in range(count)]


def coin_of_cluster(prompts):
    return unit_of(min(content_id("prompt", prompt) for prompt in prompts), "split")


def sides_of(prompts, **params):
    tables = assemble_rows([demonstration(prompt, "a") for prompt in prompts], **params)
    return {row.prompt[0].content: row.split for row in tables.demonstrations}


def test_near_duplicates_are_on_one_side_by_the_coin_of_the_prompt_with_the_least_id():
    clusters = [twins(letter, 4) for letter in "abcdefghijkl"]
    prompts = [prompt for cluster in clusters for prompt in cluster]
    sides = sides_of(prompts, heldout_share=0.5, heldout_near_duplicate=0.9)
    for cluster in clusters:
        side = "heldout" if coin_of_cluster(cluster) < 0.5 else "train"
        assert {sides[prompt] for prompt in cluster} == {side}
    assert set(sides.values()) == {"train", "heldout"}
    sides = sides_of(prompts, heldout_share=0.5, heldout_near_duplicate=0.91)
    assert all(sides[prompt] == ("heldout" if coin(prompt, "split") < 0.5 else "train") for prompt in prompts)


@pytest.mark.parametrize(("others", "side"), [(8, "heldout"), (7, "train")])  # 2 of 10 prompts, 2 of 9
def test_a_cluster_of_more_prompts_than_the_share_has_is_trained_on(others, side):
    drawn = next(pair for letter in "abcdefghijkl" if coin_of_cluster(pair := twins(letter, 2)) < 0.2)
    sides = sides_of([*drawn, *(f"Task {n}?" for n in range(others))], heldout_share=0.2)
    assert {sides[prompt] for prompt in drawn} == {side}


def test_the_rows_pass_unchanged_and_are_counted():
    row = demonstration("One?", "a", 0.1, tags=["t"], strategy="rejection", domain="math", license="MIT")
    pair = preference("Two?", "a", "b", 2.0, tags=["u"], strategy="execution", domain="code")
    tables = assemble_rows([row], [pair], heldout_share=0.0)
    for given, (found,) in ((row, tables.demonstrations), (pair, tables.preferences)):
        assert {name: found.model_dump()[name] for name in given} == given
    assert tables.metrics == {
        "demonstrations_by_strategy": {"rejection": 1},
        "demonstrations_by_domain": {"math": 1},
        "preferences_by_strategy": {"execution": 1},
        "preferences_by_domain": {"code": 1},
        "demonstrations_by_source": {"seeds": 1},
        "preferences_by_source": {"seeds": 1},
    }
