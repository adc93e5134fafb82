"""The page of a diff: every section, hostile rows as texts, links to itself and to browse alone."""

from dataclasses import replace

import pytest
from reading import Page
from sample_review import HOSTILE, TRAITS, review, row_name, unchanged

from cultivar.outgoing.escape import for_terminal
from reports.page.diff_html import diff_html
from reports.page.diff_markdown import diff_markdown
from reports.page.render import anchor, row_link


@pytest.fixture(scope="module")
def page():
    return Page(diff_html(review(HOSTILE), TRAITS))


def test_hostile_rows_are_texts(page):
    assert page.tags.isdisjoint({"script", "img", "iframe", "object", "form", "embed", "base"})
    assert page.comments == []
    for tag, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on")], tag
    assert "".join(for_terminal(HOSTILE).split()) in "".join("".join(page.all_text).split())


def test_links_go_to_the_page_and_to_browse_alone(page):
    for link in page.links:
        assert link.startswith(("#", "http://127.0.0.1:8400/row/"))
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(ids)


def test_every_sampled_row_has_an_anchor_and_opens_at_its_version(page):
    ids = {attributes.get("id") for _, attributes in page.elements}
    for number, version in ((100, "e4f5a6b7c8d9"), (300, "e4f5a6b7c8d9"), (400, "a1b2c3d4e5f6")):
        assert f"row-{row_name(number)}" in ids
        assert row_link(row_name(number), version) in page.links


def test_every_section_says_what_it_must():
    words = " ".join(" ".join(Page(diff_html(review(), TRAITS)).all_text).split())
    for part in (
        *("Drop weak pairs; edit the cow", "Look at these first", "3 rows of D removed"),
        *("prompts/execution/tests.jinja was edited", "3 proved by replay", "strategy = execution", "×8.3"),
        *("rank.min_margin", "1.35.0", "Evaluation items in D and P", "at most 0", "within noise", "−10.0 points"),
        *("19.9 % → 25.9 %", "+6.0", "share of rows, up to", "Schema", "DOUBLE"),
        *("What sound does", "… 12 words …", "2 causes explain all 9 changed rows", "62 new requests"),
    ):
        assert part in words, part


def test_metrics_of_earlier_data_are_counted_and_not_shown_as_changes():
    one, *_ = review().metrics
    diff = replace(review(), metrics=(replace(one, new=None, low=None, high=None, word="not measured"),))
    for text in (diff_html(diff), diff_markdown(diff)):
        assert "1 metric not measured on this data" in text and one.title not in text


def test_nothing_differs():
    words = " ".join(Page(diff_html(unchanged(), ())).all_text)
    for part in ("Neutral", "Nothing stands out.", "As it was: not a byte differs.", "No row differs."):
        assert part in words


def test_equal_diffs_are_equal_bytes():
    assert diff_html(review(HOSTILE), TRAITS) == diff_html(review(HOSTILE), TRAITS)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("row", "ab12"), "row-ab12"),
        (("cause", "data/a b.jsonl:11"), "cause-data_a_b.jsonl_11"),
        (("x", '"><i>é'), "x-___i__"),
    ],
)
def test_anchors_are_plain(names, expected):
    assert anchor(*names) == expected
