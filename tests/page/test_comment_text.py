"""Texts of rows in a comment show as themselves, notify nobody, link to nothing and end nothing; the comment fits."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading import ACTIVE, read_comment
from sample_review import HOSTILE, TRAITS, review, unchanged

from cultivar.outgoing.escape import for_terminal
from reports.page.diff_markdown import diff_markdown, size
from reports.page.inert import as_code, fenced, for_comment, in_summary

SHOWN = {"h2", "h3", "p", "table", "thead", "tbody", "tr", "th", "td", "ol", "ul", "li", "strong", "a", "br", "pre"}
SHOWN |= {"code", "span", "details", "summary", "sub"}
TEXTS = st.one_of(
    st.text(),
    st.text("@#!%~$&:/w.<>-`|*_[]()\\{}+ \n1aZ", max_size=40),
    st.sampled_from([HOSTILE, "```\nend", "a\n~~~\n````\n<b>"]),
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("@team", "@<span></span>team"),
        ("a@b.example", "a@<span></span>b.example"),
        ("x @ y", "x @ y"),
        ("#12 and # 12", "#<span></span>12 and # 12"),
        ("!7 GH-7 gh-7", "!<span></span>7 GH<span></span>-7 gh<span></span>-7"),
        ("https://x.example", "https:<span></span>//x.example"),
        ("www.x.example", "www<span></span>.x.example"),
        ("at 12:30, 5 %", "at 12:30, 5 %"),
        (":tada:", ":<span></span>tada:"),
        ("deadbeef", "dead<span></span>beef"),
        ("deadbe", "deadbe"),
        ("/close", "&#47;close"),
        ("a/close", "a/close"),
        ("<!-- cultivar -->", "&lt;!<span></span>-- cultivar --&gt;"),
        ("`a` | b", "\\`a\\` \\| b"),
    ],
)
def test_words_that_a_host_would_act_on_are_cut(text, shown):
    assert for_comment(text) == shown


@given(TEXTS)
def test_any_text_shows_as_itself_and_does_nothing(text):
    page = read_comment(f"| a |\n| --- |\n| {for_comment(text)} |\n\nend")
    shown = "".join(page.all_text)
    assert page.tags <= {"table", "thead", "tbody", "tr", "th", "td", "p", "span"} and page.comments == []
    assert not any(ACTIVE.search(part) for part in page.texts)
    assert "".join(shown.split()) == "".join(f"a{for_terminal(text)}end".split())


@given(TEXTS)
def test_code_keeps_any_text_too(text):
    page = read_comment(f"x {as_code(text)} end")
    assert page.tags <= {"p", "code", "span"} and page.links == [] and page.comments == []


@given(TEXTS)
def test_a_block_ends_where_it_should(text):
    page = read_comment(f"{fenced(text, 'diff')}\n\nend")
    assert page.tags == {"pre", "code", "p"} and "end" in page.texts


@given(TEXTS)
def test_a_summary_stays_a_summary(text):
    page = read_comment(f"<details>\n<summary>{in_summary(text)}</summary>\n\nbody\n\n</details>")
    assert page.tags <= {"details", "summary", "span", "p"} and page.comments == []
    assert not any(ACTIVE.search(part) for part in page.texts)


def test_a_summary_begins_no_command():
    assert in_summary("/close") == "/<span></span>close"


def test_a_secret_does_not_leave():
    for write in (for_comment, as_code, fenced, in_summary):
        assert "0123456789" not in write("key sk-proj-0123456789abcdefghij")


@pytest.mark.parametrize("limit", [65_000, 12_000, 3_000, 1_500])
def test_a_comment_of_hostile_rows_is_inert_and_fits(limit):
    text = diff_markdown(review(HOSTILE, rows=8), limit, TRAITS)
    page = read_comment(text)
    assert size(text) <= limit
    assert page.tags <= SHOWN and page.comments == []
    assert all(link.startswith("http://127.0.0.1:8400/row/") for link in page.links)
    assert [part for part in page.texts if ACTIVE.search(part)] == []


def test_tables_are_whole_at_every_limit():
    for limit in (50_000, 20_000, 9_000, 2_500):
        text = re.sub("(?s)^```.*?^```", "", diff_markdown(review(HOSTILE, rows=8), limit, TRAITS), flags=re.M)
        tables = [part.split("\n") for part in text.split("\n\n") if part.startswith("|")]
        for lines in tables:
            assert len({len(re.findall(r"(?<!\\)\|", line)) for line in lines}) == 1


def test_less_is_said_of_everything_before_anything_is_left_out():
    whole, tight, least = (
        diff_markdown(review("word " * 80, rows=8), limit, TRAITS) for limit in (65_000, 12_000, 4_000)
    )
    titles = re.findall("(?m)^### (.*)$", whole)
    assert titles[:4] == ["Look at these first", "Why", "What the touched rows have in common", "What was edited"]
    assert re.findall("(?m)^### (.*)$", tight) == titles and "Left out here" not in tight
    assert "### Why" in least and "Left out here for want of room: " in least and "Removed rows" in least


def test_characters_count_as_github_counts_them():
    assert (size("a"), size("é"), size("𝔸"), size("👍👍")) == (1, 1, 2, 4)


def test_nothing_to_say_is_said():
    text = diff_markdown(unchanged(), traits=())
    assert "neutral" in text and "Nothing stands out." in text and "as it was" in text
    assert re.findall("(?m)^### (.*)$", text) == ["Look at these first"]


def test_what_a_reviewer_needs_is_there():
    text = diff_markdown(review(), traits=TRAITS, report="https://host/run/1")
    page = read_comment(text)
    words = " ".join(page.all_text)
    for part in (
        "breaking",
        "Drop weak pairs",
        "prompts/execution/tests.jinja was edited",
        "3 proved by replay",
        "rank.min_margin",
    ):
        assert part in words
    assert "https://host/run/1" in page.links
    assert (
        "```diff\n  prompt, turn 1, user\n- What sound does  … 12 words … a cow make?\n+ What sound does  … 12 words … Yes. make?"
        in text
    )
