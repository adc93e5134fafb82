"""Checks of instruction following (IFEval): each constraint on both sides of its line."""

import json
import time

import pytest

from cultivar.grading.constraints import KINDS, has_checks, satisfies_constraints

CASES = {
    "change_case:english_capital": [({}, "PARIS, 1!", "PARIs"), ({}, "A", "1")],
    "change_case:english_lowercase": [({}, "paris.", "paris. A"), ({}, "a", "42")],
    "change_case:capital_word_frequency": [
        ({"capital_relation": "at least", "capital_frequency": 2}, "THE END is near", "THE end is near"),
        ({"capital_relation": "less than", "capital_frequency": 2}, "THE end is near", "THE END is near"),
        ({"capital_relation": "at least", "capital_frequency": 2}, "I'm in the U.S. now", "I’m in the u.s. now"),
        ({"capital_relation": "at least", "capital_frequency": 2}, "I DON'T", "WELL-KNOWN"),
        ({"capital_relation": "at least", "capital_frequency": 2}, "We CANNOT.", "We CAN."),
        ({"capital_relation": "less than", "capital_frequency": 1}, "मैं 42", "मैं A"),
    ],
    "combination:repeat_prompt": [({"prompt_to_repeat": " Say A "}, " say a. Done", "Done. Say A")],
    "combination:two_responses": [
        ({}, "a ****** b", "a ****** a"),
        ({}, "******a******b", "a"),
        ({}, "a******b", "a******b******c"),
        ({}, "a ****** b ******", "a ****** ****** b"),
    ],
    "detectable_content:number_placeholders": [
        ({"num_placeholders": 2}, "[a] and [b]", "[a] and b"),
        ({"num_placeholders": 2}, "[[a] []", "[a\n] [b]"),
        ({"num_placeholders": 1}, "［地址］", "【地址】"),
    ],
    "detectable_content:postscript": [
        ({"postscript_marker": "P.S."}, "Bye. p.s. Write", "Bye. PXSX Write"),
        ({"postscript_marker": "P.S."}, "Bye.\nP. S. Write", "Bye.\nPS: Write"),
        ({"postscript_marker": "P.P.S"}, "Bye.\nP. P.S Write", "Bye.\nP.S. Write"),
        ({"postscript_marker": "追伸"}, "では。\n追伸：またね", "では。"),
        ({"postscript_marker": "PS (1)"}, "ps (1) x", "ps 1 x"),
    ],
    "detectable_format:constrained_response": [
        ({}, "So: My answer is maybe.", "My answer is perhaps."),
        ({}, "My answer is no.", "my answer is no."),
    ],
    "detectable_format:json_format": [
        ({}, '```json\n{"a": 1}\n```', "a: 1"),
        ({}, "[1]", "[1"),
        ({}, "```\n1\n```", "```\nx\n```"),
        ({}, '\ufeff{"a": 1}', "\ufeff"),
        ({}, "9" * 5000, "9" * 5000 + "x"),
        ({}, '{"a": "\\ud83d", "b": NaN}', '{"a": 1} done'),
        ({}, "```JSON {} ```", "```Python\n{}\n```"),
    ],
    "detectable_format:multiple_sections": [
        ({"section_spliter": "SECTION", "num_sections": 2}, "SECTION 1\na\n**SECTION2**", "SECTION 1\na\nSection 2"),
        ({"section_spliter": "Day ", "num_sections": 1}, "Day 1: a", "Day one: a"),
        ({"section_spliter": "章", "num_sections": 2}, "章 1\n一\n章２\n二", "章 1\n一\n章"),
        ({"section_spliter": "A.B", "num_sections": 1}, "A.B 1", "AxB 1"),
    ],
    "detectable_format:number_bullet_lists": [
        ({"num_bullets": 2}, "* a\n - b", "* a"),
        ({"num_bullets": 2}, "* a\n* b\n** c", "* a\n* b\n* c"),
        ({"num_bullets": 2}, "-a\n\n \t*b", "- a\n• b"),
        ({"num_bullets": 1}, "a\n---\nb", "a\n***\nb"),
    ],
    "detectable_format:number_highlighted_sections": [
        ({"num_highlights": 2}, "*a* and *b c*", "*a* and *b\nc*"),
        ({"num_highlights": 2}, "**a** and *苹果*", "**a** and ** **"),
        ({"num_highlights": 1}, "*a*", "* *"),
    ],
    "detectable_format:title": [
        ({}, "<<Joy>>\nText", "<Joy>"),
        ({}, "<<a>>", "<<>>"),
        ({}, "x <<苹 > 果>>", "<<a\nb>>"),
    ],
    "keywords:existence": [({"keywords": ["one", "two"]}, "One, two.", "One."), ({"keywords": ["a.b"]}, "a.b", "axb")],
    "keywords:forbidden_words": [
        ({"forbidden_words": ["one", "two"]}, "None.", "Two."),
        ({"forbidden_words": ["a.b"]}, "axb", "a.b"),
    ],
    "keywords:frequency": [
        ({"keyword": "so", "frequency": 2, "relation": "at least"}, "So, so.", "So."),
        ({"keyword": "so", "frequency": 2, "relation": "less than"}, "So.", "So, so."),
    ],
    "keywords:letter_frequency": [
        ({"letter": "Σ", "let_frequency": 2, "let_relation": "at least"}, "σοφός", "σοφό"),
        ({"letter": "！", "let_frequency": 2, "let_relation": "at least"}, "好！!", "好！"),
        ({"letter": "#", "let_frequency": 1, "let_relation": "less than"}, "1", "#1"),
        ({"letter": "E", "let_frequency": 2, "let_relation": "at least"}, "Eel", "el"),
        ({"letter": "e", "let_frequency": 2, "let_relation": "less than"}, "el", "Eel"),
    ],
    "length_constraints:number_paragraphs": [
        ({"num_paragraphs": 2}, "a *** b", "a b"),
        ({"num_paragraphs": 2}, "***a***b", "a***b***c"),
        ({"num_paragraphs": 2}, "a\n***\nb\n***\n", "a\n***\n***\nb"),
        ({"num_paragraphs": 1}, "a\n\nb\n* * *\nc", "a\n***\nb"),
    ],
    "length_constraints:nth_paragraph_first_word": [
        ({"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "Elm"}, "a\n\n'elm, b", "a\n\nelms b"),
        ({"num_paragraphs": 1, "nth_paragraph": 1, "first_word": "well"}, "Well.", "well-known"),
        ({"num_paragraphs": 2, "nth_paragraph": 1, "first_word": "a"}, "a\r\n\r\nb", "a\n\nb\n\nc"),
        ({"num_paragraphs": 1, "nth_paragraph": 1, "first_word": "今天"}, "“今天天气好。”", "在今天。"),
        ({"num_paragraphs": 1, "nth_paragraph": 1, "first_word": "주말"}, "주말에는 쉰다", "주말농장은 좋다"),
        ({"num_paragraphs": 1, "nth_paragraph": 1, "first_word": "été"}, "Été, enfin", "Étés, enfin"),
        ({"num_paragraphs": 1, "nth_paragraph": 1, "first_word": "well"}, "Well… so", "Well-known… so"),
    ],
    "length_constraints:number_sentences": [
        ({"num_sentences": 2, "relation": "at least"}, "A b! C?", "A b c."),
        ({"num_sentences": 2, "relation": "less than"}, "A 1.5 b.", "One. Two."),
        ({"num_sentences": 2, "relation": "less than"}, "1. Take Dr. Lee's tea.", "1. Take it. Drink it."),
    ],
    "length_constraints:number_words": [
        ({"relation": "less than", "num_words": 3}, "a, b", "a b c"),
        ({"relation": "at least", "num_words": 3}, "a b c", "a , b"),
        ({"relation": "at least", "num_words": "3"}, "well-known it", "well known"),
    ],
    "punctuation:no_comma": [({}, "a b", "a, b")],
    "language:response_language": [
        ({"language": "ko"}, "안녕하세요.", "こんにちは。"),
        ({"language": "ru"}, "Это было вчера.", "It was yesterday."),
    ],
    "startend:end_checker": [
        ({"end_phrase": "That is all."}, 'Rome. that is all."', "That is all. Rome"),
        ({"end_phrase": " all. "}, "that is ALL.", "all. Not"),
    ],
    "startend:quotation": [({}, ' "Rome" ', '"Rome'), ({}, '""', '"'), ({}, '"a" b"', 'a"')],
}


def test_there_is_a_case_for_every_check():
    assert CASES.keys() == KINDS.keys() and len(KINDS) == 25


@pytest.mark.parametrize(
    ("name", "arguments", "kept", "broken"), [(name, *case) for name, cases in CASES.items() for case in cases]
)
def test_a_constraint_is_kept_or_broken(name, arguments, kept, broken):
    assert satisfies_constraints(kept, [name], [json.dumps(arguments)]) is True
    assert satisfies_constraints(broken, [name], [json.dumps(arguments)]) is False


def test_every_constraint_must_be_kept_and_an_empty_completion_keeps_none():
    names, arguments = ["punctuation:no_comma", "change_case:english_capital"], ["{}", ""]
    assert satisfies_constraints("A B", names, arguments) and satisfies_constraints("A B", names, [])
    assert not satisfies_constraints("A, B", names, arguments) and not satisfies_constraints("A b", names, arguments)
    assert not satisfies_constraints("\u200b", names[:1], ["{}"]) and satisfies_constraints("\ud83d A", names, [])
    assert not satisfies_constraints(" \n", names[:1], ["{}"]) and not satisfies_constraints("", names[:1], [])
    with pytest.raises(ValueError):
        satisfies_constraints("A B", names, ["{}"])


def test_a_constraint_without_a_check_is_not_checkable():
    assert has_checks(["punctuation:no_comma"], []) and not has_checks(["punctuation:no_comma", "no:such"], [])
    assert has_checks(["punctuation:no_comma"], ["{}"]) and has_checks(["punctuation:no_comma"], [""])
    assert not has_checks([], []) and not has_checks(["punctuation:no_comma"], ["{}", "{}"])
    for names, arguments in ((["no:such"], []), ([], []), (["keywords:existence"], [])):
        with pytest.raises(ValueError):
            satisfies_constraints("x", names, arguments)


WORDS = {"num_words": 3, "relation": "at least"}
LETTER = {"letter": "e", "let_frequency": 2, "let_relation": "less than"}
NTH = {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "a"}


@pytest.mark.parametrize(
    ("name", "arguments", "readable"),
    [
        ("length_constraints:number_words", WORDS, True),
        ("length_constraints:number_words", WORDS | {"num_words": "3", "language": None}, True),
        ("length_constraints:number_words", WORDS | {"num_words": 3.0}, True),
        ("length_constraints:number_words", WORDS | {"num_words": 0}, True),
        ("length_constraints:number_words", WORDS | {"num_words": -1}, False),
        ("length_constraints:number_words", WORDS | {"num_words": 3.5}, False),
        ("length_constraints:number_words", WORDS | {"num_words": float("inf")}, False),
        ("length_constraints:number_words", WORDS | {"num_words": float("nan")}, False),
        ("length_constraints:number_words", WORDS | {"num_words": True}, False),
        ("length_constraints:number_words", WORDS | {"num_words": "many"}, False),
        ("length_constraints:number_words", WORDS | {"num_words": None}, False),
        ("length_constraints:number_words", WORDS | {"relation": "at most"}, False),
        ("length_constraints:number_words", WORDS | {"relation": "At least"}, False),
        ("length_constraints:number_words", WORDS | {"relation": None}, False),
        ("length_constraints:number_words", WORDS | {"relation": ["at least"]}, False),
        ("length_constraints:number_words", WORDS | {"max_words": 5}, False),
        ("length_constraints:number_words", {"num_words": 3}, False),
        ("length_constraints:number_words", [], False),
        ("length_constraints:number_words", 3, False),
        ("length_constraints:number_sentences", {"num_sentences": 3, "relation": "more than"}, False),
        ("change_case:capital_word_frequency", {"capital_frequency": 3}, False),
        ("keywords:frequency", {"keyword": "so", "frequency": 2, "relation": ""}, False),
        ("keywords:frequency", {"keyword": " ", "frequency": 2, "relation": "at least"}, False),
        ("keywords:letter_frequency", LETTER, True),
        ("keywords:letter_frequency", LETTER | {"letter": "e\u0301"}, True),
        ("keywords:letter_frequency", LETTER | {"letter": "İ"}, True),
        ("keywords:letter_frequency", LETTER | {"letter": "ch"}, False),
        ("keywords:letter_frequency", LETTER | {"letter": ""}, False),
        ("keywords:letter_frequency", LETTER | {"let_relation": "exactly"}, False),
        ("keywords:existence", {"keywords": ["a", "b"]}, True),
        ("keywords:existence", {"keywords": []}, False),
        ("keywords:existence", {"keywords": "ab"}, False),
        ("keywords:existence", {"keywords": ["a", ""]}, False),
        ("keywords:forbidden_words", {"forbidden_words": ["\u200b"]}, False),
        ("keywords:forbidden_words", {"forbidden_words": ["\ud83d"]}, False),
        ("keywords:forbidden_words", {"forbidden_words": [1]}, False),
        ("keywords:forbidden_words", {"keywords": ["a"]}, False),
        ("startend:end_checker", {"end_phrase": ""}, False),
        ("combination:repeat_prompt", {"prompt_to_repeat": None}, False),
        ("detectable_content:postscript", {"postscript_marker": " "}, False),
        ("punctuation:no_comma", {"comma": ";"}, False),
        ("length_constraints:nth_paragraph_first_word", NTH, True),
        ("length_constraints:nth_paragraph_first_word", NTH | {"nth_paragraph": 3}, False),
        ("length_constraints:nth_paragraph_first_word", NTH | {"nth_paragraph": 0}, False),
        ("language:response_language", {"language": "th"}, True),
        ("language:response_language", {"language": "tlh"}, False),
        ("language:response_language", {"language": ["th"]}, False),
    ],
)
def test_what_a_constraint_asks_is_not_guessed(name, arguments, readable):
    assert has_checks([name], [json.dumps(arguments)]) is readable
    assert has_checks(["punctuation:no_comma", name], ["{}", json.dumps(arguments)]) is readable


def test_arguments_that_are_no_json_are_not_guessed():
    assert not has_checks(["punctuation:no_comma"], ["{"])
    assert not has_checks(["punctuation:no_comma"], ["[" * 100_000])


def test_a_broken_constraint_decides_and_an_undecided_one_does_not():
    names, arguments = ["detectable_format:json_format", "punctuation:no_comma"], ["{}", "{}"]
    deep = "[" * 100_000
    assert satisfies_constraints(deep, names[:1], arguments[:1]) is None
    assert satisfies_constraints(deep, names, arguments) is None
    assert satisfies_constraints(deep + ",", names, arguments) is False


UNITS = [
    "\n",
    " \n",
    "\t",
    "* ",
    "*",
    "**",
    "-\n",
    "[",
    "[]",
    "<<",
    "<< >",
    ">>",
    "***\n",
    "\n\n",
    "```",
    "p. ",
    "a ",
    "1. ",
    ", ",
    "'",
    "’",
    "é",
]
UNITS += ["哈", "ก", "가 ", "ا", "SECTION ", "SECTION1", "A", "I'", ". ", "。", "…", "\u200b", "\u0301", '"', "{", "😀"]


@pytest.mark.parametrize("unit", UNITS)
def test_no_text_takes_a_check_more_than_linear_time(unit):
    asked = [(name, json.dumps(cases[0][0])) for name, cases in CASES.items()]

    def cost(length: int) -> float:
        start = time.process_time()
        for name, arguments in asked:
            satisfies_constraints("x" + unit * (length // len(unit)) + "x", [name], [arguments])
        return time.process_time() - start + 0.02

    cost(10)  # patterns are compiled
    assert cost(40_000) < 40 * min(cost(4_000), cost(4_000))
