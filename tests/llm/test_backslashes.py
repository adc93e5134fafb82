r"""Backslashes that a model forgot to double: what the text in a JSON string becomes, or that it is in doubt."""

import json
import re
import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from cultivar.llm.backslashes import Doubtful, double_backslashes
from cultivar.llm.structured import Unparsable, parse_answer


class Answer(BaseModel):
    text: str


def read(written: str, form: str = '{"text": "%s"}') -> str:
    return parse_answer(form.replace("%s", written), Answer).text


VALUES = [
    # commands whose letters begin no word: everywhere
    (r"\frac{1}{2}", r"\frac{1}{2}"),
    (r"$x \times y$", r"$x \times y$"),
    (r"5 \times 3", r"5 \times 3"),
    (r"\theta and \rho", r"\theta and \rho"),
    (r"\nabla f", r"\nabla f"),
    (r"\left(a\right)", r"\left(a\right)"),
    (r"\forall x \notin A", r"\forall x \notin A"),
    (r"\boxed{\text{yes}}", r"\boxed{\text{yes}}"),
    (r"\beta + \binom{n}{k}", r"\beta + \binom{n}{k}"),
    (r"\tfrac{1}{2}", r"\tfrac{1}{2}"),
    # escapes that JSON lacks
    (r"\(x\) \[y\] \alpha \sqrt{2} \{1\} \, \%", r"\(x\) \[y\] \alpha \sqrt{2} \{1\} \, \%"),
    (r"\underline{a} \upsilon \u12", r"\underline{a} \upsilon \u12"),
    (r"it\'s", "it's"),
    # properly doubled: what JSON says
    (r"\\frac{1}{2} \\times \\nabla", r"\frac{1}{2} \times \nabla"),
    (r"\\(a \\\\ b\\)", r"\(a \\ b\)"),
    (r"$\\alpha$\nu is next", "$\\alpha$\nu is next"),
    (r"$\\alpha$\tan apple", "$\\alpha$\tan apple"),
    # some doubled, some not
    (r"\\(\frac{1}{2} \neq \\alpha\\)", r"\(\frac{1}{2} \neq \alpha\)"),
    # formulas on one line
    (r"$a \neq b$", r"$a \neq b$"),
    (r"$\nu$ and \(x \to 0\)", r"$\nu$ and \(x \to 0\)"),
    (r"\(\tan x \ne \tau\)", r"\(\tan x \ne \tau\)"),
    # line breaks and tabs beside LaTeX stay
    (r"First.\nThen \(x = \frac12\).\n\tDone", "First.\nThen \\(x = \\frac12\\).\n\tDone"),
    (r"$$\nx = 1\n$$", "$$\nx = 1\n$$"),
    (r"\[\na \tan b\n\]", "\\[\na \\tan b\n\\]"),
    # LaTeX's own line break
    (r"\begin{matrix} 1 \\ 2 \end{matrix}", r"\begin{matrix} 1 \\ 2 \end{matrix}"),
    (r"\\begin{matrix} 1 \\\\ 2 \\end{matrix}", r"\begin{matrix} 1 \\ 2 \end{matrix}"),
    (r"\begin{matrix} a & b \\x & y \end{matrix}", r"\begin{matrix} a & b \\x & y \end{matrix}"),
    (r"\\begin{matrix} 1 \\\\x \\end{matrix}", r"\begin{matrix} 1 \\x \end{matrix}"),
    (r"\frac12 \\[4pt] \tbinom nk \negthinspace", r"\frac12 \\[4pt] \tbinom nk \negthinspace"),
    # text and code
    (r"one\ntwo\tthree\r\nfour", "one\ntwo\tthree\r\nfour"),
    (r"not\nnot new\nnext", "not\nnot new\nnext"),
    (r"def f(s):\n\treturn s\n", "def f(s):\n\treturn s\n"),
    (r"a = 1\nu = 2\ne = 3\ni = 4", "a = 1\nu = 2\ne = 3\ni = 4"),
    (r"x = 1\neq = Eq(x, 1)", "x = 1\neq = Eq(x, 1)"),
    (r"func f() {\n\to := 1\n\ttan := 2\n\tt.Log(o)\n\tfrac := o\n}", "func f() {\n\to := 1\n\ttan := 2\n\tt.Log(o)\n\tfrac := o\n}"),
    (r"s.split('\f')", "s.split('\f')"),
    (r"page one\fPage two", "page one\fPage two"),
    (r"\rLoading", "\rLoading"),
    (r"name\text\tsize", "name\text\tsize"),
    (r"It costs $5\nu and $6", "It costs $5\nu and $6"),
    # patterns
    (r"re.findall('\bfoo\b', s)", r"re.findall('\bfoo\b', s)"),
    (r"re.split('\d+\s*\n', s)", "re.split('\\d+\\s*\n', s)"),
    (r"re.split('\\\\d+\\\\b', s)", r"re.split('\\d+\\b', s)"),
    # paths
    (r"C:\Users\name\table", r"C:\Users\name\table"),
    (r"C:\Program Files\nodejs", r"C:\Program Files\nodejs"),
    (r"in C:\Users\bob\notes.txt\nnext", "in C:\\Users\\bob\\notes.txt\nnext"),
    (r"in C:\Users\bob\nThen", "in C:\\Users\\bob\nThen"),
    (r"C:\\new\\table", r"C:\new\table"),
    (r"A:\nfoo", "A:\nfoo"),
    (r"if n:\r\n\treturn", "if n:\r\n\treturn"),
    (r"if n:\rreturn", "if n:\rreturn"),
    (r"C:\reports", r"C:\reports"),
    (r"c:\Windows\temp", r"c:\Windows\temp"),
    # other escapes of JSON
    (r"\u00e9\ud83d\ude00\/ \"q\"", 'é😀/ "q"'),
]  # fmt: off


@pytest.mark.parametrize(("written", "value"), VALUES)
def test_the_text_of_a_string(written: str, value: str) -> None:
    assert read(written) == value


@pytest.mark.parametrize(("written", "value"), [case for case in VALUES if "'" not in case[0]])
@pytest.mark.parametrize("form", ['{"text": "%s",}', "{'text': \"%s\"}", 'Here: {"text": "%s"} ok'])
def test_the_same_where_the_json_is_repaired(written: str, value: str, form: str) -> None:
    assert read(written, form) == value


@pytest.mark.parametrize(
    "written",
    [
        r"a \ne b",  # not equal, or a variable e on the next line
        r"x \to 0",
        r"\tan x",
        r"\nu",
        r"\frac{1}{2} \neq \nu",  # a formula without dollars
        r"\[\nu = 3\n\]",
        r"C:\new\table",
        r"C:\temp",
        r"1\footnote{2}",
    ],
)
@pytest.mark.parametrize("form", ['{"text": "%s"}', '{"text": "%s",}', "{'text': '%s'}"])
def test_what_makes_sense_both_ways_is_asked_again(written: str, form: str) -> None:
    with pytest.raises(Unparsable, match=r"write each backslash of LaTeX, code and paths as \\\\"):
        read(written, form)


@given(
    st.text(alphabet="\\\"/ az(){}[]$,.:\n\t\r\f'", max_size=40).filter(lambda text: not re.search(r"\f[a-z]", text))
)
def test_valid_json_without_commands_is_what_json_says(text: str) -> None:
    assert read(json.dumps(text)[1:-1]) == text


@given(st.text(alphabet="\\ aft({$_\n", max_size=40))
def test_repairing_loses_and_adds_no_backslash(text: str) -> None:
    written = json.dumps(text)[1:-1]
    assert read(written, "{'text': \"%s\"}") == text


@pytest.mark.parametrize(
    "hostile",
    ["\\nu ", "$\\nu", "\\(", "\\[\\nu ", "C:\\new", '\\"', '"\\', "\\\\", "$$", "\\begin{a}", "\\ne\\n", "'"],
)
def test_hostile_text_takes_linear_time(hostile: str) -> None:
    def cost(count: int) -> float:
        start = time.process_time()
        for _ in range(3):
            with suppress(Doubtful):
                double_backslashes('{"text": "' + hostile * count + '"}')
        return time.process_time() - start

    cost(100)
    assert cost(5_000) < 40 * max(cost(500), 0.002)  # ten times the text; a square would take a hundred times as long
