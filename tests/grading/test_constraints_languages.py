"""Constraints in fourteen languages: language x rule x verdict. The texts were written for this project."""

import json
import unicodedata
from dataclasses import dataclass

import pytest

from cultivar.grading.constraints import satisfies_constraints
from tests.text.translations import ARTICLE_1


@dataclass(frozen=True)
class Case:
    """A text of two paragraphs and three sentences, with what is true of it.

    `word` is in it, `part` only inside a longer word (none in a script without spaces), `absent` is not in it.
    """

    text: str
    word: str
    part: str | None
    absent: str
    words: int
    first: str
    last: str
    letter: str
    times: int
    comma: str


CASES = {
    "English": Case(
        "Cats sleep all day, e.g. on my sofa. Mine weighs 3.5 kg!\n\nToday Dr. Lee feeds it apples.",
        "Sofa",
        "cat",
        "dog",
        20,
        "today",
        "apples.",
        "e",
        10,
        ",",
    ),
    "Chinese": Case(
        "我喜欢吃苹果，也喜欢喝茶。你呢？\n\n她说：“圆周率是3.14。”",
        "苹果",
        None,
        "香蕉",
        21,
        "她",
        "3.14。",
        "喜",
        2,
        "，",
    ),
    "Japanese": Case(
        "私はりんごが、とても好きです。あなたは？\n\nコーヒーも飲みます！",
        "りんご",
        None,
        "猫",
        26,
        "コーヒー",
        "飲みます！",
        "す",
        2,
        "、",
    ),
    "Korean": Case(
        "저는 사과를, 정말 좋아합니다. 당신은요?\n\n오늘은 비가 3.5 mm 왔습니다!",
        "사과",
        "좋아",
        "바나나",
        11,
        "오늘",
        "왔습니다!",
        "다",
        2,
        ",",
    ),
    "Arabic": Case(
        "أحبّ القِطَط كثيرًا، وأنت؟ نعم!\n\nعندي الآن 3.5 كيلو.", "القطط", "كثير", "كلب", 10, "عندي", "كيلو.", "ن", 4, "،"
    ),
    "Hindi": Case(
        "मुझे हिन्दी, पसंद है। आप कैसे हैं?\n\nडॉ. शर्मा कल आए।", "हिन्दी", "हिन", "मराठी", 11, "डॉ", "आए।", "म", 2, ","
    ),
    "Russian": Case(
        "Я люблю яблоки, т. е. фрукты. А ты?\n\nЭто стоит 3,5 рубля!",
        "ЯБЛОКИ",
        "яблок",
        "груши",
        13,
        "это",
        "рубля!",
        "Я",
        3,
        ",",
    ),
    "Spanish": Case(
        "Me gusta el café, p. ej. solo. ¿Y a ti?\n\nAyer el Sr. Ruiz pagó 3.5 euros.",
        "CAFÉ",
        "caf",
        "té",
        18,
        "ayer",
        "3.5 euros.",
        "é",
        1,
        ",",
    ),
    "French": Case(
        "J’aime le thé, n’est-ce pas ? Oui !\n\nHier M. Petit paie 3.5 euros.",
        "thé",
        "pet",
        "café",
        16,
        "hier",
        "euros.",
        "é",
        1,
        ",",
    ),
    "German": Case(
        "Ich mag Straßen, z. B. lange. Und du?\n\nAm 3. Mai regnet es 2.5 mm.",
        "STRASSEN",
        "straß",
        "weg",
        16,
        "am",
        "mm.",
        "ß",
        1,
        ",",
    ),
    "Portuguese": Case(
        "Gosto de pão, p. ex. fresco. E você?\n\nHoje o Sr. Lima pagou 3.5 reais!",
        "pão",
        "pã",
        "bolo",
        16,
        "hoje",
        "reais!",
        "ê",
        1,
        ",",
    ),
    "Turkish": Case(
        "Işık çok güzel, değil mi? Evet.\n\nBugün İzmir'de hava 3.5 derece!",
        "IŞIK",
        "izmi",
        "gece",
        13,
        "bugün",
        "derece!",
        "ü",
        2,
        ",",
    ),
    "Hebrew": Case(
        "אני אוהב תפוחים, ואתה? כן.\n\nהיום זה עולה 3.5 שקל!", "תפוחים", "אוה", "כלב", 11, "היום", "שקל!", "א", 3, ","
    ),
    "Vietnamese": Case(
        "Tôi thích cà phê, còn bạn? Vâng.\n\nHôm nay TP. Huế mưa 3.5 mm!",
        "CÀ PHÊ",
        "thíc",
        "trà",
        15,
        "hôm",
        "mm!",
        "ô",
        2,
        ",",
    ),
}
"""Languages whose script decides every rule; Thai has its own test."""


def verdict(text: str, name: str, **arguments) -> bool | None:
    return satisfies_constraints(text, [name], [json.dumps(arguments)])


@pytest.fixture(params=CASES)
def case(request) -> Case:
    return CASES[request.param]


@pytest.fixture(params=["as written", "NFD", "zero width", "full width"])
def written(request):
    """The same text otherwise written."""
    full_width = {code: code + 0xFEE0 for code in (*range(0x30, 0x3A), *range(0x41, 0x5B), *range(0x61, 0x7B))}
    return {
        "as written": lambda text: text,
        "NFD": lambda text: unicodedata.normalize("NFD", text),
        "zero width": lambda text: "\ufeff" + "\u200b".join(text),
        "full width": lambda text: text.translate(full_width),
    }[request.param]


def test_a_required_word_is_part_of_the_text(case, written):
    text = written(case.text)
    assert verdict(text, "keywords:existence", keywords=[case.word]) is True
    assert verdict(text, "keywords:existence", keywords=[case.word, case.absent]) is False
    assert verdict(text, "keywords:frequency", keyword=case.word, frequency=1, relation="at least") is True
    assert verdict(text, "keywords:frequency", keyword=case.word, frequency=2, relation="at least") is False
    if case.part:
        assert verdict(text, "keywords:existence", keywords=[case.part]) is True


def test_a_forbidden_word_is_a_word_of_its_own(case, written):
    text = written(case.text)
    assert verdict(text, "keywords:forbidden_words", forbidden_words=[case.word]) is False
    assert verdict(text, "keywords:forbidden_words", forbidden_words=[case.absent, case.word]) is False
    assert verdict(text, "keywords:forbidden_words", forbidden_words=[case.absent]) is True
    if case.part:
        assert verdict(text, "keywords:forbidden_words", forbidden_words=[case.part]) is True


@pytest.mark.parametrize("kind", ["words", "sentences"])
def test_words_and_sentences_are_counted(case, kind):
    number = case.words if kind == "words" else 3
    for bound, reaches in ((number, True), (number + 1, False)):
        arguments = {f"num_{kind}": bound}
        assert verdict(case.text, f"length_constraints:number_{kind}", relation="at least", **arguments) is reaches
        assert verdict(case.text, f"length_constraints:number_{kind}", relation="less than", **arguments) is not reaches


def test_paragraphs_are_counted_and_begin_with_a_word(case):
    name, divided = "length_constraints:nth_paragraph_first_word", case.text.replace("\n\n", "\n***\n")
    assert verdict(case.text, name, num_paragraphs=2, nth_paragraph=2, first_word=case.first) is True
    assert verdict(case.text, name, num_paragraphs=2, nth_paragraph=1, first_word=case.first) is False
    assert verdict(case.text, name, num_paragraphs=3, nth_paragraph=2, first_word=case.first) is False
    assert verdict(divided, "length_constraints:number_paragraphs", num_paragraphs=2) is True
    assert verdict(case.text, "length_constraints:number_paragraphs", num_paragraphs=2) is False


def test_a_text_ends_with_its_last_words(case, written):
    text = f"“{written(case.text)}”"
    assert verdict(text, "startend:end_checker", end_phrase=case.last) is True
    assert verdict(text, "startend:end_checker", end_phrase=case.first) is False


def test_letters_are_counted_with_their_marks(case):
    name, text = "keywords:letter_frequency", unicodedata.normalize("NFD", case.text)
    for bound, reaches in ((case.times, True), (case.times + 1, False)):
        for asked in (case.text, text):
            assert verdict(asked, name, letter=case.letter, let_frequency=bound, let_relation="at least") is reaches


def test_commas_are_those_of_the_script(case):
    assert verdict(case.text, "punctuation:no_comma") is False
    assert verdict(case.text.replace(case.comma, ""), "punctuation:no_comma") is True


@pytest.mark.parametrize("language", ARTICLE_1)
def test_only_english_is_in_english_capitals(language):
    text = ARTICLE_1[language]
    assert verdict(text.upper(), "change_case:english_capital") is (language == "English")
    assert verdict(text.lower(), "change_case:english_lowercase") is (language == "English")
    assert verdict(text, "change_case:english_capital") is False
    has_case = text.upper() != text.lower()
    capitals = {"capital_frequency": 3, "capital_relation": "at least"}
    assert verdict(text.upper(), "change_case:capital_word_frequency", **capitals) is has_case


@pytest.mark.parametrize(
    ("quoted", "is_quoted"),
    [
        ('"Hello, you."', True),
        ("“Hello.”", True),
        ("“你好。”", True),
        ("「こんにちは。」", True),
        ("『안녕하세요』", True),
        ("« Bonjour. »", True),
        ("»Hallo.«", True),
        ("„Hallo.“", True),
        ("„Cześć.”", True),
        ("«Привет.»", True),
        ("«مرحبا»", True),
        ("“नमस्ते।”", True),
        ("＂สวัสดี＂", True),
        ("'Hello.'", False),
        ("‘Hello.’", False),
        ("“Hello.", False),
        ("“Hello“", False),
        ("《你好》", False),
        ('Say "hello"', False),
        ('"', False),
    ],
)
def test_a_text_is_quoted_by_the_marks_of_its_language(quoted, is_quoted):
    assert verdict(quoted, "startend:quotation") is is_quoted


@pytest.mark.parametrize("comma", ",，،、､፣՝᠂၊")
def test_every_comma_is_a_comma(comma):
    assert verdict(f"a{comma} b", "punctuation:no_comma") is False
    assert verdict("a; b. c： d。 5٫5", "punctuation:no_comma") is True


@pytest.mark.parametrize(
    ("text", "word", "is_free"),
    [
        ("We concatenate.", "cat", True),
        ("A cat_", "cat", True),
        ("My cat's toy", "cat", False),
        ("我有cat吗", "cat", False),
        ("I use C++.", "C++", False),
        ("I use C++11.", "C++", False),
        ("I use C.", "C++", True),
        ("I use C++.", "C", False),
        ("R&D costs", "R&D", False),
        ("HR&D costs", "R&D", True),
        ("In the U.S. today", "U.S.", False),
        ("In the U.S.", "u.s.", False),
        ("In the US.", "U.S.", True),
        ("Item #10", "#1", True),
        ("Item #1.", "#1", False),
        ("Nice 😀!", "😀", False),
        ("Nice 😃!", "😀", True),
        ("I can’t go.", "can't", False),
        ("I cant go.", "can't", True),
        ("its", "it's", True),
        ("café", "cafe", True),
        ("ﬁne", "fine", False),
        ("我喜欢吃苹果。", "苹果", False),
        ("我喜欢吃梨。", "苹果", True),
        ("ฉันกินแอปเปิล", "แอปเปิล", False),
        ("กิน", "ก", True),
        ("사과나무가 있다", "사과", True),
        ("사과들을 먹다", "사과", False),
        ("사과.", "사과", False),
        ("나이는 많다", "나", None),
        ("나, 너", "나", False),
        ("iPhone은 좋다", "iPhone", False),
        ("أكلت التفاح", "تفاح", None),
        ("أكلت تفاح", "تفاح", False),
        ("أكلت موزا", "تفاح", True),
        ("بالتفاح", "تفاح", None),
        ("כלבים והכלב", "כלב", None),
        ("הכלבלב", "כלב", True),
        ("हिन्दीभाषा", "हिन्दी", True),
        ("हिन्दि", "हिन्द", True),
        ("ISPARTA ILIK", "ılık", False),
        ("GROẞ", "gross", False),
        ("Ὀδυσσεύς", "ΟΔΥΣΣΕΥΣ", True),
        ("Νόμος.", "ΝΌΜΟΣ", False),
        ("New York", "York", False),
        ("New Yorker", "New York", True),
    ],
)
def test_a_forbidden_word_is_found_in_any_script_and_with_symbols(text, word, is_free):
    assert verdict(text, "keywords:forbidden_words", forbidden_words=[word]) is is_free


def test_one_word_found_decides_where_another_is_undecided():
    assert verdict("나이는 많다", "keywords:forbidden_words", forbidden_words=["나", "많다"]) is False
    assert verdict("나이는 많다", "keywords:forbidden_words", forbidden_words=["나", "적다"]) is None


THAI = "ฉันชอบกินแอปเปิล แล้วคุณล่ะ\n\nวันนี้ฝนตก 3.5 มม."


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("keywords:existence", {"keywords": ["แอปเปิล"]}, True),
        ("keywords:forbidden_words", {"forbidden_words": ["แอปเปิล"]}, False),
        ("keywords:forbidden_words", {"forbidden_words": ["แมว"]}, True),
        ("length_constraints:number_sentences", {"num_sentences": 1, "relation": "at least"}, True),
        ("length_constraints:number_sentences", {"num_sentences": 3, "relation": "at least"}, None),
        ("length_constraints:number_sentences", {"num_sentences": 3, "relation": "less than"}, None),
        ("length_constraints:number_sentences", {"num_sentences": 9, "relation": "at least"}, False),
        ("length_constraints:number_sentences", {"num_sentences": 9, "relation": "less than"}, True),
        ("length_constraints:number_words", {"num_words": 4, "relation": "at least"}, True),
        ("length_constraints:number_words", {"num_words": 13, "relation": "at least"}, None),
        ("length_constraints:number_words", {"num_words": 100, "relation": "at least"}, False),
        ("length_constraints:number_words", {"num_words": 100, "relation": "less than"}, True),
        (
            "length_constraints:nth_paragraph_first_word",
            {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "วันนี้"},
            True,
        ),
        ("startend:end_checker", {"end_phrase": "มม."}, True),
        ("keywords:letter_frequency", {"letter": "ล", "let_frequency": 3, "let_relation": "at least"}, True),
        ("punctuation:no_comma", {}, True),
        ("change_case:english_lowercase", {}, False),
        ("language:response_language", {"language": "th"}, True),
    ],
)
def test_what_thai_spelling_does_not_show_is_undecided(name, arguments, expected):
    assert verdict(THAI, name, **arguments) is expected


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("กา ปู ปลา มา", 4, 4),
        ("กา ปู cat 7", 4, 4),
        ("มนุษย์ทั้งหลายเกิดมามีอิสระ", 3, 11),
        ("ខ្ញុំស្រលាញ់ឆ្មា", 2, 4),
        ("一二ー三 a_b c", 6, 6),
    ],
)
def test_words_that_only_a_dictionary_tells_apart_have_a_least_and_a_greatest_number(text, least, most):
    name = "length_constraints:number_words"
    for bound, expected, opposite in (
        (least, True, False),
        (least + 1, None, None),
        (most, None, None),
        (most + 1, False, True),
    ):
        if least < most or expected is not None:
            assert verdict(text, name, num_words=bound, relation="at least") is expected, bound
            assert verdict(text, name, num_words=bound, relation="less than") is opposite


@pytest.mark.parametrize(
    ("text", "letter", "least", "most"),
    [
        ("Isı Irmak", "ı", 1, 3),
        ("Isı Irmak", "i", 0, 2),
        ("İzmir iyi", "İ", 4, 4),
        ("ILIK ığ", "I", 2, 3),
        ("Is it I?", "i", 3, 3),
        ("Is it I?", "ı", 0, 2),
    ],
)
def test_a_turkish_i_is_counted_as_far_as_its_capital_tells(text, letter, least, most):
    for bound, expected in ((least, True), (most + 1, False)) + (((most, None),) if least < most else ()):
        arguments = {"letter": letter, "let_frequency": bound, "let_relation": "at least"}
        assert verdict(text, "keywords:letter_frequency", **arguments) is expected
