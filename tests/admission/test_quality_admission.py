"""quality: the text that each rule of filter drops, and its nearest neighbour that stays."""

import pytest

from schemas.rows import Demonstration, EvaluationItem, Preference
from schemas.table import Context, Table
from stages.curation.filter import filter as filter_rows
from stages.curation.params import FilterParams
from tests.admission.rows import demonstration, preference

SORRY = "I'm sorry about that"
WORDS = [f"w{n}" for n in range(400)]


def rule_of(row, **params):
    """(rule, detail) of the drop of one row, None where it is kept."""
    demonstrations, preferences = ([row], []) if "completion" in row else ([], [row])
    tables = filter_rows(
        Table.of(Demonstration, demonstrations),
        *[Table.of(Demonstration, []) for _ in range(4)],
        Table.of(Preference, preferences),
        *[Table.of(Preference, []) for _ in range(4)],
        evaluation=Context.of(EvaluationItem, []),
        params=FilterParams(**params),
    )
    return next(((gone.rule, gone.detail) for gone in tables.dropped), None)


def named(text, domain="general", **params):
    found = rule_of(demonstration("Tell me.", text, domain=domain), **params)
    return found and found[0]


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, no.",
        "I’m sorry, no.",
        "I am sorry, no.",
        "I am very sorry.",
        "I'm so sorry.",
        "I'm really sorry.",
        "Sorry, no.",
        "  sorry, no.",
        "I apologize for it.",
        "I apologise for it.",
        "I can't help with it.",
        "I can’t assist you.",
        "I cannot answer it.",
        "I can not provide it.",
        "I won't fulfil it.",
        "I won’t fulfill it.",
        "I am unable to comply now.",
        "I'm unable to do that.",
        "I am not able to complete it.",
        "Well, I CANNOT HELP it.",
    ],
)
def test_a_refusal_goes_but_for_safety_and_for_those_who_speak_for_others(text):
    assert named(text) == "refusal" and named(text, "math") == "refusal"
    for domain in ("safety", "literature", "character"):
        assert named(text, domain) is None


@pytest.mark.parametrize(
    "text",
    [
        "I'm glad to help.",
        "He was sorry.",
        "No need to be sorry.",
        "I can help with it.",
        "I cannot see it.",
        "They cannot help with it.",
        "Hi cannot help with it.",
    ],
)
def test_words_of_a_refusal_without_its_speaker_stay(text):
    assert named(text) is None


def test_only_the_opening_of_a_short_completion_is_a_refusal():
    opening = "x" * 20 + " " + SORRY
    at_end = len("x" * 20 + " I'm sorry")
    assert named(opening, refusal_chars=at_end) == "refusal" and named(opening, refusal_chars=at_end - 1) is None
    words = len(opening.split())
    assert named(opening, refusal_words=words + 1) == "refusal" and named(opening, refusal_words=words) is None
    identity = "x" * 20 + " I am Claude."
    assert named(identity, refusal_chars=32) == "identity leakage" and named(identity, refusal_chars=31) is None
    assert named(identity, refusal_words=1) == "identity leakage"


@pytest.mark.parametrize(
    ("text", "faulty"),
    [
        ("As an AI language model, I like it.", True),
        ("As an AI, I like it.", True),
        ("as a AI model, I do.", True),
        ("As an artificial intelligence, I do.", True),
        ("As an AI assistant, I do.", True),
        ("As an AI I do.", False),
        ("As an AI researcher, I do.", False),
        ("I'm ChatGPT.", True),
        ("I’m GPT-4.", True),
        ("I am gemini.", True),
        ("I am Bard.", True),
        ("I am Llama.", True),
        ("I am Qwen.", True),
        ("I am Mistral.", True),
        ("I am a large language model.", True),
        ("I am an AI language model.", True),
        ("I am a language model.", False),
        ("I am the bard of it.", False),
        ("I read Claude.", False),
        ("It was trained by OpenAI.", True),
        ("It is developed by Anthropic.", True),
        ("created by google now.", True),
        ("It was made by Meta.", True),
        ("It is trained by Alibaba.", True),
        ("made by Microsoft.", True),
        ("made by Mistral.", True),
        ("made by DeepSeek.", True),
        ("It was made by him.", False),
        ("bought by Meta.", False),
    ],
)
def test_a_completion_that_says_what_model_it_is_goes(text, faulty):
    assert named(text) == ("identity leakage" if faulty else None)
    assert named(text, "safety") == ("identity leakage" if faulty else None)
    assert named(text, "literature") is named(text, "character") is None


@pytest.mark.parametrize(
    ("text", "faulty"),
    [
        ("My knowledge cutoff is May.", True),
        ("My knowledge cut-off is May.", True),
        ("As of my last update it is.", True),
        ("As of my latest training it is.", True),
        ("as of my knowledge update it is.", True),
        ("Regenerate response", True),
        ("A network error occurred.", True),
        ("This content may violate it.", True),
        ("Dear [Insert your name here], no.", True),
        ("Lorem ipsum dolor.", True),
        ("As of my last visit it is.", False),
        ("Regenerate it.", False),
        ("A network.", False),
        ("[Insert here]", False),
        ("Lorem.", False),
        ("The content may be it.", False),
    ],
)
def test_boilerplate_goes_wherever_it_stands(text, faulty):
    for given in (text, " ".join(WORDS[:50]) + ". " + text):
        assert named(given, refusal_chars=1) == ("boilerplate" if faulty else None)
        assert named(given, "literature") is named(given, "character") is None


@pytest.mark.parametrize(
    ("text", "faulty"),
    [
        ("```\nx\n```", False),
        ("```\nx", True),
        ("```\nx\n```\n```", True),
        ("``x", False),
        (r"\begin{a} x \end{a}", False),
        (r"\begin{a} x", True),
        (r"x \end{a}", True),
        (r"\begin{a} \begin{b} x \end{b}", True),
        (r"\[ x \]", False),
        (r"\[ x", True),
        (r"x \]", True),
        ("[ x", False),
    ],
)
def test_what_is_opened_must_be_closed(text, faulty):
    assert named(text) == ("unclosed fence" if faulty else None)
    assert named(text, "code") == named(text, "literature") == named(text)


@pytest.mark.parametrize(
    ("words", "ending", "domain", "faulty"),
    [
        (9, "", "general", False),
        (10, "", "general", True),
        (10, "", "math", True),
        (10, "", "character", True),
        (10, "", "safety", True),
        (10, "", "literature", False),
        (10, "", "code", False),
        (10, "", "constraint", False),
        (10, ".", "general", False),
        (10, "!", "general", False),
        (10, "?", "general", False),
        (10, "…", "general", False),
        (10, "。", "general", False),
        (10, ")", "general", False),
        (10, "|", "general", False),
        (10, "5", "general", False),
        (10, ".  \n", "general", False),
        (10, ",", "general", True),
        (10, "-", "general", True),
        (10, ". and", "general", True),
    ],
)
def test_a_long_text_without_an_end_is_truncated(words, ending, domain, faulty):
    text = " ".join(["word"] * (words - ending.count("and"))) + ending
    limits = {"truncated_min_words": 10, "repetition_min_words": 500}
    assert named(text, domain, **limits) == ("truncated" if faulty else None)
    if faulty:
        assert named(text, domain, **limits | {"truncated_min_words": 11}) is None


def test_repeated_n_grams_beyond_the_share_go_in_texts_that_are_long_enough():
    text = "a b c d e a b c d f."  # of 9 bigrams 3 were there before, of 8 trigrams 2
    limits = {"repetition_ngram": 2, "repetition_min_words": 10, "repetition_share": 0.33}
    assert named(text, **limits) == "repetition"
    assert named(text, **limits | {"repetition_share": 0.34}) is None
    assert named(text, **limits | {"repetition_min_words": 11}) is None
    assert named(text, **limits | {"repetition_ngram": 3}) is None
    assert named(text, **limits | {"repetition_ngram": 3, "repetition_share": 0.24}) == "repetition"
    assert named(text, **limits | {"repetition_ngram": 3, "repetition_share": 0.25}) is None  # more, not as much
    assert named("a b.", **limits | {"repetition_min_words": 1, "repetition_share": 0.0}) is None
    assert named("a.", **limits | {"repetition_min_words": 1, "repetition_share": 0.0}) is None


@pytest.mark.parametrize(
    ("chosen", "rejected", "rule"),
    [
        ("Yes.", "Yes. ", "chosen equals rejected"),
        (" Yes.", "Yes.", "chosen equals rejected"),
        ("Yes.", "yes.", None),
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
    found = rule_of(preference("Tell me.", chosen, rejected))
    assert (found and found[0]) == rule


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "empty completion"),
        (" \n", "empty completion"),
        ("0", None),
        (SORRY + ". As an AI, I do. Lorem ipsum ```", "refusal"),
        ("As an AI, I do. Lorem ipsum ```", "identity leakage"),
        ("Lorem ipsum ```", "boilerplate"),
        ("``` " + "word " * 300, "unclosed fence"),
        ("word " * 300, "truncated"),
        ("word " * 300 + ".", "repetition"),
    ],
)
def test_the_first_rule_that_holds_names_the_drop(text, rule):
    found = rule_of(demonstration("Tell me.", text))
    assert (found and found[0]) == rule


def test_the_detail_shows_the_beginning_of_the_text_on_one_line():
    assert rule_of(demonstration("Tell me.", "Sorry,\n\nno."))[1] == "Sorry, no."
    assert rule_of(demonstration("Tell me.", "Sorry, " + "x" * 200))[1] == "Sorry, " + "x" * 113
