"""Functions that read untrusted text take linear time: patterns called in loops, parsers, and what libraries do for them.

The fragments are what the functions look for: signs of arithmetic and LaTeX, fences, quotation marks, tags, heads of
chapters. What bounds its text (`strip_markup`, `parse_group`) is called with longer ones.
"""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from fragments import repeated
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
from cultivar.llm.templates import template_faults
from cultivar.text import languages, phrases, sentences, tokens
from schemas.errors import UserError
from schemas.human import human_of
from stages.annotation.beyond_text import BEYOND_TEXT, FIGURES_OF_SPEECH
from stages.annotation.leaks import LEAKS
from stages.annotation.rankings import judgement_of
from stages.annotation.refinements import Refinements
from stages.curation import form
from stages.curation.identity import IDENTITY, IDIOMS
from stages.curation.readers import books, chapters, comparisons, conversations, json_text, problems
from stages.curation.readers.answers import without_thousands
from stages.curation.readers.fields import Misfit, Refused
from stages.curation.readers.marked_calls import marked_calls
from stages.curation.readers.shapes import SHAPES

MATHS = (
    r"12 + |12 + 12 = |12*|1-|2^|5 feet |12 dozen |2 : 3 = |12% + |1/5 - |√2|²³|½|*10^2|twenty-|the answer is |Answer: "
    r"|because |ตอบ |一二|Rs |or |1,111|0,|$1|(1|((|x = |\frac{|\text{|\boxed{|\boxed{1}|{}|}{|\$|\begin{matrix}|\cup |\pm "
    r"|\(|\[|\\|1 & 2 \\|<<"
).split("|")
WORDS = (
    "e.g. |a.b.|said: |as an |我是|dear a,\n|name: a\n|P.S.|“|«|‘|' |。」|...|?!| a |https://a|#a|a@b.|. |ก |- a\n|[a]|[[|<<|*a|\n\n|'a"
).split("|")
CODE = (
    '> |> ```\n|```py\n|```\n|~~~\n|1. ```\n|def f():\n|  def f():\n    x\n|import a\n|x = (\n|f(\n|@a\n|if x:\n|"""|\'\'\'|\\\n|f"{'
    "|\\begin{a}|not "
).split("|")
JSON = (
    r'{"a": |[1,|"a":1,|true |{"a":1}|\"a\":|{,|"a" "b" |\nu |$\nu$|\(|\begin{|C:\|\u00|\ud83d|\"|"\"|1,|{1} |{a: b} |\frac{1}{2} |\{1\}'
).split("|")
MARKUP = [
    "</response>",
    "<response ",
    "< / response",
    "<a b",
    "</a>",
    "<a>",
    "<|im_start",
    "\u200b<",
    "<\u200b",
    "[INST",
    "<｜a",
]
BOOKS = (
    "Chapter 1\n|CHAPTER I\n\na\n\n|I\n\n|II\n\nword \n\n|*** START OF THE PROJECT GUTENBERG|\n\nHuman: |a. |। |i|first |- - |Title: "
).split("|")
CHATS = [
    "<tool_call>",
    '<tool_call>{"name": "f"}</tool_call>',
    "<tools>{}</tools>",
    "</tool_call>",
    "<|im_start|>user\na<|im_end|>\n",
    "<|im_start|>",
    "<|im_end|>",
    "\n\nUSER: a",
    "\n\nASSISTANT:",
    "<functioncall> {\"arguments\": '{}'}",
    "<extra_id_1>User\na",
    "</think>",
    "<think>",
]
WRITTEN = (
    "{{ x }}|{{ x + |{{ (|{% if x %}|{% for y in x %}|{% block a %}|{% endblock %}|{# unused: |{% raw %}|{% macro m() %}|x.a|x[|a: |- |- a: b\n"
    "|a: b\n|  |? |[a], |{a: b}, |&a |*a |!!a |\"|'|# a\n|---\n|%YAML |<<: *a\n"
).split("|")
"""Open brackets without end are left out: the YAML parser looks at each for every word, until they are too deep (1 to 2 s)."""
SIGNS = [*" \n1aA.,:;-+*/=~<>|#$!?()[]{}\"'`\\", "\u0301", "\u200b", "中", "ع", "٣"]


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


def shaped(shape: str, field: str, before: str) -> Call:
    """A shape that reads one text."""
    return trying(lambda text: SHAPES[shape]({"prompt": "a", field: before + text}), Misfit, Refused)


def marked(text: str) -> object:
    """Calls in the text of an answer, and tools in that of the system prompt."""
    turns = [{"role": "system", "content": f"<tools>{text}"}, {"role": "assistant", "content": f"<tool_call>{text}"}]
    return marked_calls(turns, '[{"type": "function", "function": {"name": "f"}}]', {})


parse_json = trying(json_text.parse_json, json_text.NotJSON)
decode_values = trying(lambda text: list(json_text.decode_values(text)), json_text.NotJSON)

MATHS_READERS: dict[str, Call] = {
    "judged_equations": lambda text: equations.judged_equations.__wrapped__(text),
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
    "last_box": problems.last_box,
    "without_thousands": without_thousands,
}
WORDS_READERS: dict[str, Call] = {
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
    "breaks_off": column(form.breaks_off),
    "identity": column(lambda texts: phrases.find_phrases(texts, IDENTITY, idioms=IDIOMS)),
    "leaks": column(lambda texts: phrases.find_phrases(texts, LEAKS)),
    "beyond_text": column(lambda texts: phrases.find_phrases(texts, BEYOND_TEXT, idioms=FIGURES_OF_SPEECH)),
}
CODE_READERS: dict[str, Call] = {
    "find_program": lambda text: code.find_program(text, "f", "", []),
    "has_open_fence": column(form.has_open_fence),
    "has_open_latex": column(form.has_open_latex),
}
JSON_READERS: dict[str, Call] = {
    "is_json": constraint_form.is_json,
    "parse_answer": within("{", parse_answer, "}"),
    "parse_answer, in its string": within('{"answer": "', parse_answer, '"}'),
    "double_backslashes": within('"', double, '"'),
    "parse_json": parse_json,
    "parse_json, in a list": within("[", parse_json, ",]"),
    "decode_values": decode_values,
}
MARKUP_READERS: dict[str, Call] = {
    "break_chat_tokens": markup.break_chat_tokens,
    "break_markup": lambda text: markup.break_markup(text, markup.tag_pattern(["response", "a"])),
    "restore": markup.restore,
    "tagged": lambda text: list(tagged(text)),
}
BOOKS_READERS: dict[str, Call] = {
    "label_of": chapters.label_of,
    "transcript_turns": conversations.transcript_turns,
    "sentence_runs": lambda text: list(books.sentence_runs(books.Paragraph(1, text, 1e6), 50)),
    "chapter_paragraphs": lambda text: list(books.chapter_paragraphs(text.split("\n"), 0, text.count("\n") + 1)),
}
CHATS_READERS: dict[str, Call] = {
    "chatml": shaped("chatml", "text", "<|im_start|>user\n"),
    "glaive": shaped("glaive", "chat", "USER: a\n\nASSISTANT: "),
    "marked_calls": marked,
    "steered_turns": trying(comparisons.steered_turns, Misfit),
    "thoughts": shaped("prompt_completion", "completion", "<think>"),
}
WRITTEN_READERS: dict[str, Call] = {
    "template_faults": lambda text: template_faults(Path("a.jinja"), ["x"], lambda name: "{% block user %}" + text),
    "human_of": trying(lambda text: human_of(text, "a.yaml", Refinements), UserError),
    "judgement_of": lambda text: judgement_of(text.encode(), "a.jsonl", 1),
}
CASES = [
    pytest.param(call, fragments, suffix, id=name)
    for calls, fragments, suffix in (
        (MATHS_READERS, MATHS, " = 3"),
        (WORDS_READERS, WORDS, "\nz"),
        (CODE_READERS, CODE, "\nz"),
        (JSON_READERS, JSON, " z"),
        (MARKUP_READERS, MARKUP, " z"),
        (BOOKS_READERS, BOOKS, "\nz"),
        (CHATS_READERS, CHATS, "\nz"),
        (WRITTEN_READERS, WRITTEN, "\nz"),
    )
    for name, call in calls.items()
]
CHARS, FLOOR_SECONDS = 800, 0.001
"""Less than for patterns: some readers have libraries behind them that take long for any text."""


@pytest.mark.parametrize("call, own, suffix", CASES)
def test_reading_takes_linear_time(call: Call, own: list[str], suffix: str) -> None:
    def slow(fragment: str) -> str:
        return fault(call, lambda chars: repeated("", fragment, suffix, chars), CHARS, floor=FLOOR_SECONDS)

    fragments = dict.fromkeys([*own, *SIGNS])
    assert [f"{each!r} * n: {found}" for each in fragments if (found := slow(each))] == []


def test_a_path_of_many_terms_is_read_in_linear_time_and_a_side_of_too_many_is_undecided() -> None:
    """Issue 12: 26 terms took 25 CPU s."""
    sums = {terms: " + ".join(["12"] * terms) + " = 5" for terms in (26, 4000)}
    assert [holds for _, _, holds in equations.judged_equations(sums[26])] == [False]
    assert equations.is_consistent(sums[4000])
    assert fault(equations.is_consistent, lambda chars: " + ".join(["12"] * (chars // 5))) == ""
