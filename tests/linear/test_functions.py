"""Functions that read untrusted text take linear time: patterns called in loops, parsers, and what libraries do for them.

The fragments are what the functions look for: signs of arithmetic and LaTeX, fences, quotation marks, tags, heads of
chapters. What takes bounded text only (`strip_markup`, `parse_group`) is called with what may be longer.
"""

from collections.abc import Callable

import polars as pl
import pytest
from fragments import GENERIC, repeated
from growth import Call, fault
from pydantic import BaseModel

from cultivar.grading import (
    answers,
    arithmetic,
    boxes,
    code,
    constraint_form,
    constraint_lengths,
    constraint_words,
    cues,
    equations,
    groups,
    notation,
    numerals,
    values,
)
from cultivar.grading.answer_markup import strip_markup
from cultivar.llm import backslashes, markup, structured
from cultivar.llm.simulated.registry import tagged
from cultivar.text import languages, phrases, sentences, tokens
from stages.annotation.beyond_text import BEYOND_TEXT, FIGURES_OF_SPEECH
from stages.annotation.leaks import LEAKS
from stages.curation import form
from stages.curation.identity import IDENTITY, IDIOMS
from stages.curation.readers import books, chapters, conversations, json_text, shapes
from stages.curation.readers.answers import without_thousands

ARITHMETIC = (
    "12 = |12 + 12 = |12*|1-|2^|5 feet |12 dozen |2 : 3 = |12% + |1/5 - |x + 12 |=>|≈|√2|²³|½|10^|*10^2|1e5".split("|")
)
LATEX = r"\frac12|\text{|\boxed{1}|}{|\$|\begin{matrix}|\left(|\cup |\pm |\(|\)|\]|\\|\nu |$\nu$|C:\|\u00|\ud83d|1 & 2 \\".split(
    "|"
)
WORDS = (
    "and |the answer is |so the |Answer: |because |twenty-|one hundred and |e.g. |I am an AI |said: |as an |作为|我是|dear a,\n"
    "|name: a\n|P.S.|不|ตอบ |一二|万|Rs |about |or "
).split("|")
MARKUP = (
    "> |> ```\n|```py\n|```\n|~~~\n|1. ```\n|- a\n|[a]|[[|<<1+1=2>>|</response>|<response |< / response|<|im_start\n|<a b|\u200b<|__"
    "|“|„|«|‘|' |。」|...|?!|と|| a |https://a|#a|a@b."
).split("|")
CODE = 'def f():\n|  def f():\n    x\n|import a\n|x = (\n|f(\n|@a\n|if x:\n|"""|\'\'\'|\\\n|f"{'.split("|")
JSON = '{"a": |[1,|"a":1,|null,|true |{"a":1}|\\"a\\":|{,|"a" "b" '.split("|")
BOOKS = "Chapter 1\n|CHAPTER I\n\na\n\n|I\n\n|II\n\nword \n\n|*** START OF THE PROJECT GUTENBERG|\n\nHuman: |\n\nAssistant:".split(
    "|"
)
FRAGMENTS = list(dict.fromkeys(filter(None, [*GENERIC, *ARITHMETIC, *LATEX, *WORDS, *MARKUP, *CODE, *JSON, *BOOKS])))


class Answer(BaseModel):
    answer: str


def column(function: Callable[[pl.Series], object]) -> Call:
    return lambda text: function(pl.Series([text]))


def trying(function: Call, *errors: type[Exception]) -> Call:
    """The function, whose refusals are answers."""

    def call(text: str) -> object:
        try:
            return function(text)
        except errors:
            return None

    return call


def within(before: str, function: Call, behind: str) -> Call:
    """The function of a text with something around it."""
    return lambda text: function(before + text + behind)


parse_answer = trying(lambda text: structured.parse_answer(text, Answer), structured.Unparsable)
double = trying(backslashes.double_backslashes, backslashes.Doubtful)
parse_json = trying(json_text.parse_json, json_text.NotJSON)
decode_values = trying(lambda text: list(json_text.decode_values(text)), json_text.NotJSON)

FUNCTIONS: dict[str, Call] = {
    "judged_equations": lambda text: equations.judged_equations.__wrapped__(text),
    "judged_equations, annotated": within("<<", lambda text: equations.judged_equations.__wrapped__(text), "=1>>"),
    "plain_notation": notation.plain_notation,
    "to_ascii": numerals.to_ascii,
    "in_digits": numerals.in_digits,
    "read_numeral": numerals.read_numeral,
    "split_scale": numerals.split_scale,
    "unbox": boxes.unbox,
    "find_answer": cues.find_answer,
    "only_number": cues.only_number,
    "strip_markup": lambda text: strip_markup.__wrapped__(text),
    "parse_value": values.parse_value,
    "parse_plain": values.parse_plain,
    "parse_group": groups.parse_group,
    "evaluate_expression": arithmetic.evaluate_expression,
    "judge_answers": lambda text: answers.judge_answers([(text, "12"), ("The answer is 12", text)]),
    "find_program": lambda text: code.find_program(text, "f", "", []),
    "split_sentences": sentences.split_sentences,
    "count_sentences": sentences.count_sentences,
    "tokenize": column(tokens.tokenize),
    "comparison_key": column(tokens.comparison_key),
    "own_voice": column(phrases.own_voice),
    "phrase_form": column(phrases.phrase_form),
    "is_in_language": lambda text: languages.is_in_language(text, "en"),
    "count_words": constraint_lengths.count_words,
    "count_capital_words": constraint_words.count_capital_words,
    "lacks_words": lambda text: constraint_words.lacks_words(text, ["ab", "1"]),
    "has_postscript": lambda text: constraint_words.has_postscript(text, "P.P.S"),
    "has_placeholders": lambda text: constraint_form.has_placeholders(text, 1),
    "has_bullets": lambda text: constraint_form.has_bullets(text, 1),
    "has_highlights": lambda text: constraint_form.has_highlights(text, 1),
    "has_title": constraint_form.has_title,
    "has_paragraphs": lambda text: constraint_form.has_paragraphs(text, 1),
    "begins_paragraph": lambda text: constraint_form.begins_paragraph(text, 1, 1, "a"),
    "is_json": constraint_form.is_json,
    "parse_answer": within("{", parse_answer, "}"),
    "parse_answer, in its string": within('{"answer": "', parse_answer, '"}'),
    "double_backslashes": within('"', double, '"'),
    "break_chat_tokens": markup.break_chat_tokens,
    "break_markup": lambda text: markup.break_markup(text, markup.tag_pattern(["response", "a"])),
    "restore": markup.restore,
    "tagged": lambda text: list(tagged(text)),
    "breaks_off": column(form.breaks_off),
    "has_open_fence": column(form.has_open_fence),
    "has_open_latex": column(form.has_open_latex),
    "identity": column(lambda texts: phrases.find_phrases(texts, IDENTITY, idioms=IDIOMS)),
    "leaks": column(lambda texts: phrases.find_phrases(texts, LEAKS)),
    "beyond_text": column(lambda texts: phrases.find_phrases(texts, BEYOND_TEXT, idioms=FIGURES_OF_SPEECH)),
    "last_box": shapes.last_box,
    "label_of": chapters.label_of,
    "parse_json": parse_json,
    "parse_json, in a list": within("[", parse_json, ",]"),
    "decode_values": decode_values,
    "transcript_turns": conversations.transcript_turns,
    "without_thousands": without_thousands,
    "sentence_runs": lambda text: list(books.sentence_runs(books.Paragraph(1, text, 1e6), 50)),
    "chapter_paragraphs": lambda text: list(books.chapter_paragraphs(text.split("\n"), 0, text.count("\n") + 1)),
}
SLOW = {"parse_answer": JSON, "parse_answer, in its string": [*JSON, *LATEX]}
"""What costs much in any library: tried with fragments of its own only."""


@pytest.mark.parametrize("name", FUNCTIONS)
def test_reading_takes_linear_time(name: str) -> None:
    def slow(fragment: str, suffix: str) -> str:
        return fault(FUNCTIONS[name], lambda chars: repeated("", fragment, suffix, chars))

    texts = [(fragment, suffix) for fragment in SLOW.get(name, FRAGMENTS) for suffix in ("\nz", " = 3")]
    assert [f"{text}: {found}" for text in texts if (found := slow(*text))] == []
