"""quality: the text that each rule of filter drops, and its nearest neighbour that stays."""

import pytest

from schemas.rows import Demonstration, EvaluationItem, Preference
from schemas.table import Context, Table
from stages.curation.filter import filter as filter_rows
from stages.curation.params import FilterParams
from tests.admission.rows import declared, demonstration, preference

SORRY = "I'm sorry, I can't do it, I cannot help you"


def drops(demonstrations, preferences=(), **params):
    """Row id -> (rule, detail) of the rows that go."""
    none = Table.of(Demonstration, []), Table.of(Preference, [])
    tables = filter_rows(
        Table.of(Demonstration, demonstrations),
        *[none[0]] * 5,
        Table.of(Preference, preferences),
        *[none[1]] * 5,
        evaluation=Context.of(EvaluationItem, []),
        sources=declared(),
        params=FilterParams(**params),
    )
    return {gone.id: (gone.rule, gone.detail) for gone in tables.dropped}


def rules_of(texts, domain="general", **params):
    """Completion -> the rule that drops it, None where it stays. Every one has a prompt of its own."""
    rows = {text: demonstration(f"Prompt {n}?", text, domain=domain) for n, text in enumerate(texts)}
    found = drops(rows.values(), **params)
    return {text: found.get(row["id"], (None,))[0] for text, row in rows.items()}


def rule_of(text, domain="general", **params):
    return rules_of([text], domain, **params)[text]


def test_a_refusal_goes_but_for_safety_and_for_those_who_speak_for_others():
    refusals = [
        "I'm sorry, no.",
        "I’m sorry, no.",
        "I am very sorry. I can't help you.",
        "Sorry, no.",
        "  sorry, no.",
        "I apologize, I can't share it.",
        "I apologise, but I won't write it.",
        "I can't help with it.",
        "I can’t assist you.",
        "I cannot answer it.",
        "I can not provide it.",
        "I won't fulfil it.",
        "I won’t fulfill it.",
        "I am unable to comply now.",
        "I'm unable to do that.",
        "I’m unable to help.",
        "I am not able to complete it.",
        "Well, I CANNOT HELP with it.",
    ]
    for domain in ("general", "math", "code", "constraint"):
        assert rules_of(refusals, domain) == dict.fromkeys(refusals, "refusal")
    for domain in ("safety", "literature", "character"):
        assert rules_of(refusals, domain) == dict.fromkeys(refusals)
    others = [
        "I'm glad to help.",
        "I'm so sorry.",
        "I can't provide for them.",
        "I apologize for it.",
        "Well, I cannot help it.",
        "He was sorry.",
        "No need to be sorry.",
        "I can help with it.",
        "I cannot see it.",
        "They cannot help with it.",
        "Hi cannot help with it.",
    ]
    assert rules_of(others) == dict.fromkeys(others)


def test_only_the_opening_of_a_short_completion_is_a_refusal():
    opening = "x" * 20 + " " + SORRY
    end, words = len(opening.removesuffix(" you")), 11
    assert rule_of(opening, refusal_chars=end) == "refusal" and rule_of(opening, refusal_chars=end - 1) is None
    assert rule_of(opening, refusal_words=words + 1) == "refusal" and rule_of(opening, refusal_words=words) is None
    identity = "x" * 20 + " I am Claude."
    assert rule_of(identity, refusal_chars=32) == "identity leakage" and rule_of(identity, refusal_chars=31) is None
    assert rule_of(identity, refusal_words=1) == "identity leakage"


def test_a_completion_that_says_what_model_it_is_goes():
    faulty = [
        "As an AI language model, I like it.",
        "As an AI I do.",
        "As an AI, I like it.",
        "as a AI model, I do.",
        "As an artificial intelligence, I do.",
        "As an AI assistant, I do.",
        "I'm ChatGPT.",
        "I’m GPT-4.",
        "I am gemini.",
        "I am Bard.",
        "I am Llama.",
        "I am Qwen.",
        "I am Mistral.",
        "I am a large language model.",
        "I am an AI language model.",
        "I was trained by OpenAI.",
        "I am developed by Anthropic.",
        "I was created by google now.",
        "I'm an assistant made by Meta.",
        "I am a model trained by Alibaba.",
        "I've been told that I was made by Microsoft.",
    ]
    fine = [
        "As an AI researcher, I do.",
        "I am a language model.",
        "I am the bard of it.",
        "I read Claude.",
        "It was made by him.",
        "It was trained by OpenAI.",
        "created by google now.",
        "bought by Meta.",
    ]
    expected = dict.fromkeys(faulty, "identity leakage") | dict.fromkeys(fine)
    assert rules_of(expected) == rules_of(expected, "safety") == expected
    for domain in ("literature", "character"):
        assert rules_of(expected, domain) == dict.fromkeys(expected)


def test_boilerplate_goes_wherever_it_stands():
    faulty = [
        "My knowledge cutoff is May.",
        "My knowledge cut-off is May.",
        "As of my last update it is.",
        "As of my latest training it is.",
        "as of my knowledge update it is.",
        "It is.\nRegenerate response",
        "It is.\nNetwork error\n",
        "This content may violate our policy.",
        "Dear [Insert your name here], no.",
        "Lorem ipsum dolor.",
    ]
    fine = [
        "As of my last visit it is.",
        "Regenerate it.",
        "A network.",
        "A network error occurred.",
        "This content may violate it.",
        "Press Regenerate response.",
        "[Insert here]",
        "Lorem.",
        "The content may be it.",
    ]
    expected = dict.fromkeys(faulty, "boilerplate") | dict.fromkeys(fine)
    assert rules_of(expected) == expected
    later = {f"A long beginning. {text}": rule for text, rule in expected.items()}
    assert rules_of(later, refusal_chars=1) == later
    for domain in ("literature", "character"):
        assert rules_of(expected, domain) == dict.fromkeys(expected)


def test_what_is_opened_must_be_closed():
    fine = dict.fromkeys(["```\nx\n```", "``x", r"\begin{a} x \end{a}", r"\[ x \]", "[ x"])
    fences = dict.fromkeys(["```\nx", "```\nx\n```\n```"], "unclosed fence")
    latex = [r"\begin{a} x", r"x \end{a}", r"\begin{a} \begin{b} x \end{b}", r"\[ x", r"x \]"]
    for domain in ("general", "literature", "safety"):
        expected = fine | fences | dict.fromkeys(latex, "unclosed fence")
        assert rules_of(expected, domain) == expected
    expected = fine | fences | dict.fromkeys(latex)  # signs of a program
    assert rules_of(expected, "code") == expected


def test_a_long_text_without_an_end_is_truncated():
    limits = {"truncated_min_words": 10, "repetition_min_words": 500}
    ten, nine = " ".join(["word"] * 10), " ".join(["word"] * 9)
    cut = [ten, ten + ",", ten + "-", nine + ". and"]
    fine = [nine, *(ten + end for end in (*".!?…。！？।؟۔\"'”’»」)]}`*:;|>5", ".  \n"))]
    expected = dict.fromkeys(cut, "truncated") | dict.fromkeys(fine)
    for domain in ("general", "math", "character", "safety"):
        assert rules_of(expected, domain, **limits) == expected
    for domain in ("literature", "code", "constraint"):
        found = rules_of(expected, domain, **limits)
        assert {text: rule for text, rule in found.items() if rule == "truncated"} == {}
    assert rules_of(cut, **limits | {"truncated_min_words": 11}) == dict.fromkeys(cut)


def test_repeated_n_grams_beyond_the_share_go_in_texts_that_are_long_enough():
    text = "a b c d e a b c d f."  # of 9 bigrams 3 were there before, of 8 trigrams 2
    limits = {"repetition_ngram": 2, "repetition_min_words": 10, "repetition_share": 0.33}
    assert rule_of(text, **limits) == "repetition"
    assert rule_of(text, **limits | {"repetition_share": 0.34}) is None
    assert rule_of(text, **limits | {"repetition_min_words": 11}) is None
    assert rule_of(text, **limits | {"repetition_ngram": 3}) is None
    assert rule_of(text, **limits | {"repetition_ngram": 3, "repetition_share": 0.24}) == "repetition"
    assert rule_of(text, **limits | {"repetition_ngram": 3, "repetition_share": 0.25}) is None  # more, not as much
    short = {"a b.": None, "a.": None}
    assert rules_of(short, **limits | {"repetition_min_words": 1, "repetition_share": 0.0}) == short


@pytest.mark.parametrize(
    ("chosen", "rejected", "rule"),
    [
        ("Yes.", "Yes. ", "chosen equals rejected"),
        (" Yes.", "Yes.", "chosen equals rejected"),
        ("Yes.", "yes.", "chosen equals rejected"),  # as texts are compared
        ("Yes.", "Yes", None),
        (SORRY, "Yes.", "refusal"),
        ("Yes.", SORRY, None),
        (" ", "Yes.", "empty completion"),
        ("Yes.", " ", None),
        (" ", " ", "empty completion"),
        (SORRY, SORRY, "chosen equals rejected"),
    ],
)
def test_a_pair_is_judged_by_its_chosen_side_and_needs_a_difference(chosen, rejected, rule):
    row = preference("Tell me.", chosen, rejected)
    assert [found for found, _ in drops([], [row]).values()] == ([] if rule is None else [rule])


@pytest.mark.parametrize(
    ("domain", "rejected", "rule"),
    [
        ("general", "PARIS.", "chosen equals rejected"),
        ("math", "PARIS.", "chosen equals rejected"),
        ("code", "PARIS.", None),
        ("constraint", "PARIS.", None),
        ("constraint", "paris. ", "chosen equals rejected"),
        ("code", " paris.", "chosen equals rejected"),
    ],
)
def test_in_code_and_under_constraints_capitals_are_a_difference(domain, rejected, rule):
    row = preference("Tell me.", "paris.", rejected, domain=domain)
    assert [found for found, _ in drops([], [row]).values()] == ([] if rule is None else [rule])


def test_the_first_rule_that_holds_names_the_drop():
    expected = {
        "": "empty completion",
        " \n": "empty completion",
        "0": None,
        SORRY + ". As an AI, I do. Lorem ipsum dolor\n```": "refusal",
        "As an AI, I do. Lorem ipsum dolor\n```": "identity leakage",
        "Lorem ipsum dolor\n```": "boilerplate",
        "``` " + "word " * 300: "unclosed fence",
        "word " * 300: "repetition",
        "哈" * 2000: "repetition",
        " ".join(f"word{number}" for number in range(300)) + " and": "truncated",
    }
    assert rules_of(expected) == expected


def test_the_detail_shows_the_beginning_of_the_text_on_one_line():
    for text, shown in (("Sorry,\n\nno. ```", "Sorry, no. ```"), ("Sorry, no " + "x" * 200, "Sorry, no " + "x" * 110)):
        found = drops([demonstration("Tell me.", text.replace(" ```", "\n```"))]).values()
        assert [detail.removeprefix("English, apology: ") for _, detail in found] == [shown]
