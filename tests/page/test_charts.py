"""Charts as SVG: what stands where, what a screen reader is told, and numbers in words."""

import math
import re
import xml.etree.ElementTree as ElementTree

import pytest
from sample_review import HOSTILE

from reports.page import charts, numbers
from reports.page.charts import Part
from reports.page.markdown import blocks, squares
from reports.page.values import plain, shortened


def rectangles(svg: str) -> list[tuple[str, float, float]]:
    """Class, x and width in percent of each rectangle, rounded."""
    found = ElementTree.fromstring(svg).iter("rect")
    return [
        (
            one.get("class"),
            round(float((one.get("x") or "0").strip("%")), 1),
            round(float(one.get("width").strip("%")), 1),
        )
        for one in found
    ]


@pytest.mark.parametrize(
    "svg",
    [
        charts.stacked_bar(HOSTILE, [Part(HOSTILE, 1, "added")]),
        charts.pair(HOSTILE, 0.1, 0.2, 0.4),
        charts.histogram(HOSTILE, [1, 2], [2, 1]),
        charts.interval(HOSTILE, 0.1, 0.2, -0.1, 0.3, 0.3),
        charts.line(HOSTILE, [1.0, None, 2.0]),
        charts.sparkline(HOSTILE, []),
    ],
)
def test_every_chart_is_one_picture_with_a_title(svg):
    root = ElementTree.fromstring(svg)
    assert (root.tag, root.get("role")) == ("svg", "img")
    assert root.get("aria-label") == root.find("title").text and "<script>" in root.get("aria-label")
    assert not {"script", "image", "a", "foreignObject"} & {one.tag for one in root.iter()}


def test_parts_of_a_stacked_bar_fill_it_and_none_is_too_thin():
    bar = charts.stacked_bar("D", [Part("a", 75, "unchanged"), Part("b", 0, "changed"), Part("c", 25, "added")])
    assert rectangles(bar) == [("unchanged", 0, 75), ("added", 75, 25)]
    thin = rectangles(charts.stacked_bar("D", [Part("a", 1_000_000, "unchanged"), Part("c", 1, "added")]))
    assert thin == [("unchanged", 0, 99.6), ("added", 99.6, 0.4)]
    assert rectangles(charts.stacked_bar("D", [Part("a", 0, "added")])) == [("empty", 0, 100)]


def test_a_pair_is_drawn_as_shares_of_the_most():
    assert rectangles(charts.pair("x", 0.1, 0.2, 0.4)) == [("old", 0, 25), ("new", 0, 50)]
    assert rectangles(charts.pair("x", 0, 0, 0)) == [("old", 0, 0), ("new", 0, 0)]


def test_histograms_are_shares_of_their_own_rows():
    svg = charts.histogram("x", [1, 1], [30, 10])
    old, new = (re.search(f'class="{kind}" points="([^"]+)"', svg)[1].split() for kind in ("old", "new"))
    assert [point.split(",")[1] for point in new[1:5]] == ["40.0", "40.0", "680.0", "680.0"]
    assert [point.split(",")[1] for point in old[1:5]] == ["360.0"] * 4
    assert charts.highest([1, 1], [30, 10]) == 0.75 and charts.highest([0], [0]) == 0


def test_an_interval_has_its_zero_in_the_middle():
    svg = charts.interval("x", 1.0, 2.0, -1.0, 2.0, 2.0)
    assert rectangles(svg) == [("band", 26, 72)] and 'cx="74.00%"' in svg
    assert "band" not in charts.interval("x", 1.0, 2.0, None, None, 2.0)


def test_a_line_breaks_where_nothing_is_known():
    assert charts.line("x", [1, 2, math.nan, 3, 4]).count("<line") == 2
    assert charts.line("x", [5]).count("<circle") == 1


def test_squares_and_blocks():
    parts = [Part("unchanged", 9_990, "unchanged"), Part("added", 9, "added"), Part("removed", 1, "removed")]
    assert squares(parts) == "⬜" * 18 + "🟩🟥"
    assert squares([Part("unchanged", 0, "unchanged")]) == ""
    assert blocks([0, 1, 50, 100]) == "<code> ▁▄█</code>"


@pytest.mark.parametrize(
    ("write", "value", "text"),
    [
        (numbers.count, 1234567, "1,234,567"),
        (numbers.count, None, "–"),
        (numbers.share, 0.1234, "12.3 %"),
        (numbers.share, 0.0004, "<0.1 %"),
        (numbers.share, 0.001, "0.1 %"),
        (numbers.share, 0.9995, ">99.9 %"),
        (numbers.share, 1.0, "100 %"),
        (numbers.share, 0.0, "0 %"),
        (numbers.points, 6.04, "+6.0"),
        (numbers.points, -0.04, "±0"),
        (numbers.points, -0.06, "−0.1"),
        (numbers.figure, 0.123456, "0.1235"),
        (numbers.figure, 12345.6, "12,346"),
        (numbers.figure, -3.0, "−3"),
        (numbers.figure, math.nan, "–"),
        (plain, [{"name": "reasoning", "value": 4.0}, {"name": "x", "value": 0.25}], "reasoning 4, x 0.25"),
        (plain, {"a": None, "b": True}, "b yes"),
    ],
)
def test_numbers_in_words(write, value, text):
    assert write(value) == text.replace(" %", "\u00a0%")


def test_changes_plurals_and_ends():
    assert (numbers.change(0.5, 0.25), numbers.change(1, 1), numbers.change(None, 1)) == ("−0.25", "±0", "–")
    assert (numbers.plural(1, "row"), numbers.plural(1200, "row")) == ("1 row", "1,200 rows")
    assert (shortened("abcd", 4), shortened("abcde", 4)) == ("abcd", "abc…")
