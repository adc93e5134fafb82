"""Cells of CSV: an apostrophe before a formula goes, JSON text of a conversation is a conversation."""

import pytest

from stages.curation.readers.cells import value_of_cell


def test_a_conversation_is_a_list_of_turns():
    assert value_of_cell('[{"role":"user","content":"a"}]') == [{"role": "user", "content": "a"}]
    assert value_of_cell('[{"from":"human","value":"a"}]') == [{"from": "human", "value": "a"}]


@pytest.mark.parametrize("cell", ['[{"role":', '[{"role":"user"}, 3]', '{"role":"user"}', "[1]", '[{"name":"a"}]', ""])
def test_other_text_stays_text(cell):
    assert value_of_cell(cell) == cell


def test_an_apostrophe_goes_before_a_formula_alone():
    assert (value_of_cell("'=1"), value_of_cell("'tis")) == ("=1", "'tis")
