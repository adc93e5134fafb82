"""Sentences in every script: what ends one, and what only looks so."""

import time

import pytest

from cultivar.text.sentences import count_sentences, split_sentences
from tests.text.translations import ARTICLE_1


@pytest.mark.parametrize(
    "sentences",
    [
        ["Pi is 3.14.", "It is irrational!", "Is it?"],
        ["Dr. Smith met Mr. Jones.", "They spoke."],
        ["I like fruit, e.g. apples, i.e. The Fruit.", "Yes."],
        ["He lives in the U.S.A. now.", "He left the U.S.", "He works."],
        ["The U.S. Army came at 5 p.m. today.", "OK."],
        ["At 5 p.m.", "The train left."],
        ["J. K. Rowling and A. A. Milne wrote.", "Fine."],
        ["I take vitamin C.", "The rest is luck."],
        ["Wait... what?", "Well... I see...", "Then he came."],
        ["See https://a.b/c?d=e.f.", "Then go to x.org!"],
        ["1. Mix it.", "2. Bake it."],
        ["Do this: mix well.", "2. Bake now."],
        ["It was built in 1999.", "Then it fell."],
        ["On May 5, 1999.", "Then: 1. Mix; 2. bake (3. eat)."],
        ["George P. Smith had p. 5 of it.", "Grade B.", "In May."],
        ["No. 5 is alive.", "No.", "It is dead."],
        ["What?!", "No way!!", "(Really?)", "[Yes.]"],
        ['He said "Go."', "“Stay!”", "**Bold.**", "Next one."],
        ["i am here.", "he is there.", "ok"],
        ["SEE MR. SMITH.", "HE IS HERE."],
        ["Only one, without a mark"],
        ["One\n\nbroken\nline."],
        ["I love it! 😀"],
        ["你好！", "我很好。", "圆周率是3.14。", "你呢？"],
        ["他说：“你好！”", "然后走了。"],
        ["我不知道……也许吧。", "好!", "真的?", "是."],
        ["「行きます。」", "彼は言った｡", "え？！"],
        ["「本当？」と聞いた。", "『はい。』って笑った。", "「とても。」"],
        ["안녕하세요.", "응.", "비가 3.5 mm 왔어요!"],
        ["मैं ठीक हूँ।", "आप कैसे हैं?", "डॉ. शर्मा आए॥"],
        ["كيف حالك؟", "د. سامي بخير.", "شكرا!"],
        ["اس نے کہا۔", "کیوں؟", "میں گیا۔"],
        ["Я ем, т. е. обедаю.", "Это я.", "Я люблю рис.", "Гл. 3 и т. д."],
        ["Das ist z. B. Die Bank.", "Am 3. Oktober, d.h. bald.", "Ja!"],
        ["Él es el Sr. Ruiz.", "¿Y tú?", "Vi el mar.", "Luego fui."],
        ["« Bonjour ! »", "M. Petit est là.", "Il y en a sept.", "Puis rien."],
        ["O Sr. Lima, p. ex. hoje.", "E você?"],
        ["Πού είσαι;", "Εδώ."],
        ["ሰላም ነው።", "እንዴት ነህ፧"],
        ["လာသည်။", "သွားသည်။"],
        ["ខ្ញុំមក។", "អ្នកទៅ៕"],
        ["Ես գալիս եմ։", "Դու՞։"],
    ],
)
@pytest.mark.parametrize("space", [" ", "\n"])
def test_a_text_is_split_where_its_sentences_end(sentences, space):
    assert split_sentences(space.join(sentences)) == sentences
    assert count_sentences(space.join(sentences)) == (len(sentences),) * 2


@pytest.mark.parametrize("text", ["我很好。你呢？他来了！", "やった！本当？うん。"])
def test_a_script_without_spaces_needs_none_behind_a_mark(text):
    assert len(split_sentences(text)) == 3


@pytest.mark.parametrize(("text", "number"), [("", 0), (" \n", 0), ("***", 1), ("😀", 1), ("!", 1), ("Go.Now", 1)])
def test_a_text_without_marks_is_one_sentence(text, number):
    assert count_sentences(text) == (number, number)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("ฉันชอบแมว", (1, 1)),
        ("ฉันชอบแมว แมวน่ารัก", (1, 2)),
        ("ปี พ.ศ. 2567 ฉันเกิด", (1, 3)),
        ("ดร. สมชายมา", (1, 2)),
        ("ฉันชอบแมว! แมวน่ารัก", (2, 2)),
        ("ຂ້ອຍມັກແມວ ແມວໜ້າຮັກ", (1, 2)),
    ],
)
def test_thai_and_lao_have_a_least_and_a_greatest_number_of_sentences(text, numbers):
    assert count_sentences(text) == numbers


@pytest.mark.parametrize("language", ARTICLE_1)
def test_article_1_has_its_two_sentences(language):
    least, most = count_sentences(ARTICLE_1[language])
    assert least <= (1 if language == "Spanish" else 2) <= most
    assert (least == most) == (language not in ("Thai", "Lao"))


@pytest.mark.parametrize(
    "unit", [". ", "a. ", "1. ", "... ", "« ! » ", "a.", "!\n", "。", "ก ", '." ', ". . .", "…", " ", "Dr. ", "((("]
)
def test_no_text_takes_more_than_linear_time(unit):
    def cost(length: int) -> float:
        times = []
        for _ in range(2):
            start = time.process_time()
            count_sentences(unit * (length // len(unit)))
            times.append(time.process_time() - start)
        return min(times) + 1e-3

    assert cost(30_000) < 40 * cost(3_000)
