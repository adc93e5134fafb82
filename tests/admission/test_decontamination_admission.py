"""Decontamination: an n-gram and a long common subsequence, each just long enough and just too short."""

import pytest

from schemas.ids import content_id
from schemas.rows import Demonstration, EvaluationItem, Preference
from schemas.table import Context, Table
from stages.curation import decontamination
from stages.curation.filter import filter as filter_rows
from stages.curation.params import FilterParams
from tests.admission.rows import declared, demonstration, evaluation_item, ids, rules

PARAMS = {"ngram": 4, "lcs_tokens": 6, "lcs_share": 0.5, "report_ngram": 4, "report_items": 5, "repetition_share": 1.0}


def decontaminate(rows, items, **params):
    none = Table.of(Demonstration, []), Table.of(Preference, [])
    return filter_rows(
        Table.of(Demonstration, rows),
        *[none[0]] * 5,
        *[none[1]] * 6,
        evaluation=Context.of(EvaluationItem, items),
        sources=declared(),
        params=FilterParams(**PARAMS | params),
    )


def overlaps(rows, items, **params):
    """(rule of every row that went, overlaps as (row, item, removed, lcs, text))."""
    rows = [demonstration(row, "Nothing.") if isinstance(row, str) else row for row in rows]
    items = [evaluation_item(item) if isinstance(item, str) else item for item in items]
    tables = decontaminate(rows, items, **params)
    tables.overlaps.check()
    texts = {row["id"]: row["prompt"][0]["content"] for row in rows} | {item["id"]: item["prompt"] for item in items}
    assert set(rules(tables.dropped).values()) <= {"evaluation overlap"}
    assert ids(tables.dropped) == {row.parents[0] for row in tables.overlaps if row.removed}
    assert tables.metrics["overlaps_reported"] == sum(not row.removed for row in tables.overlaps)
    found = [(*(texts[key] for key in row.parents), row.removed, row.lcs, row.text) for row in tables.overlaps]
    return sorted(found, key=lambda overlap: (overlap[0], -overlap[3], overlap[1]))


ROW, ITEM = "a b c d x e f z", "a b c d y e f w"
"""Eight words each; one shared run of four; a common subsequence of six."""


@pytest.mark.parametrize(
    ("row", "item", "params", "removed"),
    [
        (ROW, ITEM, {}, True),
        (ROW, ITEM, {"ngram": 5}, False),
        (ROW, ITEM, {"lcs_tokens": 7}, None),
        (ROW, ITEM, {"lcs_share": 0.75}, True),
        (ROW, ITEM, {"lcs_share": 0.76}, None),
        (ROW + " g h i j k l m n o p", ITEM, {"lcs_share": 0.75}, True),  # of the shorter one
        (ROW, ITEM + " g h i j k l m n o p", {"lcs_share": 0.75}, True),
        (ROW, ITEM, {"ngram": 5, "report_ngram": 5}, None),
        (ROW, ITEM, {"ngram": 5, "report_items": 0}, None),
        ("A, b: c... D x 'e' (f) z", ITEM, {}, True),
        ("a-b c d x e f z", ITEM, {}, True),
        ("a b c x d e f z", ITEM, {}, None),
        ("d c b a x e f z", ITEM, {}, None),
        ("a b c d", "a b c d", {}, True),
        ("a", "A!", {}, True),
        ("a b", "a b c", {}, None),
        ("a b c d e", "a b c d e f", {}, None),
        ("a b c d e f", "a b c d e f g", {}, True),
        ("?!", "!?", {}, None),
    ],
)
def test_a_row_goes_with_an_n_gram_and_a_long_common_subsequence_of_an_item(row, item, params, removed):
    found = overlaps([row], [item], **params)
    assert [overlap[:3] for overlap in found] == ([] if removed is None else [(row, item, removed)])


def test_the_evidence_says_how_long_what_was_shared_is():
    row = demonstration(ROW, "Nothing.")
    (overlap,) = decontaminate([row], [evaluation_item(ITEM + " v")]).overlaps
    assert (overlap.ngram, overlap.lcs, overlap.row_tokens, overlap.item_tokens, overlap.text) == (
        4,
        6,
        8,
        9,
        "a b c d",
    )
    fields = overlap.model_dump(exclude={"id", "parents"})
    assert overlap.id == content_id("overlap", fields, overlap.parents)


def test_reported_evidence_counts_the_tokens_of_the_row_and_of_the_item():
    other = demonstration("q r s t u v", "Nothing at all.")
    (overlap,) = decontaminate(
        [other, demonstration(ROW, "Nothing.")], [evaluation_item(ITEM + " v")], ngram=5
    ).overlaps
    assert (overlap.removed, overlap.row_tokens, overlap.item_tokens) == (False, 8, 9)


@pytest.mark.parametrize(("row", "ngram"), [("a b", 2), ("a b c d e f g", 4)])
def test_a_row_that_is_an_item_shares_an_n_gram_as_long_as_it_has_words_for(row, ngram):
    (overlap,) = decontaminate([demonstration(row, "Nothing.")], [evaluation_item(row)]).overlaps
    assert overlap.ngram == ngram


def test_of_equal_evidence_in_prompt_and_completion_the_least_item_is_named():
    items = [evaluation_item(text) for text in ("a b c d e f", "g h i j k l")]
    for texts in (("a b c d e f", "g h i j k l"), ("g h i j k l", "a b c d e f")):
        (overlap,) = decontaminate([demonstration(*texts)], items).overlaps
        assert overlap.parents[1] == min(item["id"] for item in items)


def test_a_row_that_is_an_item_word_for_word_names_it_and_its_first_words():
    assert overlaps(["a b c d e f g"], ["A b c d e f g!"]) == [("a b c d e f g", "A b c d e f g!", True, 7, "a b c d")]
    assert overlaps(["a b"], ["a b"]) == [("a b", "a b", True, 2, "a b")]
    twins = [evaluation_item("a b c", source=str(n)) | {"id": f"{n}" * 32} for n in (3, 1, 2)]
    row = demonstration("a b c", "Nothing.")
    assert [overlap.parents for overlap in decontaminate([row], twins).overlaps] == [[row["id"], "1" * 32]]


def test_of_several_items_the_longest_is_the_evidence_of_a_row_that_goes():
    row = demonstration("a b c d e f x", "g h i j k l m n")
    assert overlaps([row], ["a b c d e f y", "g h i j k l m o"]) == [
        ("a b c d e f x", "g h i j k l m o", True, 7, "g h i j")
    ]
    reported = demonstration("a b c d e f x", "g h i k l m n")
    found = overlaps([reported], ["a b c d e f y", "g h i y k l m n"], ngram=5, lcs_tokens=5, report_ngram=4)
    assert [overlap[1:4] for overlap in found] == [("a b c d e f y", True, 6)]  # what is only reported goes unsaid


def test_an_item_that_fails_the_second_condition_does_not_hide_another():
    items = ["a b c d e p q r s t u v w", "a b c d x y f g h"]  # more shared n-grams, but too short a subsequence
    assert overlaps(["a b c d e x f g h"], items, lcs_tokens=8) == [
        ("a b c d e x f g h", "a b c d x y f g h", True, 8, "a b c d")
    ]


def test_what_is_only_reported_names_its_items_the_likest_first_up_to_the_limit():
    items = [f"a b c d {rest}" for rest in ("e f g p q", "e f h r s", "x e f t")]
    row = "a b c d e f g y z"
    limits = {"ngram": 9, "report_ngram": 4, "lcs_tokens": 6}
    found = overlaps([row], items, **limits)
    assert [(overlap[1], overlap[2], overlap[3]) for overlap in found] == [
        (items[0], False, 7),
        (items[1], False, 6),
        (items[2], False, 6),
    ]
    assert [overlap[1] for overlap in overlaps([row], items, **limits | {"report_items": 2})] == items[:2]
    assert [overlap[1] for overlap in overlaps([row], items, **limits | {"report_items": 1})] == items[:1]


def test_a_row_that_meets_an_item_twice_reports_the_longer_overlap_once():
    row = demonstration("a b c d e f x", "a b c d e f g y")
    limits = {"ngram": 9, "report_ngram": 4}
    assert overlaps([row], ["a b c d e f g z"], **limits) == [("a b c d e f x", "a b c d e f g z", False, 7, "a b c d")]


def test_rows_beyond_the_first_chunk_are_named_right(monkeypatch):
    monkeypatch.setattr(decontamination, "CHUNK", 2)
    far = [f"{word} b c d e f g" for word in "pqrstu"]
    found = overlaps(far, ["u b c d e f g h"], ngram=9, lcs_tokens=7)
    assert [overlap[:3] for overlap in found] == [("u b c d e f g", "u b c d e f g h", False)]
    rows = [f"{word} b c d e f g" for word in "pqrstu"]
    items = [f"{word} b c d e f {tail}" for word, tail in zip("pqrstu", "gxgxgx", strict=True)]
    found = overlaps(rows, items, lcs_tokens=6)
    assert [(overlap[0], overlap[1]) for overlap in found if overlap[3] == 7] == [
        (row, item) for row, item in zip(rows, items, strict=True) if item == row
    ]
    assert {overlap[0] for overlap in found} == set(rows)


def test_of_items_that_share_as_much_the_one_with_the_least_id_is_named():
    items = [evaluation_item(f"a b c d e f {tail}") for tail in "uvwxyz"]
    ((_, item, removed, _, _),) = overlaps(["a b c d e f g"], items)
    assert removed and item == min(items, key=lambda item: item["id"])["prompt"]
    (found,) = overlaps(["a b c d e f g"], items, ngram=9, report_items=1)
    assert found[1] == item


@pytest.mark.parametrize(("row", "item"), [("p q a b c d", "r a b c d s"), ("p a b c d q", "r s a b c d")])
def test_a_run_at_the_very_end_counts(row, item):
    assert overlaps([row], [item], lcs_tokens=4) == [(row, item, True, 4, "a b c d")]


def test_every_row_finds_its_own_item_among_many():
    texts = [" ".join(f"{letter}{n}" for letter in "abcdefgh") for n in range(60)]
    found = overlaps([f"{text} x" for text in texts], [f"y {text}" for text in texts])
    assert [(row, item) for row, item, *_ in found] == sorted((f"{text} x", f"y {text}") for text in texts)


def test_without_items_or_rows_there_is_no_overlap():
    assert overlaps([ROW], []) == overlaps([], [ITEM]) == []
