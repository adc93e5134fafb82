"""Reasoning paths: which equations are read, which hold, and which of several like paths stays."""

import pytest

from cultivar.grading.equations import find_equations, is_consistent, select_distinct


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("so 2 + 3 = 5 and 5*2=10.", [("2+3", "5"), ("5*2", "10")]),
        ("2+2=5, that is <<2+3=5>>", [("2+3", "5")]),
        ("((3+4)*2=14).", [("(3+4)*2", "14")]),
        ("(3+4)*2=14", [("(3+4)*2", "14")]),
        ("35(2/5)=14", [("35*(2/5)", "14")]),
        ("(3+4*2=11", [("3+4*2", "11")]),
        ("<<2+2=x>>", []),
        ("5A+1=7, X*5+1=31, 2x=6, 3 = 3", []),
    ],
)
def test_equations_are_read_in_order_and_annotations_instead_of_text(path, found):
    assert find_equations(path) == found


@pytest.mark.parametrize(
    ("path", "holds"),
    [
        ("2+2=4", True),
        ("2+2=4.0000000001", True),
        ("2+2=4.0001", False),
        ("2+2=3.99", False),
        ("1.5*1.5=2.2", True),
        ("1.5*1.5=2.3", True),
        ("1.5*1.5=2.35", False),
        ("1.5+1=3", True),
        ("1.5+1.1=2", False),
        ("8/3=2", True),
        ("8/3=3", True),
        ("8/3=4", False),
        ("8/3=2.67", True),
        ("8/3=2.68", False),
        ("2*2=3.999+0.0005", True),
        ("2*2=3.999-0.0005", False),
        ("no sum", True),
        ("2+2=4, 2+2=5", False),
        ("12+5=17-3=14", True),
        ("12+5=18-3=14", False),
        ("12+5=14+3", True),
        ("1/0=0", False),
        ("10-12=-2", True),
        ("<<2+2=x>>", True),
        ("<<y=2>>", True),
    ],
)
def test_every_equation_must_hold_to_the_digits_written(path, holds):
    assert is_consistent(path) is holds


def test_one_path_of_each_list_of_equations_stays():
    assert select_distinct(["a 1+1=2", "b 2+0=2", "c 1+1=2", "none", "nothing"]) == [0, 1, 3]
    assert select_distinct(["1+1=2, 2+2=4", "2+2=4, 1+1=2"]) == [0, 1], "their order counts"
    assert select_distinct(["1+1=2", "1+1=3"]) == [0, 1] and select_distinct([]) == []


def test_the_path_farthest_from_the_other_kept_ones_stays():
    far, near, other = "1+1=2 zzzz", "1+1=2 a", "2+0=2 a"
    assert select_distinct([other, near, far]) == select_distinct([other, far, far])[:1] + [2]
    assert select_distinct([other, far, near]) == [0, 1] and select_distinct([near, other, far]) == [2, 1]
    assert select_distinct([near, far]) == [0], "without other paths the first stays"
    assert select_distinct([other, "1+1=2 b", "1+1=2 c"]) == [0, 1], "and so it does where they are as far"
