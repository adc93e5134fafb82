"""Which lines of a source differ, and the old text with some of these edits made."""

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from reports.causes.apply import edited
from reports.causes.lines import Edit, edits


def texts(*lines: str) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        (["a", "b", "c"], ["a", "b!", "c"], [Edit(2, 2)]),
        (["a", "b", "c"], ["a", "c"], [Edit(2, None)]),
        (["a", "b", "c"], ["new", "a", "b", "c"], [Edit(None, 1)]),
        (["a", "b", "c"], ["a", "b", "c", ""], []),  # an empty line is no row
        (["a", "b", "c"], ["c", "a", "b"], []),  # moved
        (["a", "b", "c"], ["c!", "a", "b"], [Edit(None, 1), Edit(3, None)]),
        # of two lines in the place of one, the one most alike is that line edited
        (["one two three"], ["four five six", "one two three!"], [Edit(None, 1), Edit(1, 2)]),
        ([], ["a"], [Edit(None, 1)]),
    ],
)
def test_lines_that_differ(old, new, found):
    assert edits(texts(*old), texts(*new)) == found


def test_what_is_no_text_has_no_lines():
    assert edits(b"PAR1\0\0", b"PAR1\0\1") is None


line = st.text("abc", min_size=1, max_size=3)


@settings(max_examples=30)
@given(st.lists(line, unique=True, max_size=8), st.lists(line, unique=True, max_size=8))
def test_all_edits_together_make_the_new_lines(old, new):
    """Lines that moved are no edits, so of these the old order stays."""
    listed = edits(texts(*old), texts(*new))
    made = edited(texts(*old), texts(*new), set(listed), listed)
    assert sorted(made.split()) == sorted(texts(*new).split())


def test_one_edit_of_several_is_made_where_it_stands():
    old, new = texts("a", "b", "c", "d"), texts("a!", "b", "new", "c")
    listed = edits(old, new)
    assert listed == [Edit(1, 1), Edit(None, 3), Edit(4, None)]
    alone = [edited(old, new, {edit}, listed) for edit in listed]
    assert alone == [texts("a!", "b", "c", "d"), texts("a", "b", "new", "c", "d"), texts("a", "b", "c")]
