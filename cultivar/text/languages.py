"""Whether a text is in a language, as far as its script and its function words say so.

A script that one language writes decides by itself. Languages that share a script are told apart by letters that only one
of them has, else by their most frequent function words (Grefenstette 1995, "Comparing two language identification schemes"). What neither decides is undecided:
few words, a mixture, or a language that is not listed here.
"""

from functools import cache

import polars as pl

from cultivar.text.tokens import normal_form, tokens_of

OWN_SCRIPT = {
    "bn": "Bengali",
    "el": "Greek",
    "gu": "Gujarati",
    "he": "Hebrew",
    "hy": "Armenian",
    "ka": "Georgian",
    "km": "Khmer",
    "kn": "Kannada",
    "ko": "Hangul",
    "lo": "Lao",
    "ml": "Malayalam",
    "my": "Myanmar",
    "or": "Oriya",
    "pa": "Gurmukhi",
    "si": "Sinhala",
    "ta": "Tamil",
    "te": "Telugu",
    "th": "Thai",
}
"""ISO 639-1 code -> the script that this language alone writes, but for small ones (Assamese in Bengali letters)."""

FUNCTION_WORDS = {
    "Devanagari": {
        "hi": "है हैं का की के में और को से पर यह वह नहीं ने कि भी था थे थी लिए हो जो मैं लेकिन",
        "mr": "आहे आहेत आणि च्या ची चा चे हे ही हा ते तो मध्ये नाही होते होता साठी पण या मी जे की असे",
        "ne": "छ छन् को मा र हो यो त्यो लाई पनि छैन गर्न भएको थियो का हुन् हुन्छ तर ले बाट छु",
    },
    "Arabic": {
        "ar": "في من على إلى أن التي الذي هذا هذه كان ما لا عن مع هو هي ذلك كل أو لم قد بين",
        "fa": "و در به از که این را با است برای آن یک خود تا می بر هم شود شده نیز ما اما یا های کرد",
        "ur": "کے کی میں ہے اور سے کا کو ہیں نے یہ پر وہ نہیں ایک کہ تھا بھی جو ہو گیا کر لیے",
    },
    "Cyrillic": {
        "ru": "и в не на что с он как это по но она к из у же бы от так за все для они мы быть",
        "uk": "і в не на що з він як це та але вона до із у ж від так за для вони ми бути є який",
        "sr": "и у је не на да се са за од као то али или што би који све су ће",
        "bg": "и в не на че с той като това по но тя към от за се са да ще съм беше който тези при до",
    },
    "Latin": {
        "en": "the of and to in a is that it for was with as his on be at by this had not are but from have or you i we he she "
        "they her him their my me what how many much more can if each then than will there has do does when who which so all "
        "would out up one been were an its your after into only about no",
        "de": "der die und das in den von zu mit sich des auf für ist im dem nicht ein eine als auch es an wird ich sie",
        "fr": "le la les de et des en un une du que est pour qui dans au par pas sur ne ce il je avec sont",
        "es": "el la de que y en los las se del un una por con no es para su al lo como más pero sus está este",
        "pt": "o a os as de que e do da em um uma para é com não no na por mais dos como mas foi ao ele se",
        "it": "il la di che e un una per in non è con del della si le da sono dei come nel più lo gli ma al",
        "nl": "de het een en van in is dat op te niet zijn voor met die er aan ook als bij maar om door naar ik",
        "sv": "och i att det som en på är av för med den till inte om ett han de var jag men har från så",
        "da": "og i at det er en til på som af for med ikke den der de et har var jeg han men om fra",
        "no": "og i det er på en som til av for med ikke den de et har var jeg han men om fra seg vi",
        "fi": "ja on ei se että hän ovat oli mutta kun niin myös joka tämä olen kuin tai mukaan sekä voi minä sen olla",
        "pl": "i w na z nie się do to że jest o jak po ale co za od przez jego tak są tym być oraz dla",
        "tr": "ve bir bu da de için ile çok olarak daha gibi o ne kadar var ama sonra olan en değil ben her",
        "vi": "và của là có không được cho một những trong với này các khi người đã để tôi bạn nhưng đó từ ở",
        "id": "dan yang di dengan untuk ini dari dalam itu tidak akan pada adalah saya ke juga karena anda atau bisa",
        "sw": "na ya wa kwa ni katika za la cha hii kama kuwa hiyo yake lakini pia sana watu au si kila hivyo vya",
        "ro": "și de în la a cu nu pe este că din un o pentru care mai sunt se fi dar ca au prin lui",
    },
}
"""Script -> ISO 639-1 code -> frequent function words."""
OWN_LETTERS = {"ar": "ةىأإ", "ur": "ٹڈڑںےھہ", "ru": "ыэё", "uk": "іїєґ", "sr": "ђјљњћџ"}
"""Letters that of the languages of a script here only this one writes."""
LETTERS = r"[\p{L}--\p{Common}]"


def is_in_language(text: str, language: str) -> bool | None:
    """Whether a text is in the language of an ISO 639-1 code; None where this is undecided. Raises KeyError."""
    if language in OWN_SCRIPT:
        return decide_by_share(text, OWN_SCRIPT[language])
    if language in ("zh", "ja"):
        return is_chinese_or_japanese(text, language)
    script = script_of()[language]
    share = decide_by_share(text, script)
    return decide_by_words(text, script, language) if share else share


def is_known_language(language: str) -> bool:
    """Whether this module can tell the language from others."""
    return language in OWN_SCRIPT or language in ("zh", "ja") or language in script_of()


@cache
def script_of() -> dict[str, str]:
    return {code: script for script, languages in FUNCTION_WORDS.items() for code in languages}


@cache
def function_words(script: str) -> dict[str, frozenset[str]]:
    """Language -> its words in normal form, without Latin letters alone, which also name things."""
    words = {code: normal_form(words).split() for code, words in FUNCTION_WORDS[script].items()}
    return {
        code: frozenset(word for word in part if script != "Latin" or len(word) > 1) for code, part in words.items()
    }


def share_of(text: str, *scripts: str) -> float:
    """Share of the letters of a text that belong to the scripts; 0 without letters."""
    series = pl.Series([text])
    letters = series.str.count_matches(LETTERS)[0]
    of_scripts = "".join(rf"\p{{{script}}}" for script in scripts)
    return series.str.count_matches(rf"[[{of_scripts}]&&\p{{L}}]")[0] / letters if letters else 0.0


def decide_by_share(text: str, *scripts: str) -> bool | None:
    """True from four fifths of the letters, False below a quarter; a text without letters says nothing."""
    if not any(map(str.isalpha, text)):
        return None
    share = share_of(text, *scripts)
    return True if share >= 0.8 else False if share < 0.25 else None


def is_chinese_or_japanese(text: str, language: str) -> bool | None:
    """Japanese has kana beside its Chinese characters; a short text of characters alone may be either."""
    share = decide_by_share(text, "Han", "Hiragana", "Katakana")
    if not share:
        return share
    kana = share_of(text, "Hiragana", "Katakana")
    if kana >= 0.1:
        return language == "ja"
    return language == "zh" if kana == 0 and len(text) >= 20 else None


def decide_by_words(text: str, script: str, language: str) -> bool | None:
    """By letters of one language, else by most function words: at least three, and a tenth of all words.

    The language has half as many again as any other, or at most half of what another has.
    """
    if own := languages_by_letters(text):
        return own == [language] or (None if language in own else False)
    hits, least = count_function_words(text, script)
    best, second = sorted(hits, key=lambda code: (-hits[code], code))[:2]
    if hits[best] < least:
        return None
    if best == language:
        return True if hits[best] >= 1.5 * hits[second] else None
    return False if hits[best] >= 2 * hits[language] else None


def languages_by_letters(text: str) -> list[str]:
    """Languages that alone have some letter of the text, more than once."""
    lower = text.lower()
    return [code for code, letters in OWN_LETTERS.items() if sum(map(lower.count, letters)) > 1]


def count_function_words(text: str, script: str) -> tuple[dict[str, int], float]:
    """Function words of each language of a script in a text, and how many tell a language: three, and a tenth of all words."""
    tokens = tokens_of(text)
    hits = {code: sum(token in words for token in tokens) for code, words in function_words(script).items()}
    return hits, max(3, len(tokens) / 10)


def scripts_of(texts: pl.Series) -> pl.Series:
    """The script of at least four fifths of the letters of each text, "Japanese" where kana stand among Chinese characters.

    Null where letters of several scripts are mixed or there are none.
    """
    ascii_only = texts.str.len_bytes() == texts.str.len_chars()
    found = pl.select(pl.when(ascii_only & texts.str.contains("[A-Za-z]")).then(pl.lit("Latin"))).to_series()
    places = (~ascii_only).arg_true()
    if not len(places):
        return found
    others = texts.gather(places)
    letters = others.str.count_matches(LETTERS)
    names = ["Latin", *(script for script in FUNCTION_WORDS if script != "Latin"), *OWN_SCRIPT.values()]
    counts = {name: others.str.count_matches(rf"[\p{{{name}}}&&\p{{L}}]") for name in names}
    han = others.str.count_matches(r"\p{Han}")
    kana = others.str.count_matches(r"[\p{Hiragana}\p{Katakana}]")
    counts |= {"Han": han, "Japanese": pl.select(pl.when(kana > 0).then(han + kana).otherwise(0)).to_series()}
    enough = [
        pl.when((count >= 0.8 * letters) & (count > 0)).then(pl.lit(name)) for name, count in reversed(counts.items())
    ]
    return found.scatter(places, pl.select(pl.coalesce(enough)).to_series())


def languages_of(texts: pl.Series) -> list[tuple[str | None, str | None]]:
    """(script, ISO 639-1 code) of each text, None where it is undecided (`scripts_of`, `is_in_language`)."""
    scripts = scripts_of(texts).to_list()
    return [(script, language_in(script, text)) for script, text in zip(scripts, texts.to_list(), strict=True)]


def language_in(script: str | None, text: str) -> str | None:
    """The language of a text in a script, None where it is undecided."""
    if script in FUNCTION_WORDS:
        return language_by_words(text, script)
    if script == "Han":
        return "zh" if len(text) >= 20 else None
    if script == "Japanese":
        return "ja" if share_of(text, "Hiragana", "Katakana") >= 0.1 else None
    return next((code for code, own in OWN_SCRIPT.items() if own == script), None)


def language_by_words(text: str, script: str) -> str | None:
    """The language of which `decide_by_words` would say that the text is in it."""
    own = [code for code in languages_by_letters(text) if code in FUNCTION_WORDS[script]]
    if own:
        return own[0] if len(own) == 1 else None
    hits, least = count_function_words(text, script)
    best, second = sorted(hits, key=lambda code: (-hits[code], code))[:2]
    return best if hits[best] >= max(least, 1.5 * hits[second]) else None


def is_other_language(first: tuple[str | None, str | None], second: tuple[str | None, str | None]) -> bool:
    """Whether two texts (each a script and a language) are in different languages, as far as this is decided."""
    if first[1] and second[1]:
        return first[1] != second[1]
    unlike = first[0] is not None and second[0] is not None and first[0] != second[0]
    return unlike and {first[0], second[0]} != {"Han", "Japanese"}
