"""Checks of instruction following (IFEval): each constraint on both sides of its line."""

import json

import pytest

from cultivar.grading.constraints import CHECKS, has_checks, satisfies_constraints

CASES = {
    "change_case:english_capital": [({}, "PARIS, 1!", "PARIs"), ({}, "A", "1")],
    "change_case:english_lowercase": [({}, "paris.", "paris. A"), ({}, "a", "42")],
    "change_case:capital_word_frequency": [
        ({"capital_relation": "at least", "capital_frequency": 2}, "THE END is near", "THE end is near"),
        ({"capital_relation": "less than", "capital_frequency": 2}, "THE end is near", "THE END is near"),
    ],
    "combination:repeat_prompt": [({"prompt_to_repeat": " Say A "}, " say a. Done", "Done. Say A")],
    "combination:two_responses": [
        ({}, "a ****** b", "a ****** a"),
        ({}, "******a******b", "a"),
        ({}, "a******b", "a******b******c"),
    ],
    "detectable_content:number_placeholders": [({"num_placeholders": 2}, "[a] and [b]", "[a] and b")],
    "detectable_content:postscript": [({"postscript_marker": "P.S."}, "Bye. p.s. Write", "Bye. PXSX Write")],
    "detectable_format:json_format": [
        ({}, '```json\n{"a": 1}\n```', "a: 1"),
        ({}, "[1]", "[1"),
        ({}, "```\n1\n```", "```\nx\n```"),
    ],
    "detectable_format:number_bullet_lists": [
        ({"num_bullets": 2}, "* a\n - b", "* a"),
        ({"num_bullets": 2}, "* a\n* b\n** c", "* a\n* b\n* c"),
    ],
    "detectable_format:number_highlighted_sections": [({"num_highlights": 2}, "*a* and *b c*", "*a* and *b\nc*")],
    "detectable_format:title": [({}, "<<Joy>>\nText", "<Joy>"), ({}, "<<a>>", "<<>>")],
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
        ({"letter": "E", "let_frequency": 2, "let_relation": "at least"}, "Eel", "el"),
        ({"letter": "e", "let_frequency": 2, "let_relation": "less than"}, "el", "Eel"),
    ],
    "length_constraints:number_paragraphs": [
        ({"num_paragraphs": 2}, "a *** b", "a b"),
        ({"num_paragraphs": 2}, "***a***b", "a***b***c"),
    ],
    "length_constraints:number_sentences": [
        ({"num_sentences": 2, "relation": "at least"}, "A b! C?", "A b c."),
        ({"num_sentences": 2, "relation": "less than"}, "A 1.5 b.", "A. B."),
    ],
    "length_constraints:number_words": [
        ({"relation": "less than", "num_words": 3}, "a, b", "a b c"),
        ({"relation": "at least", "num_words": 3}, "a b c", "a , b"),
        ({"relation": "at least", "num_words": "3"}, "well-known it", "well known"),
    ],
    "punctuation:no_comma": [({}, "a b", "a, b")],
    "startend:end_checker": [
        ({"end_phrase": "That is all."}, 'Rome. that is all."', "That is all. Rome"),
        ({"end_phrase": " all. "}, "that is ALL.", "all. Not"),
    ],
    "startend:quotation": [({}, ' "Rome" ', '"Rome'), ({}, '""', '"'), ({}, '"a" b"', 'a"')],
}


def test_there_is_a_case_for_every_check():
    assert CASES.keys() == CHECKS.keys() and len(CHECKS) == 21


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
    assert not satisfies_constraints(" \n", names[:1], ["{}"]) and not satisfies_constraints("", names[:1], [])
    with pytest.raises(ValueError):
        satisfies_constraints("A B", names, ["{}"])


def test_a_constraint_without_a_check_is_not_checkable():
    assert has_checks(["punctuation:no_comma"]) and not has_checks(["punctuation:no_comma", "no:such"])
    assert not has_checks([])
    with pytest.raises(KeyError):
        satisfies_constraints("x", ["no:such"], [])
