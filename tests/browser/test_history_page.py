"""The page of `cultivar history` in a browser: charts with bands, nothing asked for, nothing of a title runs."""

from pathlib import Path

import pytest

from reports.history.measures import Measured, measure_of
from reports.history.page import history_page
from reports.history.revisions import Revision
from reports.history.rows import RowChange
from reports.history.timeline import Line, Timeline


@pytest.fixture
def page_file(tmp_path: Path, hostile: dict[str, str]) -> Path:
    """A version a hostile text as its title; the third is not measured, so the line has two runs."""
    measures = (measure_of("evaluate/dpo:math_sampled", "math, dpo model"), measure_of("sft:loss"))
    lines = [
        Line(
            Revision(f"{at:07x}", f"{at:040x}", "2026-01-01", title),
            {"D": 100 + at, "P": None},
            {"D": RowChange(1, 2, 1, 3), "P": None},
            (None if at == 2 else Measured(0.5 + at / 50, 0.4 + at / 50, 0.6 + at / 50), Measured(1 / (1 + at))),
        )
        for at, title in enumerate(hostile.values())
    ]
    file = tmp_path / "history.html"
    file.write_text(history_page(Timeline(measures, tuple(lines))), encoding="utf-8")
    return file


def test_every_measured_version_has_a_dot_and_neighbours_a_band(page_file, hostile, open_page, is_accessible):
    page = open_page(page_file, script=True)
    first = page.locator("svg.history").first
    assert first.locator("circle").count() == len(hostile) - 1
    assert first.locator("polygon.interval").count() == 2 and first.locator("polyline.trend").count() == 2
    assert page.locator("tbody tr").count() == len(hostile)
    is_accessible(page)


def test_titles_are_inert(page_file, open_page, assert_inert):
    assert_inert(open_page(page_file))


@pytest.mark.parametrize("dark", [False, True])
def test_a_narrow_screen_scrolls_the_table_alone(page_file, open_page, picture, dark):
    page = open_page(page_file, width=400, dark=dark)
    picture(page, f"history-{'dark' if dark else 'light'}")
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
