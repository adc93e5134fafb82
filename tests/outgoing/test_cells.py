"""Cells of a spreadsheet hold no formula, and every text comes back from its cell."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cultivar.outgoing.cells import safe_cells, text_of_cell

FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def cell_of(text: str) -> str:
    return pl.select(safe_cells(pl.lit(text))).item()


@given(st.text(alphabet=st.one_of(st.sampled_from(["'", *FORMULAS]), st.characters(exclude_categories=["Cs"]))))
def test_a_text_comes_back_and_its_cell_is_no_formula(text):
    cell = cell_of(text)
    assert text_of_cell(cell) == text
    assert not cell.startswith(FORMULAS)


@pytest.mark.parametrize("text", ["a=b", "'quoted'", "", "1-2", " =1", "''"])
def test_other_texts_are_cells_as_they_are(text):
    assert cell_of(text) == text == text_of_cell(text)


def test_an_apostrophe_of_one_s_own_is_kept():
    assert (cell_of("'=1"), text_of_cell("''=1")) == ("''=1", "'=1")
