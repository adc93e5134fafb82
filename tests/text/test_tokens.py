"""Normal form, tokens and words: the same text in another notation is the same, in every script."""

import unicodedata

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cultivar.text.tokens import (
    CHARACTERS_PER_WORD,
    change_where,
    comparison_key,
    count_words,
    normal_form,
    normalize,
    tokenize,
    tokens_of,
    tokens_per_word,
    words_in,
)
from tests.text.translations import ARTICLE_1


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("Don't  STOP", "dont  stop"),
        ("don’t ‘stop’ ʼn", "dont stop n"),
        ("ＦＵＬＬ　４２", "full 42"),
        ("cafe\u0301", "café"),
        ("zero\u200bwidth \ufeffBOM so\u00adft", "zerowidth bom soft"),
        ("e\u200b\u0301", "é"),
        ("٤٢ ४२ ๔๒ ۴۲ ৪২", "42 42 42 42 42"),
        ("Straße ΣΟΦΟΣ σοφός ſ", "strasse σοφοσ σοφόσ s"),
        ("İstanbul ISI ısı", "istanbul isi isi"),
        ("الْعَرَبِيَّةُ مـــحمد", "العربية محمد"),
        ("שָׁלוֹם", "שלום"),
        ("नमस्ते", "नमस्ते"),
        ("การ", "การ"),
        ("x² + 10³", "x^2 + 10^3"),
        ("3½ cups", "3 1/2 cups"),
        ("ﬁne ㎏ ①", "fine kg 1"),
        ("❤️ ok", "❤ ok"),
        ("ᾳ ΐ", "αι ι\u0308\u0301"),
    ],
)
def test_normal_form(text, form):
    assert normal_form(text) == form
    assert normalize(pl.Series([text, None, "plain"])).to_list() == [form, None, "plain"]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Don't stop, well-known 3.5!", "dont stop well known 3 5"),
        ("snake_case(x)", "snake_case x"),
        ("我喜欢吃苹果。", "我 喜 欢 吃 苹 果"),
        ("ラーメンを2杯", "ラー メ ン を 2 杯"),
        ("ﾗｰﾒﾝ", "ラー メ ン"),
        ("時々", "時 々"),
        ("ที่นี่ฯ", "ที่ นี่ ฯ"),
        ("ភាសា", "ភា សា"),
        ("မြန်မာ။", "မြ န် မာ"),
        ("ພາສາ", "ພ າ ສ າ"),
        ("हिन्दी में", "हिन्दी में"),
        ("한국어 문장", "한국어 문장"),
        ("GPT-4很好", "gpt 4 很 好"),
        ("?! … 😂", ""),
    ],
)
def test_tokens(text, tokens):
    expected = [unicodedata.normalize("NFC", token) for token in tokens.split()]
    assert tokens_of(text) == expected
    assert tokenize(pl.Series(["a b", text]))[1].to_list() == expected


@given(st.text(max_size=30))
def test_one_text_reads_as_in_a_column(text):
    column = pl.Series([text, "苹果 a"])
    assert normal_form(text) == normalize(column)[0]
    assert tokens_of(text) == tokenize(column)[0].to_list()
    assert words_in(text) == count_words(column)[0]
    assert sum(map(len, tokens_of(text))) <= len(normal_form(text))


@given(st.sampled_from(sorted(ARTICLE_1.values())), st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]))
def test_the_normal_form_is_one_for_all_of_unicodes_forms_and_stays_itself(text, form):
    again = unicodedata.normalize(form, text)
    assert normal_form(again) == normal_form(text) == normal_form(normal_form(text))


@pytest.mark.parametrize("language", sorted(ARTICLE_1))
def test_translations_have_the_length_in_words_of_the_english_text(language):
    assert 0.6 * 30 <= words_in(ARTICLE_1[language]) <= 1.3 * 30
    spaceless = {"Chinese": 1.5, "Japanese": 2.5, "Thai": 3.5, "Lao": 3.5, "Khmer": 3.5, "Burmese": 3.5}
    assert tokens_per_word(pl.Series(["plain", ARTICLE_1[language]])).tolist() == [1.0, spaceless.get(language, 1.0)]


def test_lengths_of_nothing():
    assert count_words(pl.Series(["", "?!", None, "é"])).to_list() == [0.0, 0.0, None, 1.0]
    assert tokens_per_word(pl.Series(["", "！？"])).tolist() == [1.0, 1.0]
    assert tokenize(pl.Series([], dtype=pl.String)).to_list() == []
    assert len(CHARACTERS_PER_WORD) == 3


def test_a_key_is_blind_to_case_spaces_and_what_is_not_seen_only():
    keys = comparison_key(pl.Series(["  A\tb\n", "a\u00a0b", "a b.", "10²", "102"])).to_list()
    assert keys == ["a b", "a b", "a b.", "10^2", "102"]


def test_change_where_leaves_its_argument_alone():
    texts = pl.Series(["a", "b", None])
    changed = change_where(texts, pl.Series([False, True, None]), lambda part: part.str.to_uppercase())
    assert changed.to_list() == ["a", "B", None] and texts.to_list() == ["a", "b", None]
