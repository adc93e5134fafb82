"""Final answers: one extractor for rejection and evaluation. Ordinary forms count, several values never do."""

import pytest

from cultivar.grading.answers import agrees, final_answer, judge_answers, last_answer
from stages.synthesis import rejection
from train.marking import is_right_answer


def rule_of(path, answer):
    """The rule by which rejection drops a path; none for one that it keeps."""
    return rejection.rule_of(path, judge_answers([(path, answer)])[0])


ANSWERS = {
    "17": [
        '17. 17.0 **17** $17 17% \\boxed{17} $\\boxed{17}$. \\$17 $\\frac{34}{2}$ 34/2 12+5 `17` "17" seventeen'.split(),
        ["17 apples", "17 km/h", "17 cm^2", "17 m²", "17 (apples)", "17 %", "$17$ apples", "$17\\text{ cm}$"],
        ["34/2 apples", "17 °C", "17 a day", "17 apples and oranges", "17 people to a bus", "17 feet to the left"],
        ["17 one-dollar bills", "17 (seventeen).", "17, because 10+7 = 17.", "17 since 18 is too many", "17 apples!"],
        ["10 + 7 = 17.", "x = 17", "$x = 17$", "x = 10 + 7 = 17 apples", "$3 \\times 5 + 2 = 17$", "therefore 17"],
        ["equal to 17", "approximately $17$", "12. No, the answer is 17", "\n\n$$17$$", "17 times"],
    ],
    "20": [["twenty", "20 (twenty)"]],
    "21": [["twenty-one", "Twenty one apples"]],
    "92": [["ninety-two"]],
    "18": [["$18.", "$18", "18 dollars", "17. No, the answer is 18."]],
    "1200": [["1,200", "$1,200", "1.2e3", "$1.2 \\times 10^3$"]],
    "0.5": [["1/2", "$\\dfrac{1}{2}$", ".5"]],
    "1.5": [["1 1/2", "1½ hours", "$1\\frac{1}{2}$", "3/2"]],
    "-5": [["-5", "−5", "-$5", "$-5"]],
    "(0, 1)": [["(0, 1)", "(0, 1).", "$(0,1)$"]],
    "x+1": [["1+x", "y = 1 + x"]],
    "25%": [["25%", "25"]],
    "5 - x": [["$5-x$", "-x + 5"]],
    "9π": [["9\\pi", "$9\\pi$", "9 pi"]],
    "Tuesday": [["Tuesday", "**Tuesday**."]],
}


@pytest.mark.parametrize(
    ("answer", "words"), [(gold, words) for gold, rows in ANSWERS.items() for row in rows for words in row]
)
def test_one_value_is_right_however_it_is_written(answer, words):
    assert is_right_answer(f"So the answer is {words}", answer)


@pytest.mark.parametrize(
    "words",
    [
        "12 13 17",
        "1, 2, 17",
        "17, 18",
        "1,7",
        "18 or 17",
        "17 or 18",
        "17 or eighteen",
        "17 to 18",
        "{16, 17}",
        "(0, 100)",
    ]
    + [
        "5 = 17",
        "x = 17, y = 18",
        "x=17 or x=18",
        "10 < 17",
        "not 17",
        "17. Or 18.",
        "17 and a half",
        "17²",
        "17½",
        "1/0",
    ]
    + ["$17$ or $18$", "$16, 17$", "$\\{17\\}$", "$x \\leq 17$", "$\\pm 17$", "\\(17\\) or \\(18\\)", "\\boxed{16, 17}"]
    + ["\\boxed{17} or \\boxed{18}", "16.999999", "17.004", "1e9999", "17 (eighteen)", "17/18", "17 1/2", "17 (or 18)"]
    + ["17x", "17a", "17c", "17 a", "17 ab", "17 K", "17π", "17 pi", "17/t", "17 - x", "17!", "17 sin"]
    + ["17 thousand", "17 trillion", "17 half", "17 quarters", "17 thirds", "17 twice", "17 plus tax", "17 factorial"]
    + ["17 times a", "17 vs. eighteen", "17\\text{ million}", "18. Or the answer is 17"],
)
def test_several_values_a_relation_or_a_denial_are_wrong(words):
    for answer in ("17", "18", "12"):
        text = f"The answer is {words}"
        assert not is_right_answer(text, answer) and rule_of(text, answer)
    assert not is_right_answer("The answer is 17%.", "0.17"), "a per cent sign is a unit"


@pytest.mark.parametrize(
    "words",
    "half of 42;twice 42;double 42;the square root of 42;log 42;sin 42;at most 42;under 42;almost 42;up to 42;--42;"
    "minus minus 42;#42;mitad de 42;el doble de 42;la moitié de 42;die Hälfte von 42;половина 42;il doppio di 42;"
    "42の半分;42的一半;42의 절반;setengah dari 42;yarısı 42;نصف 42".split(";"),
)
def test_a_word_that_makes_another_number_of_the_only_one_is_not_passed_over(words):
    assert not is_right_answer(f"The answer is {words}", "42")
    assert is_right_answer("The answer is that she needs 42 more dollars", "42")


@pytest.mark.parametrize(
    ("answer", "words"), [("5 - x", "5"), ("9π", "9"), ("3a", "3"), ("17 or 18", "17"), ("10!", "10"), ("5 ml", "5")]
)
def test_an_answer_sheet_is_read_without_units(answer, words):
    assert not is_right_answer(f"The answer is {words}", answer) and is_right_answer(f"The answer is {answer}", answer)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("… #### 72", 72),
        ("#### 72.00", 72),
        ("#### -1,200", -1200),
        ("A: 5 apples. #### 7", 7),
        ("The answer is $18.", 18),
        (r"so \boxed{9}", 9),
        ("The answer is 4. No: the answer is 5.", 5),
        ("about 12 in all", None),
        ("17", 17),
        ("17 of 18", None),
        ("", None),
        ("The answer is 10\n#### 11", 11),
        ("The answer is 4.\nSo \\boxed{5}, as 2+3=5", 5),
        (r"\boxed{4} or \boxed{5}", None),
        ("The correct answer is 42", 42),
        ("**Answer:** 42", 42),
        ("Answer: 42", 42),
        ("my final answer is:\n42", 42),
        ("The wrong answer is 42.", None),
        ("the answer isn't 42", None),
        (r"the final answer is $\boxed{\frac{4}{2}}$", 2),
        ("The answer is 17. The answer is", 17),
        ("The answer is " + "0" * 300, 0),
        ("The answer is " + "0" * 301, None),
        ("42\nThe answer is unknown", None),
    ],
)
def test_what_a_text_says_last_is_its_answer(text, answer):
    found = final_answer(text)
    assert (found and found.number) == answer


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        ("2+2=4. The answer is 4", ""),
        (r"So \boxed{4} apples", ""),
        ("Answer: 8/2", ""),
        ("Answer: 4e+00", ""),
        ("the answer is 5", "wrong answer"),
        ("2+2=5. The answer is 4", "an equation does not hold"),
        ("It is 4", "no final answer"),
        ("The answer is 4 or 5", "no final answer"),
        (r"The answer is $\sqrt{16}$", ""),
        (r"The answer is $\sqrt{17}$", "wrong answer"),
        ("The answer is IV", "answer cannot be compared"),
        ("The answer is 4000 m", "answer cannot be compared"),
        ("It is 4.", ""),
        ("It is 5.", "no final answer"),
    ],
)
def test_what_rejection_admits_evaluation_marks_right_and_what_it_calls_wrong_is_wrong(path, rule):
    assert rule_of(path, "4") == rule
    assert is_right_answer(path, "4") is (rule in ("", "an equation does not hold"))


def test_a_line_may_begin_with_the_answer():
    assert last_answer("It is late\nAnswer: 17\nGood night") == "17"


def test_an_answer_of_more_than_300_characters_is_none():
    assert last_answer(f"The answer is {'x' * 300}") == "x" * 300 and last_answer(f"The answer is {'x' * 301}") == ""


@pytest.mark.parametrize(
    ("words", "answer", "agreed"),
    [
        ("", "", None),
        ("1 2", "12", None),
        ("a b", "ab", True),
        ("red, blue", "red,blue", True),
        ("red", "blue", None),
        ("x+1", "1+x", True),
    ],
)
def test_words_are_the_answer_where_they_are_one_value_or_the_same_text(words, answer, agreed):
    assert agrees(words, answer) is agreed
