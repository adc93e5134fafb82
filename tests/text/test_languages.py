"""The language of a text, by script, letters and function words."""

import polars as pl
import pytest

from cultivar.text.languages import is_in_language, is_known_language, is_other_language, languages_of, scripts_of
from tests.text.translations import ARTICLE_1

CODES = {
    "English": "en",
    "Chinese": "zh",
    "Japanese": "ja",
    "Korean": "ko",
    "Thai": "th",
    "Lao": "lo",
    "Khmer": "km",
    "Burmese": "my",
    "Arabic": "ar",
    "Hindi": "hi",
    "Russian": "ru",
    "Spanish": "es",
    "French": "fr",
    "German": "de",
    "Portuguese": "pt",
}
MARKET = {
    "mr": "आज सकाळी मी बाजारात गेलो आणि ताजी भाजी घेतली. तेथे खूप गर्दी होती, पण सर्व काही स्वस्त होते. हे माझे आवडते ठिकाण आहे.",
    "ne": "आज बिहान म बजार गएँ र ताजा तरकारी किनेँ। त्यहाँ धेरै भीड थियो, तर सबै कुरा सस्तो थियो। यो मेरो मनपर्ने ठाउँ हो।",
    "hi": "आज सुबह मैं बाज़ार गया और ताज़ी सब्ज़ी खरीदी। वहाँ बहुत भीड़ थी, लेकिन सब कुछ सस्ता था।",
    "fa": "امروز صبح به بازار رفتم و سبزی تازه خریدم. آنجا خیلی شلوغ بود اما همه چیز ارزان بود. این جای مورد علاقه من است.",
    "ur": "آج صبح میں بازار گیا اور تازہ سبزی خریدی۔ وہاں بہت بھیڑ تھی لیکن سب کچھ سستا تھا۔",
    "bg": "Тази сутрин отидох на пазара и купих пресни зеленчуци. Там беше много пълно, но всичко беше евтино. Това е любимото ми място.",
    "vi": "Sáng nay tôi đi chợ và mua rau tươi. Ở đó rất đông người nhưng mọi thứ đều rẻ. Đó là nơi tôi thích.",
    "sw": "Leo asubuhi nilikwenda sokoni na kununua mboga mbichi. Kulikuwa na watu wengi lakini kila kitu kilikuwa cha bei nafuu. "
    "Hii ni sehemu ninayoipenda.",
    "fi": "Tänä aamuna kävin torilla ja ostin tuoreita vihanneksia. Siellä oli paljon ihmisiä, mutta kaikki oli halpaa. Se on "
    "lempipaikkani.",
    "it": "Stamattina sono andato al mercato e ho comprato verdura fresca. C'era molta gente, ma tutto costava poco. È il mio posto "
    "preferito.",
    "kn": "ಇಂದು ಬೆಳಿಗ್ಗೆ ನಾನು ಮಾರುಕಟ್ಟೆಗೆ ಹೋದೆ.",
    "gu": "આજે સવારે હું બજારમાં ગયો.",
    "te": "ఈ ఉదయం నేను మార్కెట్‌కి వెళ్ళాను.",
    "ta": "இன்று காலை நான் சந்தைக்குச் சென்றேன்.",
    "pa": "ਅੱਜ ਸਵੇਰੇ ਮੈਂ ਬਾਜ਼ਾਰ ਗਿਆ।",
    "bn": "আজ সকালে আমি বাজারে গিয়েছিলাম।",
}
"""One text, written for this project: this morning I went to the market and bought fresh vegetables …"""
TEXTS = {CODES[name]: text for name, text in ARTICLE_1.items()} | MARKET


@pytest.mark.parametrize("language", TEXTS)
def test_a_text_is_in_its_own_language_and_in_no_other(language):
    verdicts = {code: is_in_language(TEXTS[language], code) for code in TEXTS}
    assert [code for code, verdict in verdicts.items() if verdict is not False] == [language]
    assert verdicts[language] is True


@pytest.mark.parametrize(
    ("text", "language", "verdict"),
    [
        ("42!", "en", None),
        ("", "ko", None),
        ("Paris.", "en", None),
        ("Paris.", "ru", False),
        ("日本語", "ja", None),
        ("日本語", "zh", None),
        ("日本語", "ko", False),
        ("네, iPhone이 좋아요", "ko", None),
        ("네, 저는 iPhone이 정말 좋아요. 당신은요?", "ko", None),
        ("네, 저는 사과가 정말 좋아요. OK", "ko", True),
        ("la la la la", "fr", None),
        ("E = 2. E + E = 4, so E and O are here with us", "pt", False),
        ("E = 2. E + E = 4, so E and O are here with us", "en", True),
        ("How much does it cost per hour?", "en", True),
        ("il faut in en un", "it", None),
        ("Aquest matí he anat al mercat i he comprat verdures fresques.", "es", None),
        ("THE KING OF FRANCE IS IN THE GARDEN", "en", True),
        ("LE ROI DE FRANCE EST DANS LE JARDIN", "en", False),
    ],
)
def test_few_words_a_mixture_and_languages_that_are_not_known_are_undecided(text, language, verdict):
    assert is_in_language(text, language) is verdict


def test_only_known_languages_are_decided():
    assert all(map(is_known_language, TEXTS)) and not is_known_language("xx") and not is_known_language("")
    with pytest.raises(KeyError):
        is_in_language("text", "xx")


def test_the_language_of_a_text_is_the_one_that_it_is_in():
    texts = {CODES[name]: text for name, text in ARTICLE_1.items() if name in CODES} | MARKET
    found = dict(zip(texts, languages_of(pl.Series(list(texts.values()))), strict=True))
    for code, text in texts.items():
        assert (found[code][1] == code) == (is_in_language(text, code) is True), code
    assert sum(found[code][1] is None for code in texts) <= 2


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("Name four fish.", "Latin"),
        ("café", "Latin"),
        ("四种鱼", "Han"),
        ("四つの魚", "Japanese"),
        ("네 물고기", "Hangul"),
        ("ψάρι", "Greek"),
        ("четыре fish", None),  # seven and four letters
        ("четыре рыбы x", "Cyrillic"),
        ("1 + 1 = 2", None),
        ("", None),
        ("…", None),
    ],
)
def test_a_text_has_the_script_of_four_fifths_of_its_letters(text, script):
    assert scripts_of(pl.Series([text])).to_list() == [script]


@pytest.mark.parametrize(
    ("first", "second", "other"),
    [
        (("Latin", "en"), ("Latin", "de"), True),
        (("Latin", "en"), ("Latin", "en"), False),
        (("Latin", None), ("Latin", "de"), False),
        (("Latin", None), ("Cyrillic", None), True),
        (("Latin", "en"), (None, None), False),
        (("Han", None), ("Japanese", "ja"), False),
        (("Han", "zh"), ("Japanese", "ja"), True),
        (("Han", "zh"), ("Hangul", "ko"), True),
    ],
)
def test_two_texts_are_in_other_languages_where_both_are_decided(first, second, other):
    assert is_other_language(first, second) is other
