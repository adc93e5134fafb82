"""What would act or hide is shown as an escape; what a script or an emoji needs stays as it is."""

import html.parser
import re

import pytest

from cultivar.outgoing.escape import for_html, for_markdown, for_terminal


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J\x9bK\x07", r"\x1b[2J\x9bK\x07"),
        ("a\rb\x7f\x00", r"a\rb\x7f\x00"),
        ("user\u202egpj.exe\u2066", r"user\u202egpj.exe\u2066"),
        ("a\u200bb\u200cc\u200dd\u2060\ufeff", r"a\u200bb\u200cc\u200dd\u2060\ufeff"),
        ("a\u200eb", r"a\u200eb"),
        ("soft\xadhyphen\u2028", r"soft\xadhyphen\u2028"),
        ("x\U000e0041\U000e007f", r"x\U000e0041\U000e007f"),
        ("a\ufe0f 👍\ufe0f\ufe0f", "a\\ufe0f 👍\ufe0f\\ufe0f"),
        ("\u3164\uffa0\u115f", r"\u3164\uffa0\u115f"),
        ("\ud83d", r"\ud83d"),
        ("می\u200c\u200cخواهم", r"می\u200c\u200cخواهم"),
        ("👍\u200d\u2060", r"👍\u200d\u2060"),
    ],
)
def test_what_acts_or_hides_is_shown(text, shown):
    assert for_terminal(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "tab\tand\nline",
        "👩‍👩‍👧 ❤️‍🔥 👨🏽‍⚕️ 🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f 1️⃣ ©️ ☎︎",
        "می‌خواهم نمی‌دانم ۱۴۴۵ه‍ به‌ ",  # Persian, Kurdish
        "क्‍ र्‍य क्‌ष",  # Hindi
        "ശ്രീലങ്ക ක්‍රීඩා",  # Malayalam, Sinhala
        "ไทย\u200bภาษา ភាសា\u200bខ្មែរ",
        "עברית C++\u200e! ‏\u061cمرحبا",
        "葛\U000e0100城 ᠮᠠ᠋ \u1112\u1160\u11ab",
        "ÅÄÖ ñ 한국어 中文 \u0600١٢ \\frac{1}{2} 100 %",
    ],
)
def test_what_a_script_or_an_emoji_needs_stays(text):
    assert for_terminal(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a | b\n\n# c", r"a \| b # c"),
        ("# head", r"\# head"),
        ("- item", r"\- item"),
        ("1. item", r"1\. item"),
        ("---", r"\---"),
        ("-1.2 and +3", "-1.2 and +3"),
        ("[x](javascript:alert(1))", r"\[x\](javascript:alert(1))"),
        ("<img src=x> &lt;", "&lt;img src=x&gt; &amp;lt;"),
        ("`code` **bold** _em_ role_play ~~no~~ $x$", r"\`code\` \*\*bold\*\* \_em\_ role_play \~\~no\~\~ \$x\$"),
        ("ends in \\", "ends in \\\\"),
        ("\u202e", r"\\u202e"),
    ],
)
def test_markdown_shows_the_text_itself_on_one_line(text, shown):
    assert for_markdown(text) == shown


class Elements(html.parser.HTMLParser):
    """The elements of a page, and their texts."""

    def __init__(self):
        super().__init__()
        self.found, self.text = [], []

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text.append(data)


def test_html_is_text_between_tags_and_in_attributes():
    hostile = "\"'><script>alert(1)</script>\x1b\u202e&amp;"
    page = Elements()
    page.feed(f"<svg aria-label=\"{for_html(hostile)}\"><text x='{for_html(hostile)}'>{for_html(hostile)}</text></svg>")
    shown = hostile.replace("\x1b", r"\x1b").replace("\u202e", r"\u202e")
    assert page.found == [("svg", {"aria-label": shown}), ("text", {"x": shown})]
    assert "".join(page.text) == shown


def test_a_long_text_of_suspects_is_read_once():
    assert len(for_terminal("\u200e" * 20_000)) == 120_000
    assert re.fullmatch(r"(?:\\u200b)+", for_terminal("\u200b" * 20_000))
