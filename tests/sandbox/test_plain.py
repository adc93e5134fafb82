"""Plain data: canonical texts are equal where values are, and `unpack` restores what `pack` sends."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cultivar.sandbox.inside.plain import canonical, pack, unpack

TEXT = st.text() | st.text(st.sampled_from("a\ud83d\ude00\U0001f600\ud800"))
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT | st.binary()
NUMBERS = st.integers(-5, 5) | st.floats(allow_nan=False, width=16) | st.decimals(-5, 5, places=1) | st.fractions(-5, 5)
SCALARS |= NUMBERS | st.complex_numbers(allow_nan=False, max_magnitude=3)
HASHABLE = st.recursive(SCALARS, lambda s: st.tuples(s, s) | st.frozensets(s, max_size=3), max_leaves=4)
VALUES = st.recursive(
    HASHABLE | st.dates() | st.timedeltas() | st.builds(range, st.integers(0, 4), st.integers(0, 4), st.integers(1, 3)),
    lambda s: st.lists(s, max_size=3) | st.dictionaries(HASHABLE, s, max_size=3) | st.sets(HASHABLE, max_size=3),
    max_leaves=8,
)


def text(value):
    try:
        return canonical(value)
    except ValueError:
        return None  # dates have no canonical text: literals never are dates


@given(TEXT, TEXT)
def test_strings_have_equal_texts_only_where_they_are_equal(left, right):
    assert (canonical(left) == canonical(right)) == (left == right)
    assert canonical(left).isascii() and "\n" not in canonical(left)


@given(VALUES, VALUES)
def test_equal_texts_are_equal_values(left, right):
    if text(left) is not None and text(right) is not None:
        assert (text(left) == text(right)) == (left == right)


@given(NUMBERS, NUMBERS)
def test_numbers_of_every_type_are_equal_as_in_python(left, right):
    assert (canonical(left) == canonical(right)) == (left == right)


@given(VALUES)
def test_unpack_inverts_pack(value):
    restored = unpack(json.loads(json.dumps(pack(value))))
    assert restored == value and type(restored) is type(value)


def test_equal_values_have_equal_texts_and_opaque_ones_none():
    assert canonical(1) == canonical(1.0) == canonical(True) == canonical(1 + 0j)
    assert canonical([1]) != canonical((1,)) and canonical({2, 1}) == canonical(frozenset([1, 2]))
    assert canonical(0.1) != canonical(1) and canonical("1") != canonical(1)

    class Equal(int):
        def __eq__(self, other):
            return True

        __hash__ = int.__hash__

    with pytest.raises(ValueError, match="not plain data"):
        canonical([Equal(1)])
