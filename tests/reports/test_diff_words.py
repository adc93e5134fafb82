"""Word diffs: both texts are kept whole, changes are few, no text takes long."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.diff.cells import cell_diffs
from reports.diff.model import Piece
from reports.diff.words import shortened, word_diff

TEXTS = st.text(st.sampled_from("ab 中国ไทยคן\n.,-"), max_size=40)


def side(pieces, kind):
    """The old or the new text, put together again."""
    return "".join(piece.text for piece in pieces if piece.kind in ("same", kind))


def marked(old, new):
    return "".join(
        {"same": "{}", "old": "-{}-", "new": "+{}+"}[one.kind].format(one.text) for one in word_diff(old, new)
    )


@given(TEXTS, TEXTS)
def test_the_pieces_make_up_both_texts(old, new):
    pieces = word_diff(old, new)
    assert (side(pieces, "old"), side(pieces, "new")) == (old, new)
    assert all(one.text for one in pieces) and all(one.kind != "same" for one in pieces if old == "" or new == "")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("What is wet?", "What is damp?", "What is -wet-+damp+?"),
        ("今天天气很好", "今天天气不好", "今天天气-很-+不+好"),
        ("สวัสดี", "สวัสดิ", "สวัส-ดี-+ดิ+"),
        ("a b c", "a c", "a -b -c"),
        ("same", "same", "same"),
        ("", "new", "+new+"),
        ("one two", "uno due", "-one two-+uno due+"),  # the space between two changes belongs to both
    ],
)
def test_words_of_every_script(old, new, expected):
    assert marked(old, new) == expected


def test_a_long_text_with_a_few_edits_shows_these_and_a_wholly_other_one_ends_in_time():
    words = [f"w{number * 7919 % 5000}" for number in range(20_000)]
    edited = [word if place % 1000 else "edited" for place, word in enumerate(words)]
    pieces = word_diff(" ".join(words), " ".join(edited))
    assert sum(one.words for one in pieces if one.kind == "new") == 20
    other = word_diff(" ".join(words), " ".join(reversed(words)))
    assert side(other, "new") == " ".join(reversed(words))


def test_unchanged_runs_are_cut_to_their_ends():
    words = " ".join(f"w{number}" for number in range(40))
    pieces = shortened(word_diff(f"{words} old {words}", f"{words} new {words}"), context=2)
    assert [(one.kind, one.words) for one in pieces] == [
        ("skip", 38), ("same", 2), ("old", 1), ("new", 1), ("same", 2), ("skip", 38)
    ]  # fmt: skip
    assert pieces[1].text == "w38 w39 "


def turn(content, role="user"):
    return {"role": role, "content": content}


@pytest.mark.parametrize(
    ("column", "old", "new", "expected"),
    [
        ("prompt", [turn("a b"), turn("c", "assistant")], [turn("a x"), turn("c", "assistant")], [("turn 1, user", "a b", "a x")]),
        ("prompt", [turn("a")], [turn("a"), turn("b", "assistant")], [("turn 2, assistant", None, "b")]),
        ("scores", [{"name": "s", "value": 1.0}], [{"name": "s", "value": 0.5}, {"name": "t", "value": 2.0}], [("s", "1", "0.5"), ("t", None, "2")]),
        ("tags", ["math", "logic"], ["logic", "code"], [("", "math, logic", "logic, code")]),
        ("quality", 0.25, None, [("", "0.25", None)]),
    ],
)  # fmt: skip
def test_a_cell_is_compared_as_what_it_is(column, old, new, expected):
    assert [(cell.place, cell.old, cell.new) for cell in cell_diffs(column, old, new)] == expected


def test_of_tags_those_that_stay_are_apart():
    [cell] = cell_diffs("tags", ["math", "logic"], ["logic", "code"])
    assert cell.words == (Piece("same", "logic", 1), Piece("old", "math", 1), Piece("new", "code", 1))
