"""quotes: when an instruction quotes its passage, or names the work or the author."""

import pytest

from schemas.rows import Passage
from stages.synthesis.quotes import find_leaks, holds_run

TEXT = (
    'The old clock stopped at noon and the whole town noticed it at once; the well-\nknown "shepherd" _never_ came back. '
    "“Don’t go,” said Mary."
)
CHINESE = "子曰：「学而时习之，不亦说乎？有朋自远方来，不亦乐乎？」"
THAI = "นกฮูกบินผ่านหน้าต่างในคืนเดือนมืดแล้วร้องเพลงเบาๆ"


def leaks(asked, size=8, **fields):
    row = {
        "id": "a" * 32,
        "parents": [],
        "source": "s",
        "license": "MIT",
        "work": "Clocks",
        "section": "1",
        "text": TEXT,
    }
    return find_leaks([(asked, Passage.model_validate(row | fields))], size) == [True]


@pytest.mark.parametrize(
    ("asked", "leak"),
    [
        ("Say: the old clock, stopped (at noon) AND the — end", True),
        ("Say: the old clock, stopped (at noon) AND a", False),
        ("*The* “old” _clock_\nstopped\tat-noon... and; the", True),
        ("Go: town noticed it at once, the well-known", False),  # a word that a line end divides is one
        ("Go: whole town noticed it at once, the wellknown", True),
        ("Go: noticed it at once, the well-\nknown shepherd never", True),
        ("at once the well known shepherd never came back", True),
        ("shepherd never came back dont go said mary and", True),
        ("never came back dont go said mary and", False),
        ("nevercameback", False),
        ("", False),
    ],
)
def test_eight_words_in_a_row_are_a_quotation_however_they_are_written(asked, leak):
    assert leaks(asked) is leak


@pytest.mark.parametrize(
    ("text", "asked", "leak"),
    [
        (CHINESE, "写：学而时习之不亦说乎有朋自", True),  # 12 characters, eight words
        (CHINESE, "写：学而时习之不亦说乎有朋", False),
        (CHINESE, "写：学，而时习之；不亦说乎。「有朋自」", True),
        (THAI, "เขียนว่า นกฮูก บินผ่าน หน้าต่างใน คืนเดือนมืด แล้ว", True),
        (THAI, "เขียนเรื่องนกฮูกในคืนเดือนมืด", False),
    ],
)
def test_a_script_without_spaces_is_quoted_by_its_characters(text, asked, leak):
    assert leaks(asked, text=text) is leak


@pytest.mark.parametrize(
    ("work", "author", "asked", "leak"),
    [
        ("She", "", "Write of a shepherd. She is alone.", False),
        ("Emma", "", "Solve a dilemma.", False),
        ("Emma", "", "Retell EMMA’S life.", True),
        ("Moby Dick; Or, The Whale", "", "A tale like “Moby\nDick”.", True),
        ("Moby Dick; Or, The Whale", "", "A tale like that of Dick.", False),
        ("x", "Austen, Jane, 1775-1817", "Write like Jane Austen.", True),
        ("x", "Austen, Jane, 1775-1817", "Write like AUSTEN's heroines.", True),
        ("x", "Jane Austen", "Write in the style of Austen.", True),
        ("x", "Jane Austen", "Write of Jane and her sister.", False),
        ("x", "Alexandre Dumas, Jr.", "Write as if by Dumas.", True),
        ("x", "H. G. Wells", "A story of wells and water.", False),  # no capital
        ("x", "H. G. Wells", "A story. Wells run dry.", False),  # as any word at the start of a sentence
        ("x", "H. G. Wells", "A story of h. g. wells.", True),
        ("x", "Mary Mary", "A story of Mary.", False),  # a word of the passage
        ("x", "Anonymous", "An anonymous letter.", False),
        ("x", "Unknown", "The great unknown.", False),
        ("秋", "", "写秋天。", False),
        ("秋", "", "写像《秋》那样的文章。", True),
        ("骆驼祥子", "", "模仿骆驼祥子写作。", True),
        ("x", "鲁迅", "写一篇鲁迅风格的杂文。", True),
        ("x", "鲁迅", "写一篇杂文。", False),
        ("こころ", "", "心について、こころをこめて書く。", False),
        ("こころ", "", "「こころ」のように書く。", True),
    ],
)
def test_names_are_met_as_whole_words(work, author, asked, leak):
    assert leaks(asked, work=work, author=author) is leak


def test_runs_are_compared_by_their_letters_between_the_words_of_the_instruction():
    assert holds_run(["a", "bc", "d"], ["ab", "c"], 2) and not holds_run(["a", "bcd"], ["ab", "c"], 2)
    assert (
        not holds_run(["xa", "bc"], ["ab", "c"], 2) and not holds_run(["a"], ["a"], 0) and not holds_run([], ["a"], 1)
    )
