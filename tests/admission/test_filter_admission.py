"""filter: what goes in which step and by which rule, and which of several alike rows stays."""

import inspect

import pytest

from schemas.ids import content_id
from schemas.rows import Demonstration, EvaluationItem, Preference
from schemas.table import Context, Table
from stages.curation.filter import filter as filter_rows
from stages.curation.params import FilterParams
from tests.admission.rows import declared, demonstration, evaluation_item, ids, preference, rules, turn

INPUTS = [
    name for name in inspect.signature(filter_rows).parameters if name.endswith(("demonstrations", "preferences"))
]
D, P = "annotation_demonstrations", "annotation_preferences"
STRATEGIES = ("annotation", "rejection", "execution", "repurpose", "constitution")
REFUSAL = "I'm sorry, I cannot help with that."
PROMPT = "one two three four five six seven eight nine ten"
"""Eight shingles of three words."""


def filter_by(params=None, evaluation=(), **tables):
    """Filter the rows of the named input tables; the others are empty."""
    models = {name: Demonstration if name.endswith("demonstrations") else Preference for name in INPUTS}
    found = filter_rows(
        **{name: Table.of(model, tables.get(name, ())) for name, model in models.items()},
        evaluation=Context.of(EvaluationItem, map(evaluation_item, evaluation)),
        sources=declared(seeds="seeds"),
        params=FilterParams.model_validate(params or {}),
    )
    for table in found[:-1]:
        table.check()
    given = ids(row for rows in tables.values() for row in rows)
    kept = ids(found.filtered_demonstrations) | ids(found.filtered_preferences)
    assert kept | ids(found.dropped) == given and not kept & ids(found.dropped)
    return found


@pytest.mark.parametrize("name", INPUTS)
def test_every_input_table_reaches_its_product(name):
    row = demonstration("One?", "Two.") if name.endswith("demonstrations") else preference("One?", "Two.", "Three.")
    found = filter_by(**{name: [row], D: [row]} if name.endswith("demonstrations") else {name: [row], P: [row]})
    product = found.filtered_demonstrations if name.endswith("demonstrations") else found.filtered_preferences
    (kept,) = product
    assert {field: kept.model_dump()[field] for field in row} == row  # a row that two tables hold stands once


@pytest.mark.parametrize(
    ("first", "second", "duplicate"),
    [
        (("One?", "Two."), ("one?", " TWO. "), True),
        (("One  more?", "Two."), (" one\nmore? ", "Two."), True),
        (("One?", "Two."), ("One?", "Two"), False),
        (("One?", "Two."), ("One", "Two."), False),
        (("One?", "Two.", "Three."), ("ONE?", "two.", "three. "), True),
        (("One?", "Two.", "Three."), ("One?", "Two.", "Four."), False),
        (("One?", "Two.", "Three."), ("One?", "Four.", "Three."), False),
        (("One?", "Two.", "Three."), ("More?", "Two.", "Three."), False),
        (("One?", "Two."), ("One?", "Two.", "Three."), False),
    ],
)
def test_rows_of_one_product_with_the_same_texts_are_duplicates(first, second, duplicate):
    build = [demonstration if len(texts) == 2 else preference for texts in (first, second)]
    rows = [
        make(*texts, strategy=strategy, quality=quality)
        for make, texts, strategy, quality in zip(
            build, (first, second), ("annotation", "rejection"), (0.1, 0.2), strict=True
        )
    ]
    tables = {D: [row for row in rows if "completion" in row], P: [row for row in rows if "chosen" in row]}
    found = filter_by(**tables)
    assert rules(found.dropped) == ({rows[0]["id"]: "exact duplicate"} if duplicate else {})
    assert [row.detail for row in found.dropped] == [f"same text as row {rows[1]['id']}"] * duplicate


def test_of_duplicates_the_better_label_source_stays_then_the_better_quality_then_the_least_id():
    worth = [("human", 0.0), ("verifier", 0.2), ("verifier", 0.1), ("given", 1.0), ("judge", 1.0)]
    rows = [
        demonstration("One?", "Two.", quality, strategy=strategy, label_source=source)
        for strategy, (source, quality) in zip(STRATEGIES, worth, strict=True)
    ]
    for first in range(5):
        assert ids(filter_by(**{D: rows[first:][::-1]}).filtered_demonstrations) == ids([rows[first]])
    equal = [row | {"quality": 0.5, "label_source": "judge"} for row in rows]
    assert ids(filter_by(**{D: equal}).filtered_demonstrations) == {min(ids(equal))}


@pytest.mark.parametrize(
    ("sources", "stays"),
    [(("human", "judge"), [0]), (("judge", "verifier"), [1]), (("judge", "judge"), []), (("human", "human"), [])],
)
def test_of_pairs_that_contradict_each_other_the_better_label_source_stays_and_of_equal_ones_none(sources, stays):
    rows = [
        preference("One?", "Two.", "Three.", label_source=sources[0]),
        preference(" ONE?", "three. ", "two.", label_source=sources[1], quality=0.9),
        preference("One?", "Two.", "Four."),
    ]
    found = filter_by(**{P: rows})
    assert ids(found.filtered_preferences) == ids([*(rows[place] for place in stays), rows[2]])
    gone = {rows[place]["id"] for place in {0, 1} - set(stays)}
    assert rules(found.dropped) == dict.fromkeys(gone, "contradicted preference")


@pytest.mark.parametrize("domain", ["code", "constraint"])
def test_a_pair_whose_sides_differ_in_capitals_alone_contradicts_no_pair(domain):
    rows = [preference(f"{n}?", "paris.", "Paris.", domain=domain, strategy="execution") for n in range(2)]
    rows.append(preference("0?", "PARIS", "paris", domain=domain, strategy="execution"))
    assert ids(filter_by(**{P: rows}).filtered_preferences) == ids(rows)


def test_every_message_of_a_row_counts():
    talk = turn("user", "One?") + turn("assistant", "Two.") + turn("user", "More?")
    rows = [demonstration("One?", "Two."), demonstration("One?", "Two.", strategy="rejection") | {"prompt": talk}]
    rows.append(rows[1] | {"id": content_id("test", "copy"), "prompt": turn("user", "One?\nTwo.\nMore?")})
    found = filter_by(**{D: rows})
    assert set(rules(found.dropped)) == {max(rows[1]["id"], rows[2]["id"])}


def test_a_faulty_row_stands_for_no_other():
    best = demonstration("One?", REFUSAL, 0.9)
    safe = demonstration("One?", REFUSAL, 0.1, domain="safety")
    assert rules(filter_by(**{D: [best, safe]}).dropped) == {best["id"]: "refusal"}
    long = PROMPT + " eleven"
    faulty, near = demonstration(PROMPT, REFUSAL, 0.9), demonstration(long, "Fine.", 0.1)
    found = filter_by({"near_duplicate": {"general": 0.5}}, **{D: [faulty, near]})
    assert rules(found.dropped) == {faulty["id"]: "refusal"}
    item = demonstration(PROMPT, "Fine.", 0.9)
    near = demonstration(PROMPT.rpartition(" ")[0] + " eleven", "Fine.", 0.1)
    found = filter_by({"near_duplicate": {"general": 0.5}}, [PROMPT], **{D: [item, near]})
    assert rules(found.dropped) == {item["id"]: "evaluation overlap"}


@pytest.mark.parametrize("side", ["prompt", "completion", "chosen", "rejected"])
def test_an_evaluation_item_goes_wherever_it_stands(side):
    texts = {name: "Harmless." if name != "rejected" else "Other." for name in ("prompt", "completion", "rejected")}
    texts["completion" if side == "chosen" else side] = "Two and two?"
    row = (
        preference(*texts.values())
        if side in ("chosen", "rejected")
        else demonstration(texts["prompt"], texts["completion"])
    )
    found = filter_by(evaluation=["two AND two", "Another one?"], **{P if "chosen" in row else D: [row]})
    assert rules(found.dropped) == {row["id"]: "evaluation overlap"}
    item = evaluation_item("two AND two")["id"]
    assert [gone.detail for gone in found.dropped] == [f"overlaps evaluation item {item}: LCS 3 of 3 and 3 tokens"]
    (overlap,) = found.overlaps
    assert overlap.parents == [row["id"], item] and overlap.removed and overlap.text == "two and two"
    assert (found.metrics["overlaps_removed"], found.metrics["overlaps_reported"]) == (1, 0)


@pytest.mark.parametrize(
    ("threshold", "domain", "duplicate"),
    [(8 / 9, "general", True), (8 / 9 + 1e-6, "general", False), (8 / 9, "math", False), (8 / 9, None, False)],
)
def test_prompts_as_alike_as_the_threshold_of_their_domain_are_duplicates(threshold, domain, duplicate):
    rows = [demonstration(PROMPT, "Fine.", 0.1), demonstration(PROMPT + " eleven", "Good.", 0.2)]
    limits = {} if domain is None else {domain: threshold}
    found = filter_by({"near_duplicate": limits, "bands": 64, "rows_per_band": 1}, **{D: rows})
    assert rules(found.dropped) == ({rows[0]["id"]: "near duplicate"} if duplicate else {})
    assert [gone.detail for gone in found.dropped] == (
        [f"its prompt is a near duplicate of that of row {rows[1]['id']}"] * duplicate
    )


def test_near_duplicates_are_sought_within_a_domain_and_shingles_have_the_given_words():
    rows = [demonstration(PROMPT, "Fine."), demonstration(PROMPT + " eleven", "Good.", domain="math")]
    limits = {"near_duplicate": {"general": 0.5, "math": 0.5}}
    assert not len(filter_by(limits, **{D: rows}).dropped)
    same = [rows[0], rows[1] | {"domain": "general"}]
    assert len(filter_by(limits, **{D: same}).dropped) == 1
    far = [
        demonstration(PROMPT, "Fine."),
        demonstration(PROMPT.replace(" four", " 4").replace(" eight", " 8"), "Good."),
    ]
    for words, alike in ((1, 1), (3, 0)):  # 8 of 12 words are shared, and 2 of 14 shingles of three
        found = filter_by({"near_duplicate": {"general": 0.4}, "shingle_words": words, "rows_per_band": 1}, **{D: far})
        assert len(found.dropped) == alike


def test_prompts_go_only_where_they_are_near_duplicates_of_one_that_stays():
    words = [f"w{n}" for n in range(40)]
    chain = [demonstration(" ".join(words[n : n + 20]), "Fine.", (40 - n) / 50) for n in range(20)]
    limits = {"near_duplicate": {"general": 15.9 / 20}, "bands": 64, "rows_per_band": 1}  # 16 of 20 shingles and more
    found = filter_by(limits, **{D: chain})
    stays = [place for place, row in enumerate(chain) if row["id"] in ids(found.filtered_demonstrations)]
    assert stays == [0, 3, 6, 9, 12, 15, 18]  # 16 of 20 shingles are shared two places apart, 15 three apart


def test_of_near_duplicates_the_prompt_stays_that_is_in_both_products_then_of_the_worthiest_row_then_least():
    limits = {"near_duplicate": {"general": 0.6}, "bands": 64, "rows_per_band": 1}
    prompts = [PROMPT, PROMPT + " eleven", PROMPT + " eleven twelve"]
    rows = [demonstration(prompt, f"{n}.", 0.5 - n / 10) for n, prompt in enumerate(prompts)]
    assert ids(filter_by(limits, **{D: rows}).filtered_demonstrations) == ids([rows[0]])
    twin = demonstration(prompts[2].upper(), "Another.", 0.9)  # its prompt's best row speaks for both
    assert ids(filter_by(limits, **{D: [*rows, twin]}).filtered_demonstrations) == ids([rows[2], twin])
    pair = preference(prompts[1], "Good.", "Bad.")
    found = filter_by(limits, **{D: rows, P: [pair]})
    assert ids([*found.filtered_demonstrations, *found.filtered_preferences]) == ids([rows[1], pair])
    equal = [row | {"quality": 0.5} for row in rows]
    assert ids(filter_by(limits, **{D: equal}).filtered_demonstrations) == {min(ids(equal))}


@pytest.mark.parametrize(
    ("sources", "stays"), [(("human", "judge"), 0), (("judge", "verifier"), 1), (("judge", "judge"), 1)]
)
def test_of_near_duplicates_the_label_source_goes_before_a_place_in_both_products(sources, stays):
    rows = [
        demonstration(prompt, "Fine.", 0.5, label_source=source)
        for prompt, source in zip((PROMPT, PROMPT + " eleven"), sources, strict=True)
    ]
    pair = preference(PROMPT + " eleven", "Good.", "Bad.")
    limits = {"near_duplicate": {"general": 0.6}, "bands": 64, "rows_per_band": 1}
    found = filter_by(limits, **{D: rows, P: [pair]})
    assert ids(found.filtered_demonstrations) == ids([rows[stays]])
    assert ids(found.filtered_preferences) == (ids([pair]) if stays else set())


def test_what_is_kept_is_counted_by_strategy():
    rows = [
        demonstration("One?", "Two."),
        demonstration("Two?", "Three.", strategy="rejection"),
        demonstration("Three?", REFUSAL),
    ]
    found = filter_by(**{D: rows, P: [preference("One?", "Two.", "Three.")]})
    assert found.metrics == {
        "overlaps_removed": 0,
        "overlaps_reported": 0,
        "evaluation_items": 0,
        "evaluation_items_not_found": {"without_tokens": 0, "found_alone": 0, "short_solutions": 0},
        "kept_by_strategy": {"annotation": 2, "rejection": 1},
        "kept_by_source": {"seeds": 3},
    }
    assert {gone.stage for gone in found.dropped} == {"filter"}


def test_as_many_bands_of_as_many_rows_as_params_say_propose_near_duplicates():
    prompts = [" ".join(f"{letter}{n}" for letter in "abcdefghij") for n in range(20)]
    rows = [demonstration(text, "Fine.") for prompt in prompts for text in (prompt, prompt + " more")]

    def near_duplicates(bands: int, rows_per_band: int) -> int:
        sizes = {"bands": bands, "rows_per_band": rows_per_band}
        return len(filter_by({"near_duplicate": {"general": 0.8}} | sizes, **{D: rows}).dropped)

    # a pair of Jaccard coefficient J is proposed with probability 1 - (1 - J ** rows_per_band) ** bands; J is 8/9
    assert near_duplicates(16, 5) == 20
    assert 5 <= near_duplicates(1, 5) <= 17 and 1 <= near_duplicates(16, 32) <= 12


def test_the_id_of_a_prompt_is_the_least_of_its_rows():
    limits = {"near_duplicate": {"general": 0.5}, "bands": 64, "rows_per_band": 1}
    low, middle, high = (f"{n}" * 32 for n in (1, 2, 3))
    rows = [
        demonstration(PROMPT, "Fine.") | {"id": low},
        demonstration(PROMPT + " eleven", "Good.") | {"id": middle},
        demonstration(PROMPT, "Better.") | {"id": high},
    ]
    assert ids(filter_by(limits, **{D: rows}).filtered_demonstrations) == {low, high}
